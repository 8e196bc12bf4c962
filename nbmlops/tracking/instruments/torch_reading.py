"""What the code of a loop reads: training and validation data by role, the clipping."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import msgspec

from nbmlops.tracking.code.frames import name_of
from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.inference.assignments import names_in
from nbmlops.tracking.instruments.torch_held import loaders_held
from nbmlops.tracking.instruments.torch_loops import DEFINITIONS, Loop, Region, own_parts
from nbmlops.tracking.instruments.torch_parts import part_read
from nbmlops.tracking.instruments.torch_roles import Place, places_in, value_at
from nbmlops.tracking.instruments.torch_samplers import drawn_from, read_outside
from nbmlops.tracking.trainings.inputs import Argument, is_data

__all__ = ["batch_size_of", "clipping_of", "data_read", "datasets_behind"]

_TARGET = re.compile(r"(y|t|target|label|lbl|truth)s?(_|$|\d)", re.IGNORECASE)
_EVALUATION = re.compile(
    r"(^|_)(eval(uat(e|ion))?|val(id(at(e|ion))?)?|test|dev|predict|score)(_|$|\d)", re.IGNORECASE
)
_INDEX = re.compile(
    r"(^|_)(perm(utation)?|idx|ind(ex|ices)?|order|shuffled?)(_|$|\d)", re.IGNORECASE
)
_NO_GRADIENT = ("no_grad", "inference_mode")
_MEASURES = ("shape", "size", "numel", "ndim", "dtype", "device", "dataset")
_CLIPPING = ("clip_grad_norm_", "clip_grad_value_")


class _Read(msgspec.Struct):
    """A name that a region reads, what it holds, and whether training itself reads it.

    `place` says whether it is held against what the model makes of others, or which argument of
    the model it is; None if the code does not tell.
    """

    name: str
    value: Any
    trains: bool
    place: Place | None = None
    rows: str = ""  # the part that is read, where the code reads the same one each time
    whole: Any = None  # what that was cut from


def data_read(
    regions: list[Region], namespace: dict[str, Any], closure: Any = None, source: Any = None
) -> list[Argument]:
    """The data that `regions` read and do not make, each object once.

    What is read only without gradients, or is called validation or test data, has a role that
    begins with ``validation``. `closure` is a function that the optimizer calls, `source` the
    loader or dataset that feeds the training.
    """
    found: dict[tuple[int, str], _Read] = {}
    batches, beside = _batches(regions), set[int]()
    for region in regions:
        for read in _reads(region, batches):
            _keep(found, read)
        for part, name, loader, feeds in loaders_held(region, source):
            _keep(found, _Read(name, loader, feeds and not _is_judging(part)))
            if not feeds:
                beside.add(id(loader))
        for call, (name, value) in drawn_from(region):
            _keep(found, _Read(name, value, not _is_judging(call)))
    if isinstance(closure, FunctionType):
        for name, value in read_outside(closure):
            _keep(found, _Read(name, value, True))
    places = places_in(regions)
    for (key, _), read in found.items():
        read.place = places.get(key)
        read.trains = read.trains and key not in beside
    behind = {id(inner) for read in found.values() for inner in datasets_behind(read.value)}
    frames = [region.frame for region in regions]
    named = [
        _Read(
            (name_of(read.whole, namespace, frames) or read.name) + read.rows,
            read.value,
            read.trains,
            read.place,
        )
        for read in found.values()
        if id(read.value) not in behind
    ]
    ordered = sorted(named, key=lambda read: (not read.trains, _is_target(read)))
    inputs = {(_role(read), read.place.argument) for read in ordered if read.place is not None}
    several = Counter(role for role, argument in inputs if argument is not None)
    return [
        Argument(_role(read, several=several[_role(read)] > 1), read.value, read.name)
        for read in ordered
    ]


def clipping_of(regions: list[Region]) -> dict[str, float]:
    """What gradients are clipped to, where that is a plain number: ``{"clip_grad_norm": 1.0}``."""
    for region in regions:
        for node in ast.walk(region.node):
            if isinstance(node, ast.Call) and terminal(node.func) in _CLIPPING:
                given = [k.value for k in node.keywords if k.arg in ("max_norm", "clip_value")]
                for value in [*given, *node.args[1:2]]:
                    number = (
                        value.value if isinstance(value, ast.Constant) else value_at(value, region)
                    )
                    if isinstance(number, int | float):
                        return {terminal(node.func).removesuffix("_"): number}
    return {}


def batch_size_of(loops: list[Loop], regions: list[Region]) -> int | None:
    """The step of ``for i in range(0, n, size)``, the innermost loop."""
    for region in regions if loops else ():
        over: Any = getattr(loops[-1].node, "iter", None)
        if (
            loops[-1].code is region.frame.f_code
            and isinstance(over, ast.Call)
            and _called(over) == "range"
            and len(over.args) > 2
        ):
            size = over.args[2]
            value = size.value if isinstance(size, ast.Constant) else value_at(size, region)
            return value if isinstance(value, int) else None
    return None


def datasets_behind(loader: Any) -> Iterator[Any]:
    """The datasets that a loader or subset reads from, one behind the other."""
    while (loader := getattr(loader, "dataset", None)) is not None:
        yield loader


def _is_judging(node: Any) -> bool:
    """Whether a call stands where no gradients are taken."""
    while (node := getattr(node, "parent", None)) is not None:
        if _takes_no_gradients(node):
            return True
    return False


def _takes_no_gradients(node: ast.AST) -> bool:
    """Whether this is a ``with torch.no_grad():``."""
    return isinstance(node, ast.With | ast.AsyncWith) and any(
        _called(item.context_expr) in _NO_GRADIENT for item in node.items
    )


def _reads(region: Region, batches: set[int]) -> Iterator[_Read]:
    from torch import Tensor

    collected = {
        part.func.value.id
        for part in own_parts(region.node)
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in ("append", "extend", "update")
        and isinstance(part.func.value, ast.Name)
    }
    left_out = collected | _made(region)
    for node, trains in _loads(region.node, True, region):
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id in left_out:
            continue
        value = value_at(node, region)
        if value is not None and id(value) not in batches:
            read = _Read(ast.unparse(node).removeprefix("self."), value, trains)
            part = part_read(node, region, left_out) if isinstance(value, Tensor) else None
            if part is not None:
                read.rows, read.whole, read.value = part[0], value, value[part[1]]
            yield read


def _made(region: Region) -> set[str]:
    """The names that a region binds, but for those that stay what they were: ``x = x.cuda()``."""
    made = set()
    for node in own_parts(region.node):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            around: Any = node
            while isinstance(around, ast.Name | ast.Tuple | ast.List):
                around = around.parent  # type: ignore[union-attr] # executing sets it
            if not isinstance(around, ast.Assign) or node.id not in names_in(around.value):
                made.add(node.id)
    return made


def _batches(regions: list[Region]) -> set[int]:
    """The values that loops have made by now: what is handed on from there is a batch."""
    return {
        id(region.frame.f_locals[name])
        for region in regions
        if not isinstance(region.node, ast.FunctionDef | ast.Module)
        for name in _made(region)
        if name in region.frame.f_locals
    }


def _splits_rows(call: ast.Call, region: Region) -> bool:
    """Whether a splitter of scikit-learn's kind is asked for rows: it reads no data, it counts."""
    if _called(call) != "split" or not isinstance(call.func, ast.Attribute):
        return False
    splitter = call.func.value
    made_by = splitter.func if isinstance(splitter, ast.Call) else splitter
    return hasattr(value_at(made_by, region), "get_n_splits")


