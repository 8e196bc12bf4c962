"""The user's frames: what an object is called in the notebook, and how a call was written."""

from __future__ import annotations

import ast
import itertools
import re
import sys
from types import FrameType
from typing import Any

from nbmlops.tracking.code.compiled import source_lent
from nbmlops.tracking.code.installed import installed_places, is_installed_file

__all__ = [
    "MODULES",
    "argument_of",
    "call_node",
    "called_by",
    "data_root",
    "held_name_of",
    "name_of",
    "names_of",
    "reads_file",
    "root_name",
    "text_at",
    "user_frames",
    "written",
]

_OURS = ("nbmlops.", "wrapt")
_HIDDEN = re.compile(r"_(?:\d*|_+|i+|i\d+|oh|dh|ih)$")  # IPython's own output names
_LONGEST = 60
_MOST_HELD = 100  # members of a dict or list that is searched for an object
# What notebooks call the libraries whose functions take data.
MODULES = frozenset(
    {"np", "numpy", "pd", "pandas", "torch", "scipy", "sp", "jnp", "tf", "pl", "sm"}
)
_READER = re.compile(
    r"\b(?:(?:read|scan|open|fetch|query|sql|execute)\w*|load|loadtxt|genfromtxt|dataset|connect"
    r"|\w*File)\("
)
_HOLDS_DATA = re.compile(r"self\.\w+$|\w+\.([Xxy]_\w+|val|dev|\w*(train|test|valid|holdout)\w*)$")


def user_frames(namespace: dict[str, Any], limit: int = 200) -> list[FrameType]:
    """The frames of the user's own code, innermost first, down to the cell."""
    frames: list[FrameType] = []
    places = installed_places()
    frame: FrameType | None = sys._getframe(1)
    for _ in range(limit):
        if frame is None:
            break
        module = frame.f_globals.get("__name__", "")
        ours = module.startswith(_OURS)
        if not ours and not is_installed_file(frame.f_code.co_filename, places):
            frames.append(frame)
            if frame.f_globals is namespace and frame.f_code.co_name == "<module>":
                break
        frame = frame.f_back
    return frames


