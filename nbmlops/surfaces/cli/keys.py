"""``nbmlops keys``: create, list, export, rotate and revoke; and how a key is unlocked."""

from __future__ import annotations

import os

import click
from rich.markup import escape

from nbmlops.governance import SigningKey
from nbmlops.surfaces.cli.door import (
    as_identity,
    console,
    identity_of,
    json_option,
    print_json,
    table,
)
from nbmlops.workspace import Workspace
from nbmlops.workspace.unattended import PASSPHRASE

__all__ = ["key_option", "keys", "unlock", "unlock_named"]

NEW_PASSPHRASE = "NBMLOPS_NEW_PASSPHRASE"  # noqa: S105 - the variable's name, not a passphrase

key_option = click.option(
    "--key", metavar="KEY", help="Sign with this key of yours (an id, or its owner's name)."
)


@click.group()
def keys() -> None:
    """Make and look after the keys that you sign off with.

    The private half stays in your own configuration folder (NBMLOPS_KEYS, else
    ~/.config/nbmlops/keys), encrypted with a passphrase, which is asked for or taken from
    NBMLOPS_PASSPHRASE.
    """


@keys.command()
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Whose key it is (default: your name, the server's where there is one).",
)
@json_option
def create(name: str | None, as_json: bool) -> None:
    """Make a key, and print its public half for the policy."""
    workspace = Workspace.open()
    owner = name or workspace.stores.runner.name
    key = workspace.keys.create(owner, _new_passphrase(PASSPHRASE))
    if as_json:
        print_json(key)
        return
    console.print(f"Key [bold]{key.id}[/] of {escape(key.owner)}. For the policy's reviewers:")
    console.print(f"  {key.owner}: {{keys: [{key.text!r}]}}", markup=False, soft_wrap=True)


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List your keys."""
    found = Workspace.open().keys.list()
    if as_json:
        print_json(found)
        return
    grid = table("key", "owner", "created", "public")
    for key in found:
        grid.add_row(key.id, escape(key.owner), f"{key.created:%Y-%m-%d %H:%M}", key.text)
    console.print(grid if found else "You have no keys yet: nbmlops keys create.")


@keys.command()
@click.argument("key")
@json_option
def export(key: str, as_json: bool) -> None:
    """Print the public half of KEY; the private one never leaves its folder."""
    found = Workspace.open().keys.find(key)
    if as_json:
        print_json(found)
    else:
        click.echo(found.text)


@keys.command()
@click.argument("key")
@as_identity
@json_option
def rotate(key: str, name: str | None, as_json: bool) -> None:
    """Let a new key take over from KEY; what KEY signed before still counts."""
    workspace = Workspace.open()
    old = workspace.keys.find(key)
    new = workspace.rotate_key(
        old.id, _passphrase(old.id), _new_passphrase(NEW_PASSPHRASE), identity_of(name)
    )
    if as_json:
        print_json(new)
    else:
        console.print(f"Key [bold]{new.id}[/] takes over from {old.id}; the policy can stay.")


@keys.command()
@click.argument("key_id")
@click.option("--reason", default="", help="Why.")
@as_identity
@key_option
@json_option
def revoke(key_id: str, reason: str, name: str | None, key: str | None, as_json: bool) -> None:
    """Take all trust from KEY_ID: what it signed no longer counts, whenever that was.

    It holds without a signature too, for the key may be lost; --key gives it one.
    """
    workspace = Workspace.open()
    unlocked = unlock_named(workspace, key) if key else None
    revocation = workspace.revoke_key(key_id, reason, identity_of(name), unlocked)
    if as_json:
        print_json(revocation)
    else:
        console.print(f"[red]Revoked[/] {escape(key_id)}. What it signed no longer counts.")


def unlock(workspace: Workspace, key: str | None, name: str | None) -> SigningKey | None:
    """The key to sign with: the one asked for, or one's own where the policy asks for signatures.

    One's own is that of `name`, else of whom the server, or alone this machine, takes one for. None
    where nothing asks for one, or there is none.
    """
    if key is None and workspace.policy().identity == "signed":
        owner = name or workspace.stores.runner.name
        mine = [k for k in workspace.keys.list() if k.owner == owner]
        key = mine[-1].id if mine else None
    return None if key is None else unlock_named(workspace, key)


def unlock_named(workspace: Workspace, key: str) -> SigningKey:
    """The key with that id, or of that owner, opened with the passphrase that is asked for."""
    found = workspace.keys.find(key)
    return workspace.keys.unlock(found.id, _passphrase(found.id))


def _passphrase(key_id: str) -> str:
    given = os.environ.get(PASSPHRASE)
    return given or str(click.prompt(f"Passphrase of key {key_id}", hide_input=True, err=True))


def _new_passphrase(variable: str) -> str:
    given = os.environ.get(variable)
    return given or str(
        click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
    )
