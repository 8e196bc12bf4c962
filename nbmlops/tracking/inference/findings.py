"""What a rule has found: a training that no library was called for."""

from __future__ import annotations

import ast

import msgspec

__all__ = ["Finding"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-written training.

    `parameters` are the names that hold what was fitted, most telling first; `data` the names that
    it was fitted on. `node` is the loop or statement; `names` are all names written in it.
    Without `needs_data` it may learn from a simulated world alone. `fed` is the data that the
    parameters are applied to; what is none of it is held against what comes of that.
    With `whole` the parameters belong together, numbers of any kind and names among them; with
    `signs` the data must hold -1 and 1 alone.
    """

    method: str
    parameters: tuple[str, ...]
    data: tuple[str, ...]
    node: ast.AST
    names: frozenset[str]
    needs_data: bool = True
    fed: frozenset[str] = frozenset()
    whole: bool = False
    signs: bool = False
