"""What becomes of half an upload that nobody goes on with."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from uploading import A_DAY_AGO, ADA, BUNDLE, EVE, bring, grow_old

from nbmlops.governance import Incoming


def test_what_nobody_goes_on_with_is_swept(incoming: Incoming, tmp_path: Path) -> None:
    """A day later; what came just now stays."""
    folder = bring(incoming)
    assert incoming.sweep() == []
    grow_old(folder)
    assert incoming.sweep() == [folder]
    assert list((tmp_path / ".uploads").iterdir()) == []
    bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_an_upload_is_left_when_a_day_has_passed_since_its_last_byte(
    incoming: Incoming, tmp_path: Path
) -> None:
    """Its beginning counts anew, and its end; half a sweep is no upload, one without lock is."""
    folder = bring(incoming)
    grow_old(folder)
    with incoming.receiving(BUNDLE.digest, ADA):
        assert incoming.left() == []
        grow_old(folder)
    assert incoming.left() == []
    almost = time.time() - 23 * 3600
    os.utime(folder / "lock", (almost, almost))
    assert incoming.left() == []
    for name in (".swept-1", "begun"):
        (tmp_path / ".uploads" / name).mkdir()
        os.utime(tmp_path / ".uploads" / name, (A_DAY_AGO, A_DAY_AGO))
    assert incoming.left() == [tmp_path / ".uploads" / "begun"]


def test_what_somebody_goes_on_with_at_the_last_moment_is_not_swept(
    incoming: Incoming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was found to be left, and before the sweep had it alone."""
    folder = bring(incoming)
    grow_old(folder)
    lock = fcntl.flock

    def go_on_first(file: int, how: int) -> None:
        os.utime(folder / "lock")
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", go_on_first)
    assert incoming.sweep() == []
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


@pytest.mark.parametrize("before", ["the lock is opened", "the lock is held"])
def test_an_upload_that_was_swept_at_that_moment_begins_anew(
    incoming: Incoming, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """A file would else be written where nobody seals it."""
    folder = bring(incoming)
    lock, make = fcntl.flock, Path.mkdir
    swept: list[Path] = []

    def sweep() -> None:
        if not swept:
            swept.append(folder)
            shutil.rmtree(folder)

    def mkdir(path: Path, *args: Any, **kwargs: Any) -> None:
        make(path, *args, **kwargs)
        if path == folder:
            sweep()

    def flock(file: int, how: int) -> None:
        sweep()
        lock(file, how)

    if before == "the lock is opened":
        monkeypatch.setattr(Path, "mkdir", mkdir)
    else:
        monkeypatch.setattr(fcntl, "flock", flock)
    bring(incoming)
    assert swept == [folder]
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_the_next_upload_sweeps_before_it_begins(incoming: Incoming) -> None:
    """No clock and no command is needed for it."""
    folder = bring(incoming, by=EVE)
    grow_old(folder)
    bring(incoming)
    assert not folder.exists()


def test_a_sweep_that_was_cut_is_ended_by_the_next(incoming: Incoming, tmp_path: Path) -> None:
    """Half a folder is nobody's upload."""
    left = tmp_path / ".uploads" / ".swept-1"
    (left / "files").mkdir(parents=True)
    incoming.sweep()
    assert not left.exists()


RECEIVING = (
    "import sys; from pathlib import Path\n"
    "from nbmlops.governance import Incoming, Vault\n"
    "from nbmlops.records import Identity\n"
    "from nbmlops.settings import UploadSettings\n"
    "root = Path(sys.argv[1])\n"
    "incoming = Incoming(root, Vault(root), UploadSettings())\n"
    "with incoming.receiving(sys.argv[2], Identity(name='ada')) as (part, folder):\n"
    "    part.write_bytes(b'half')\n"
    "    print('receiving', flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_an_upload_under_way_is_never_swept_and_a_killed_one_is(
    incoming: Incoming, tmp_path: Path
) -> None:
    """However old it is, as long as some process receives; after it was killed, at once."""
    process = subprocess.Popen(
        [sys.executable, "-c", RECEIVING, str(tmp_path), BUNDLE.digest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "receiving\n"
        (folder,) = (tmp_path / ".uploads").iterdir()
        grow_old(folder)
        assert incoming.left() == [folder]
        assert incoming.sweep() == []
        assert list((folder / "parts").iterdir())
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    grow_old(folder)
    assert incoming.sweep() == [folder]
