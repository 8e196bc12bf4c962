"""The vault keeps content under its digest, and notices when it is not that content any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nbmlops.errors import IntegrityError
from nbmlops.governance import Vault
from nbmlops.records import Bundle


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
