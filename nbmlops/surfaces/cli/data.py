"""``nbmlops fingerprint`` and ``nbmlops compare``: which data was it, and what changed?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

import nbmlops
from nbmlops.records import DataDiff, encode

__all__ = ["compare", "fingerprint"]

_BAR_AFTER_SECONDS = 1.0


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
    """Show a bar once it has taken a second; on stderr, so that stdout stays clean."""
    columns = ("Reading", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    terminal = Console(stderr=True)
    bar = Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
    task = bar.add_task("", total=total)
    # A timer, for a step may itself take long: parsing a file does not come back until it is done.
    shown = Timer(_BAR_AFTER_SECONDS, bar.start)
    shown.daemon = True
    shown.start()

    def advance(count: int) -> None:
        bar.advance(task, count)
        if bar.tasks[0].finished:
            # Files whose bytes differ are read again, as tables of a size not known before.
            bar.update(task, total=None)

    try:
        yield advance
    finally:
        shown.cancel()
        shown.join()
        if bar.live.is_started:
            bar.stop()


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
