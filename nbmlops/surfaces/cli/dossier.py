"""``nbmlops dossier``: all that is on record about a model version, for people outside Jupyter."""

from __future__ import annotations

import re
from pathlib import Path

import click

from nbmlops.records import Dossier
from nbmlops.surfaces.cli.door import console
from nbmlops.workspace import Workspace

__all__ = ["dossier"]


@click.command()
@click.argument("version")
@click.option("--html", "form", flag_value="html", default=True, help="A page (default).")
@click.option("--pdf", "form", flag_value="pdf", help="A PDF; needs 'nbmlops[pdf]'.")
@click.option("--json", "form", flag_value="json", help="The record itself, on standard output.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="A file (default: named after it)."
)
def dossier(version: str, form: str, output: str | None) -> None:
    """Write the dossier of VERSION: NAME/3, NAME@champion, or a review's id.

    Purpose, data, performance, limits, validation, approvals and changes, from what is recorded;
    what is not on record is shown as a gap.
    """
    from nbmlops.surfaces import reports

    found = Workspace.open().dossier(version)
    write = {
        "html": reports.write_dossier_html,
        "pdf": reports.write_dossier_pdf,
        "json": reports.write_dossier_json,
    }[form]
    path = output or ("-" if form == "json" else _file_name(found, form))
    with click.open_file(path, "wb", atomic=path != "-") as file:
        write(found, file)
    if path != "-":
        console.print(f"Wrote {Path(path).absolute()}.", markup=False)


def _file_name(found: Dossier, form: str) -> str:
    review = found.review
    which = review.registration.version if review.registration else review.submission.id
    name = re.sub(r"[^\w\-]", "_", review.submission.model_name)[:80]
    return f"dossier-{name}-{which}.{form}"
