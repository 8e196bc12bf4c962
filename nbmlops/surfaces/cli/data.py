"""``nbmlops fingerprint`` and ``nbmlops compare``: which data was it, and what changed?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

import nbmlops
from nbmlops.records import DataDiff, encode

__all__ = ["compare", "fingerprint"]

_BAR_AFTER_BYTES = 500_000_000


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def fingerprint(paths: tuple[Path, ...], as_json: bool) -> None:
    """Name the content of files and folders.

    A file's digest is BLAKE3 of its bytes, as b3sum prints it.
    """
    with _progress(sum(map(_size, paths))) as advance:
        found = [nbmlops.fingerprint(path, str(path), progress=advance) for path in paths]
    if as_json:
        click.echo(encode(found[0] if len(found) == 1 else found).decode())
    else:
        for each in found:
            click.echo(f"{each.digest}  {each.kind:<6}  {_printable(each.name or '')}")


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the difference as JSON.")
def compare(old: Path, new: Path, as_json: bool) -> None:
    """Tell what changed from one file or folder to another.

    Parquet, Feather and CSV files are compared as tables.
    """
    with _progress(_size(old) + _size(new)) as advance:
        diff: DataDiff = nbmlops.compare(old, new, progress=advance)
    click.echo(encode(diff).decode() if as_json else str(diff))


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar where it will take over a second; on stderr, so that stdout stays clean."""
    columns = ("Reading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=total < _BAR_AFTER_BYTES
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def _size(path: Path) -> int:
    """Bytes below `path`, as far as they can be seen; what is wrong is told when it is read."""
    if path.is_dir():
        return sum(
            _size(Path(folder, name)) for folder, _, names in os.walk(path) for name in names
        )
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _printable(path: str) -> str:
    """Show a path whose name may hold anything, terminal commands included."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)
