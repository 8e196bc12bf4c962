"""``nbmlops submit``, ``review``, ``sign-off`` and ``register``."""

from __future__ import annotations

import click
from rich.markup import escape

from nbmlops.records import Identity, Review
from nbmlops.surfaces.cli.door import as_identity, console, json_option, print_json, table
from nbmlops.workspace import Workspace

__all__ = ["print_review", "register", "review", "sign_off", "submit"]


@click.command()
@click.argument("promotion_id")
@json_option
def submit(promotion_id: str, as_json: bool) -> None:
    """Submit PROMOTION_ID for review."""
    _answer(Workspace.open().submit(promotion_id), as_json)


@click.command()
@click.argument("review_id", required=False)
@click.option("--waiting", is_flag=True, help="Only reviews that wait for somebody.")
@json_option
def review(review_id: str | None, waiting: bool, as_json: bool) -> None:
    """Show REVIEW_ID with its evidence and what is missing; without it, list the reviews."""
    workspace = Workspace.open()
    if review_id:
        _answer(workspace.review(review_id), as_json)
        return
    found = workspace.reviews(waiting)
    if as_json:
        print_json(found)
        return
    grid = table("review", "model", "content", "author", "status", "missing")
    for r in found:
        s = r.submission
        digest = s.content_digest[:12]
        missing = escape(" ".join(r.missing)) or "–"
        grid.add_row(s.id, s.model_name, digest, s.author, r.status, missing)
    console.print(grid if found else "No reviews here: nbmlops submit PROMOTION_ID.")


@click.command("sign-off")
@click.argument("review_id")
@click.option("--approve", "verdict", flag_value="approved", default="approved", help="(default)")
@click.option("--reject", "verdict", flag_value="rejected")
@click.option("--comment", default="", help="Why.")
@as_identity
@json_option
def sign_off(review_id: str, verdict: str, comment: str, name: str | None, as_json: bool) -> None:
    """Give your verdict on exactly the content of REVIEW_ID."""
    by = Identity(name=name) if name else None
    result = Workspace.open().sign_off(
        review_id, "rejected" if verdict == "rejected" else "approved", comment, by
    )
    _answer(result, as_json)


@click.command()
@click.argument("review_id")
@click.option("--alias", default="champion", show_default=True)
@as_identity
@json_option
def register(review_id: str, alias: str, name: str | None, as_json: bool) -> None:
    """Register the model of REVIEW_ID, if nothing is missing."""
    by = Identity(name=name) if name else None
    registration = Workspace.open().register(review_id, alias, by)
    if as_json:
        print_json(registration)
    else:
        console.print(
            f"[green]Registered[/] {escape(registration.model_name)} version "
            f"{registration.version}, alias {escape(registration.alias)}, content "
            f"{registration.content_digest[:12]}."
        )


def print_review(review: Review) -> None:
    """A review on one screen."""
    submission, evidence = review.submission, review.submission.evidence
    console.print(
        f"[bold]{escape(submission.model_name)}[/] {submission.id} is [bold]{review.status}[/], "
        f"by {escape(submission.author)}, content {submission.content_digest[:12]}"
    )
    grid = table()
    grid.add_row("model", escape(evidence.model_class))
    grid.add_row("notebook", escape(evidence.notebook))
    for metric in evidence.clean_run:
        told = "–" if metric.clean is None else f"{metric.clean:.6g}"
        grid.add_row(metric.name, told + (" (reproduced)" if metric.agrees else " (differs)"))
    for item in evidence.inputs:
        grid.add_row(f"{item.role} {escape(item.name)}", item.fingerprint.digest[:12] or "unknown")
    grid.add_row("completeness", f"{evidence.completeness:.0%}")
    for s in review.sign_offs:
        who = f"{s.verdict} by {s.by.name} ({s.by.asserted_by}-asserted)"
        grid.add_row("sign-off", escape(f"{who} {s.comment}".strip()))
    console.print(grid)
    for gap in evidence.gaps:
        console.print(f"[yellow]Gap[/] {escape(gap.what)}: {escape(gap.why)}")
    for sentence in review.missing:
        console.print(f"[red]Missing[/] {escape(sentence)}")


def _answer(result: Review, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        print_review(result)
