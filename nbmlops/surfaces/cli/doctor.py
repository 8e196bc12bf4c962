"""``nbmlops doctor``."""

from __future__ import annotations

import click
from rich.markup import escape

from nbmlops.surfaces.cli.door import console, json_option, print_json, table
from nbmlops.workspace import Workspace

__all__ = ["doctor"]

_COLOURS = {"ok": "green", "closed": "green", "detected": "cyan", "open": "yellow", "broken": "red"}


@click.command()
@click.option("--repair", is_flag=True, help="Mend what a crash left half-done.")
@json_option
def doctor(repair: bool, as_json: bool) -> None:
    """Try every part of this set-up: what works, which ways round the gate are closed, detected or
    open, and what is broken or half-done."""
    findings = Workspace.open().doctor(repair)
    if as_json:
        print_json(findings)
    else:
        grid = table("", "", "")
        for d in findings:
            advice = f"\n[dim]→ {escape(d.advice)}[/]" if d.advice else ""
            colour = _COLOURS[d.state]
            grid.add_row(f"[{colour}]{d.state}[/]", d.subject, escape(d.finding) + advice)
        console.print(grid)
        console.print(
            "[dim]What was tried and refused stands on the ledger as your refusals: "
            "nbmlops audit log.[/]"
        )
    if any(d.state == "broken" for d in findings):
        raise SystemExit(1)
