"""Runs every check of the project, one after another, and adds up what passed.

Each check's output goes straight to the terminal. The last line is ``N passed, N failed``; the exit
status is 0 only if nothing failed. A check that is no test runner counts as one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from glob import glob
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).absolute().parent
EXTENSION = ROOT / "labextension"


class Tally(NamedTuple):
    """How many tests passed and failed."""

    passed: int
    failed: int


def main() -> int:
    """Run all checks; 0 if all passed."""
    _require("chromium", "chromium", "The browser tests")
    _require("java", "default-jre-headless", "The Spark tests")
    _require("/usr/lib/postgresql/*/bin/initdb", "postgresql", "The team server's tests")
    # jlpm's scripts call jlpm, and tests call what the environment installed.
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    total = Tally(0, 0)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name, check in _checks(scratch):
            print(f"\n=== {name}", flush=True)
            started = time.monotonic()
            tally = check()
            total = Tally(total.passed + tally.passed, total.failed + tally.failed)
            took = time.monotonic() - started
            print(
                f"=== {name}: {tally.passed} passed, {tally.failed} failed, {took:.0f} s",
                flush=True,
            )
    print(f"\n{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


def _checks(scratch: Path) -> list[tuple[str, Callable[[], Tally]]]:
    jlpm = str(BIN / "jlpm")
    return [
        ("ruff", lambda: _command(str(BIN / "ruff"), "check", ".")),
        ("ruff format", lambda: _command(str(BIN / "ruff"), "format", "--check", ".")),
        ("mypy", lambda: _command(str(BIN / "mypy"), "nbmlops")),
        ("panel: packages", lambda: _command(jlpm, "install", "--immutable", cwd=EXTENSION)),
        ("panel: lint", lambda: _command(jlpm, "lint:check", cwd=EXTENSION)),
        ("panel: tests", lambda: _jest(jlpm, scratch / "jest.json")),
        ("pytest", lambda: _pytest(scratch / "pytest.xml")),
    ]


def _command(*command: str, cwd: Path = ROOT) -> Tally:
    done = subprocess.run(command, cwd=cwd, check=False)
    return Tally(1, 0) if done.returncode == 0 else Tally(0, 1)


def _pytest(report: Path) -> Tally:
    # A worker more than cores: much of the time is spent waiting for kernels, servers and browsers.
    # In the order of their folders, for what takes longest are few tests, which would come last.
    shared_out = ["-n", "3", "--no-loadscope-reorder"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"--junitxml={report}",
        "--durations=25",
        *shared_out,
    ]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if not report.exists():
        return Tally(0, 1)
    suite = ElementTree.parse(report).getroot().find("testsuite")
    if suite is None:
        return Tally(0, 1)
    number = {k: int(suite.get(k, "0")) for k in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    # A skipped test hides what was asked: it counts as failed.
    failed += number["skipped"]
    passed = number["tests"] - failed
    return Tally(passed, failed or (1 if code else 0))


def _jest(jlpm: str, report: Path) -> Tally:
    command = [jlpm, "test", "--json", f"--outputFile={report}"]
    code = subprocess.run(command, cwd=EXTENSION, check=False).returncode
    if not report.exists():
        return Tally(0, 1)
    result = json.loads(report.read_text())
    failed = result["numFailedTests"] + result["numRuntimeErrorTestSuites"]
    return Tally(result["numPassedTests"], failed or (1 if code else 0))


def _require(command: str, package: str, what_for: str) -> None:
    """Nothing is skipped because it is missing: install it where that is allowed, else say so."""
    if shutil.which(command) or glob(command):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"{what_for} need {command}: sudo apt-get install {package}, then try again.")
    print(f"Installing {package}: {what_for.lower()} need it ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]):
        subprocess.run(step, check=True, env=environment, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    raise SystemExit(main())
