"""``nbmlops audit log`` and ``nbmlops audit verify``."""

from __future__ import annotations

import click

from nbmlops.errors import IntegrityError
from nbmlops.records import encode
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
def verify(as_json: bool) -> None:
    """Follow the chain of facts; name the first that does not hold."""
    report = Workspace.open().audit_verify()
    if as_json:
        print_json(report)
    elif report.intact:
        console.print(f"[green]Intact[/]: {report.facts} facts, head {report.head[:12]}.")
    if report.intact:
        return
    if as_json:
        raise SystemExit(IntegrityError.exit_code)
    raise IntegrityError(f"The ledger is broken: {report.reason}")
