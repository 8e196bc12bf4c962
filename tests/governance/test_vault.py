"""The vault keeps content under its digest, and notices when it is not that content any more."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nbmlops.errors import IntegrityError
from nbmlops.governance import Vault
from nbmlops.governance import vault as module
from nbmlops.records import Bundle, BundleFile


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault")


def fill(vault: Vault, **files: str) -> Path:
    folder = vault.staging()
    (folder / "model").mkdir()
    for name, content in files.items():
        (folder / "model" / name).write_text(content)
    return folder


@pytest.fixture
def sealed(vault: Vault) -> Bundle:
    return vault.seal(fill(vault, a="alpha", b="beta"))


def test_sealed_content_verifies(vault: Vault, sealed: Bundle) -> None:
    """The control: untouched content is accepted."""
    vault.verify(sealed)
    assert [f.path for f in sealed.files] == ["model/a", "model/b"]


def test_the_digest_names_paths_and_bytes(vault: Vault, sealed: Bundle) -> None:
    """Same files, same digest; another name or byte, another digest."""
    assert vault.seal(fill(vault, a="alpha", b="beta")).digest == sealed.digest
    assert vault.seal(fill(vault, a="alpha", c="beta")).digest != sealed.digest
    assert vault.seal(fill(vault, a="alpha", b="betb")).digest != sealed.digest


def test_the_vault_itself_may_lie_behind_a_link(tmp_path: Path) -> None:
    """A project's folder on a small disk; only the content may hold no link."""
    (tmp_path / "large-disk").mkdir()
    (tmp_path / "vault").symlink_to(tmp_path / "large-disk")
    vault = Vault(tmp_path / "vault")
    vault.verify(vault.seal(fill(vault, a="alpha")))


