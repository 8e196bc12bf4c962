"""A cell's source as a syntax tree: IPython's own lines become the Python that they stand for."""

from __future__ import annotations

import ast
import warnings

__all__ = ["parse_cell"]

# Cell magics that run their body in the notebook's own namespace; others hand it elsewhere.
_IN_NAMESPACE = {"time", "timeit", "capture", "track", "prun", "memit", "mprun", "lprun"}
_LINE_CODE = {"time", "timeit", "prun", "memit"}


def parse_cell(source: str) -> ast.Module:
    """Parse a cell; code behind ``%time`` and its like stands where the magic stood.

    :raises SyntaxError: if it is not Python even when IPython has read it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            tree = ast.parse(source)
        except SyntaxError:
            from IPython.core.inputtransformer2 import TransformerManager

            tree = ast.parse(TransformerManager().transform_cell(source))
        return ast.Module(body=_unfold(tree.body), type_ignores=[])


def _unfold(body: list[ast.stmt]) -> list[ast.stmt]:
    """Put the code that a magic was handed in the place of the call that IPython made of it."""
    found: list[ast.stmt] = []
    for statement in body:
        call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        handed = _handed(call)
        if handed is None:
            for name in ("body", "orelse", "finalbody"):
                inner = getattr(statement, name, None)
                if inner and isinstance(inner, list):
                    setattr(statement, name, _unfold(inner))
            found.append(statement)
            continue
        try:
            found += parse_cell(handed).body
        except SyntaxError:
            found.append(statement)
    return found


def _handed(call: ast.expr | None) -> str | None:
    """The Python that a call of ``run_line_magic`` or ``run_cell_magic`` was handed."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if call.func.attr == "run_cell_magic" and len(texts) == 3 and texts[0] in _IN_NAMESPACE:
        captured = texts[1].split()[:1] if texts[0] == "capture" else []
        binds = f"{captured[0]} = None\n" if captured and captured[0].isidentifier() else ""
        return binds + texts[2]
    if call.func.attr == "run_line_magic" and len(texts) == 2 and texts[0] in _LINE_CODE:
        words = texts[1].split()
        while words and words[0].startswith("-"):
            words = words[1 if words[0].strip("-") in ("q", "o", "c", "p") or "=" in words[0]
                          or len(words[0]) > 2 else 2 :]  # fmt: skip
        return texts[1][texts[1].find(words[0]) :] if words else None
    return None
