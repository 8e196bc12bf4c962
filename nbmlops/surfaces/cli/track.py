"""``nbmlops runs`` and ``nbmlops sync``."""

from __future__ import annotations

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from nbmlops.records import TrackedRun, last_values
from nbmlops.surfaces.cli.door import console, json_option, print_json, table
from nbmlops.surfaces.cli.names import Name
from nbmlops.surfaces.explanation import explanation
from nbmlops.surfaces.wording import LATEST, ended, latest_of, told_waiting
from nbmlops.workspace import Workspace

__all__ = ["runs", "runs_table", "sync"]

_MOST = 4  # metrics of a run in the table
_MODEL = 18  # columns of a model's name: longer ones leave the metrics theirs


@click.command()
@click.argument("run_id", required=False)
@click.option("--notebook", type=click.Path(), help="Only the runs of this notebook.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"List so many; a table holds the latest {LATEST} if nothing is said, JSON all.",
)
@click.option(
    "--compare",
    nargs=2,
    metavar="BEFORE AFTER",
    help="Tell what differs between two runs: code, data, parameters, environment and metrics.",
)
@json_option
def runs(
    run_id: str | None,
    notebook: str | None,
    limit: int | None,
    compare: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """List tracked runs, newest first, or tell all of the one whose id begins with RUN_ID."""
    workspace = Workspace.open()
    if compare:
        diff = workspace.compare_runs(*compare)
        if as_json:
            print_json(diff)
        else:
            console.print(str(diff), markup=False)
        return
    found = (
        [workspace.run(run_id)]
        if run_id
        else workspace.runs(workspace.settings.relative(notebook) if notebook else None)
    )
    if as_json:
        print_json(found[0] if run_id else found[:limit])
    elif run_id:
        _print_run(found[0])
    elif not found:
        console.print(
            "No runs on this machine yet. In a notebook: [bold]%load_ext nbmlops[/], then "
            "[bold]%track[/]."
        )
        if workspace.settings.tracking_uri.startswith("http"):
            console.print("Runs of other machines are in MLflow; name one by its id.")
    else:
        latest = found[: limit or LATEST]
        console.print(runs_table(latest))
        if len(latest) < len(found):
            console.print(
                f"{latest_of(len(latest), len(found))}. --limit {len(found)} lists all.",
                highlight=False,
            )


@click.command()
@json_option
def sync(as_json: bool) -> None:
    """Deliver to MLflow what has not reached it yet."""
    workspace = Workspace.open()
    delivered, left = workspace.sync(), workspace.waiting()
    if as_json:
        print_json({"delivered": delivered, "waiting": left})
        return
    console.print(f"{delivered} record{'s' * (delivered != 1)} delivered.")
    for line in told_waiting(left):
        console.print(line, markup=False, highlight=False)


def _print_run(run: TrackedRun) -> None:
    """What is on record of a run, as %track explain tells it."""
    head, *lines = explanation(run)
    console.print(head, markup=False)
    grid = table()
    for line in lines:
        about, _, told = line.strip().partition(": ")
        grid.add_row(Text(about), Text(told))
    console.print(grid)


def runs_table(found: list[TrackedRun]) -> object:
    """The runs as a table that fits into 80 columns: digest and instant stand below each other."""
    grid = table("run", "model", "metrics", "data, when")
    for run in found:
        grid.add_row(
            run.id,
            Group(
                Name(run.name, modest=_MODEL), Name(run.notebook or "no notebook", "dim", _MODEL)
            ),
            _metrics(run),
            "\n".join(
                filter(
                    None,
                    (
                        run.data_digest[:8],
                        f"[dim]{run.started:%m-%d %H:%M}[/]",
                        f"[yellow]{ended(run.cell)}[/]" if ended(run.cell) else "",
                    ),
                )
            ),
        )
    return grid


def _metrics(run: TrackedRun) -> Table:
    """The newest metrics, as on the card: values below each other, the names behind them."""
    lines = Table.grid(padding=(0, 1))
    lines.add_column(no_wrap=True, min_width=6)
    metrics = last_values(run.metrics)
    for metric in metrics[-_MOST:]:
        value = f"{metric.value:.4g}" if metric.value is not None else "–"
        lines.add_row(value, Name(metric.name))
    if len(metrics) > _MOST:
        lines.add_row("", Text(f"and {len(metrics) - _MOST} more", "dim"))
    return lines
