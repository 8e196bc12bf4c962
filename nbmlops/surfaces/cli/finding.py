"""``nbmlops finding``: add, resolve and list."""

from __future__ import annotations

import click
from rich.markup import escape

from nbmlops.governance import how_given
from nbmlops.records import Finding
from nbmlops.surfaces.cli.door import (
    as_identity,
    console,
    identity_of,
    json_option,
    print_json,
    table,
)
from nbmlops.surfaces.cli.keys import key_option, unlock
from nbmlops.surfaces.cli.names import Name
from nbmlops.workspace import Workspace

__all__ = ["finding", "told_finding"]


@click.group()
def finding() -> None:
    """Ask for something to be settled before a model may go."""


@finding.command()
@click.argument("review_id")
@click.argument("text")
@click.option("--cell", type=int, metavar="N", help="The code cell that it is about, from 1.")
@click.option("--metric", help="The metric that it is about.")
@as_identity
@json_option
def add(
    review_id: str,
    text: str,
    *,
    cell: int | None,
    metric: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Raise a finding on REVIEW_ID: TEXT says what is wrong, and what would settle it."""
    raised = Workspace.open().add_finding(
        review_id, text, cell=cell, metric=metric, by=identity_of(name)
    )
    _answer(raised, as_json)


@finding.command()
@click.argument("finding_id")
@click.option("--note", default="", help="How it was settled.")
@as_identity
@key_option
@json_option
def resolve(finding_id: str, note: str, name: str | None, key: str | None, as_json: bool) -> None:
    """Settle FINDING_ID; its model's author may not."""
    workspace = Workspace.open()
    unlocked = unlock(workspace, key, name)
    _answer(workspace.resolve_finding(finding_id, note, identity_of(name), unlocked), as_json)


@finding.command("list")
@click.argument("review_id", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only those that are not settled.")
@json_option
def list_findings(review_id: str | None, only_open: bool, as_json: bool) -> None:
    """List the findings on the model of REVIEW_ID; without it, all."""
    found = Workspace.open().findings(review_id, only_open)
    if as_json:
        print_json(found)
        return
    grid = table("finding", "on", "what, and how it was settled")
    for each in found:
        settled = (
            f"{each.resolution.by.name}: {each.resolution.note}" if each.resolution else "open"
        )
        grid.add_row(
            f"{each.id}\n[dim]by {escape(each.by.name)}[/]",
            Name(_place(each)),
            f"{escape(each.text)}\n[dim]{escape(settled)}[/]",
        )
    console.print(grid if found else "No findings here: nbmlops finding add REVIEW_ID TEXT.")


def told_finding(found: Finding) -> str:
    """One finding in one line."""
    settled = found.resolution
    state = f"settled by {settled.by.name}, {how_given(settled)}" if settled else "open"
    return f"{found.id} ({state}) on {_place(found)} by {found.by.name}: {found.text}"


def _place(found: Finding) -> str:
    if found.cell is not None:
        return f"cell {found.cell}"
    if found.metric is not None:
        return found.metric
    return "an approval" if found.sign_off_id else "the review"


def _answer(found: Finding, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        console.print(escape(told_finding(found)))
