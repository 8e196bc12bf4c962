"""``nbmlops audit``: read, verify, prove and export the ledger of facts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

import click
import msgspec
from rich.markup import escape

from nbmlops.errors import IntegrityError
from nbmlops.governance import (
    check_against,
    check_proof,
    kind_of,
    read_export,
    signer_of,
    tell,
)
from nbmlops.governance import verify as verify_links
from nbmlops.records import (
    ChainReport,
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    PublicKey,
    decode,
    encode,
)
from nbmlops.settings import load_settings
from nbmlops.surfaces.cli.door import console, json_option, print_json, show_progress, table
from nbmlops.surfaces.cli.keys import key_option, unlock_named
from nbmlops.workspace import Workspace
from nbmlops.workspace.audit import require_trusted

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
@key_option
@json_option
def checkpoint(places: tuple[str, ...], key: str | None, as_json: bool) -> None:
    """Tell how far the ledger has come, to be kept where its owner cannot change it.

    It is signed with --key, or with the key that [audit] in nbmlops.toml names.
    """
    workspace = Workspace.open()
    key = key or workspace.settings.audit.key
    taken = workspace.audit_checkpoint(unlock_named(workspace, key) if key else None)
    kept = [workspace.audit_keep(taken, place) for place in places]
    if as_json:
        print_json(taken)
        return
    signed = f", signed with key {signer_of(taken)}" if taken.envelope else ", not signed"
    console.print(f"{taken.facts} facts, root {taken.root}{signed}")
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
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="KEY",
    help="A public key, or a file with one, of whom you take signed checkpoints from. Repeatable.",
)
@json_option
def verify(
    kept: BinaryIO | None,
    exported: BinaryIO | None,
    proof: BinaryIO | None,
    trusted: tuple[str, ...],
    as_json: bool,
) -> None:
    """Follow the chain of facts; name the first that does not hold.

    With --trust, the checkpoint must bear the signature of one of these keys; in the project, of
    those under [audit] trust where none is given.
    """
    known = _read(kept, Checkpoint, "--checkpoint") if kept else None
    believed = _public_keys(trusted)
    if known and not (believed or exported or proof):
        believed = list(load_settings().audit.trust)
    _say_signature(known, believed, as_json)
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
    "--jsonl",
    "form",
    flag_value="jsonl",
    default=True,
    help="JSON Lines, which verify without the ledger (default).",
)
@click.option("--csv", "form", flag_value="csv", help="A table, for people.")
@click.option("--html", "form", flag_value="html", help="A page, for people.")
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


def _public_keys(given: tuple[str, ...]) -> list[str]:
    """Keys as text, in a file, or in one that `nbmlops keys export --json` wrote."""
    found = []
    for text in given:
        path = Path(text)
        content = path.read_text("utf-8").strip() if path.is_file() else text
        try:
            found.append(decode(content.encode(), PublicKey).text)
        except msgspec.MsgspecError:
            found.append(content)
    return found


def _say_signature(known: Checkpoint | None, trusted: list[str], as_json: bool) -> None:
    """Refuse a checkpoint that nobody trusted has signed; say what an unchecked one is worth."""
    if known is None:
        if trusted:
            raise click.UsageError("--trust is about a checkpoint: give --checkpoint too.")
        return
    require_trusted(known, trusted)
    signer = signer_of(known)
    if as_json:
        return
    if trusted:
        console.print(f"The checkpoint is signed with key {signer}.")
    elif signer:
        console.print(f"The checkpoint says that key {signer} signed it; --trust has that checked.")
    else:
        console.print("The checkpoint is not signed: it is worth what the place is that kept it.")


def _verify_export(file: BinaryIO, known: Checkpoint | None) -> ChainReport:
    links = read_export(file)
    return check_against(known, links) if known else verify_links(links)


def _read(file: BinaryIO, kind: type[T], option: str) -> T:
    try:
        return decode(file.read(), kind)
    except msgspec.MsgspecError as error:
        raise click.BadParameter(
            f"{file.name} is not what nbmlops audit made for this ({error}).", param_hint=option
        ) from error
