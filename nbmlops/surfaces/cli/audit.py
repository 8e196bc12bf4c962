"""``nbmlops audit``: read, verify, prove and export the ledger of facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, BinaryIO, TypeVar

import click
import msgspec
from rich.markup import escape

from nbmlops.errors import IntegrityError
from nbmlops.governance import check_against, check_proof, kind_of, read_export, tell
from nbmlops.governance import verify as verify_links
from nbmlops.records import (
    ChainReport,
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    decode,
    encode,
)
from nbmlops.surfaces.cli.door import console, json_option, print_json, show_progress, table
from nbmlops.workspace import Workspace

__all__ = ["audit"]

T = TypeVar("T")

_checkpoint_option = click.option(
    "--checkpoint",
    "kept",
    type=click.File("rb"),
    help="A checkpoint that was kept elsewhere (from audit checkpoint).",
)


@click.group()
def audit() -> None:
    """Read, verify, prove and export the ledger of facts."""


@audit.command()
@json_option
def log(as_json: bool) -> None:
    """Tell every fact, oldest first; with --json, one fact a line."""
    entries = Workspace.open().audit_log()
    if as_json:
        for entry in entries:
            click.echo(encode(entry))
        return
    grid = table("fact", "when (UTC)", "who", "kind", "what")
    for entry in entries:
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        told = escape(entry.actor), kind_of(entry.fact), escape(tell(entry.fact))
        grid.add_row(str(entry.sequence), when, *told)
    console.print(grid)


@audit.command()
@click.option(
    "--to",
    "places",
    multiple=True,
    metavar="PLACE",
    help="Keep it there: a folder, a git work tree or an object store. Repeatable.",
)
@json_option
def checkpoint(places: tuple[str, ...], as_json: bool) -> None:
    """Tell how far the ledger has come, to be kept where its owner cannot change it."""
    workspace = Workspace.open()
    taken = workspace.audit_checkpoint()
    kept = [workspace.audit_keep(taken, place) for place in places]
    if as_json:
        print_json(taken)
        return
    console.print(f"{taken.facts} facts, root {taken.root}")
    for path in kept:
        console.print(f"kept in {path}", markup=False)


@audit.command()
@_checkpoint_option
@click.option(
    "--export",
    "exported",
    type=click.File("rb"),
    help="Verify this export (JSON Lines) instead of the ledger; needs no project.",
)
@click.option(
    "--proof",
    type=click.File("rb"),
    help="Check this proof against the checkpoint; needs neither ledger nor project.",
)
@json_option
def verify(
    kept: BinaryIO | None, exported: BinaryIO | None, proof: BinaryIO | None, as_json: bool
) -> None:
    """Follow the chain of facts; name the first that does not hold."""
    known = _read(kept, Checkpoint, "--checkpoint") if kept else None
    if proof:
        said = check_proof(
            _read(proof, InclusionProof | ConsistencyProof, "--proof"),  # type: ignore[arg-type] # a union is no class, and msgspec takes it
            *([known] if known else []),
        )
        print_json({"holds": True, "said": said}) if as_json else console.print(said)
        return
    if exported:
        report = _verify_export(exported, known)
    else:
        with show_progress("Following the chain", "facts") as on_progress:
            report = Workspace.open().audit_verify(known, on_progress=on_progress)
    if as_json:
        print_json(report)
    elif report.intact:
        console.print(f"[green]Intact[/]: {report.facts} facts, head {report.head[:12]}.")
    if report.intact:
        return
    if as_json:
        raise SystemExit(IntegrityError.exit_code)
    raise IntegrityError(f"The ledger is broken: {report.reason}")


@audit.command()
@click.argument("what", required=False)
@_checkpoint_option
def prove(what: str | None, kept: BinaryIO | None) -> None:
    """Prove that a fact stands in the ledger, or that the ledger only continued a checkpoint.

    WHAT is a fact's number, or the id that it is about. Without it, --checkpoint is proved to be a
    beginning of the ledger. The proof is JSON; `audit verify --proof` checks it anywhere.
    """
    workspace = Workspace.open()
    known = _read(kept, Checkpoint, "--checkpoint") if kept else None
    if what is not None:
        print_json(workspace.audit_prove(what, known))
    elif known is not None:
        print_json(workspace.audit_prove_continued(known))
    else:
        raise click.UsageError("Name a fact, by number or id, or give --checkpoint, or both.")


@audit.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "html"]),
    default="jsonl",
    show_default=True,
    help="jsonl verifies without the ledger; csv and html are for people.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), default="-", help="A file.")
def export(form: str, output: str) -> None:
    """Write all facts out: as JSON Lines, as CSV, or as a page that needs nothing else."""
    workspace = Workspace.open()
    with show_progress("Exporting", "facts") as on_progress:
        if form == "jsonl":
            with click.open_file(output, "wb", atomic=output != "-") as file:
                workspace.audit_export(file, on_progress=on_progress)
        else:
            with click.open_file(output, "w", "utf-8", atomic=output != "-") as text:
                _write_for_people(workspace, form, text, on_progress)
    if output != "-":
        console.print(f"Wrote {output}.", markup=False)


def _write_for_people(
    workspace: Workspace, form: str, text: IO[str], on_progress: Callable[[int, int | None], None]
) -> None:
    from nbmlops.surfaces.reports import write_audit_csv, write_audit_html

    if form == "csv":
        write_audit_csv(workspace.audit_log(), text)
        return
    report, checkpoint = workspace.audit_extent(on_progress=on_progress)
    write_audit_html(
        workspace.audit_log(),
        text,
        project=workspace.settings.root.name,
        report=report,
        checkpoint=checkpoint,
    )


def _verify_export(file: BinaryIO, known: Checkpoint | None) -> ChainReport:
    report = verify_links(read_export(file))
    if known and report.intact:
        file.seek(0)
        return check_against(known, read_export(file), report)
    return report


def _read(file: BinaryIO, kind: type[T], option: str) -> T:
    try:
        return decode(file.read(), kind)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(
            f"{file.name} is not what nbmlops audit made for this ({error}).", param_hint=option
        ) from error
