"""What exists is documented, and what is documented exists."""

from __future__ import annotations

import inspect
import re
import tomllib
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


def test_the_reference_shows_what_each_function_takes() -> None:
    """The names of its parameters, and their defaults."""
    for name, told in re.findall(r"^### `nbmlops\.(\w+)\((.*)\)`", REFERENCE, re.M):
        parameters = inspect.signature(getattr(nbmlops, name)).parameters.values()
        takes = [
            p.name if p.default is p.empty else f"{p.name}={p.default!r}".replace("'", '"')
            for p in parameters
        ]
        assert told == ", ".join(takes), name


def test_every_verb_of_the_workspace_stands_in_the_reference() -> None:
    """And no verb that is gone; left out is what only a team's server and the panel ask for."""
    from nbmlops import Workspace

    section = REFERENCE[REFERENCE.index("### `nbmlops.Workspace`") :].partition("```")[0]
    told = set(re.findall(r"`(\w+)`", section))
    verbs = {name for name in dir(Workspace) if not name.startswith("_")}
    assert told == verbs - {"open", "changed_runs", "notebook_moved", "decide", "give_sign_off"}


def test_every_dependency_has_its_reason() -> None:
    """One row for each in the table, and none for what is not needed any more."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| ([a-z0-9, -]+) \| .+ \|$", guide.partition("## Dependencies")[2], re.M)
    told = {name for row in rows for name in row.split(", ")} - {"package"}
    assert told == {re.match(r"[\w-]+", one)[0] for one in project["dependencies"]}  # type: ignore[index] # each has a name
    for extra in project["optional-dependencies"].values():
        for one in extra:
            name = re.split(r"[^\w-]", one)[0].removesuffix("-cpu")
            assert re.search(rf"\b{name}\b", guide), name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    """Relative ones, to files of this repository and the headings in them."""
    for target, heading in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", there.read_text(), re.M)
            assert heading in {_anchor(text) for text in headings}, f"{target}#{heading}"


def _anchor(heading: str) -> str:
    """What a page's viewer makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


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
    from nbmlops.settings import (
        AuditSettings,
        NotifySettings,
        PolicySettings,
        UploadSettings,
        _File,
    )

    readme = (ROOT / "README.md").read_text()
    for key in (
        *_File.__struct_fields__,
        *PolicySettings.__struct_fields__,
        *AuditSettings.__struct_fields__,
        *UploadSettings.__struct_fields__,
        *NotifySettings.__struct_fields__,
    ):
        assert re.search(rf"^\[*{key}\b", readme, re.M), key


def test_every_magic_stands_in_an_example_and_in_the_reference() -> None:
    """What a notebook can say, a user has seen said."""
    from nbmlops.surfaces.magics import TrackMagics
    from nbmlops.surfaces.review_magics import ReviewMagics

    said = "\n".join(
        cell.source
        for path in ROOT.glob("example_notebooks/[0-9]*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
    )
    for magic in (*TrackMagics.magics["line"], *ReviewMagics.magics["line"]):
        assert re.search(rf"^%{magic}\b", said, re.M), magic
        assert f"| `%{magic}" in REFERENCE, magic


def test_the_policy_in_the_guide_can_be_kept_and_uses_every_term() -> None:
    """It is read by the reader of policies, and no term of a tier is left out."""
    from nbmlops.governance import Demands, policy_schema, read_policy

    guide = (ROOT / "docs" / "governance.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    policy = read_policy(text)
    assert policy.tier_of("fraud_cards") == "high"
    for key in policy_schema()["$defs"]["Policy"]["properties"]:
        assert key in Demands.__struct_fields__ or re.search(rf"^{key}:", text, re.M), key
    for key in set(Demands.__struct_fields__) - {"author_may_sign"}:
        assert re.search(rf"^    {key}:", text, re.M), key
