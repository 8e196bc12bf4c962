"""What a function of the user's takes: data, or settings by their name and default."""

from __future__ import annotations

import ast
import re

from nbmlops.tracking.inference.words import is_step
from nbmlops.tracking.inference.world import Function

__all__ = ["arguments_of", "is_setting"]

_COUNT = re.compile(
    r"^(?:n|k|num|max|min)(?:_\w+)?$|^(?:mini_?)?batch_?size$|.*(?:epochs?|iters?)$"
)


def arguments_of(function: Function) -> list[tuple[str, ast.expr | None]]:
    """A function's arguments by name, each with its default."""
    spelled = [*function.args.posonlyargs, *function.args.args]
    lacking: list[ast.expr | None] = [None] * (len(spelled) - len(function.args.defaults))
    both = [*zip(spelled, [*lacking, *function.args.defaults], strict=True)]
    both += zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return [(argument.arg, default) for argument, default in both]


def is_setting(name: str, default: ast.expr | None) -> bool:
    """Whether an argument of that name and default is a number or a choice, and no data."""
    number = isinstance(default, ast.Constant) and isinstance(
        default.value, bool | int | float | str
    )
    return number or is_step(name) or bool(_COUNT.match(name))
