"""``nbmlops register``, ``alias`` and ``withdraw``."""

from __future__ import annotations

import click
from rich.markup import escape

from nbmlops.records import CHAMPION
from nbmlops.surfaces.cli.door import as_identity, console, identity_of, json_option, print_json
from nbmlops.surfaces.cli.keys import key_option, unlock_named
from nbmlops.workspace import Workspace

__all__ = ["alias", "register", "withdraw"]


@click.command()
@click.argument("review_id")
@click.option("--alias", default=CHAMPION, show_default=True)
@as_identity
@json_option
def register(review_id: str, alias: str, name: str | None, as_json: bool) -> None:
    """Register the model of REVIEW_ID, if nothing is missing."""
    registration = Workspace.open().register(review_id, alias, identity_of(name))
    if as_json:
        print_json(registration)
    else:
        console.print(
            f"[green]Registered[/] {escape(registration.model_name)} version "
            f"{registration.version}, alias {escape(registration.alias or alias)}, content "
            f"{registration.content_digest[:12]}."
        )


@click.command()
@click.argument("model_name")
@click.argument("version")
@click.argument("alias", default=CHAMPION)
@as_identity
@json_option
def alias(model_name: str, version: str, alias: str, name: str | None, as_json: bool) -> None:
    """Let ALIAS (default: champion) stand at a registered VERSION of MODEL_NAME."""
    move = Workspace.open().move_alias(model_name, version, alias, identity_of(name))
    if as_json:
        print_json(move)
    else:
        console.print(
            f"[green]Moved[/] {escape(move.alias)} of {escape(move.model_name)} to version "
            f"{move.version}."
        )


@click.command()
@click.argument("version")
@click.option("--reason", required=True, help="Why; everybody who meets the refusal reads it.")
@as_identity
@key_option
@json_option
def withdraw(version: str, reason: str, name: str | None, key: str | None, as_json: bool) -> None:
    """Suspend the approval of VERSION (model/3, model@champion or a review's id).

    It holds without a signature too, so that no passphrase can delay it; --key gives it one.
    """
    workspace = Workspace.open()
    unlocked = unlock_named(workspace, key) if key else None
    withdrawal = workspace.withdraw(version, reason, identity_of(name), unlocked)
    if as_json:
        print_json(withdrawal)
    else:
        what = f"version {withdrawal.version}" if withdrawal.version else withdrawal.review_id
        console.print(
            f"[red]Withdrawn[/] {escape(withdrawal.model_name)} {what}: its aliases are gone, and "
            "it may be neither registered nor loaded until it is signed off anew."
        )
