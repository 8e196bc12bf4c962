"""``nbmlops audit log``, ``verify`` and ``checkpoint``."""

from __future__ import annotations

from typing import BinaryIO

import click
import msgspec

from nbmlops.errors import IntegrityError
from nbmlops.records import Checkpoint, decode, encode
from nbmlops.surfaces.cli.door import console, json_option, print_json, table
from nbmlops.workspace import Workspace

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Read and verify the ledger of facts."""


@audit.command()
@json_option
def log(as_json: bool) -> None:
    """Tell every fact, oldest first; with --json, one fact a line."""
    entries = Workspace.open().audit_log()
    if as_json:
        for entry in entries:
            click.echo(encode(entry))
        return
    grid = table("fact", "when", "who", "what", "digest")
    for entry in entries:
        what = type(entry.fact).__struct_config__.tag
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        grid.add_row(str(entry.sequence), when, entry.actor, str(what), entry.digest[:12])
    console.print(grid)


@audit.command()
@json_option
def checkpoint(as_json: bool) -> None:
    """Tell how far the ledger has come; keep it (--json) where its owner cannot change it."""
    taken = Workspace.open().audit_checkpoint()
    if as_json:
        print_json(taken)
    else:
        console.print(f"{taken.facts} facts, root {taken.root}")


@audit.command()
@click.option(
    "--checkpoint",
    "kept",
    type=click.File("rb"),
    help="A checkpoint (from audit checkpoint --json): then cuts and rewrites are found too.",
)
@json_option
def verify(kept: BinaryIO | None, as_json: bool) -> None:
    """Follow the chain of facts; name the first that does not hold."""
    report = Workspace.open().audit_verify(_read_checkpoint(kept) if kept else None)
    if as_json:
        print_json(report)
    elif report.intact:
        console.print(f"[green]Intact[/]: {report.facts} facts, head {report.head[:12]}.")
    if report.intact:
        return
    if as_json:
        raise SystemExit(IntegrityError.exit_code)
    raise IntegrityError(f"The ledger is broken: {report.reason}")


def _read_checkpoint(file: BinaryIO) -> Checkpoint:
    try:
        return decode(file.read(), Checkpoint)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(
            f"{file.name} is not a checkpoint ({error}); make one with audit checkpoint --json.",
            param_hint="--checkpoint",
        ) from error
