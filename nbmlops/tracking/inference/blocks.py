"""The statements and loops of a block of code, none of an inner function or class."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

__all__ = ["Loop", "loops_in", "statements_in"]

Loop = ast.For | ast.AsyncFor | ast.While
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def loops_in(body: Iterable[ast.stmt]) -> Iterator[Loop]:
    """The outermost loops among statements, none of an inner function or class."""
    for node in body:
        if isinstance(node, Loop):
            yield node
        elif not isinstance(node, _SCOPES):
            for field in ("body", "orelse", "finalbody", "handlers"):
                inner = getattr(node, field, [])
                for part in inner:
                    yield from loops_in(
                        part.body if isinstance(part, ast.ExceptHandler) else [part]
                    )


def statements_in(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of `body` and of its blocks, none of an inner function or class."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from statements_in(getattr(node, field, []))
