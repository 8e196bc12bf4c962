"""Where a server may keep artifacts: an allow-list, so that no URI leads anywhere else. No I/O but
looking through symbolic links, and at what lies there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlparse

from nbmlops.errors import Refused

__all__ = ["VAULT_NAME", "ArtifactRoots", "inside", "inside_as_spelled", "sealed_parts"]

VAULT_NAME = "nbmlops-vault"
"""The folder among the server's artifacts under which the vault is read."""


class ArtifactRoots:
    """The roots below which artifacts may be read and written; the vault is never one of them."""

    def __init__(self, roots: Iterable[str], vault: Path) -> None:
        self._roots = tuple(roots)
        self._vault = vault.resolve()

    def require(self, uri: str) -> None:
        """:raises Refused: if `uri` leads out of the roots, or into the vault."""
        path = _local_path(uri)
        if path is not None:
            roots = [root for root in map(_local_path, self._roots) if root is not None]
            if not any(_is_below(path, root) for root in roots) or _touches(path, self._vault):
                raise _refusal(uri)
            return
        if not any(_is_remote_below(uri, root) for root in self._roots):
            raise _refusal(uri)


def inside(path: str | None) -> list[str]:
    """The parts of a path below a root, as a file system would read it however it is encoded.

    :raises Refused: if it leads out of the root.
    """
    if not path:
        return []
    parts = posixpath.normpath(_decoded(path).replace("\\", "/")).split("/")
    if ".." in parts or parts[0] == "":
        raise _refusal(path)
    return [part for part in parts if part != "."]


def inside_as_spelled(path: str) -> list[str]:
    """The parts of a path below a root as they are, for a file's own name may hold a %.

    :raises Refused: if it leads out of the root, also if it were decoded further.
    """
    inside(path)
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _refusal(path)
    return parts


def sealed_parts(vault: Path, path: str) -> list[str]:
    """The parts of a path below `vault`: as they are where something is called so, else decoded.

    Either way they begin with the same content, for which its readers are asked.

    :raises Refused: if it leads out of the vault, or is longer than a path can be.
    """
    spelled, decoded = inside_as_spelled(path), inside(path)
    try:
        there = spelled[:1] == decoded[:1] and vault.joinpath(*spelled).exists()
        return spelled if there else decoded
    except OSError as error:
        raise Refused(f"{path[:200]!r}… is longer than a path can be.") from error


def _decoded(text: str) -> str:
    while (once := unquote(text)) != text:
        text = once
    return text


def _local_path(uri: str) -> Path | None:
    parts = urlparse(uri)
    if parts.scheme not in ("", "file"):
        return None
    if parts.netloc not in ("", "localhost"):
        raise _refusal(uri)
    # MLflow unquotes file URIs only, and a plain path once more where it makes a URI of it.
    return Path(_decoded(parts.path if parts.scheme else uri)).resolve()


def _is_below(path: Path, root: Path) -> bool:
    return path == root or root in path.parents


def _touches(path: Path, vault: Path) -> bool:
    """Whether writing below `path` could write into the vault, or into what holds it."""
    return _is_below(path, vault) or _is_below(vault, path)


def _is_remote_below(uri: str, root: str) -> bool:
    wanted, given = urlparse(root), urlparse(uri)
    if (wanted.scheme.lower(), wanted.netloc) != (given.scheme.lower(), given.netloc):
        return False
    if wanted.scheme in ("", "file") or given.query or given.fragment:
        return False
    parts = inside(given.path.lstrip("/"))
    below = inside(wanted.path.lstrip("/"))
    if given.scheme.lower() == "mlflow-artifacts" and parts[:1] == [VAULT_NAME]:
        return False
    return parts[: len(below)] == below


def _refusal(uri: str) -> Refused:
    return Refused(
        f"Artifacts may not be kept at {uri!r}: the server does not allow that place. Leave the "
        "location out, or have it added: nbmlops server --artifact-root."
    )
