"""Where checkpoints are kept, out of reach of the ledger's owner: folder, git, object store."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import msgspec

from nbmlops.errors import StoreError, StoreUnreachable
from nbmlops.records import Checkpoint, decode, encode
from nbmlops.whole_files import write_whole

__all__ = ["keep_checkpoint", "newest_checkpoint"]

_PREFIX = "checkpoint-"


def keep_checkpoint(checkpoint: Checkpoint, place: str) -> str:
    """Put `checkpoint` at `place`, and say where it is now.

    `place` is a folder, a git work tree (the file is committed, and pushed where there is a remote
    to push to), or an object store's address such as ``s3://bucket/path``. A checkpoint of the same
    extent, signed with the same key if with any, is never written over.

    :raises StoreError: if it cannot be written there.
    """
    name = f"{_PREFIX}{checkpoint.facts:012d}{_signed_with(checkpoint)}.json"
    content = msgspec.json.format(encode(checkpoint), indent=2) + b"\n"
    if len(urlparse(place).scheme) > 1:
        return _to_object_store(place, name, content)
    folder = Path(place).expanduser()
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_whole(path, content, lasting=True)
    except OSError as error:
        raise StoreError(f"The checkpoint cannot be kept in {place}: {error}.") from error
    # Also where the file is there already: what failed behind it the last time is made up for.
    if _git(folder, "rev-parse", "--is-inside-work-tree").returncode == 0:
        _commit(folder, path, checkpoint)
    return str(path)


def newest_checkpoint(place: str) -> Checkpoint | None:
    """The checkpoint of the largest extent in folder `place`; None if it holds none.

    :raises StoreError: if it cannot be read.
    """
    kept = sorted(Path(place).expanduser().glob(f"{_PREFIX}*.json"))
    if not kept:
        return None
    try:
        return decode(kept[-1].read_bytes(), Checkpoint)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"{kept[-1]} is not a checkpoint: {error}.") from error


def _signed_with(checkpoint: Checkpoint) -> str:
    signatures = checkpoint.envelope.signatures if checkpoint.envelope else ()
    return "".join(f"-{signature.keyid}" for signature in signatures)


def _commit(folder: Path, path: Path, checkpoint: Checkpoint) -> None:
    file = ("--", str(path.resolve()))
    message = f"Ledger checkpoint: {checkpoint.facts} facts, root {checkpoint.root}"
    author = ("-c", "user.name=nbmlops", "-c", "user.email=nbmlops@localhost")
    steps: dict[str, tuple[str, ...]] = {"add": ("add", *file)}
    if _git(folder, "status", "--porcelain", *file).stdout.strip():
        steps["commit"] = (*author, "commit", "-q", "-m", message, *file)
    if _git(folder, "remote").stdout.strip():
        steps["push"] = ("push", "-q")
    for name, arguments in steps.items():
        done = _git(folder, *arguments)
        if done.returncode:
            raise StoreError(
                f"The checkpoint stands in {path}, but git {name} failed: "
                f"{done.stderr.strip()[-300:]}"
            )


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a fixed program; no shell
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git that the user has
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _to_object_store(place: str, name: str, content: bytes) -> str:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with tempfile.TemporaryDirectory(prefix="nbmlops-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            get_artifact_repository(place).log_artifact(str(path))
        except Exception as error:  # each store's library has errors of its own
            raise StoreUnreachable(
                f"The checkpoint cannot be kept at {place}: {error}. Check the address and this"
                " machine's credentials for it."
            ) from error
    return f"{place.rstrip('/')}/{name}"
