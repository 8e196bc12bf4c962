"""When something is wrong: one sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.records import Promoted, RefusalRecorded
from nbmlops.surfaces.cli import main
from nbmlops.testing import make_promotion, make_run
from nbmlops.tracking import Journal
from nbmlops.workspace import Workspace


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one tracked run, as the current folder."""
    for name in ("NBMLOPS_ROOT", "NBMLOPS_USER", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".nbmlops").mkdir()
    Journal(tmp_path / ".nbmlops" / "journal.db").record(make_run(id="run-1"))
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def write(path: Path, source: str, kernel: str = "python3") -> None:
    notebook = new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel}})
    notebook.cells = [new_code_cell(source)]
    nbformat.write(notebook, path)


def no_json(path: Path) -> None:
    path.write_text("no json")


def no_kernel(path: Path) -> None:
    write(path, "1", kernel="cobol")


def raises(path: Path) -> None:
    write(path, "1 / 0")


def trains_nothing(path: Path) -> None:
    write(path, "print('hello')")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_json, "not a notebook"),
        (lambda path: None, "There is no notebook"),
        (no_kernel, "kernel 'cobol'"),
        (raises, "ZeroDivisionError: division by zero"),
        (trains_nothing, "no model at all"),
    ],
    ids=["no notebook", "missing", "kernel missing", "a cell raises", "trains nothing"],
)
def test_a_promotion_that_fails_leaves_nothing_behind(
    project: Path, make: Callable[[Path], None], says: str
) -> None:
    """No fact, no bundle, no staging folder; the given notebook as it was."""
    path = project / "given.ipynb"
    make(path)
    before = path.read_bytes() if path.exists() else None
    result = invoke("promote", "run-1", "--notebook", "given.ipynb")
    assert result.exit_code in (4, 5), result.output
    assert says in result.output.replace("\n", " ")
    assert "Traceback" not in result.output
    assert (path.read_bytes() if path.exists() else None) == before
    assert list(Workspace.open().audit_log()) == []
    assert list((project / ".nbmlops").glob("bundles/*")) == []
    assert list((project / ".nbmlops").glob("bundles/.*")) == []


def test_an_mlflow_server_that_does_not_answer_keeps_the_records(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names it; the run still waits in the journal, and arrives once it answers."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    result = invoke("sync")
    assert result.exit_code == 7, result.output
    assert "127.0.0.1:9" in result.output
    assert "Traceback" not in result.output
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "1 record delivered" in invoke("sync").output
    assert "0 records delivered" in invoke("sync").output


def test_a_ledger_of_a_newer_schema_is_neither_read_nor_written(project: Path) -> None:
    """By no verb."""
    path = project / ".nbmlops" / "ledger.db"
    workspace = Workspace.open()
    workspace._stores.append(
        RefusalRecorded(verb="v", subject="s", by="b", why=()), "somebody"
    )  # any fact brings the ledger into being
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    for arguments in (("review",), ("promote",), ("audit", "verify"), ("submit", "promotion-1")):
        result = invoke(*arguments)
        assert result.exit_code == 7, (arguments, result.output)
        assert "schema version 9999" in result.output.replace("\n", " ")


def test_a_missing_bundle_is_told_where_it_matters(project: Path) -> None:
    """Executing or submitting what was deleted from the vault."""
    workspace = Workspace.open()
    promotion = make_promotion()
    workspace._stores.append(Promoted(promotion=promotion), "ada")
    for verb in ("execute", "submit"):
        result = invoke(verb, promotion.id)
        assert result.exit_code == 8, result.output
        assert "not in the vault" in result.output.replace("\n", " ")


def test_a_server_that_does_not_answer_is_said_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not when MLflow has given up, minutes later; what only this machine knows, it still tells."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    asked: list[object] = []
    monkeypatch.setattr("mlflow.utils.rest_utils.http_request", _noting(asked))
    result = invoke("submit", "p-1")
    assert result.exit_code == 7, result.output
    assert "http://127.0.0.1:9 does not answer. Start it, or correct tracking_uri." in result.output
    assert asked == [1]  # retries
    assert "run-1" in invoke("runs").output


def _noting(retries: list[object]) -> Callable[..., object]:
    from mlflow.utils.rest_utils import http_request

    def request(*args: object, **kwargs: object) -> object:
        retries.append(kwargs.get("max_retries"))
        return http_request(*args, **kwargs)

    return request
