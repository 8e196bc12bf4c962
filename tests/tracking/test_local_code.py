"""Which code is the user's own, and what is opened on the way that is no file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbmlops.tracking.code import installed
from nbmlops.tracking.session import artifacts
from tests.tracking.conftest import Kernel


def test_libraries_in_a_folder_of_their_own_are_not_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``pip install --target``: reading every function of pandas took minutes there."""
    libraries, local = tmp_path / "libraries", tmp_path / "local"
    (libraries / "pandas-2.2.3.dist-info").mkdir(parents=True)
    local.mkdir()
    monkeypatch.setattr(sys, "path", [str(libraries), str(local), *sys.path])
    assert installed.is_installed_file(str(libraries / "pandas" / "core" / "frame.py"))
    assert not installed.is_installed_file(str(local / "models.py"))
    assert not installed.is_installed_file(f"{libraries}_of_mine/models.py")


def test_a_notebooks_own_folder_is_the_users_whatever_lies_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vendored-1.0.dist-info").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", *sys.path])
    assert not installed.is_installed_file(str(tmp_path / "models.py"))


HELPER = "def fitted(X, y, model):\n    rows = X[:20]\n    return model.fit(rows, y[:20])\n"


@pytest.mark.parametrize("is_library", [True, False], ids=["library", "own"])
def test_data_is_called_as_the_users_code_calls_it(kernel: Kernel, is_library: bool) -> None:
    """A library's own names say nothing, in whatever folder it lies; a local module's do."""
    name = f"helper_{is_library}".lower()
    folder = kernel.project / f"folder_{is_library}"
    folder.mkdir()
    (folder / f"{name}.py").write_text(HELPER)
    if is_library:
        (folder / f"{name}-1.0.dist-info").mkdir()
    (run,) = kernel.trained(
        f"import sys; sys.path.insert(0, {str(folder)!r})\nimport {name}, numpy as np\n"
        "from sklearn.linear_model import Ridge\nX, y = np.ones((30, 2)), np.arange(30.0)\n"
        f"model = {name}.fitted(X, y, Ridge())"
    )
    names = [item.name for item in run.inputs]
    assert names == (["X", "y"] if is_library else ["rows", "y[:20]"])
    local = [file for file in run.environment.local_modules if name in file]
    assert bool(local) is not is_library


def test_what_a_delivery_takes_away_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's folder goes with its last file, and a cell may be about to leave the next."""
    write, taken = artifacts.write_whole, []

    def write_late(path: Path, content: bytes) -> None:
        if not taken:
            taken.append(path)
            path.parent.rmdir()
        write(path, content)

    monkeypatch.setattr(artifacts, "write_whole", write_late)
    artifacts.spool_artifacts(tmp_path, ["run-1", "run-2"], {"notes.txt": b"x"})
    assert taken
    for run in ("run-1", "run-2"):
        assert (tmp_path / run / artifacts.ARTIFACTS / "notes.txt").read_bytes() == b"x"


def test_code_that_is_in_no_file_is_no_file_that_was_read(kernel: Kernel) -> None:
    """Python opens the name of what it could not parse, to show the line."""
    (run,) = kernel.trained(
        "import ast\n"
        "from sklearn.dummy import DummyClassifier\n"
        "open('rows.csv', 'w').write('1')\n"
        "rows = open('rows.csv').read()\n"
        "try:\n    ast.parse('a b')\nexcept SyntaxError:\n    pass\n"
        "DummyClassifier().fit([[1], [2]], [0, 1])"
    )
    assert run.cell.files_read == ("rows.csv",)