def test_what_is_sealed_is_on_the_disk_by_then(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file and folder before the one rename, and the vault's own folder after it."""
    flushed: list[int] = []
    moved: list[set[int]] = []
    flush, move = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        flushed.append(os.fstat(descriptor).st_ino)

    def replace(source: Path, target: Path) -> None:
        moved.append(set(flushed))
        move(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    content = vault.path(vault.seal(fill(vault, a="alpha", b="beta")).digest)
    assert moved[0] == {p.stat().st_ino for p in (content, *content.rglob("*"))}
    assert flushed[-1] == content.parent.stat().st_ino


def test_what_the_disk_does_not_take_is_not_sealed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing reads the system's memory, where the bytes may be whole all the same."""

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "the disk failed")

    folder = fill(vault, a="alpha")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk failed"):
        vault.seal(folder)
    monkeypatch.undo()
    assert folder.is_dir()
    vault.verify(vault.seal(folder))


def test_the_same_content_again_is_held_against_what_is_there(vault: Vault, sealed: Bundle) -> None:
    """It is not sealed over it, and leaves nothing beside it."""
    assert vault.seal(fill(vault, a="alpha", b="beta")) == sealed
    assert list(vault.path(sealed.digest).parent.glob(".staging*")) == []
    path = vault.path(sealed.digest) / "model" / "a"
    assert path.stat().st_mode & 0o222 == 0
    path.chmod(0o644)
    path.write_text("alphA")
    with pytest.raises(IntegrityError, match="model/a was changed"):
        vault.seal(fill(vault, a="alpha", b="beta"))


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders whose every byte was read, as they are read."""
    folders: list[Path] = []
    read = module.read_files

    def counted(folder: Path) -> list[BundleFile]:
        folders.append(folder)
        return read(folder)

    monkeypatch.setattr(module, "read_files", counted)
    return folders


def test_what_nobody_touched_is_not_read_again(
    vault: Vault, sealed: Bundle, readings: list[Path]
) -> None:
    """Neither after sealing nor after a reading; unless every byte is asked for."""
    vault.verify(sealed)
    assert readings == []
    (vault.path(sealed.digest) / "model" / "a").touch()
    vault.verify(sealed)
    vault.verify(sealed)
    assert len(readings) == 1
    vault.verify(sealed, every_byte=True)
    assert len(readings) == 2


def test_a_file_whose_time_was_set_back_is_read(vault: Vault, sealed: Bundle) -> None:
    """Of the same size, in its own place; and what was found once is found again."""
    path = vault.path(sealed.digest) / "model" / "a"
    before = path.stat()
    path.chmod(0o644)
    path.write_text("alphA")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(IntegrityError, match="model/a was changed"):
            vault.verify(sealed)


def test_forged_looks_hold_until_every_byte_is_read(vault: Vault, sealed: Bundle) -> None:
    """Whoever may write the vault may write them too; nobody else may even read them."""
    path = vault.path(sealed.digest) / "model" / "a"
    path.chmod(0o644)
    path.write_text("alphA")
    vault._remember(sealed)
    vault.verify(sealed)
    with pytest.raises(IntegrityError, match="model/a was changed"):
        vault.verify(sealed, every_byte=True)
    looks = path.parents[2] / ".looks"
    assert looks.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in looks.iterdir()] == [sealed.digest]


def test_looks_that_cannot_be_read_are_no_looks(
    vault: Vault, sealed: Bundle, readings: list[Path]
) -> None:
    """The bytes are read then."""
    memory = vault.path(sealed.digest).parent / ".looks" / sealed.digest
    memory.write_bytes(b"half of i")
    vault.verify(sealed)
    assert len(readings) == 1


def test_another_list_under_the_same_digest_is_refused(vault: Vault, sealed: Bundle) -> None:
    """Though the content itself is what was sealed."""
    with pytest.raises(IntegrityError, match="is not the one that was sealed"):
        vault.verify(Bundle(digest=sealed.digest, files=sealed.files[:1]))


def test_what_is_neither_file_nor_folder_is_not_sealed(vault: Vault, sealed: Bundle) -> None:
    """A pipe would hold up whoever reads the folder; nor is one taken for no change."""
    folder = fill(vault, a="alpha")
    os.mkfifo(folder / "model" / "pipe")
    with pytest.raises(IntegrityError, match="pipe is neither a file nor a folder"):
        vault.seal(folder)
    os.mkfifo(vault.path(sealed.digest) / "model" / "pipe")
    with pytest.raises(IntegrityError, match="pipe is neither a file nor a folder"):
        vault.verify(sealed)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a", "alphA", "model/a was changed"),
        ("a", None, "model/a is missing"),
        ("z", "", "model/z was added"),
    ],
)
def test_any_change_is_named(
    vault: Vault, sealed: Bundle, name: str, content: str | None, says: str
) -> None:
    """Changed, removed or added: the file is named."""
    path = vault.path(sealed.digest) / "model" / name
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    with pytest.raises(IntegrityError, match=says):
        vault.verify(sealed)


def test_mlflows_own_note_beside_a_loaded_model_is_no_change(vault: Vault, sealed: Bundle) -> None:
    """Only at its place, and only where none was sealed."""
    model = vault.path(sealed.digest) / "model"
    (model / "registered_model_meta").write_text("model_name: late_arrival")
    vault.verify(sealed)
    (model / "sub").mkdir()
    (model / "sub" / "registered_model_meta").write_text("x")
    with pytest.raises(IntegrityError, match="model/sub/registered_model_meta was added"):
        vault.verify(sealed)


def test_a_sealed_note_is_held_to_its_digest(vault: Vault) -> None:
    """Like any other file."""
    bundle = vault.seal(fill(vault, a="alpha", registered_model_meta="sealed"))
    vault.verify(bundle)
    path = vault.path(bundle.digest) / "model" / "registered_model_meta"
    path.unlink()
    path.write_text("other!")
    with pytest.raises(IntegrityError, match="registered_model_meta was changed"):
        vault.verify(bundle)


def test_a_symbolic_link_is_not_sealed(vault: Vault) -> None:
    """Its target could change after the signature."""
    folder = fill(vault, a="alpha")
    os.symlink("/etc/hostname", folder / "model" / "link")
    with pytest.raises(IntegrityError, match="symbolic link"):
        vault.seal(folder)


def test_a_name_that_is_no_text_is_not_sealed(vault: Vault) -> None:
    """No record could hold it; one in any script is sealed."""
    folder = fill(vault, a="alpha")
    (folder / "model" / "модель.bin").write_text("x")
    assert "model/модель.bin" in [file.path for file in vault.seal(folder).files]
    folder = fill(vault, a="alpha")
    (folder / "model" / os.fsdecode(b"\xff.bin")).write_text("x")
    with pytest.raises(IntegrityError, match=r"\\xff\.bin has a name that is not UTF-8"):
        vault.seal(folder)


def test_content_that_is_not_there_says_what_to_do(vault: Vault, sealed: Bundle) -> None:
    """A digest without its folder."""
    with pytest.raises(IntegrityError, match="Promote the run again"):
        vault.verify(Bundle(digest="0" * 64, files=sealed.files))
