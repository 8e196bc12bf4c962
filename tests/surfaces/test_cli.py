"""The command line: one verb a command, errors as sentences, JSON on request."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from click import Group
from click.testing import CliRunner, Result
from rich.console import Console

from nbmlops.records import Metric
from nbmlops.surfaces.cli import main
from nbmlops.surfaces.cli.door import told_parameters
from nbmlops.surfaces.cli.names import broken
from nbmlops.surfaces.cli.track import runs_table
from nbmlops.testing import EPOCH, make_run
from nbmlops.tracking import Journal
from nbmlops.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the current folder, away from the environment's."""
    for name in ("NBMLOPS_ROOT", "NBMLOPS_USER", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*arguments: str, monkeypatch: pytest.MonkeyPatch | None = None) -> Result:
    if monkeypatch:
        monkeypatch.setattr("sys.argv", ["nbmlops", *arguments])
    return CliRunner().invoke(main, list(arguments))


def test_every_command_stands_in_the_readme_and_has_help() -> None:
    """And the README names none that does not exist."""
    told = set(re.findall(r"^\| `nbmlops ([a-z-]+)` \|", (ROOT / "README.md").read_text(), re.M))
    assert told == set(main.commands)
    for name in main.commands:
        assert invoke(name, "--help").exit_code == 0


def leaves(group: Group, *above: str) -> list[tuple[str, ...]]:
    """Every command that does something, with the groups that it stands in."""
    return [
        leaf
        for name, command in sorted(group.commands.items())
        for leaf in (
            leaves(command, *above, name) if isinstance(command, Group) else [(*above, name)]
        )
    ]


@pytest.mark.parametrize("path", leaves(main), ids=" ".join)
def test_every_command_takes_json(path: tuple[str, ...]) -> None:
    """Scripts can rely on it; two speak nothing but JSON unless they are told to."""
    if path not in (("audit", "export"), ("audit", "prove")):
        assert "--json" in invoke(*path, "--help").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", "promotion-none"),
        ("review", "review-none"),
        ("sign-off", "review-none"),
        ("register", "review-none"),
        ("review", "none-none", "--dry-run"),
        ("withdraw", "review-none", "--reason", "drift"),
        ("finding", "add", "review-none", "text"),
        ("finding", "resolve", "finding-none"),
        ("alias", "model-none", "1"),
        ("execute", "promotion-none"),
        ("schedule", "promotion-none", "--cron", "0 6 1 * *"),
        ("unschedule", "schedule-none"),
        ("promote", "run-none"),
        ("runs", "run-none"),
    ],
    ids=lambda a: " ".join(a[:2]),
)
def test_an_unknown_id_is_one_sentence_and_writes_nothing(
    project: Path, arguments: tuple[str, ...]
) -> None:
    """Exit code 3, the id in the sentence, no traceback, no ledger."""
    result = invoke(*arguments)
    assert result.exit_code == 3, result.output
    assert "-none" in result.output
    assert "Traceback" not in result.output
    assert not (project / ".nbmlops" / "ledger.db").exists()


