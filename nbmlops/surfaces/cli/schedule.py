"""``nbmlops schedule``, ``unschedule``, ``scheduler`` and ``execute``."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime

import click
from rich.console import Group
from rich.markup import escape

from nbmlops.errors import CellFailed, NbmlopsError, SettingsError
from nbmlops.records import Execution, Schedule, now
from nbmlops.scheduling import next_instant
from nbmlops.surfaces.cli.door import (
    as_identity,
    console,
    identity_of,
    json_option,
    parameters_option,
    parse_parameters,
    print_json,
    show_progress,
    table,
    told_parameters,
)
from nbmlops.surfaces.cli.names import Name
from nbmlops.surfaces.wording import lasted
from nbmlops.workspace import Workspace

__all__ = ["execute", "print_execution", "schedule", "scheduler", "unschedule"]


@click.command()
@click.argument("promotion_id", required=False)
@click.option("--cron", help="Five fields; '0 6 1 * *' is 06:00 on the first of every month.")
@click.option("--timezone", default="UTC", show_default=True, help="An IANA time zone.")
@parameters_option
@json_option
def schedule(
    promotion_id: str | None,
    cron: str | None,
    timezone: str,
    parameters: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let PROMOTION_ID run on a schedule; without it, list the schedules."""
    workspace = Workspace.open()
    if promotion_id is None:
        found = workspace.schedules()
    elif cron is None:
        raise click.UsageError("A schedule needs --cron, for example --cron '0 6 1 * *'.")
    else:
        found = [
            workspace.schedule(
                promotion_id,
                cron=cron,
                timezone=timezone,
                parameters=parse_parameters(parameters),
            )
        ]
    if as_json:
        print_json(found[0] if promotion_id else found)
    elif not found:
        console.print("Nothing is scheduled yet: nbmlops schedule PROMOTION_ID --cron '0 6 1 * *'.")
    else:
        console.print(_table(found, workspace.executions()))
        for record in found:
            for sentence in workspace.schedule_objections(record.id):
                console.print(f"[red]Refused[/] {escape(sentence)}")


@click.command()
@click.argument("schedule_id")
@click.option("--reason", default="", help="Why; it stands in the audit log.")
@as_identity
@json_option
def unschedule(schedule_id: str, reason: str, name: str | None, as_json: bool) -> None:
    """End SCHEDULE_ID: it is never due again. What runs already runs to its end."""
    end = Workspace.open().unschedule(schedule_id, reason, identity_of(name))
    if as_json:
        print_json(end)
    else:
        console.print(
            f"Unscheduled {end.schedule_id} of {escape(end.model_name)}, by {escape(end.by.name)}: "
            "it is due no more."
        )


@click.command()
@click.option("--once", is_flag=True, help="Run what is due, then end.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
    help="With --once: what is due at this instant (UTC) rather than now.",
)
@json_option
def scheduler(once: bool, at: datetime | None, as_json: bool) -> None:
    """Run due schedules until interrupted (Ctrl-C or SIGTERM)."""
    workspace = Workspace.open()
    if once:
        with show_progress("Execution") as on_progress:
            served = workspace.scheduler(on_progress).run_due(
                at.replace(tzinfo=UTC) if at else None
            )
        if as_json:
            print_json(served)
        elif not served:
            console.print("Nothing is due.")
        for execution in () if as_json else served:
            print_execution(execution)
        return
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if not as_json:
        console.print(f"The scheduler of {workspace.settings.root} is at work. Ctrl-C ends it.")
    told: set[str] = set()

    def on_problem(error: NbmlopsError) -> None:
        if str(error) not in told:
            told.add(str(error))
            click.echo(str(error), err=True)

    on_execution = print_json if as_json else print_execution
    workspace.scheduler().run_forever(stop, on_execution, on_problem)


@click.command()
@click.argument("promotion_id", required=False)
@parameters_option
@json_option
def execute(promotion_id: str | None, parameters: tuple[str, ...], as_json: bool) -> None:
    """Run the sealed notebook of PROMOTION_ID now; without it, list the executions."""
    workspace = Workspace.open()
    if promotion_id is None:
        found = workspace.executions()
        if as_json:
            print_json(found)
        elif not found:
            console.print("Nothing was executed yet: nbmlops execute PROMOTION_ID.")
        for execution in () if as_json else found:
            print_execution(execution)
        return
    with show_progress("Execution") as on_progress:
        execution = workspace.execute(
            promotion_id, parse_parameters(parameters), on_progress=on_progress
        )
    if as_json:
        print_json(execution)
    else:
        print_execution(execution)
    if execution.outcome == "failed":
        raise SystemExit(CellFailed.exit_code)


def print_execution(execution: Execution) -> None:
    """One execution: how it ended, what it ran with, what it left."""
    colour = "green" if execution.outcome == "succeeded" else "red"
    due = f", due {execution.due:%Y-%m-%d %H:%M} UTC" if execution.due else ""
    console.print(
        f"{escape(execution.id)} [{colour}]{execution.outcome}[/] in "
        f"{lasted(execution.duration)}{due}"
    )
    told = told_parameters(execution.parameters)
    console.print(f"  parameters: {told or 'as promoted'}", markup=False)
    if execution.run_ids:
        console.print(f"  runs: {', '.join(execution.run_ids)}", markup=False)
    console.print(f"  {execution.error or execution.output_notebook}", markup=False)


def _table(schedules: list[Schedule], executions: list[Execution]) -> object:
    """`executions` are newest first."""
    grid = table("schedule", "model, parameters", "when", "next, last (UTC)")
    last = {e.schedule_id: e for e in reversed(executions)}
    for record in schedules:
        served = last.get(record.id)
        due = f"{served.due:%Y-%m-%d %H:%M} {served.outcome}" if served and served.due else "–"
        grid.add_row(
            f"{escape(record.id)}\n[dim]by {escape(record.author)}[/]",
            Group(Name(record.model_name), Name(told_parameters(record.parameters), "dim")),
            f"{escape(record.cron)}\n[dim]{escape(record.timezone)}[/]",
            f"{_next_told(record)}\n[dim]{due}[/]",
        )
    return grid


def _next_told(record: Schedule) -> str:
    try:
        instant = next_instant(record, now())
    except SettingsError:
        return "not to be followed"
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "never"
