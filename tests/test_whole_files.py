"""Files are there whole or not at all: after a kill, an error, a full disk, a second writer."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbmlops.whole_files import LEFT_HALF, whole_file, write_whole


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "standings.json"
    path.write_bytes(b"old")
    return path


def test_a_file_takes_the_place_of_the_one_before(old: Path) -> None:
    """The control: what is written is there, and nothing beside it."""
    write_whole(old, b"new")
    write_whole(old.with_name("x" * 255), b"first")
    assert {p.name: p.read_bytes() for p in old.parent.iterdir()} == {
        old.name: b"new",
        "x" * 255: b"first",
    }


@pytest.mark.parametrize("lasting", [False, True])
def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there(
    old: Path, lasting: bool
) -> None:
    """Even where all of the new bytes are on the disk; what is half has a name to be known by."""
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from nbmlops.whole_files import whole_file\n"
        f"with whole_file(Path(sys.argv[1]), lasting={lasting}) as file:\n"
        "    file.write(b'new')\n    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(old)], check=False)
    assert done.returncode == -9
    assert old.read_bytes() == b"old"
    (half,) = old.parent.glob(LEFT_HALF)
    assert half.read_bytes() == b"new"


def test_an_error_leaves_what_was_there_and_nothing_beside_it(old: Path) -> None:
    """Whatever ends the block."""

    def interrupted() -> None:
        with whole_file(old) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [p.read_bytes() for p in old.parent.iterdir()] == [b"old"]


def test_a_disk_that_takes_no_more_leaves_what_was_there(old: Path) -> None:
    """The system refuses the last bytes; the first ones are removed."""
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from nbmlops.whole_files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_whole(Path(sys.argv[1]), bytes(int(sys.argv[2])))\n"
    )
    for size, fits in ((5000, False), (1000, True)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(old), str(size)], capture_output=True, check=False
        )
        assert (b"OSError" not in done.stderr) is fits
        assert [p.read_bytes() for p in old.parent.iterdir()] == [bytes(1000) if fits else b"old"]


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """It is not made here: whose it is, and with what mode, is the caller's to say."""
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "file", b"new")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_mode(old: Path, mode: int) -> None:
    """What its owner keeps from others stays from them."""
    old.chmod(mode)
    write_whole(old, b"new")
    assert stat.S_IMODE(old.stat().st_mode) == mode


def test_a_first_file_has_the_mode_that_any_has(tmp_path: Path) -> None:
    """That is the process's to say."""
    write_whole(tmp_path / "ours", b"")
    (tmp_path / "any").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_what_is_to_last_is_on_the_disk_before_it_has_its_name(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's bytes first, then its name, then the folder that holds the name."""
    steps: list[tuple[str, int]] = []
    flush, move = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        steps.append(("flushed", os.fstat(descriptor).st_ino))

    def replace(source: Path, target: Path) -> None:
        steps.append(("named", source.stat().st_ino))
        assert source.read_bytes() == b"new"
        move(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_whole(old, b"new", lasting=True)
    file, folder = old.stat().st_ino, old.parent.stat().st_ino
    assert steps == [("flushed", file), ("named", file), ("flushed", folder)]
    steps.clear()
    write_whole(old, b"new")
    assert [step for step, _ in steps] == ["named"]


def test_writers_at_the_same_time_leave_the_whole_of_one(old: Path) -> None:
    """None meets another's half."""
    contents = [bytes([n]) * 100_000 for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda content: write_whole(old, content), contents))
    assert old.read_bytes() in contents
    assert [p.name for p in old.parent.iterdir()] == [old.name]
