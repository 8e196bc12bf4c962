"""What exists is documented, and what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

import nbmlops

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("example_notebooks/**/*.md")]
)
REFERENCE = (ROOT / "docs" / "reference.md").read_text()


def test_every_public_name_stands_in_the_reference() -> None:
    """And the reference names no other."""
    told = set(re.findall(r"^### `nbmlops\.(\w+)", REFERENCE, re.M))
    assert told == set(nbmlops.__all__) - {"__version__", "load_ipython_extension"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    """Relative ones, to files of this repository."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


def test_the_example_notebooks_are_shipped_without_outputs() -> None:
    """What a user sees first is their own run."""
    notebooks = sorted(ROOT.glob("example_notebooks/[0-9]*.ipynb"))
    assert notebooks
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert not any(c.get("outputs") for c in notebook.cells), path


def test_every_settings_key_stands_in_the_readme() -> None:
    """With its table."""
    from nbmlops.settings import AuditSettings, NotifySettings, PolicySettings, _File

    readme = (ROOT / "README.md").read_text()
    for key in (
        *_File.__struct_fields__,
        *PolicySettings.__struct_fields__,
        *AuditSettings.__struct_fields__,
        *NotifySettings.__struct_fields__,
    ):
        assert re.search(rf"^\[*{key}\b", readme, re.M), key
