"""A model version's dossier as a page, as a PDF and as JSON."""

from __future__ import annotations

from importlib.resources import files
from typing import IO, Any

import msgspec

from nbmlops.errors import SettingsError
from nbmlops.records import Dossier, encode
from nbmlops.surfaces.reports.pages import stream_page
from nbmlops.surfaces.reports.sections import sections_of

__all__ = ["write_dossier_html", "write_dossier_json", "write_dossier_pdf"]


def write_dossier_json(dossier: Dossier, file: IO[bytes]) -> None:
    """Write the record itself, whole."""
    file.write(msgspec.json.format(encode(dossier), indent=2) + b"\n")


def write_dossier_html(dossier: Dossier, file: IO[bytes]) -> None:
    """Write a page that needs nothing else, light and dark, fit to print."""
    for piece in stream_page("dossier.html", **_content(dossier)):
        file.write(piece.encode())


def write_dossier_pdf(dossier: Dossier, file: IO[bytes]) -> None:
    """Write a PDF. What is on record reaches the typesetter as data, never as its markup.

    :raises SettingsError: if the typesetter is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise SettingsError(
            "A PDF needs the typesetter Typst: pip install 'nbmlops[pdf]'. Or take --html."
        ) from error
    template = files("nbmlops.surfaces.reports").joinpath("templates/dossier.typ")
    data = msgspec.json.encode(_content(dossier)).decode()
    file.write(typst.compile(template.read_bytes(), sys_inputs={"data": data}))


def _content(dossier: Dossier) -> dict[str, Any]:
    review = dossier.review
    version = f" version {review.registration.version}" if review.registration else ""
    return {
        "title": f"{review.submission.model_name}{version}",
        "project": dossier.project,
        "status": review.status,
        "at": f"{dossier.at:%Y-%m-%d %H:%M} UTC",
        "sections": sections_of(dossier),
    }
