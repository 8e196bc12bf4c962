"""The map of the house, as a test: who may import from whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nbmlops"

FOUNDATION = {"errors", "records", "settings", "sizes", "steps", "toml_advice", "whole_files"}

MAY_IMPORT: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "records": {"errors"},
    "settings": {"errors", "sizes", "toml_advice"},
    "sizes": set(),
    "steps": set(),
    "toml_advice": set(),
    "whole_files": set(),
    "data": FOUNDATION,
    "tracking": FOUNDATION | {"data"},
    "promotion": FOUNDATION | {"data", "tracking"},
    "governance": FOUNDATION,
    "scheduling": FOUNDATION,
    "workspace": FOUNDATION | {"data", "tracking", "promotion", "governance", "scheduling"},
    "testing": FOUNDATION | {"data", "tracking", "promotion", "governance", "scheduling"},
    "__main__": {"surfaces"},
    "surfaces": FOUNDATION
    | {"_version", "data", "tracking", "promotion", "governance", "scheduling", "workspace"},
}
"""Room or floor -> what it may import, besides itself. ``__init__`` re-exports public names."""

WITHIN_GOVERNANCE: dict[str, set[str]] = {
    "ledger": set(),
    "sign_offs": set(),
    "vault": set(),
    "incoming": {"vault"},
    "database": {"ledger"},
    "policy": {"ledger", "sign_offs"},
    "review": {"ledger", "policy", "vault"},
    "gate": {"ledger", "policy", "review", "vault", "database"},
    "__init__": {"ledger", "sign_offs", "vault", "incoming", "policy", "review", "gate"},
}
"""The same inside the largest room: part -> which parts it may import, besides itself."""

WITHIN_TRACKING: dict[str, set[str]] = {
    "code": set(),
    "redaction": set(),
    "faults": set(),
    "journal": set(),
    "brevity": {"redaction"},
    "session": {"code", "redaction"},
    "metrics": {"code"},
    "inference": {"code", "metrics"},
    "origins": {"code", "inference", "metrics"},
    "trainings": {"brevity", "code", "faults", "redaction"},
    "runs": {"code", "faults", "journal", "redaction", "session", "trainings"},
    "delivery": {"journal", "redaction", "runs", "session"},
    "dismissal": {"journal"},
    "comparison": set(),
}
"""The same inside tracking. What is not named here stands above: it may import all of these."""

NEIGHBOURS_BY_FRONT_DOOR = {"data", "tracking", "promotion", "governance", "scheduling"}
"""Rooms whose insides other rooms leave alone: they import from the room's ``__init__``."""

ADAPTERS = {
    "nbmlops.governance.database",
    "nbmlops.governance.database.postgresql",
    "nbmlops.governance.gate.mlflow_gated_store",
    "nbmlops.governance.gate.mlflow_guarded_artifacts",
    "nbmlops.governance.gate.mlflow_team_server",
    "nbmlops.governance.gate.mlflow_verified_models",
    "nbmlops.scheduling.apprise_notifier",
    "nbmlops.scheduling.executors.papermill_local",
}
"""Adapters that the workspace opens late, by their own name, so that nothing heavy loads before."""


def _modules() -> list[Path]:
    return [p for p in PACKAGE.rglob("*.py") if "labextension" not in p.parts]


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.append(node.module)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = path.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level]
            names.append(".".join([*base, node.module or ""]).rstrip("."))
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [n for n in names if n == "nbmlops" or n.startswith("nbmlops.")]


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_floors_below(path: Path) -> None:
    """An import from a floor above, or from a neighbour who is not open to it, fails here."""
    room = _room(path)
    if room == "__init__":
        return
    for name in _imports(path):
        other = name.split(".")[1] if "." in name else "__init__"
        if other == "__init__":
            # `from nbmlops import x` would pull in every floor.
            assert room == "surfaces", f"{path}: import from the room, not from the package"
            continue
        assert other == room or other in MAY_IMPORT[room], f"{room} may not import {name}"


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_neighbours_come_through_the_front_door(path: Path) -> None:
    """Nobody reaches past a room's ``__init__``, but for the adapters that are opened late."""
    room = _room(path)
    for name in _imports(path):
        parts = name.split(".")
        if len(parts) > 2 and parts[1] in NEIGHBOURS_BY_FRONT_DOOR and parts[1] != room:
            assert name in ADAPTERS, f"{path.relative_to(PACKAGE)} reaches past {parts[1]}: {name}"


GOVERNANCE = PACKAGE / "governance"


@pytest.mark.parametrize(
    "path", sorted(GOVERNANCE.rglob("*.py")), ids=lambda p: str(p.relative_to(GOVERNANCE))
)
def test_governance_has_floors_of_its_own(path: Path) -> None:
    """Its parts import from parts below, through their front doors as well."""
    part = path.relative_to(GOVERNANCE).parts[0].removesuffix(".py")
    for name in _imports(path):
        parts = name.split(".")
        if parts[1] != "governance":
            continue
        assert len(parts) > 2, f"{path}: import from the part, not from the room"
        if parts[2] == part:
            continue
        assert parts[2] in WITHIN_GOVERNANCE[part], f"{part} may not import {name}"
        assert len(parts) == 3 or name in ADAPTERS, f"{part} reaches past {parts[2]}: {name}"


TRACKING = PACKAGE / "tracking"


@pytest.mark.parametrize(
    "path", sorted(TRACKING.rglob("*.py")), ids=lambda p: str(p.relative_to(TRACKING))
)
def test_tracking_has_floors_of_its_own(path: Path) -> None:
    """What reads code knows nothing of runs, and what makes runs nothing of their delivery."""
    part = path.relative_to(TRACKING).parts[0].removesuffix(".py")
    for name in _imports(path):
        parts = name.split(".")
        if part in WITHIN_TRACKING and parts[1] == "tracking" and parts[2] != part:
            assert parts[2] in WITHIN_TRACKING[part], f"{part} may not import {name}"


def test_the_map_names_every_room_that_exists() -> None:
    """A new room must be entered in the map before it can stand."""
    rooms = {_room(p) for p in _modules()} - {"__init__"}
    assert rooms <= MAY_IMPORT.keys()
    parts = {p.relative_to(GOVERNANCE).parts[0] for p in GOVERNANCE.rglob("*.py")}
    assert {part.removesuffix(".py") for part in parts} == WITHIN_GOVERNANCE.keys()


def test_an_import_from_above_would_be_seen(tmp_path: Path) -> None:
    """The control: the reader of imports does find both spellings."""
    module = tmp_path / "m.py"
    module.write_text("import nbmlops.workspace\nfrom nbmlops.surfaces.cli import main\n")
    assert _imports(module) == ["nbmlops.workspace", "nbmlops.surfaces.cli"]
