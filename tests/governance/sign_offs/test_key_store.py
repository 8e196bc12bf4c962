"""A reviewer's keys on their own disk: whole or not there, and theirs alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbmlops.errors import NotFound, SettingsError
from nbmlops.governance import KeyStore

PASSPHRASE = "8 signs!"


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


def test_eight_characters_are_enough_and_seven_are_not(keys: KeyStore) -> None:
    """As the sentence says."""
    with pytest.raises(SettingsError, match="at least 8 characters"):
        keys.create("grace", PASSPHRASE[:7])
    assert keys.list() == []
    made = keys.create("grace", PASSPHRASE)
    assert keys.unlock(made.id, PASSPHRASE).public == made


def test_a_folder_that_others_could_read_is_closed(keys: KeyStore) -> None:
    """Also if it was there before."""
    keys.folder.mkdir(mode=0o755)
    keys.create("grace", PASSPHRASE)
    assert keys.folder.stat().st_mode & 0o777 == 0o700


def test_the_newest_key_of_an_owner_is_meant(keys: KeyStore) -> None:
    """And none where nothing is named; a beginning of its id finds each."""
    made = [keys.create("grace", PASSPHRASE) for _ in range(4)]
    assert keys.list() == made
    assert keys.find("grace") == made[-1]
    assert [keys.find(key.id[:12]) for key in made] == made
    for name in ("", "alan"):
        with pytest.raises(NotFound, match="nbmlops keys create"):
            keys.find(name)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_that_anybody_else_may_open_is_not_used(keys: KeyStore, mode: int) -> None:
    """Group or world, reading or writing; closed again it is, as the sentence says."""
    made = keys.create("grace", PASSPHRASE)
    path = keys.folder / f"{made.id}.pem"
    path.chmod(mode)
    with pytest.raises(SettingsError, match="may be read by others"):
        keys.unlock(made.id, PASSPHRASE)
    path.chmod(0o600)
    keys.unlock(made.id, PASSPHRASE)


def test_a_key_that_did_not_reach_the_disk_is_none(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The public half, by which it is found, is written last."""

    def fail(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SettingsError, match="the disk is full"):
        keys.create("grace", PASSPHRASE)
    monkeypatch.undo()
    assert keys.list() == []
    keys.create("grace", PASSPHRASE)


def test_half_a_key_is_said(keys: KeyStore) -> None:
    """Its private half that is gone, and a public one that is none."""
    made = keys.create("grace", PASSPHRASE)
    (keys.folder / f"{made.id}.pem").unlink()
    with pytest.raises(SettingsError, match=f"Key {made.id} cannot be read"):
        keys.unlock(made.id, PASSPHRASE)
    (keys.folder / f"{made.id}.pub.json").write_text("{half")
    with pytest.raises(SettingsError, match="is not a public key"):
        keys.list()
