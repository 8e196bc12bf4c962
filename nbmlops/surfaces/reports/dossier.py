"""A model version's dossier as a page, as a PDF and as JSON."""

from __future__ import annotations

from importlib.resources import files
from typing import IO, Any

import msgspec

from nbmlops.errors import SettingsError
from nbmlops.records import Dossier, encode
from nbmlops.surfaces.reports.pages import stream_page
from nbmlops.surfaces.reports.sections import sections_of
from nbmlops.surfaces.reports.typst_fonts import undrawable

__all__ = ["write_dossier_html", "write_dossier_json", "write_dossier_pdf"]

_SHOWN = 20
"""So many characters without a font are named."""


def write_dossier_json(dossier: Dossier, file: IO[bytes]) -> None:
    """Write the record itself, whole."""
    file.write(msgspec.json.format(encode(dossier), indent=2) + b"\n")


def write_dossier_html(dossier: Dossier, file: IO[bytes]) -> None:
    """Write a page that needs nothing else, light and dark, fit to print."""
    for piece in stream_page("dossier.html", **_content(dossier)):
        file.write(piece.encode())


def write_dossier_pdf(dossier: Dossier, file: IO[bytes]) -> None:
    """Write a PDF. What is on record reaches the typesetter as data, never as its markup.

    Where no font here has a character, the PDF says so: a name must not be read as another.

    :raises SettingsError: if the typesetter is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise SettingsError(
            "A PDF needs the typesetter Typst: pip install 'nbmlops[pdf]'. Or take --html."
        ) from error
    template = files("nbmlops.surfaces.reports").joinpath("templates/dossier.typ")
    content = _content(dossier)
    content["boxes"] = _boxes(undrawable(msgspec.json.encode(content).decode()))
    data = msgspec.json.encode(content).decode()
    file.write(typst.compile(template.read_bytes(), sys_inputs={"data": data}))


def _boxes(lacking: list[str]) -> str:
    if not lacking:
        return ""
    shown = " ".join(f"U+{ord(character):04X}" for character in lacking[:_SHOWN])
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    return (
        f"The machine that wrote this has no font for {shown}{more}; an empty box stands for each. "
        "Install one that has them and write it anew, or take --html, which is whole."
    )


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
