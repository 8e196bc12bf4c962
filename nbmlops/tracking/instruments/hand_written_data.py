"""The data of a hand-written training: what of it went in, and what each is to the training."""

from __future__ import annotations

import re
from typing import Any

from nbmlops.tracking.inference.assignments import bound_in, grown_in, names_in
from nbmlops.tracking.inference.cell import parse_cell
from nbmlops.tracking.inference.columns import columns_used
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.namespace import NamespaceWorld
from nbmlops.tracking.inference.rows import rows_used
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.session.cells import ExecutedCell

__all__ = ["data_of", "is_validation"]

_TARGET = re.compile(r"^(?:y|t|target|label|labels|targets|Y|T|ys|yt|yy|y_.*|Y_.*|.*_y)$")
_COLUMN = re.compile(r"^\w+\['(\w+)'\]$")
_ROWS = re.compile(r"\[[^'\"]*\]$")
# What a training is only judged on goes into it all the same, under its own name.
_VALIDATION = re.compile(r"(^|_)(val(id(ation)?)?|va|dev|test|te|eval|holdout)(_|$)", re.IGNORECASE)


def is_validation(name: str) -> bool:
    """Whether data is called as that which a training is only judged on."""
    return bool(_VALIDATION.search(name))


def data_of(
    finding: Finding, cell: ExecutedCell, world: NamespaceWorld
) -> tuple[dict[str, Any], dict[str, str]]:
    """The training's data by name, a frame by the columns that went in; and its names by role."""
    tree = parse_cell(cell.source)
    data: dict[str, Any] = {}
    fed = set(finding.fed)
    for name in finding.data:
        value = world.value(name)
        columns = columns_used(name, value, finding, tree) if tree is not None else {}
        rows = {} if columns else rows_used(name, value, finding, world)
        data |= {written: part for written, (_, part) in columns.items()} or rows or {name: value}
        if name in fed:
            fed |= {written for written, (key, _) in columns.items() if not _TARGET.match(key)}
            fed |= rows.keys()
    if finding.method == "dual ascent":
        # Multipliers weigh targets as well as the table; the table is what has columns.
        fed = {name for name, value in data.items() if getattr(value, "ndim", 1) > 1}
    judged_on = {name: name for name in data if is_validation(name)}
    if len(judged_on) == len(data):
        judged_on = {}
    roles = _as_roles(tuple(name for name in data if name not in judged_on), frozenset(fed))
    known = {*finding.data, *finding.parameters, *bound_in(finding.node), *grown_in(finding.node)}
    for name in sorted(names_in(finding.node) - known):
        if roles and is_validation(name) and world.kind(name) is Kind.DATA:
            data[name], judged_on[name] = world.value(name), name
    return data, roles | {name: name for name in judged_on if name not in roles}


def _as_roles(data: tuple[str, ...], fed: frozenset[str]) -> dict[str, str]:
    """Data by role: what is called like a target is `y`, the first of the rest is `X`.

    Where nothing is called so, the one that no parameter was applied to is the target.
    """
    targets = [n for n in data if _TARGET.match(_ROWS.sub("", _COLUMN.sub(r"\1", n)))]
    rest = [name for name in data if name not in targets]
    compared = [name for name in rest if name not in fed]
    if not targets and len(compared) == 1 and len(rest) > 1:
        targets = compared
        rest = [name for name in rest if name not in targets]
    rest.sort(key=lambda name: not name.startswith(("X", "x")))
    roles = {}
    for first, group in (("X", rest), ("y", targets)):
        for number, name in enumerate(group):
            roles[first if number == 0 else name] = name
    return roles
