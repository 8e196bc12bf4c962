"""``nbmlops promote``."""

from __future__ import annotations

import click
from rich.console import Group
from rich.markup import escape

from nbmlops.records import Promotion, shown
from nbmlops.surfaces.cli.door import console, json_option, print_json, show_progress, table
from nbmlops.surfaces.cli.names import Name
from nbmlops.workspace import Workspace
from nbmlops.workspace.promote import DEFAULT_TOLERANCE

__all__ = ["print_promotion", "promote"]


@click.command()
@click.argument("run_id", required=False)
@click.option("--name", "model_name", help="The model's name (default: from the notebook's name).")
@click.option(
    "--notebook", type=click.Path(), help="Promote this edited notebook instead of gathering one."
)
@click.option(
    "--tolerance",
    type=float,
    default=DEFAULT_TOLERANCE,
    show_default=True,
    help="How far, relatively, the clean run's metrics may lie from the tracked ones.",
)
@json_option
def promote(
    run_id: str | None,
    model_name: str | None,
    notebook: str | None,
    tolerance: float,
    as_json: bool,
) -> None:
    """Prove that the notebook of RUN_ID does the same in a fresh kernel, and seal it.

    Without RUN_ID, list what was promoted.
    """
    workspace = Workspace.open()
    if run_id is None:
        _list(workspace.promotions(), as_json)
        return
    with show_progress("Clean run") as on_progress:
        promotion = workspace.promote(
            run_id,
            model_name=model_name,
            notebook=notebook,
            tolerance=tolerance,
            on_progress=on_progress,
        )
    if as_json:
        print_json(promotion)
    else:
        print_promotion(promotion)
        console.print(f"Next: [bold]nbmlops submit {promotion.id}[/]")


def print_promotion(promotion: Promotion) -> None:
    """What was promoted, and the clean run's metrics beside the tracked ones."""
    console.print(
        f"[bold]{escape(promotion.model_name)}[/] is promoted as {escape(promotion.id)}, "
        f"content {promotion.bundle.digest[:12]}, notebook {escape(promotion.notebook)}."
    )
    grid = table("metric", "tracked", "clean run", "")
    for metric in promotion.clean_run.metrics:
        grid.add_row(
            escape(metric.name),
            shown(metric.tracked),
            shown(metric.clean),
            "[green]agrees[/]" if metric.agrees else "[red]differs[/]",
        )
    console.print(grid)
    for gap in promotion.gaps:
        console.print(f"[yellow]Gap[/] {escape(gap.what)}: {escape(gap.why)}")


def _list(promotions: list[Promotion], as_json: bool) -> None:
    if as_json:
        print_json(promotions)
        return
    grid = table("promotion", "model", "content", "by, when (UTC)")
    for p in promotions:
        grid.add_row(
            escape(p.id),
            Group(Name(p.model_name), Name(p.notebook, "dim")),
            escape(p.bundle.digest[:12]),
            f"{escape(p.author)}\n[dim]{p.at:%Y-%m-%d %H:%M}[/]",
        )
    console.print(grid if promotions else "Nothing was promoted yet: nbmlops promote RUN_ID.")
