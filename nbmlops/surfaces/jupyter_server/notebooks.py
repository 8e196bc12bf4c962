"""From the path that a browser knows a notebook by to the path that records know it by."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from nbmlops.errors import NotFound
from nbmlops.settings import Settings

__all__ = ["record_path"]


def record_path(contents_path: str, root_dir: Path, settings: Settings) -> str:
    """Spell `contents_path` (relative to the server's `root_dir`) as records do.

    :raises NotFound: if the path leads out of `root_dir`.
    """
    parts = PurePosixPath(contents_path.strip("/")).parts
    here = root_dir.resolve()
    absolute = here.joinpath(*parts)
    if (
        not parts
        or "\0" in contents_path
        or ".." in parts
        or not absolute.resolve().is_relative_to(here)
    ):
        raise NotFound(
            f"{contents_path!r} is no notebook of this server. "
            f"Give its path from the server's folder, such as 'analysis/train.ipynb'."
        )
    return settings.relative(absolute.resolve())
