"""The vault: folders kept under the digest of their content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
from blake3 import blake3

from nbmlops.errors import IntegrityError
from nbmlops.records import Bundle, BundleFile, Record, decode, digest, encode, new_id
from nbmlops.whole_files import flush, write_whole

__all__ = [
    "MLFLOWS_NOTE",
    "MODEL_FOLDER",
    "Vault",
    "read_files",
    "require_own_list",
    "require_same_files",
]


MODEL_FOLDER = "model"
"""Where the model's files lie inside a bundle."""

MLFLOWS_NOTE = "registered_model_meta"
"""An MLflow without nbmlops notes in a model which version it has loaded, and never reads it as
code; that must not make the content useless for everybody else. MLflow 3.18 writes none.
"""


class _Look(Record, frozen=True, kw_only=True):
    """A file as the file system tells of it; no write leaves all of it as it was."""

    path: str
    size: int
    inode: int
    modified: int
    changed: int


class Vault:
    """A folder of folders, each named by the digest over its files' paths, digests and sizes.

    Beside them the vault remembers how each file looked when its bytes were last read, so that
    content which nobody touched need not be read again at every step of a review. `address` is the
    URI under which others read the vault, if not the folder's own.
    """

    def __init__(self, root: Path, address: str | None = None) -> None:
        self._root = root
        self._address = address

    def path(self, content_digest: str) -> Path:
        """Where the content with that digest lies, or would lie."""
        return self._root / content_digest

    def uri(self, content_digest: str, folder: str) -> str:
        """Where others find a folder of that content."""
        if self._address:
            return f"{self._address}/{content_digest}/{folder}"
        return (self.path(content_digest).resolve() / folder).as_uri()

    def staging(self) -> Path:
        """A new empty folder on the vault's own disk, to be filled and then sealed."""
        folder = self._root / f".{new_id('staging')}"
        folder.mkdir(parents=True)
        return folder

    def seal(self, folder: Path, expected: str | None = None) -> Bundle:
        """Move `folder` into the vault, read-only, and name its content.

        The move is one rename of what is on the disk by then, so a crash or a power cut leaves the
        whole content or none of it.

        :raises IntegrityError: if it is not the content that was `expected`, or holds what cannot
            be sealed; then the folder stays where it is.
        """
        with _reaching_the_disk(folder):
            files = tuple(read_files(folder))
        bundle = Bundle(digest=digest(files), files=files)
        if expected not in (None, bundle.digest):
            raise IntegrityError(
                f"What was to be sealed is not {str(expected)[:12]} but {bundle.digest[:12]}: a "
                "file lacks, or was changed on its way. Send it again."
            )
        target = self.path(bundle.digest)
        if target.exists():
            shutil.rmtree(folder)
            self.verify(bundle)
            return bundle
        for file in files:
            (folder / file.path).chmod(0o444)
        os.replace(folder, target)
        flush(self._root)
        self._remember(bundle)
        return bundle

    def verify(self, bundle: Bundle, *, every_byte: bool = False) -> None:
        """Check that `bundle` is what was sealed.

        Files that look as they did when they were last read are not read again, unless `every_byte`
        asks for it. Whoever may write the vault can forge their looks: so loading a model always
        reads all.

        :raises IntegrityError: naming the first file that is missing, added or changed.
        """
        folder = self.path(bundle.digest)
        if not folder.is_dir():
            raise IntegrityError(
                f"The sealed content {bundle.digest[:12]} is not in the vault {self._root}. "
                "Promote the run again."
            )
        require_own_list(bundle)
        if not every_byte and self._looks_as_remembered(bundle):
            return
        sealed = {file.path for file in bundle.files}
        found = [
            f
            for f in read_files(folder)
            if f.path in sealed or f.path != f"{MODEL_FOLDER}/{MLFLOWS_NOTE}"
        ]
        require_same_files(bundle.digest, bundle.files, found)
        self._remember(bundle)

    def _looks_as_remembered(self, bundle: Bundle) -> bool:
        try:
            remembered = decode(self._memory(bundle.digest).read_bytes(), tuple[_Look, ...])
        except (FileNotFoundError, msgspec.MsgspecError):
            return False
        return remembered == _look_at(self.path(bundle.digest))

    def _remember(self, bundle: Bundle) -> None:
        memory = self._memory(bundle.digest)
        memory.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(memory, encode(_look_at(self.path(bundle.digest))))

    def _memory(self, content_digest: str) -> Path:
        return self._root / ".looks" / content_digest


def require_own_list(bundle: Bundle) -> None:
    """:raises IntegrityError: if the files that `bundle` lists are not those of its digest."""
    if digest(bundle.files) != bundle.digest:
        raise IntegrityError(
            f"The list of files of {bundle.digest[:12]} is not the one that was sealed."
        )


def require_same_files(
    content_digest: str, expected: Iterable[BundleFile], found: Iterable[BundleFile]
) -> None:
    """:raises IntegrityError: naming the first file that is missing, added or changed."""
    is_there = {file.path: file for file in found}
    should_be = {file.path: file for file in expected}
    for path in sorted(is_there.keys() | should_be.keys()):
        if is_there.get(path) != should_be.get(path):
            what = (
                "is missing"
                if path not in is_there
                else "was added"
                if path not in should_be
                else "was changed"
            )
            raise IntegrityError(
                f"The sealed content {content_digest[:12]} was tampered with: {path} {what}."
            )


def read_files(folder: Path) -> list[BundleFile]:
    """Every file below `folder`, its bytes read.

    :raises IntegrityError: if there is a symbolic link, whose target could change, a pipe or
        another thing that has no bytes to be sealed, or a name that is no text, which no record
        could hold.
    """
    return [
        BundleFile(
            path=path.relative_to(folder).as_posix(),
            digest=_digest_file(path),
            size=path.stat().st_size,
        )
        for path in _walk(folder)
    ]


def _walk(folder: Path) -> list[Path]:
    files = []
    for path in sorted(folder.rglob("*")):
        if not _is_text(path.name):
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            raise IntegrityError(f"{shown} has a name that is not UTF-8; rename it.")
        if path.is_symlink():
            raise IntegrityError(f"{path} is a symbolic link; put the file itself there.")
        if path.is_file():
            files.append(path)
        elif not path.is_dir():
            raise IntegrityError(f"{path} is neither a file nor a folder; leave it out.")
    return files


def _is_text(name: str) -> bool:
    """Whether a file's name can be written; other bytes come as lone surrogates."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _reaching_the_disk(folder: Path) -> Iterator[None]:
    """Have all below `folder` written to the disk meanwhile: hashing need not wait for it."""
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="nbmlops-vault") as writers:
        below = [p for p in folder.rglob("*") if p.is_file() or p.is_dir()]  # a pipe would block
        written = [writers.submit(flush, path) for path in (folder, *below)]
        yield
        for one in written:
            one.result()


def _digest_file(path: Path) -> str:
    hasher = blake3(max_threads=blake3.AUTO)
    hasher.update_mmap(path)
    return hasher.hexdigest()


def _look_at(folder: Path) -> tuple[_Look, ...]:
    looks = []
    for path in _walk(folder):
        found = path.stat()
        looks.append(
            _Look(
                path=path.relative_to(folder).as_posix(),
                size=found.st_size,
                inode=found.st_ino,
                modified=found.st_mtime_ns,
                # The kernel's own stamp: setting a file's time back does not set this one back.
                changed=found.st_ctime_ns,
            )
        )
    return tuple(looks)
