"""Keys, policy and signed verdicts by the commands and magics that people type."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from nbmlops.records import (
    DataInput,
    Executed,
    Execution,
    Fingerprint,
    MetricAgreement,
    Promoted,
    Schedule,
    Scheduled,
    Submission,
)
from nbmlops.settings import Settings
from nbmlops.surfaces.cli import main
from nbmlops.surfaces.magics import load_ipython_extension
from nbmlops.testing import EPOCH, make_promotion, make_submission
from nbmlops.workspace import Workspace

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def here(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada's project is the current folder; keys are kept beside it."""
    for name in ("NBMLOPS_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NBMLOPS_USER", "ada")
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(settings.root)


def run(*arguments: str, says: str = "", code: int = 0, given: str | None = None) -> Result:
    result = CliRunner().invoke(main, list(arguments), input=given)
    assert result.exit_code == code, result.output
    assert says in result.output.replace("\n", " "), result.output
    assert "Traceback" not in result.output
    assert PASSPHRASE not in result.output
    return result


def told(*arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(*arguments, "--json").output)
    return found


def test_a_key_is_made_named_in_the_policy_and_signs(
    settings: Settings,
    submitted: Callable[..., Submission],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The passphrase comes from a prompt or the environment, and is nowhere to be seen."""
    review = submitted().id
    twice = f"{PASSPHRASE}\n{PASSPHRASE}\n"
    run("keys", "create", "--as", "grace", given=twice, says="For the policy's reviewers")
    (key,) = json.loads(run("keys", "list", "--json").output)
    public = run("keys", "export", "grace").output.strip()
    assert public == key["text"]
    (settings.root / "nbmlops.policy.yaml").write_text(
        f'version: 1\nidentity: signed\nreviewers: {{grace: {{keys: ["{public}"]}}}}\n'
    )
    run("policy", "check", says="Good: version 1, sign-offs signed, 1 reviewers")
    run("policy", "publish", says="Published version 1")
    run("policy", "show", says="published by ada")
    run("review", review, "--dry-run", says="1 sign-off is missing")

    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("NBMLOPS_KEYS", str(settings.root / "no-keys"))
        run("sign-off", review, "--as", "grace", code=6, says="nbmlops keys create makes one")
    wrong = run("sign-off", review, "--as", "grace", given="wrong passphrase\n", code=2)
    assert "passphrase is wrong" in wrong.output.replace("\n", " ")
    monkeypatch.setenv("NBMLOPS_PASSPHRASE", PASSPHRASE)
    run("sign-off", review, "--as", "ada", code=6, says="ada is the author")
    run("sign-off", review, "--as", "grace", says=f"signed with key {key['id']}")
    run("review", review, "--dry-run", says="Nothing is missing")

    monkeypatch.setenv("NBMLOPS_NEW_PASSPHRASE", PASSPHRASE + " new")
    new = told("keys", "rotate", str(key["id"]))
    run("keys", "rotate", str(key["id"]), code=6, says="was rotated already")
    run("review", review, "--dry-run", says="Nothing is missing")
    run("keys", "revoke", str(key["id"]), "--reason", "lost", says="no longer counts")
    run("review", review, "--dry-run", says="was revoked")
    assert new["id"] != key["id"]


def test_findings_and_withdrawals_have_commands(submitted: Callable[..., Submission]) -> None:
    """Each says what it did; and what it may not do."""
    review = submitted().id
    finding = str(
        told("finding", "add", review, "Which month?", "--cell", "1", "--as", "grace")["id"]
    )
    run("finding", "list", review, says="Which month?")
    run("finding", "resolve", finding, code=6, says="ada is the author")
    run("finding", "resolve", finding, "--note", "July.", "--as", "alan", says="settled by alan")
    run("sign-off", review, "--as", "grace", says="self-asserted, unsigned")
    run("withdraw", review, "--reason", "Wrong month.", says="Withdrawn")
    run("review", review, says="is withdrawn")
    run("sign-off", review, "--as", "grace", "--days", "30", "--scope", "register")
    run("register", review, code=6, says="that allows alias:champion")
    run("submit", "promotion-1", "--card", "purpose", code=2, says="is not FIELD=TEXT")


def test_what_others_named_is_shown_as_they_wrote_it(
    settings: Settings, submitted: Callable[..., Submission]
) -> None:
    """It is no markup of the terminal, which would hide it or end the command."""
    odd = "[/] [red]x"
    evidence = msgspec.structs.replace(
        make_submission().evidence,
        clean_run=(MetricAgreement(name=odd, tracked=1, clean=1, tolerance=0, agrees=True),),
        inputs=(DataInput(role=odd, name=odd, fingerprint=Fingerprint(kind="x", digest=odd)),),
    )
    stores = Workspace(settings).stores
    review = submitted(author=odd, evidence=evidence).id
    promotion = make_promotion(id=f"promotion-{odd}", notebook=odd, author=odd)
    stores.append(Promoted(promotion=promotion), "ada")
    schedule = Schedule(
        id=odd, promotion_id="p", model_name=odd, cron=odd, timezone=odd, author=odd, at=EPOCH
    )
    stores.append(Scheduled(schedule=schedule), "ada")
    execution = Execution(
        id=odd, promotion_id="p", content_digest="c", schedule_id=None, due=None,
        parameters={odd: odd}, actor=odd, started=EPOCH, duration=1.0, outcome="failed",
        error=odd, run_ids=(odd,),
    )  # fmt: skip
    stores.append(Executed(execution=execution), "ada")
    for command in (("review",), ("review", review), ("promote",), ("schedule",), ("execute",)):
        run(*command, says="[/]")


def test_nothing_that_others_wrote_steers_the_terminal(
    submitted: Callable[..., Submission],
) -> None:
    """Else a note could wipe what stands above it, and write a better review in its place."""
    evidence = make_submission().evidence
    wiping = "fair\x1b[2J\x9b1A\u202eon\rsi ti\ttab\nline"
    review = submitted(evidence=msgspec.structs.replace(evidence, notes=(wiping,))).id
    shown = run("review", review, says="fair").output
    assert r"fair\x1b[2J\x9b1A\u202eon\rsi ti" in shown
    assert "line" in shown
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(shown)


def test_the_schema_is_printed_and_a_broken_policy_told(settings: Settings) -> None:
    """With file and key."""
    assert told("policy", "schema")["title"] == "nbmlops policy"
    run("policy", "check", code=2, says="There is no policy")
    (settings.root / "nbmlops.policy.yaml").write_bytes(b"\xff")
    run("policy", "check", code=2, says="not UTF-8")
    other = settings.root / "other.yaml"
    other.write_text("version: 1\nidentity: self-asserted\nsignoffs: 2\n")
    run("policy", "check", str(other), code=2, says="unknown field `signoffs`")


@pytest.mark.parametrize(
    ("command", "lists"),
    [(("review", "zzz"), "nbmlops review"), (("submit", "zzz"), "nbmlops promote")],
)
def test_a_wrong_id_is_told_with_the_command_that_lists_the_right_ones(
    command: tuple[str, ...], lists: str, settings: Settings
) -> None:
    """Whoever mistyped an id learns where to look it up."""
    run(*command, code=3, says=f"here. `{lists}` lists those that there are.")


def test_the_magics_are_doors_to_the_same_verbs(
    submitted: Callable[..., Submission], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is refused is one sentence, without a traceback."""
    review = submitted().id
    shell = InteractiveShell()
    load_ipython_extension(shell)

    def magic(name: str, line: str) -> str:
        shell.run_line_magic(name, line)
        return capsys.readouterr().out

    waiting = f"{review}: late_arrival by ada, waiting.\n  - 1 sign-off is missing"
    assert waiting in magic("review", "")
    assert "1 sign-off is missing" in magic("review", f"--dry-run {review}")
    for name, line, says in (
        ("register", review, "1 sign-off is missing"),
        ("submit", "promotion-none", "promotion-none"),
        ("submit", "promotion-none --card purpose", "takes FIELD=TEXT"),
        ("review", "review-none", "review-none"),
        ("review", "--dry-run", "Nothing has been tracked yet"),
        ("register", "", "%register cannot stand alone"),
    ):
        with pytest.raises(UsageError, match=says):
            magic(name, line)
    run("sign-off", review, "--as", "grace")
    assert "Nothing is missing" in magic("review", f"--dry-run {review}")
    widget = shell.run_line_magic("review", f"{review} --as grace")
    assert type(widget).__name__ == "ReviewWidget"
