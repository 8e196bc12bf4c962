"""What of a frame goes into a training: the columns that its code picks, or the whole of it."""

from __future__ import annotations

import ast
from typing import Any

from nbmlops.tracking.inference.assignments import assigned_in, expanded
from nbmlops.tracking.inference.findings import Finding

__all__ = ["columns_used"]

_FRAMES = {("pandas", "DataFrame"), ("polars", "DataFrame")}
_MOST = 20  # columns that are each an input of their own


def columns_used(
    name: str, frame: Any, finding: Finding, cell: ast.Module
) -> dict[str, tuple[str, Any]]:
    """The parts of `frame` that a training reads, as written: ``data['c']``, with key and value.

    Empty where it is no frame, or the code uses it otherwise than by columns that it names.
    """
    kind = type(frame)
    if (kind.__module__.partition(".")[0], kind.__name__) not in _FRAMES:
        return {}
    nodes = list(expanded(finding.node, assigned_in(cell)))
    loads = {
        id(n)
        for n in nodes
        if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
    }
    found: dict[str, tuple[str, Any]] = {}
    for node in nodes:
        if not (isinstance(node, ast.Subscript) and id(node.value) in loads):
            continue
        try:
            key = ast.literal_eval(node.slice)
        except ValueError:
            return {}
        columns = key if isinstance(key, list) else [key]
        if not all(isinstance(c, str) and c in frame.columns for c in columns):
            return {}
        found[ast.unparse(node)] = (key if isinstance(key, str) else name, frame[key])
        loads.discard(id(node.value))
    return found if not loads and len(found) <= _MOST else {}
