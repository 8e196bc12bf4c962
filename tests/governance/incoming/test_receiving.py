"""What is brought into the vault from elsewhere: how much of it, and what becomes of half of it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbmlops.errors import IntegrityError, Refused, SettingsError, StoreFull, TooLarge
from nbmlops.governance import Incoming, Vault
from nbmlops.governance import incoming as module
from nbmlops.records import Bundle, BundleFile, Identity, digest, digest_bytes
from nbmlops.settings import UploadSettings, load_settings

ADA, EVE = Identity(name="ada"), Identity(name="eve")
A_DAY_AGO = time.time() - 25 * 3600


def bundle_of(**files: bytes) -> Bundle:
    listed = tuple(
        BundleFile(path=name, digest=digest_bytes(data), size=len(data))
        for name, data in files.items()
    )
    return Bundle(digest=digest(listed), files=listed)


BUNDLE = bundle_of(model=b"sealed")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


@pytest.fixture
def incoming(tmp_path: Path, vault: Vault) -> Incoming:
    return Incoming(tmp_path, vault, UploadSettings())


def bring(incoming: Incoming, data: bytes = b"sealed", by: Identity = ADA) -> Path:
    """One whole file; the folder that is being filled."""
    with incoming.receiving(BUNDLE.digest, by) as (part, folder):
        folder.mkdir(exist_ok=True)
        part.write_bytes(data)
        os.replace(part, folder / "model")
    return folder.parent


def grow_old(folder: Path) -> None:
    os.utime(folder / "lock", (A_DAY_AGO, A_DAY_AGO))


def test_what_was_brought_is_sealed_and_nothing_else_stays(
    incoming: Incoming, vault: Vault
) -> None:
    """And whoever brought it is remembered; who did not is not."""
    folder = bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE
    vault.verify(BUNDLE, every_byte=True)
    assert not folder.exists()
    assert (incoming.has_brought(BUNDLE.digest, ADA), incoming.has_brought(BUNDLE.digest, EVE)) == (
        True,
        False,
    )
    with pytest.raises(IntegrityError, match="No file of"):
        incoming.seal(BUNDLE, EVE)
    bring(incoming, by=EVE)
    assert incoming.seal(BUNDLE, EVE) == BUNDLE
    assert incoming.has_brought(BUNDLE.digest, EVE)


def test_other_bytes_are_no_proof_of_having_it(incoming: Incoming) -> None:
    """The content is in the vault by then, and its digest is known to all."""
    bring(incoming)
    incoming.seal(BUNDLE, ADA)
    bring(incoming, b"guessed", EVE)
    with pytest.raises(IntegrityError, match="Send it again"):
        incoming.seal(BUNDLE, EVE)
    assert not incoming.has_brought(BUNDLE.digest, EVE)


def test_nothing_is_sealed_while_it_is_being_received(incoming: Incoming, vault: Vault) -> None:
    """A file that is still open would be written to in the vault."""
    bring(incoming)
    with incoming.receiving(BUNDLE.digest, ADA), pytest.raises(Refused, match="at the moment"):
        incoming.seal(BUNDLE, ADA)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_a_file_that_did_not_come_whole_leaves_nothing(incoming: Incoming) -> None:
    """So that what came before it can still be sealed."""
    bring(incoming)

    def break_off() -> None:
        with incoming.receiving(BUNDLE.digest, ADA) as (part, _):
            part.write_bytes(b"seal")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert list((incoming._folder(BUNDLE.digest, ADA) / "parts").iterdir()) == []
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_several_files_come_at_the_same_time(incoming: Incoming) -> None:
    """Of one person and content."""
    with incoming.receiving(BUNDLE.digest, ADA) as (first, _):
        first.write_bytes(b"one")
        bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE


def test_what_comes_a_second_time_is_sealed_away(incoming: Incoming, vault: Vault) -> None:
    """And whoever says that they brought it once hears what became of it in the vault."""
    bring(incoming)
    incoming.seal(BUNDLE, ADA)
    folder = bring(incoming)
    assert incoming.seal(BUNDLE, ADA) == BUNDLE
    assert not folder.exists()
    assert incoming.seal(BUNDLE, ADA) == BUNDLE
    file = vault.path(BUNDLE.digest) / "model"
    file.chmod(0o644)
    file.write_bytes(b"Sealed")
    with pytest.raises(IntegrityError, match="tampered with"):
        incoming.seal(BUNDLE, ADA)


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


def test_more_than_the_settings_allow_is_too_large(tmp_path: Path, vault: Vault) -> None:
    """All that one person has under way counts; the same brought anew counts once."""
    incoming = Incoming(tmp_path, vault, UploadSettings(largest="20 KB"))
    incoming.require_room(ADA, 20_000)
    with pytest.raises(TooLarge, match=r"An upload may have 20 KB .* ada brings 20 KB in 1"):
        incoming.require_room(ADA, 20_001)
    bring(incoming, b"x" * 15_000)
    with pytest.raises(TooLarge, match=r"\[uploads\]"):
        incoming.require_room(ADA, 5_001)
    incoming.require_room(ADA, 5_000)
    incoming.require_room(ADA, 20_000, anew=BUNDLE.digest)
    incoming.require_room(EVE, 20_000)


def test_files_are_counted_too(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk is filled by empty files as well."""
    incoming = Incoming(tmp_path, vault, UploadSettings(largest="8192 B"))
    monkeypatch.setattr(module, "MOST_FILES", 0)
    incoming.require_room(ADA, 0)
    bring(incoming, b"")
    with pytest.raises(TooLarge):
        incoming.require_room(ADA, 0)
    monkeypatch.undo()
    incoming.require_room(ADA, 4_096)
    with pytest.raises(TooLarge):
        incoming.require_room(ADA, 4_097)


