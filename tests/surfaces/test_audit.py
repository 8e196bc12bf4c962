"""``nbmlops audit``: what an auditor does, with and without the project."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nbmlops.governance import Link
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import RefusalRecorded, Submitted
from nbmlops.settings import load_settings
from nbmlops.surfaces.cli import main
from nbmlops.testing import make_submission
from nbmlops.workspace import Workspace

HOSTILE = '=cmd|"/c calc"!A0 [red]<script>alert(1)</script>'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three facts, one of them hostile, as the current folder."""
    for name in ("NBMLOPS_ROOT", "NBMLOPS_USER", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    (root / "nbmlops.toml").touch()
    monkeypatch.chdir(root)
    ledger = SqlAlchemyLedger(load_settings().ledger_path)
    submission = make_submission()
    ledger.append(Submitted(submission=submission), actor="ada")
    ledger.append(
        RefusalRecorded(verb="register", subject=submission.id, by="ada", why=("no sign-off",)),
        actor="ada",
    )
    ledger.append(
        RefusalRecorded(verb="register", subject=HOSTILE, by=HOSTILE, why=(HOSTILE,)),
        actor=HOSTILE,
    )
    ledger.close()
    return root


def invoke(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["audit", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_the_log_tells_each_fact_in_a_sentence() -> None:
    """And shows hostile text as text."""
    told = " ".join(invoke("log").output.split())
    assert "Refused: ada tried to register" in told
    assert "no sign-off" in told
    assert "[red]" in told


def test_an_auditor_verifies_an_export_with_a_checkpoint_and_no_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control is intact; a byte, and a cut, are found."""
    outside = project.parent / "auditor"
    invoke("checkpoint", "--to", str(outside))
    kept = str(next(outside.glob("checkpoint-*.json")))
    lines = outside / "facts.jsonl"
    invoke("export", "-o", str(lines))
    monkeypatch.chdir(outside)
    whole = ("verify", "--export", str(lines), "--checkpoint", kept)
    assert "Intact: 3 facts" in invoke(*whole).output
    good = lines.read_bytes()
    lines.write_bytes(good.replace(b'"by":"ada"', b'"by":"eve"', 1))
    assert "was changed" in invoke(*whole, code=8).output
    lines.write_bytes(good[: good.rindex(b"\n", 0, -1) + 1])
    assert "Intact: 2 facts" in invoke("verify", "--export", str(lines)).output
    assert "was cut" in invoke(*whole, code=8).output
    assert not (outside / ".nbmlops").exists()


def test_a_proof_convinces_whoever_has_the_checkpoint(project: Path) -> None:
    """By number, by id, and that the ledger went on from it."""
    kept = project.parent / "kept.json"
    kept.write_text(invoke("checkpoint", "--json").output)
    review = next(iter(Workspace.open().audit_log())).fact.submission.id  # type: ignore[union-attr] # the first fact is the submission
    for what in ("2", review):
        proof = project.parent / "proof.json"
        proof.write_text(invoke("prove", what, "--checkpoint", str(kept)).output)
        said = invoke("verify", "--proof", str(proof), "--checkpoint", str(kept)).output
        assert "unchanged" in said
    proof.write_text(proof.read_text().replace("ada", "eve"))
    invoke("verify", "--proof", str(proof), "--checkpoint", str(kept), code=8)
    proof.write_text(invoke("prove", "--checkpoint", str(kept)).output)
    said = invoke("verify", "--proof", str(proof), "--checkpoint", str(kept)).output
    assert "continues" in said
    assert "number or id" in invoke("prove", code=2).output
    for nothing in ("review-none", ""):
        assert "lists them" in invoke("prove", nothing, code=3).output


def test_the_table_is_safe_in_a_spreadsheet(project: Path) -> None:
    """A cell that begins like a formula is text."""
    path = project / "facts.csv"
    invoke("export", "--csv", "-o", str(path))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["submitted", "refused", "refused"]
    assert rows[0]["actor"] == "ada"
    assert rows[2]["actor"] == f"'{HOSTILE}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.rows = 0
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.rows += tag == "tr" and any(name == "id" for name, _ in attrs)
        self.outside += [
            v for n, v in attrs if n in ("src", "href") and v and not v.startswith("#")
        ]


def test_the_page_needs_nothing_else_and_runs_nothing_of_theirs(project: Path) -> None:
    """One script, ours; no address outside; every fact a row."""
    path = project / "audit.html"
    invoke("export", "--html", "-o", str(path))
    page = _Page()
    page.feed(path.read_text())
    assert (page.scripts, page.rows, page.outside) == (1, 3, [])
    assert "The chain is intact" in path.read_text()
    assert Workspace.open().audit_checkpoint().root in path.read_text()


def test_the_page_follows_the_chain_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For how it stands and for its checkpoint; the facts themselves are then told."""
    followed: list[int] = []
    links = SqlAlchemyLedger.links

    def counted(ledger: SqlAlchemyLedger, after: int = 0) -> Iterator[Link]:
        followed.append(after)
        return links(ledger, after)

    monkeypatch.setattr(SqlAlchemyLedger, "links", counted)
    invoke("export", "--html", "-o", str(project / "audit.html"))
    assert followed == [0]


def test_checkpoints_are_kept_by_the_clock(project: Path) -> None:
    """Where the settings ask for it: at first, then when something new is due; never twice."""
    from datetime import timedelta

    from nbmlops.records import now
    from nbmlops.workspace.audit import keep_due
    from nbmlops.workspace.stores import Stores

    assert Workspace.open().scheduler().run_due() == []
    assert not (project.parent / "vault").exists()
    (project / "nbmlops.toml").write_text(
        f'[audit]\ncheckpoints = ["{project.parent / "vault"}"]\ncron = "0 6 * * *"\n'
    )
    Workspace.open().scheduler().run_due()
    assert len(list((project.parent / "vault").iterdir())) == 1
    stores = Stores(load_settings(), now, None, None)
    assert keep_due(stores, now() + timedelta(days=2)) == ()
    ledger = SqlAlchemyLedger(load_settings().ledger_path)
    ledger.append(RefusalRecorded(verb="v", subject="s", by="b", why=()), actor="b")
    assert keep_due(stores, now() + timedelta(seconds=1)) == ()
    assert len(keep_due(stores, now() + timedelta(days=2))) == 1


def test_a_file_that_is_something_else_is_one_sentence(project: Path) -> None:
    """And names the option."""
    path = project / "nbmlops.toml"
    output = invoke("verify", "--checkpoint", str(path), code=2).output
    assert "--checkpoint" in output
    json.loads(invoke("checkpoint", "--json").output)
