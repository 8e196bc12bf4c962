"""``nbmlops policy``: init, check, publish, show and schema."""

from __future__ import annotations

import json

import click
import msgspec
from rich.markup import escape

from nbmlops.governance import POLICY_FILE, Policy, policy_cautions, policy_schema, read_policy
from nbmlops.surfaces.cli.door import as_identity, console, identity_of, json_option, print_json
from nbmlops.surfaces.cli.keys import key_option, unlock
from nbmlops.workspace import Workspace

__all__ = ["policy"]


@click.group()
def policy() -> None:
    """Say in nbmlops.policy.yaml what must be true before a model is registered."""


@policy.command()
@json_option
def init(as_json: bool) -> None:
    """Write a policy to begin with, with a comment on each term; one that is there stays."""
    path = Workspace.open().write_policy()
    if as_json:
        print_json({"path": str(path)})
        return
    console.print(f"[green]Written[/]: {escape(str(path))}. It asks for what held without it.")
    console.print("Edit it, then: nbmlops policy check, nbmlops policy publish.")


@policy.command()
@click.argument("file", required=False, type=click.Path())
@json_option
def check(file: str | None, as_json: bool) -> None:
    """Read FILE (default: the project's policy) and say what is wrong with it, if anything.

    And what it lets through that one may not expect.
    """
    workspace = Workspace.open()
    found = workspace.check_policy(file)
    if as_json:
        print_json({**msgspec.to_builtins(found), "cautions": policy_cautions(found)})
        return
    console.print(f"[green]Good[/]: {escape(_told(found))}.")
    _tell_cautions(found)
    published = workspace.published_policies()
    if published and published[-1].version != found.version:
        console.print(
            f"In force is version {published[-1].version}, until this one is published: "
            "nbmlops policy publish."
        )


@policy.command()
@key_option
@as_identity
@json_option
def publish(key: str | None, name: str | None, as_json: bool) -> None:
    """Put the project's policy in force; from then on this version cannot change."""
    workspace = Workspace.open()
    published = workspace.publish_policy(identity_of(name), unlock(workspace, key, name))
    if as_json:
        print_json(published)
    else:
        console.print(
            f"[green]Published[/] version {published.version}, digest {published.digest[:12]}."
        )
        _tell_cautions(read_policy(published.text))


@policy.command()
@json_option
def show(as_json: bool) -> None:
    """Tell which policy is in force."""
    workspace = Workspace.open()
    found = workspace.policy()
    if as_json:
        print_json(found)
        return
    published = workspace.published_policies()
    source = (
        f"published by {published[-1].by.name} on {published[-1].at:%Y-%m-%d %H:%M}"
        if published
        else f"not published; from {POLICY_FILE if found.version else 'nbmlops.toml'}"
    )
    console.print(escape(f"{_told(found)}; {source}."))


@policy.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON schema of a policy, for an editor."""
    click.echo(json.dumps(policy_schema(), indent=2))


def _tell_cautions(found: Policy) -> None:
    for caution in policy_cautions(found):
        console.print(f"[yellow]Caution[/] {escape(caution)}")


def _told(found: Policy) -> str:
    return (
        f"version {found.version}, sign-offs {found.identity}, {len(found.reviewers)} reviewers, "
        f"{len(found.tiers)} tiers"
    )
