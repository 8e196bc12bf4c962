"""A cell that has run: its hand-written trainings, checked against what they left."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import msgspec

from nbmlops.tracking.code import source as cellsource
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.namespace import (
    NamespaceWorld,
    holds_numbers,
    holds_signs,
    is_fitted,
    is_grid,
)
from nbmlops.tracking.inference.search import find_trainings, may_train
from nbmlops.tracking.inference.world import Function, Kind

__all__ = ["parse_cell", "trainings_in_cell"]


def parse_cell(source: str) -> ast.Module | None:
    """A cell's syntax tree; None if it does not parse."""
    try:
        return cellsource.parse_cell(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def trainings_in_cell(source: str, namespace: Mapping[str, Any]) -> list[Finding]:
    """The trainings at the top level of `source`, which has run in `namespace`."""
    if not may_train(source) or (tree := parse_cell(source)) is None:
        return []
    functions: dict[str, Function] = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)
    }
    world = NamespaceWorld(namespace, functions)
    found = []
    for finding in find_trainings(tree.body, world):
        checked = confirmed(finding, world)
        if checked is not None:
            found.append(checked)
    return found


def confirmed(finding: Finding, world: NamespaceWorld) -> Finding | None:
    """`finding` with what is really fitted and really data; None if either is missing."""
    fitted = tuple(name for name in finding.parameters if is_fitted(world.value(name)))
    if finding.whole and (
        fitted or any(holds_numbers(world.value(name)) for name in finding.parameters)
    ):
        fitted = finding.parameters
    data = tuple(
        name
        for name in finding.data
        if name not in finding.parameters and world.kind(name) is Kind.DATA
    )
    if finding.signs and not all(holds_signs(world.value(name)) for name in data):
        return None
    grids = all(is_grid(world.value(name)) for name in data)
    if not fitted or (finding.needs_data and grids):
        return None
    return msgspec.structs.replace(finding, parameters=fitted, data=data)
