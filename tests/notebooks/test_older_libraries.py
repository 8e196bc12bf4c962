"""pandas 2.2 and scikit-learn 1.6 beside the newest: the same digests, and nothing missed.

The two older libraries lie in a folder that is put before the environment's own, and is kept below
pytest's cache from session to session.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from tracking.conftest import CLEAN, ROOT

from .conftest import Plays
from .playing import Heard
from .scoring import score

OLDER = ("pandas==2.2.3", "scikit-learn==1.6.1", "pytz")
NOTEBOOKS = ("iris_bakeoff", "penguin_lesson", "taxi_polars", "searches")

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def older(pytestconfig: pytest.Config) -> str:
    """The PYTHONPATH under which the older libraries are found first."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("nbmlops-older") / "-".join(OLDER).replace("==", "-")
    if not folder.exists():
        part = folder.with_suffix(f".{os.getpid()}")
        uv = shutil.which("uv")
        install = [uv, "pip", "install", "--python", sys.executable] if uv else [
            sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"
        ]  # fmt: skip
        # Nothing else: what they need is in the environment, and newer.
        command = [*install, "--quiet", "--no-deps", "--target", str(part), *OLDER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        part.rename(folder)
    return os.pathsep.join((str(folder), str(ROOT)))


def test_the_older_libraries_are_those_that_are_asked(older: str) -> None:
    """Else the rest would prove nothing."""
    code = "import pandas, sklearn; print(pandas.__version__, sklearn.__version__)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**CLEAN, "PYTHONPATH": older}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert told.split() == ["2.2.3", "1.6.1"]


def test_digests_hold_with_older_libraries(older: str) -> None:
    """The golden digests, in a session of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "tests/data/test_canonical_form.py", "-k", "hold_from_release"],
        cwd=ROOT, env={**CLEAN, "PYTHONPATH": older}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_what_notebooks_train_is_on_record_under_the_same_digests(older: str, plays: Plays) -> None:
    """A few notebooks of the corpus, with the older libraries and with the newest."""

    def digests(heard: Heard) -> dict[str, list[tuple[str, list[tuple[str, str, str]]]]]:
        return {
            cell: [
                (r.model_class, [(i.role, i.name, i.fingerprint.digest) for i in r.inputs])
                for r in runs
            ]
            for cell, runs in heard.runs.items()
        }

    then = {name: plays.start(name, PYTHONPATH=older) for name in NOTEBOOKS}
    for name in NOTEBOOKS:
        old = then[name].result()
        got = score(old)
        assert got.whole, f"{name}: " + "\n".join(got.faults)
        assert digests(old) == digests(plays.start(name).result()), name
