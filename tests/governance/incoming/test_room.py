"""How much may be brought into the vault: what the settings allow, and the disk has."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from uploading import ADA, BUNDLE, EVE, bring

from nbmlops.errors import SettingsError, StoreFull, TooLarge
from nbmlops.governance import Incoming, Vault
from nbmlops.governance import incoming as module
from nbmlops.settings import UploadSettings, load_settings


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
