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
    match call.func.attr, texts:
        case "run_cell_magic", [name, line, body] if name in _IN_NAMESPACE:
            captured = line.split()[:1] if name == "capture" else []
            binds = f"{captured[0]} = None\n" if captured and captured[0].isidentifier() else ""
            return binds + body
        case "run_line_magic", [name, line] if name in _LINE_CODE:
            return _without_options(line)
    return None


def _without_options(line: str) -> str | None:
    """The statement that ``%time`` or ``%timeit`` was handed behind its options."""
    words = line.split()
    while words and words[0].startswith("-"):
        option = words.pop(0)
        stands_alone = option.strip("-") in ("q", "o", "c", "p") or "=" in option or len(option) > 2
        if not stands_alone:
            words = words[1:]  # its value
    return line[line.find(words[0]) :] if words else None
