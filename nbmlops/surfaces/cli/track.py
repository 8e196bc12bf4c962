"""``nbmlops runs`` and ``nbmlops sync``."""

from __future__ import annotations

import click
from rich.console import Group

from nbmlops.records import Metric, TrackedRun
from nbmlops.surfaces.cli.door import console, json_option, print_json, table
from nbmlops.surfaces.cli.names import Name
from nbmlops.workspace import Workspace

__all__ = ["runs", "runs_table", "sync"]


@click.command()
@click.argument("run_id", required=False)
@click.option("--notebook", type=click.Path(), help="Only the runs of this notebook.")
@click.option(
    "--compare",
    nargs=2,
    metavar="BEFORE AFTER",
    help="Tell what differs between two runs: code, data, parameters, environment and metrics.",
)
@json_option
def runs(
    run_id: str | None, notebook: str | None, compare: tuple[str, str] | None, as_json: bool
) -> None:
    """List tracked runs, newest first, or show the one whose id begins with RUN_ID."""
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
        print_json(found[0] if run_id else found)
    elif not found:
        console.print(
            "No runs on this machine yet. In a notebook: [bold]%load_ext nbmlops[/], then "
            "[bold]%track[/]."
        )
        if workspace.settings.tracking_uri.startswith("http"):
            console.print("Runs of other machines are in MLflow; name one by its id.")
    else:
        console.print(runs_table(found))


@click.command()
@json_option
def sync(as_json: bool) -> None:
    """Deliver to MLflow what has not reached it yet."""
    delivered = Workspace.open().sync()
    if as_json:
        print_json({"delivered": delivered})
    else:
        console.print(f"{delivered} record{'s' * (delivered != 1)} delivered.")


def runs_table(found: list[TrackedRun]) -> object:
    """The runs as a table that fits into 80 columns: digest and instant stand below each other."""
    grid = table("run", "model", "metrics", "data, when")
    grid.columns[1].min_width = 18
    for run in found:
        grid.add_row(
            run.id,
            Group(Name(run.name), Name(run.notebook or "no notebook", "dim")),
            Group(*(Name(f"{m.name} {_told(m)}") for m in run.metrics)),
            f"{run.data_digest[:12]}\n[dim]{run.started:%m-%d %H:%M}[/]",
        )
    return grid


def _told(metric: Metric) -> str:
    return f"{metric.value:.4g}" if metric.value is not None else "–"
