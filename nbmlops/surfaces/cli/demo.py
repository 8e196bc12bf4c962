"""``nbmlops demo``."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import click
from rich.markup import escape

from nbmlops.scheduling import Progress
from nbmlops.settings import load_settings
from nbmlops.surfaces.cli.door import console, json_option, print_json, show_progress
from nbmlops.surfaces.cli.promote import print_promotion
from nbmlops.surfaces.cli.schedule import print_execution
from nbmlops.surfaces.cli.track import runs_table
from nbmlops.surfaces.examples import EXAMPLES, bring_examples
from nbmlops.surfaces.main_job import AUTHOR, REVIEWER, MainJob, Story

__all__ = ["demo"]


@click.command()
@click.argument("folder", default=EXAMPLES, type=click.Path(file_okay=False))
@json_option
def demo(folder: str, as_json: bool) -> None:
    """Walk the main job end to end, in FOLDER (the example notebooks are put there if need be)."""
    root = bring_examples(Path(folder).absolute())
    environ = {k: v for k, v in os.environ.items() if k not in ("NBMLOPS_ROOT", "NBMLOPS_USER")}

    def tell(what: object) -> None:
        if not as_json:
            console.print(what)

    with ExitStack() as stack:

        def progress(what: str) -> Progress | None:
            stack.pop_all().close()
            bar: Progress = stack.enter_context(show_progress(what))
            return bar

        job = MainJob(load_settings(root, environ), progress)
        tell(f"The main job, on the notebooks in {root}\n")

        tell("[bold]1  Track[/]  01_track.ipynb runs in a real kernel")
        runs = job.track()
        stack.pop_all().close()
        tell(runs_table(runs))

        tell("\n[bold]2  Promote[/]  the better run, proved in a fresh kernel and sealed")
        promotion = job.promote(runs)
        stack.pop_all().close()
        if not as_json:
            print_promotion(promotion)

        tell(
            "\n[bold]3  Execute[/]  on the first of the month, for the month of August; served now"
        )
        schedule, execution = job.schedule_and_execute(promotion)
        stack.pop_all().close()
        if not as_json:
            print_execution(execution)

        tell(f"\n[bold]4  Govern[/]  {AUTHOR} is the author, {REVIEWER} the reviewer")
        review, registration, refusals = job.review_and_register(promotion)
        unsigned, own, edited = map(escape, refusals)
        tell(f"[red]Refused[/] register, unsigned: {unsigned}")
        tell(f"[red]Refused[/] {AUTHOR} signs off: {own}")
        tell(
            f"[green]Registered[/] {registration.model_name} version {registration.version}, alias "
            f"{registration.alias}, signed off by {REVIEWER} on content "
            f"{registration.content_digest[:12]}"
        )
        tell(f"[red]Refused[/] register, one cell edited: {edited}")

        tell("\n[bold]5  Audit[/]  every step is a fact in a chain")
        intact, damaged = job.audit()
        tell(f"[green]Intact[/] {intact.facts} facts, head {intact.head[:12]}")
        tell(f"[red]Broken[/] in a copy with one byte flipped: {damaged.reason}")

    if as_json:
        print_json(
            Story(
                root=str(root),
                runs=tuple(runs),
                promotion=promotion,
                schedule=schedule,
                execution=execution,
                refusals=refusals,
                review=review,
                registration=registration,
                audit=intact,
                audit_of_damaged_copy=damaged,
            )
        )
        return
    tell(f"\nLook at it: [bold]nbmlops lab {folder}[/] opens JupyterLab with the panel.")
    tell(
        f"Ask it:     [bold]cd {folder}[/], then [bold]nbmlops runs[/], [bold]nbmlops review[/], "
        "[bold]nbmlops audit log[/] or [bold]nbmlops doctor[/]."
    )
