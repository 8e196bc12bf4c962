"""``nbmlops submit``, ``review`` and ``sign-off``."""

from __future__ import annotations

from datetime import timedelta

import click
from rich.markup import escape

from nbmlops.governance import how_given
from nbmlops.records import DEFAULT_SCOPES, Comparison, Review, Verdict, now, percent, shown
from nbmlops.surfaces.cli.door import (
    as_identity,
    console,
    identity_of,
    json_option,
    print_json,
    table,
)
from nbmlops.surfaces.cli.finding import told_finding
from nbmlops.surfaces.cli.keys import key_option, unlock
from nbmlops.surfaces.cli.names import Name
from nbmlops.surfaces.wording import attached_as
from nbmlops.workspace import Workspace

__all__ = ["review", "sign_off", "submit"]


@click.command()
@click.argument("promotion_id")
@click.option("--attach", "files", multiple=True, type=click.Path(), help="A file. Repeatable.")
@click.option("--note", "notes", multiple=True, help="A note to the reviewers. Repeatable.")
@click.option(
    "--card",
    "fields",
    multiple=True,
    metavar="FIELD=TEXT",
    help="A field of the model card, such as purpose or limits. Repeatable.",
)
@json_option
def submit(
    promotion_id: str,
    files: tuple[str, ...],
    notes: tuple[str, ...],
    fields: tuple[str, ...],
    as_json: bool,
) -> None:
    """Submit PROMOTION_ID for review, with what you attach sealed beside the evidence."""
    card = dict(_field(text) for text in fields)
    _answer(
        Workspace.open().submit(promotion_id, attachments=files, notes=notes, model_card=card),
        as_json,
    )


@click.command()
@click.argument("review_id", required=False)
@click.option("--waiting", is_flag=True, help="Only reviews that wait for somebody.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only say what would be missing, also of a promotion or a run (default: the latest).",
)
@json_option
def review(review_id: str | None, waiting: bool, dry_run: bool, as_json: bool) -> None:
    """Show REVIEW_ID with its evidence and what is missing; without it, list the reviews."""
    workspace = Workspace.open()
    if dry_run:
        _print_dry_run(workspace, review_id, as_json)
        return
    if review_id:
        _answer(workspace.review(review_id), as_json)
        return
    found = workspace.reviews(waiting)
    if as_json:
        print_json(found)
        return
    grid = table("review", "model", "content", "status, what is missing")
    for r in found:
        s = r.submission
        grid.add_row(
            f"{escape(s.id)}\n[dim]by {escape(s.author)}[/]",
            Name(s.model_name),
            escape(s.content_digest[:12]),
            "\n".join([r.status, *(f"[dim]{escape(sentence)}[/]" for sentence in r.missing)]),
        )
    console.print(grid if found else "No reviews here: nbmlops submit PROMOTION_ID.")


@click.command("sign-off")
@click.argument("review_id")
@click.option("--approve", "verdict", flag_value="approved", default="approved", help="(default)")
@click.option("--reject", "verdict", flag_value="rejected")
@click.option(
    "--with-conditions",
    "verdict",
    flag_value="approved with conditions",
    help="Approve once what --comment asks for is met.",
)
@click.option("--comment", default="", help="Why.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=DEFAULT_SCOPES,
    show_default=True,
    help="What it allows: register, alias:NAME. Repeatable.",
)
@click.option("--days", type=float, help="It lapses after so many days.")
@key_option
@as_identity
@json_option
def sign_off(
    review_id: str,
    verdict: Verdict,
    comment: str,
    *,
    scopes: tuple[str, ...],
    days: float | None,
    key: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Give your verdict on exactly the content of REVIEW_ID.

    It is signed with --key, or with your own key where the policy asks for signatures.
    """
    workspace = Workspace.open()
    result = workspace.sign_off(
        review_id,
        verdict,
        comment,
        identity_of(name),
        scopes=scopes,
        expires=now() + timedelta(days=days) if days is not None else None,
        key=unlock(workspace, key, name),
    )
    _answer(result, as_json)


def _print_review(review: Review) -> None:
    """A review on one screen."""
    submission, evidence = review.submission, review.submission.evidence
    console.print(
        f"[bold]{escape(submission.model_name)}[/] {escape(submission.id)} is "
        f"[bold]{review.status}[/], by {escape(submission.author)}, content "
        f"{escape(submission.content_digest[:12])}"
    )
    grid = table()
    grid.add_row("model", escape(evidence.model_class))
    grid.add_row("notebook", escape(evidence.notebook))
    for metric in evidence.clean_run:
        grid.add_row(
            escape(metric.name),
            shown(metric.clean) + (" (reproduced)" if metric.agrees else " (differs)"),
        )
    for item in evidence.inputs:
        named = "" if item.name == item.role else f" ({escape(item.name)})"
        grid.add_row(
            f"data {escape(item.role)}{named}", escape(item.fingerprint.digest[:12]) or "unknown"
        )
    grid.add_row("completeness", f"{percent(evidence.completeness)}%")
    for field, text in evidence.model_card.items():
        grid.add_row(f"card: {escape(field)}", escape(text))
    for note in evidence.notes:
        grid.add_row("note", escape(note))
    for file in evidence.attachments:
        grid.add_row("attached", f"{escape(attached_as(file.path))} ({file.size:,} bytes)")
    for sentence in _against_champion(evidence.champion):
        grid.add_row("champion", escape(sentence))
    for s in review.sign_offs:
        who = f"{s.verdict} by {s.by.name} ({how_given(s)})"
        grid.add_row("sign-off", escape(f"{who} {s.comment}".strip()))
    for each in review.findings:
        grid.add_row("finding", escape(told_finding(each)))
    console.print(grid)
    for gap in evidence.gaps:
        console.print(f"[yellow]Gap[/] {escape(gap.what)}: {escape(gap.why)}")
    for sentence in review.missing:
        console.print(f"[red]Missing[/] {escape(sentence)}")


def _against_champion(champion: Comparison | None) -> list[str]:
    """The comparison, a line for each thing that differs."""
    if champion is None:
        return []
    changed = sum(line.startswith(("+", "-")) for line in champion.code) - 2
    lines = [f"compared with version {champion.version}"]
    if changed > 0:
        lines.append(f"{changed} lines of code differ")
    for item in champion.data:
        lines.append(f"{item.role} {item.name}: {' '.join(item.sentences)}")
    for change in (*champion.metrics, *champion.parameters, *champion.environment):
        if change.before != change.after:
            lines.append(f"{change.name}: {change.before} → {change.after}")
    return lines


def _print_dry_run(workspace: Workspace, key: str | None, as_json: bool) -> None:
    missing = workspace.dry_run(key)
    if as_json:
        print_json({"missing": missing})
        return
    for sentence in missing:
        console.print(f"[red]Missing[/] {escape(sentence)}")
    if not missing:
        console.print("[green]Nothing is missing[/]: it may be registered.")


def _field(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise click.BadParameter(f"{text!r} is not FIELD=TEXT.", param_hint="--card")
    return name.strip(), value


def _answer(result: Review, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        _print_review(result)
