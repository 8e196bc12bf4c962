"""Checkpoints are kept where the ledger's owner cannot change them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nbmlops.errors import StoreError, StoreUnreachable
from nbmlops.governance import keep_checkpoint, newest_checkpoint, sign_checkpoint
from nbmlops.governance.sign_offs.keys import create_key
from nbmlops.records import Checkpoint, decode
from nbmlops.testing import EPOCH


def checkpoint(facts: int) -> Checkpoint:
    return Checkpoint(facts=facts, head="ab" * 32, root="cd" * 32, at=EPOCH)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_folder_keeps_each_extent_once(tmp_path: Path) -> None:
    """A later checkpoint of the same extent does not replace the first."""
    place = tmp_path / "kept"
    assert newest_checkpoint(str(place)) is None
    path = keep_checkpoint(checkpoint(3), str(place))
    before = Path(path).read_bytes()
    other = Checkpoint(facts=3, head="ee" * 32, root="ff" * 32, at=EPOCH)
    assert keep_checkpoint(other, str(place)) == path
    assert Path(path).read_bytes() == before
    keep_checkpoint(checkpoint(12), str(place))
    assert newest_checkpoint(str(place)) == checkpoint(12)


def test_each_signer_has_a_copy_of_their_own(tmp_path: Path) -> None:
    """Whoever could write the place first would else keep out whom others trust."""
    signed = [sign_checkpoint(checkpoint(3), create_key(name, EPOCH)) for name in ("eve", "ada")]
    paths = {keep_checkpoint(one, str(tmp_path)) for one in (checkpoint(3), *signed)}
    assert len(paths) == 3
    assert {decode(Path(path).read_bytes(), Checkpoint) for path in paths} == {
        checkpoint(3),
        *signed,
    }


def test_a_copy_that_was_cut_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the half of it stays, nor does it pass for the whole; the next one is kept."""

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError, match="the disk is full"):
        keep_checkpoint(checkpoint(3), str(tmp_path))
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    keep_checkpoint(checkpoint(3), str(tmp_path))
    assert newest_checkpoint(str(tmp_path)) == checkpoint(3)


def test_a_file_that_is_no_checkpoint_is_said(tmp_path: Path) -> None:
    """By its path."""
    path = Path(keep_checkpoint(checkpoint(3), str(tmp_path)))
    path.write_bytes(b"half of i")
    with pytest.raises(StoreError, match=rf"{path.name} is not a checkpoint"):
        newest_checkpoint(str(tmp_path))


def test_what_others_have_staged_is_not_committed_by_the_way(tmp_path: Path) -> None:
    """The checkpoint's own file alone."""
    git(tmp_path, "init", "-q")
    (tmp_path / "mine.txt").write_text("half done")
    git(tmp_path, "add", "mine.txt")
    keep_checkpoint(checkpoint(3), str(tmp_path))
    assert git(tmp_path, "status", "--porcelain") == "A  mine.txt\n"


def test_a_git_work_tree_gets_a_commit_and_its_remote_a_push(tmp_path: Path) -> None:
    """So that the history of the copies is out of reach, too."""
    remote, clone = tmp_path / "remote.git", tmp_path / "clone"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(tmp_path, "clone", "-q", str(remote), str(clone))
    git(clone, "config", "push.autoSetupRemote", "true")
    keep_checkpoint(checkpoint(3), str(clone))
    keep_checkpoint(checkpoint(5), str(clone / "ledger"))
    told = git(remote, "log", "--all", "--format=%s")
    assert told.count("Ledger checkpoint: ") == 2
    assert not git(clone, "status", "--porcelain")


def test_a_push_that_fails_is_said_and_the_copy_stands(tmp_path: Path) -> None:
    """The sentence names git's reason."""
    git(tmp_path, "init", "-q", str(tmp_path / "clone"))
    git(tmp_path / "clone", "remote", "add", "origin", str(tmp_path / "gone.git"))
    with pytest.raises(StoreError, match="git push failed"):
        keep_checkpoint(checkpoint(3), str(tmp_path / "clone"))
    assert newest_checkpoint(str(tmp_path / "clone")) == checkpoint(3)


def test_what_failed_behind_a_checkpoint_is_made_up_for(tmp_path: Path) -> None:
    """The same checkpoint again, once the remote is there: pushed, and committed once."""
    clone, remote = tmp_path / "clone", tmp_path / "later.git"
    git(tmp_path, "init", "-q", str(clone))
    git(clone, "config", "push.autoSetupRemote", "true")
    git(clone, "remote", "add", "origin", str(remote))
    with pytest.raises(StoreError, match="git push failed"):
        keep_checkpoint(checkpoint(3), str(clone))
    git(tmp_path, "init", "-q", "--bare", str(remote))
    keep_checkpoint(checkpoint(3), str(clone))
    assert git(remote, "log", "--all", "--format=%s").count("Ledger checkpoint: ") == 1
    assert [path.name for path in clone.iterdir() if path.name != ".git"] == [
        "checkpoint-000000000003.json"
    ]


def test_an_object_store_is_reached_through_mlflow(tmp_path: Path) -> None:
    """By the address's scheme; here the one that needs no server."""
    where = keep_checkpoint(checkpoint(3), (tmp_path / "bucket").as_uri())
    kept = tmp_path / "bucket" / where.rpartition("/")[2]
    assert decode(kept.read_bytes(), Checkpoint) == checkpoint(3)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Here a file stands where the folder should."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be kept in"):
        keep_checkpoint(checkpoint(3), str(tmp_path / "file"))


@pytest.mark.parametrize("place", ["s3://bucket/ledger", "nosuch://bucket"])
def test_an_object_store_that_does_not_answer_is_one_sentence(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever error its library has for that; and no folder is named for its address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_MAX_ATTEMPTS"):
        monkeypatch.setenv(name, "1")
    with pytest.raises(StoreUnreachable, match="cannot be kept at"):
        keep_checkpoint(checkpoint(3), place)
    assert list(tmp_path.iterdir()) == []