def test_an_error_is_json_where_json_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its class, for scripts to tell errors apart."""
    result = invoke("review", "review-none", "--json", monkeypatch=monkeypatch)
    assert result.exit_code == 3
    assert json.loads(result.output)["error"] == "NotFound"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("sign_offs = ", "cannot be read"),
        ("polcy = 1", "unknown field `polcy`"),
        ("[policy]\nsign_offs = 'two'", "policy.sign_offs"),
    ],
    ids=["no TOML", "unknown key", "wrong type"],
)
def test_bad_settings_name_file_and_key(project: Path, toml: str, says: str) -> None:
    """Exit code 2."""
    (project / "nbmlops.toml").write_text(toml)
    result = invoke("promote")
    assert result.exit_code == 2
    assert "nbmlops.toml" in result.output
    assert says in result.output


def test_a_policy_to_begin_with_is_written_once(project: Path) -> None:
    """It can be kept as it is, and what is there is never written over."""
    assert "nbmlops policy init" in invoke("policy", "check").output
    assert "policy check" in invoke("policy", "init").output
    file = project / "nbmlops.policy.yaml"
    assert "Good" in invoke("policy", "check").output
    file.write_text("edited")
    again = invoke("policy", "init")
    assert (again.exit_code, file.read_text()) == (2, "edited")
    assert "stays as it is" in " ".join(again.output.split())


def test_a_policy_published_as_it_was_written_is_told_to_ask_for_little(project: Path) -> None:
    """When it is checked and when it is put in force; one that asks for more goes without a word."""
    invoke("policy", "init")
    for command in ("check", "publish"):
        told = " ".join(invoke("policy", command).output.split())
        assert "Caution identity: self-asserted counts whatever name is typed" in told
        assert "Write identity: server" in told
    (caution,) = json.loads(invoke("policy", "check", "--json").output)["cautions"]
    assert "self-asserted" in caution
    file = project / "nbmlops.policy.yaml"
    file.write_text("version: 2\nidentity: server\n")
    assert json.loads(invoke("policy", "check", "--json").output)["cautions"] == []
    for command in ("check", "publish"):
        assert "Caution" not in invoke("policy", command).output


@pytest.mark.parametrize("subject", ["model-none/7", "model-none@champion"])
def test_a_version_that_is_not_there_is_withdrawn_in_our_words(project: Path, subject: str) -> None:
    """With what to do next."""
    told = " ".join(invoke("withdraw", subject, "--reason", "drift").output.split())
    assert "of a model 'model-none'. `nbmlops review` lists what was registered." in told
    assert "Registered Model" not in told


@pytest.mark.parametrize("command", ["promote", "schedule", "execute", "review"])
def test_empty_lists_say_what_to_do_next(command: str) -> None:
    """And succeed."""
    result = invoke(command)
    assert result.exit_code == 0
    assert "nbmlops " in result.output
    assert json.loads(invoke(command, "--json").output) == []


@pytest.mark.parametrize("arguments", [("promote", "run-none"), ("audit", "verify")])
def test_no_bar_leaves_an_empty_line_where_nobody_watches(arguments: tuple[str, ...]) -> None:
    """Standard error of a pipe or a log holds the sentence, if any, and nothing else."""
    result = invoke(*arguments)
    assert "" not in result.stderr.splitlines()


def test_the_doctor_cuts_no_sentence_on_a_narrow_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each subject and finding is there in full, over as many lines as it takes."""
    monkeypatch.setattr("nbmlops.surfaces.cli.doctor.console", Console(width=80))
    invoke("doctor")  # leaves its own refusal on the ledger, which the findings count
    told = "".join(invoke("doctor").output.split())
    findings = [
        f for f in json.loads(invoke("doctor", "--json").output) if f["subject"] != "ledger"
    ]
    assert len(findings) > 5
    assert "standsontheledgerasyourrefusals" in told
    for finding in findings:
        assert "".join((finding["subject"] + finding["finding"]).split()) in told


def test_the_list_of_runs_says_what_it_leaves_out(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latest 50, and the way to all; JSON, which programs read, holds all."""
    monkeypatch.chdir(workspace.settings.root)
    journal = Journal(workspace.settings.journal_path)
    for number in range(60):
        journal.record(make_run(id=f"run-{number:012}"))
    told = invoke("runs").output
    assert "The latest 50 of 60 runs. --limit 60 lists all." in " ".join(told.split())
    assert told.count("run-0000") == 50
    whole = invoke("runs", "--limit", "60").output
    assert whole.count("run-0000") == 60
    assert "latest" not in whole
    assert len(json.loads(invoke("runs", "--json").output)) == 60
    assert len(json.loads(invoke("runs", "--json", "--limit", "3").output)) == 3


def test_the_runs_fit_into_80_columns() -> None:
    """With a long class, metric and notebook, neither id nor digest nor class's word is lost."""
    run = make_run()
    screen = Console(width=80, file=StringIO())
    screen.print(runs_table([run]))
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined] # the StringIO above
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(run.id)
    assert lines[1].rstrip().endswith(run.data_digest[:8])


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("HistGradientBoostingClassifier", 23, ["HistGradientBoosting", "Classifier"]),
        ("late_arrival.promoted.ipynb", 23, ["late_arrival.promoted.", "ipynb"]),
        ("roc_auc_score_X_test 0.7303", 22, ["roc_auc_score_X_test", "0.7303"]),
        ("roc_auc_score 0.7303", 17, ["roc_auc_score", "0.7303"]),
        ("alpha 1e-05", 8, ["alpha", "1e-05"]),
        ("short", 22, ["short"]),
        ("a" * 12, 5, ["aaaaa", "aaaaa", "aa"]),
        ("", 5, [""]),
    ],
)
def test_names_are_broken_between_their_words(text: str, width: int, lines: list[str]) -> None:
    """Never within one, unless it alone is wider than the column."""
    assert broken(text, width) == lines


