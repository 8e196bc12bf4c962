"""Files are named by their bytes, folders by the files in them; what never ends is refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nbmlops.data import compare, fingerprint
from nbmlops.errors import FingerprintError


def test_files_and_folders(tmp_path: Path) -> None:
    from blake3 import blake3

    (tmp_path / "sub").mkdir()
    content = os.urandom(5_000_000)
    (tmp_path / "sub" / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(b"")
    assert fingerprint(tmp_path / "sub" / "a").digest == blake3(content).hexdigest()
    assert fingerprint(str(tmp_path / "b")).digest == blake3(b"").hexdigest()
    before = fingerprint(tmp_path)
    (tmp_path / "sub" / "a").write_bytes(content + b"!")
    after = fingerprint(tmp_path)
    assert compare(before, after).changed == ("sub/a",)
    (tmp_path / "b").rename(tmp_path / "c")
    assert compare(after, fingerprint(tmp_path)).renamed == (("b", "c"),)
    with pytest.raises(FingerprintError, match="not there"):
        fingerprint(tmp_path / "gone")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(10_000_000))

    def grow(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(FingerprintError, match="changed while it was read"):
        fingerprint(path, progress=grow)
    assert fingerprint(path).kind == "file"


def test_a_folder_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    before = fingerprint(tmp_path)
    with pytest.raises(FingerprintError, match="files came or went"):
        fingerprint(tmp_path, progress=lambda _: (tmp_path / "b").write_bytes(b"") and None)
    (tmp_path / "b").unlink()
    assert fingerprint(tmp_path) == before


def test_a_file_that_vanishes_while_its_folder_is_read_is_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
    last = tmp_path / "b"
    with pytest.raises(FingerprintError, match=f"{last} is not there"):
        fingerprint(tmp_path, progress=lambda _: last.unlink(missing_ok=True))
    assert fingerprint(tmp_path).rows == 1


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe without a writer would be waited for, and a device has no end."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "pipe", tmp_path / "socket", Path("/dev/zero"), tmp_path):
        with pytest.raises(FingerprintError, match=r"is no regular file\."):
            fingerprint(path)
    assert fingerprint(tmp_path / "file").kind == "file"


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    """A folder behind a link is data as any other; one that leads back to itself has no end."""
    for name in ("plain", "linked", "kept"):
        (tmp_path / name).mkdir()
    (tmp_path / "kept" / "a").write_bytes(b"x")
    (tmp_path / "plain" / "sub").mkdir()
    (tmp_path / "plain" / "sub" / "a").write_bytes(b"x")
    (tmp_path / "linked" / "sub").symlink_to("../kept")
    expected = fingerprint(tmp_path / "plain")
    assert fingerprint(tmp_path / "linked").digest == expected.digest
    (tmp_path / "kept" / "a").write_bytes(b"y")
    assert compare(expected, fingerprint(tmp_path / "linked")).changed == ("sub/a",)
    (tmp_path / "plain" / "sub" / "up").symlink_to("..")
    with pytest.raises(FingerprintError, match="leads back"):
        fingerprint(tmp_path / "plain")
    (tmp_path / "kept" / "gone").symlink_to("nowhere")
    with pytest.raises(FingerprintError, match="gone is not there"):
        fingerprint(tmp_path / "kept")
