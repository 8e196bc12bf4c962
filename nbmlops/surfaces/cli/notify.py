"""``nbmlops notify``: tell subscribers now what they have not heard yet."""

from __future__ import annotations

import click

from nbmlops.surfaces.cli.door import console, json_option, print_json
from nbmlops.workspace import Workspace

__all__ = ["notify"]


@click.command()
@json_option
def notify(as_json: bool) -> None:
    """Tell subscribers ([[notify]] in nbmlops.toml) what they have not heard yet."""
    workspace = Workspace.open()
    sent = workspace.notify()
    if as_json:
        print_json({"sent": sent})
    elif not workspace.settings.notify:
        console.print(
            "Nobody has subscribed: add a [[notify]] table to nbmlops.toml.", markup=False
        )
    else:
        console.print(f"Sent {sent} message{'' if sent == 1 else 's'}.")