def test_names_in_the_table_of_runs_keep_their_words_whole() -> None:
    """At 80 columns, with markup in a name shown as it is."""
    run = make_run(
        name="Pipeline of HistGradientBoostingClassifier",
        notebook="late_arrival.promoted.ipynb",
        metrics=(Metric(name="roc_auc_score_[bold]X", value=0.7303, at=EPOCH),),
    )
    screen = Console(width=80, file=StringIO())
    screen.print(runs_table([run]))
    told = screen.file.getvalue()  # type: ignore[attr-defined] # the StringIO above
    for word in ("Classifier", "late_arrival.", "promoted.", "ipynb", "[bold]X", "0.7303"):
        assert word in told


def test_of_many_metrics_the_table_shows_the_newest_and_one_run_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Values stand whole, before their names; how many more there are is said."""
    metrics = tuple(Metric(name=f"score_{n}", value=n + 0.25, at=EPOCH) for n in range(6))
    run = make_run(metrics=metrics)
    screen = Console(width=80, file=StringIO())
    screen.print(runs_table([run]))
    told = screen.file.getvalue()  # type: ignore[attr-defined] # the StringIO above
    assert "5.25   score_5" in told
    assert "and 2 more" in told
    assert "score_1" not in told
    monkeypatch.setattr(Workspace, "run", lambda *_: run)
    alone = " ".join(invoke("runs", run.id).output.split())
    assert "score_0 0.25, score_1 1.25" in alone


def test_parameters_are_told_as_they_are_given() -> None:
    """As ``-p`` takes them, and not as Python prints a dict."""
    assert told_parameters({"month": 8, "late": True}) == "month=8, late=True"


def test_the_help_tells_each_command_in_a_whole_sentence() -> None:
    """Not cut off where the line ends."""
    _, commands = invoke("--help").output.split("Commands:")
    assert "..." not in commands
    assert "which ways round the gate are closed" in " ".join(commands.split())


def test_the_audit_of_nothing_is_intact() -> None:
    """No facts, no break."""
    report = json.loads(invoke("audit", "verify", "--json").output)
    assert (report["intact"], report["facts"]) == (True, 0)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("month=8", 8),
        ("city=New York", "New York"),
        ("ok=true", True),
        ("x=1.5", 1.5),
        ("n=null", None),
    ],
)
def test_parameters_are_read_as_json_or_text(pair: str, value: object) -> None:
    """Numbers are numbers."""
    from nbmlops.surfaces.cli.door import parse_parameters

    assert parse_parameters((pair,)) == {pair.partition("=")[0]: value}


@pytest.mark.parametrize("pair", ["month", "=8", "a b=1", "list=[1]"])
def test_what_is_no_parameter_is_a_usage_error(pair: str) -> None:
    """Before anything runs."""
    assert invoke("execute", "promotion-1", "-p", pair).exit_code in (2, 3)
    from click import BadParameter

    from nbmlops.surfaces.cli.door import parse_parameters

    with pytest.raises(BadParameter):
        parse_parameters((pair,))


def test_lab_tells_what_it_would_open(project: Path) -> None:
    """The example notebooks where they lie here and this is no project yet; else this project."""
    (project / "example_notebooks").mkdir()
    told = json.loads(invoke("lab", "--json").output)
    assert told["command"][3].endswith("example_notebooks")
    assert told["environment"]["MLFLOW_REGISTRY_URI"].startswith("nbmlops+sqlite:///")
    (project / ".nbmlops").mkdir()
    told = json.loads(invoke("lab", "--json").output)
    assert told["command"][3] == str(project)