def test_folders_are_counted_as_files_are(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that are cut leave them, and no file; those that every upload has are free."""
    incoming = Incoming(tmp_path, vault, UploadSettings(largest="8192 B"))
    with incoming.receiving(BUNDLE.digest, ADA) as (_, folder):
        folder.mkdir()
    incoming.require_room(ADA, 8_192)
    (folder / "a").mkdir()
    incoming.require_room(ADA, 4_096)
    with pytest.raises(TooLarge):
        incoming.require_room(ADA, 4_097)
    monkeypatch.setattr(module, "MOST_FILES", 1)
    incoming.require_room(ADA, 0)
    (folder / "a" / "b").mkdir()
    with pytest.raises(TooLarge):
        incoming.require_room(ADA, 0)
    incoming.require_room(EVE, 8_192)


def test_a_disk_without_room_takes_nothing(tmp_path: Path, vault: Vault) -> None:
    """Some of it is kept free, whoever asks."""
    full = Incoming(tmp_path, vault, UploadSettings(keep_free="1000 TB"))
    with pytest.raises(StoreFull, match=r"no room for 5 B: .* are free, and 1000 TB are to stay"):
        full.require_room(ADA, 5)
    Incoming(tmp_path, vault, UploadSettings(keep_free="0 B")).require_room(ADA, 5)


def test_the_last_byte_that_is_to_stay_free_stays_free(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one less, and not one more."""
    disk = SimpleNamespace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    incoming = Incoming(tmp_path, vault, UploadSettings(keep_free="400 B"))
    incoming.require_room(ADA, 600)
    with pytest.raises(StoreFull):
        incoming.require_room(ADA, 601)


@pytest.mark.parametrize(
    "line", ["largest = 'much'", "largest = '-1 GB'", "keep_free = '1'", "idle_hours = 0", "x = 1"]
)
def test_a_limit_that_cannot_be_read_is_told(tmp_path: Path, line: str) -> None:
    """With the file; one that can be is used."""
    file = tmp_path / "nbmlops.toml"
    file.write_text(f"[uploads]\n{line}\n")
    with pytest.raises(SettingsError, match=r"nbmlops\.toml"):
        load_settings(tmp_path, {})
    file.write_text("[uploads]\nlargest = '1.5 TB'\n")
    assert load_settings(tmp_path, {}).uploads.largest_bytes == 1_500_000_000_000