def called_by() -> str:
    """The module whose code made the call that a watcher stands around."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(_OURS):
            return module
        frame = frame.f_back
    return ""


def name_of(obj: Any, namespace: dict[str, Any], frames: list[FrameType]) -> str | None:
    """What `obj` is called: the name nearest to the cell that is bound to this very object."""
    if obj is None or issubclass(type(obj), bool | int | float | str):
        return None
    if names := names_of(obj, namespace):
        return names[0]
    for frame in reversed(frames):
        for name, value in list(frame.f_locals.items()):
            if value is obj and not name.startswith(("_", ".")) and name != "self":
                return name
    return None


def names_of(obj: Any, namespace: dict[str, Any]) -> list[str]:
    """All names of the notebook that are bound to `obj`, in the order in which they came to be."""
    if obj is None or issubclass(type(obj), bool | int | float | str):
        return []
    return [n for n, value in list(namespace.items()) if value is obj and not _HIDDEN.match(n)]


def held_name_of(obj: Any, namespace: dict[str, Any]) -> str | None:
    """What `obj` is called as a part of a dict or list: ``loaders['train']``."""
    for name, holder in list(namespace.items()):
        kind = next((k for k in (dict, list, tuple) if issubclass(type(holder), k)), None)
        if kind is None or kind.__len__(holder) > _MOST_HELD:  # without code of a subclass's own
            continue
        if _HIDDEN.match(name) or name.startswith("_"):
            continue
        pairs = dict.items(holder) if kind is dict else enumerate(kind.__iter__(holder))
        for key, value in list(pairs):
            if value is obj and type(key) in (str, int):
                return f"{name}[{key!r}]"
    return None


def call_node(frame: FrameType) -> ast.Call | None:
    """The call that `frame` is at, as written; None where Python cannot tell."""
    try:
        import executing

        with source_lent(frame.f_code):
            node: Any = executing.Source.executing(frame).node
            if node is None:  # as where one line of a cell holds several statements
                node = _node_at(frame, executing.Source.for_frame(frame).tree)
    except Exception:  # noqa: BLE001 - a foreign library reading foreign code; names then fall back to roles
        return None
    return node if isinstance(node, ast.Call) else None


def _node_at(frame: FrameType, tree: ast.AST | None) -> ast.AST | None:
    """The call that stands where Python says that `frame` is."""
    place = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    for node in ast.walk(tree) if tree is not None and place is not None else ():
        if isinstance(node, ast.Call) and place == (
            node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
        ):  # fmt: skip
            return node
    return None


def argument_of(call: ast.Call | None, position: int, keyword: str) -> ast.expr | None:
    """The expression that a call hands over at `position` or by `keyword`."""
    if call is None:
        return None
    for word in call.keywords:
        if word.arg == keyword:
            return word.value
    last = len(call.args) - 1
    for number, given in enumerate(call.args):
        if isinstance(given, ast.Starred):
            if number < last:
                return None
            # ``fit(*ds["train"])``: what comes last holds the rest.
            place = ast.Constant(position - number)
            return ast.Subscript(value=given.value, slice=place, ctx=ast.Load())
        if number == position:
            return given
    return None


def text_at(node: ast.expr, frame: FrameType) -> str | None:
    """A text that is written in a frame's code, or held by a name there."""
    if isinstance(node, ast.Name):
        value = frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    else:
        value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def written(node: ast.expr | None) -> str | None:
    """An expression as a name for its value, if it is short enough to be one."""
    if node is None:
        return None
    text = ast.unparse(node).removeprefix("self.")
    if len(text) <= _LONGEST:
        return text
    # At the bottom of what reads a file stands a library, which is nobody's data.
    return f"{text[: _LONGEST - 1]}…" if reads_file(text[:_LONGEST]) else data_root(node)


def reads_file(expression: str) -> bool:
    """Whether an expression calls a reader, as ``pd.read_csv("a.csv")["b"]`` does."""
    return _READER.search(expression) is not None


def data_root(node: ast.expr | None) -> str | None:
    """The name of the data at the bottom of an expression, which an object of the user's may hold.

    ``X_test`` of ``X_test[columns]``, ``self.X_test`` and ``split.X_test.copy()``; ``iris`` of
    ``iris.data``.
    """
    return root_name(node, through=_HOLDS_DATA)


def root_name(node: ast.expr | None, through: re.Pattern[str] | None = None) -> str | None:
    """The name at the bottom of an expression: ``X_test`` of ``X_test.drop("a").to_numpy()``.

    An attribute of a name counts as the bottom where `through` matches the two.
    """
    while node is not None:
        if isinstance(node, ast.Name):
            return node.id
        if through and isinstance(node, ast.Attribute) and through.match(ast.unparse(node)):
            return node.attr
        if isinstance(node, ast.List | ast.Tuple):
            node = node.elts[0] if node.elts else None
        elif isinstance(node, ast.Dict):
            node = node.values[0] if node.values else None
        elif isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            inner = node.func
            if isinstance(inner, ast.Attribute) and not _takes_data(inner):
                node = inner.value
            else:
                node = node.args[0] if node.args else None
        elif isinstance(node, ast.Compare | ast.BinOp):
            node = node.left
        elif isinstance(node, ast.UnaryOp):
            node = node.operand
        else:
            return None
    return None


def _takes_data(node: ast.Attribute) -> bool:
    """Whether what is called takes the data as its argument, rather than being the data's own."""
    if node.attr in {"transform", "fit_transform", "inverse_transform", "DMatrix", "Pool"}:
        return True
    return isinstance(node.value, ast.Name) and node.value.id in MODULES