def _loads(node: ast.AST, trains: bool, region: Region) -> Iterator[tuple[ast.expr, bool]]:
    """The names and attributes that are read below `node`, and whether training reads them."""
    if _takes_no_gradients(node):
        trains = False
    if isinstance(node, ast.Call):
        if _called(node) == "len":
            return
        trains = trains and not _EVALUATION.search(_called(node))
    if isinstance(node, ast.Attribute) and node.attr in _MEASURES:
        return
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
        yield node, trains
        if isinstance(node, ast.Name):
            return
    if isinstance(node, ast.Subscript):
        yield from _loads(node.value, trains, region)  # an index is no data
        return
    if isinstance(node, ast.Call) and _splits_rows(node, region):
        yield from _loads(node.func, trains, region)
        return
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, DEFINITIONS):
            yield from _loads(child, trains, region)


def _keep(found: dict[tuple[int, str], _Read], read: _Read) -> None:
    if _INDEX.search(read.name) or not _is_fed(read.value):
        return
    read.whole = read.value if read.whole is None else read.whole
    known = found.setdefault((id(read.whole), read.rows), read)
    known.trains = known.trains or read.trains


def _is_fed(value: Any) -> bool:
    """Whether a value is data that a loop could feed: no parameter, no counter, no index."""
    from torch import Tensor
    from torch.utils.data import DataLoader, Dataset

    if isinstance(value, DataLoader | Dataset):
        return True
    if isinstance(value, Tensor):
        return not value.requires_grad and value.numel() > 1
    if isinstance(value, str) or not is_data(value):
        return False
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return len(shape) > 0
    # Loaders that a list holds are data each by itself.
    return isinstance(value, list) and len(value) > 1 and not isinstance(value[0], DataLoader)


def _is_target(read: _Read) -> bool:
    named = read.name.rpartition(".")[2]  # a dataset's own, as `test.y`
    return bool(_TARGET.match(named)) if read.place is None else read.place.target


def _role(read: _Read, *, several: bool = False) -> str:
    """What a model reads it as; of `several` inputs each is told by the model's argument."""
    from torch.utils.data import DataLoader, Dataset

    if isinstance(read.value, DataLoader | Dataset):
        role = "data"
    else:
        role = "y" if _is_target(read) else "X"
        if several and role == "X" and read.place is not None and read.place.argument:
            role = f"X.{read.place.argument}"
    if read.trains and not _EVALUATION.search(read.name):
        return role
    return "validation" if role == "data" else f"validation.{role}"


def _called(node: ast.expr) -> str:
    return terminal(node.func if isinstance(node, ast.Call) else node)
