"""Whose prediction is it? By identity, by the code that made it, by content."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

from nbmlops.tracking.code.data_names import names_behind
from nbmlops.tracking.code.frames import argument_of, call_node
from nbmlops.tracking.code.makers import tree_of
from nbmlops.tracking.inference.search import names_worked_out
from nbmlops.tracking.metrics.code_walk import CodeWalk
from nbmlops.tracking.metrics.measured_rows import rows_of
from nbmlops.tracking.metrics.provenance import Origin, Provenance

__all__ = ["origins_of"]


def origins_of(
    provenance: Provenance,
    values: Sequence[tuple[Any, int, str]],
    frames: Sequence[FrameType],
    namespace: dict[str, Any],
) -> list[Origin]:
    """The predictions that `values` (each with its position and keyword in the call) came from.

    By identity; else by the code that made them, up through the functions that they were handed
    to; else by content. More than one run means that it cannot be told; of one run's predictions
    the first is what the value is about, as ``p`` is of ``p > threshold``.
    """
    found = _each_once(provenance.origin_of(value) for value, _, _ in values)
    if found or not values:
        return found
    call = call_node(frames[0]) if frames else None
    nodes = [argument_of(call, position, keyword) for _, position, keyword in values]
    by_code = _follow(CodeWalk(provenance, frames, namespace), nodes)
    if len({o.run_id for o in by_code}) == 1:
        # What the code joins to it may be another's, made from as many rows in an earlier cell.
        rows = next(rows_of(value) for value, _, _ in values)
        beside = _follow(CodeWalk(provenance, frames, namespace, rows=rows), nodes)
        return by_code + [o for o in beside if o.run_id != by_code[0].run_id]
    # A cell that is run again works the same values out anew; its model is not known yet.
    if not (frames and _is_worked_out(frames[0])):
        for value, _, _ in values:
            found = _each_once([*found, *sorted(provenance.origins_by_content(value), key=str)])
    if by_code:
        known = {o.run_id for o in by_code}
        return [o for o in found if o.run_id in known] or by_code
    # Less telling than the content: a frame made there may hold several models' predictions.
    found = found or _follow(CodeWalk(provenance, frames, namespace, back=True), nodes)
    if found or call is not None:
        return found
    near = provenance.nearest([value for value, _, _ in values])
    return [near] if near else []


def _each_once(origins: Iterable[Origin | None]) -> list[Origin]:
    return list(dict.fromkeys(origin for origin in origins if origin is not None))


def _follow(walk: CodeWalk, nodes: Iterable[ast.expr | None]) -> list[Origin]:
    for node in nodes:
        if node is not None:
            walk.visit(node, 0)
    return _each_once(walk.found)


def _is_worked_out(frame: FrameType) -> bool:
    """Whether a cell's own hand-written training makes what its metric is handed."""
    tree = tree_of(frame)
    worked_out = names_worked_out(tree) if tree is not None else set()
    return bool(worked_out and worked_out & names_behind(frame).keys())
