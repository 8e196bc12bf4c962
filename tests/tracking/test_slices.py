"""Slices over messy sessions. What proves one: run alone, it makes the very same value."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nbmlops.records import CellRecord, digest_bytes, now
from nbmlops.tracking.code.reader import read_code
from nbmlops.tracking.session.lineage import Lineage
from nbmlops.tracking.session.slicing import slice_in, take_cell


def execute(source: str, namespace: dict[str, Any]) -> str | None:
    """Run a cell as IPython would; the error's class if it raised."""
    code = TransformerManager().transform_cell(source)
    try:
        exec(compile(code, "<cell>", "exec"), namespace)
    except Exception as error:  # noqa: BLE001 - sessions hold cells that raise, on purpose
        return type(error).__name__
    return None


def session(sources: list[str]) -> tuple[list[CellRecord], dict[str, Any]]:
    """Run cells one after the other: what an observer would have kept, and the names at the end."""
    namespace: dict[str, Any] = {"__name__": "__main__", "get_ipython": Shell}
    cells = []
    for number, source in enumerate(sources, 1):
        error = execute(source, namespace)
        cells.append(
            CellRecord(
                cell_id=None, source=source, source_digest=digest_bytes(source.encode()),
                execution_count=number, order=number, started=now(), duration=0.0,
                outcome="error" if error else "ok", error=error,
            )
        )  # fmt: skip
    return cells, namespace


class Shell:
    """The few magics that the sessions below use, as IPython carries them out."""

    def run_line_magic(self, name: str, rest: str) -> None:
        if name == "cd":
            os.chdir(rest)
        elif name == "time":
            execute(rest, sys._getframe(1).f_globals)

    def run_cell_magic(self, name: str, rest: str, body: str) -> None:
        execute(body, sys._getframe(1).f_globals)


def slice_of(
    cells: list[CellRecord], target: CellRecord, code: dict[str, Any]
) -> tuple[tuple[CellRecord, ...], tuple[str, ...]]:
    """The slice of `target` over what ran before it."""
    lineage = Lineage()
    before = {cell.order: cell for cell in cells if cell.order < target.order}
    for cell in before.values():
        take_cell(lineage, cell, code[cell.source_digest])
    return slice_in(lineage, before, target, code)


def sliced(sources: list[str]) -> tuple[list[int], tuple[str, ...], dict[str, Any], list[str]]:
    cells, namespace = session(sources)
    code = {cell.source_digest: read_code(cell.source) for cell in cells}
    chosen, doubts = slice_of(cells, cells[-1], code)
    return [c.order for c in chosen], doubts, namespace, [c.source for c in chosen]


SESSIONS: dict[str, tuple[list[str], list[int]]] = {
    "the plain case": (["a = 1", "b = 5", "result = a + 1"], [1, 3]),
    "a redefinition before use": (["a = 1", "a = 2", "result = a"], [2, 3]),
    "built on itself": (["a = 1", "a = a + 1", "result = a"], [1, 2, 3]),
    "an augmented assignment": (["a = 1", "a += 1", "z = 0", "result = a"], [1, 2, 4]),
    "an augmented list, by another name": (
        ["a = [1]", "b = a", "b += [2]", "result = a"], [1, 2, 3, 4]),
    "a number keeps to itself": (["a = 1", "b = a", "b += 1", "result = a"], [1, 4]),
    "a method that changes": (["a = [3, 1]", "a.sort()", "c = len(a)", "result = a"], [1, 2, 4]),
    "an alias changed": (
        ["d = {'x': 1}", "e = d", "e['y'] = 2", "f = d.copy()", "result = d"], [1, 2, 3, 5]),
    "an alias changed, then bound anew": (
        ["d = {'x': 1}", "e = d", "e = {}", "e['y'] = 2", "result = d"], [1, 5]),
    "a part changed": (["d = {'x': [1]}", "p = d['x']", "p.append(2)", "result = d"], [1, 2, 3, 4]),
    "a copy changed": (
        ["import copy\nd = [1]", "e = copy.deepcopy(d)", "e.append(2)", "result = d"], [1, 4]),
    "a list of models changed in a loop": (
        ["class M:\n    n = 0\n    def fit(self): self.n += 1", "a, b = M(), M()",
         "models = {'a': a, 'b': b}", "for name, m in models.items():\n    m.fit()",
         "unrelated = 1", "result = a.n"], [1, 2, 3, 4, 6]),
    "a function reads its globals when it is called": (
        ["def f():\n    return k * 2", "k = 1", "k = 5", "result = f()"], [1, 3, 4]),
    "a function of a function": (
        ["def g():\n    return k", "def f():\n    return g() + 1", "k = 3", "result = f()"],
        [1, 2, 3, 4]),
    "a function that is only passed on": (
        ["def f(x):\n    return x * k", "k = 4", "result = list(map(f, [1, 2]))"], [1, 2, 3]),
    "a function that changes what it is handed": (
        ["def add(t):\n    t['z'] = 1", "t = {}", "add(t)", "result = t"], [1, 2, 3, 4]),
    "by keyword, through a name inside": (
        ["def add(*, table):\n    inner = table\n    inner['z'] = 1", "t = {}", "add(table=t)",
         "result = t"], [1, 2, 3, 4]),
    "a function that changes nothing": (
        ["def total(t):\n    s = 0\n    for v in t:\n        s += v\n    return s", "t = [1, 2]",
         "total(t)", "result = t"], [2, 4]),
    "a function that changes a global": (
        ["seen = []", "def note(x):\n    seen.append(x)", "note(1)", "result = seen"],
        [1, 2, 3, 4]),
    "a global statement": (
        ["n = 0", "def up():\n    global n\n    n += 1", "up()", "up()", "result = n"],
        [1, 2, 3, 4, 5]),
    "a default is read at definition": (
        ["k = 1", "def f(x=k):\n    return x", "k = 2", "result = f()"], [1, 2, 4]),
    "a decorator": (
        ["factor = 3", "def twice(f):\n    return lambda x: f(x) * factor",
         "@twice\ndef g(x):\n    return x", "result = g(1)"], [1, 2, 3, 4]),
    "a lambda": (["f = lambda x: x + k", "k = 10", "result = f(1)"], [1, 2, 3]),
    "a dictionary of lambdas": (
        ["fs = {'a': lambda x: x + k}", "k = 10", "result = fs['a'](1)"], [1, 2, 3]),
    "a class that reads a global in a method": (
        ["class C:\n    def go(self):\n        return cfg", "c = C()", "cfg = 7", "result = c.go()"],
        [1, 2, 3, 4]),
    "a class attribute set later": (
        ["class C:\n    x = 1", "C.x = 2", "result = C().x"], [1, 2, 3]),
    "a class body reads at once": (
        ["k = 1", "class C:\n    x = k", "k = 2", "result = C.x"], [1, 2, 4]),
    "a base class": (
        ["class A:\n    def go(self): return 1", "class B(A):\n    pass", "result = B().go()"],
        [1, 2, 3]),
    "a comprehension's variable is its own": (
        ["x = 9", "y = [x for x in range(3)]", "result = x"], [1, 3]),
    "a comprehension reads around itself": (
        ["k = 2", "result = [i * k for i in range(3)]"], [1, 2]),
    "a walrus": (["print(n := 4)", "m = 1", "result = n"], [1, 3]),
    "a walrus in a comprehension": (
        ["total = 0", "[total := total + i for i in range(3)]", "result = total"], [1, 2, 3]),
    "an import with a fallback": (
        ["try:\n    import numpy as np\nexcept ImportError:\n    np = None", "result = np.ones(2).sum()"],
        [1, 2]),
    "an import inside a function": (
        ["import math as unused", "def f(x):\n    import math\n    return math.sqrt(x)",
         "result = f(4)"], [2, 3]),
    "a star import": (["from math import *", "result = cos(0)"], [1, 2]),
    "f-strings": (["who = 'ada'", "n = 1", "result = f'{who!r:>{8}}'"], [1, 3]),
    "an f-string's width": (["w = 8", "result = f'{1:>{w}}'"], [1, 2]),
    "bound on one branch": (["x = 1", "if x > 5:\n    y = 1", "y = 2", "result = y"], [3, 4]),
    "perhaps bound": (["y = 1", "c = False", "if c:\n    y = 2", "result = y"], [1, 2, 3, 4]),
    "bound on both branches": (
        ["y = 1", "c = True", "if c:\n    y = 2\nelse:\n    y = 3", "result = y"], [2, 3, 4]),
    "bound in a loop that may not run": (
        ["last = 0", "items = []", "for i in items:\n    last = i", "result = last"], [1, 2, 3, 4]),
    "bound in a loop that runs": (
        ["last = 0", "for i in range(3):\n    last = i", "result = last"], [2, 3]),
    "a loop variable": (["i = 7", "for i in range(3):\n    pass", "result = i"], [2, 3]),
    "del": (["x = 1", "x = 2", "y = x", "del x", "result = y"], [2, 3, 5]),
    "del of an item": (["d = {'a': 1, 'b': 2}", "del d['a']", "result = d"], [1, 2, 3]),
    "tuple unpacking, starred": (["a, *b = [1, 2, 3]", "c = 5", "result = b"], [1, 3]),
    "swapped": (["a, b = 1, 2", "a, b = b, a", "result = a"], [1, 2, 3]),
    "a cell that raised, then its repair": (
        ["x = 1", "y = x\nraise ValueError", "y = 2", "result = y"], [3, 4]),
    "a cell that raised half way": (["y = 1", "y = 2\nraise ValueError", "result = y"], [1, 2, 3]),
    "edited and run again": (["k = 1", "a = k", "k = 2", "result = a + k"], [1, 2, 3, 4]),
    "match": (
        ["p = (1, 2)", "match p:\n    case (x, y):\n        got = x + y\n    case _:\n        got = 0",
         "result = got"], [1, 2, 3]),
    "annotated": (["x: int = 3", "y: int", "result = x"], [1, 3]),
    "exec of a text": (["exec('k = 4')", "z = 1", "result = k"], [1, 3]),
    "globals by name": (["globals()['k'] = 4", "z = 1", "result = k"], [1, 3]),
    "a seed and what it drew": (
        ["import random", "random.seed(1)", "a = random.random()", "z = 3", "result = random.random()"],
        [1, 2, 3, 5]),
    "a generator that was drawn from": (
        ["import numpy as np\nrng = np.random.default_rng(3)", "a = rng.normal(size=2)", "z = 1",
         "result = float(rng.normal())"], [1, 2, 4]),
    "NumPy's global state": (
        ["import numpy as np", "np.random.seed(2)", "noise = np.random.rand(3)", "z = 0",
         "result = float(np.random.rand())"], [1, 2, 3, 5]),
    "a seed set again forgets": (
        ["import numpy as np", "np.random.seed(2)", "noise = np.random.rand(3)", "np.random.seed(5)",
         "result = float(np.random.rand())"], [1, 4, 5]),
    "an iterator": (["it = iter([1, 2, 3])", "next(it)", "result = next(it)"], [1, 2, 3]),
    "pandas in place": (
        ["import pandas as pd", "df = pd.DataFrame({'a': [1.0, None]})",
         "df.fillna(0, inplace=True)", "df.head()", "df.describe()", "result = df['a'].sum()"],
        [1, 2, 3, 6]),
    "a column set through another name": (
        ["import pandas as pd", "df = pd.DataFrame({'a': [1.0, 2.0]})", "df2 = df",
         "df2['x'] = df2['a'] * 2", "result = df['x'].sum()"], [1, 2, 3, 4, 5]),
    "a filtered table is a copy": (
        ["import pandas as pd", "df = pd.DataFrame({'a': [1.0, 2.0]})", "sub = df[df.a > 1].copy()",
         "sub['x'] = 1", "result = df['a'].sum()"], [1, 2, 5]),
    "df.loc": (
        ["import pandas as pd", "df = pd.DataFrame({'a': [1.0, 2.0]})", "df.loc[0, 'a'] = 9.0",
         "result = df['a'].sum()"], [1, 2, 3, 4]),
    "an array's view": (
        ["import numpy as np", "a = np.zeros(4)", "v = a[:2]", "v[:] = 1", "w = a.copy()",
         "result = a.sum()"], [1, 2, 3, 4, 6]),
    "setattr": (
        ["class C: pass", "c = C()", "setattr(c, 'k', 3)", "z = 1", "result = c.k"], [1, 2, 3, 5]),
    "%%time": (["%%time\nx = 3", "z = 1", "result = x"], [1, 3]),
    "%time": (["%time x = 3", "z = 1", "result = x"], [1, 3]),
    "a per cent on a line of its own": (["n = 7", "result = (n\n          % 4)"], [1, 2]),
    "async": (
        ["import asyncio\nasync def get():\n    return k", "k = 5", "z = 1",
         "result = asyncio.run(get())"], [1, 2, 4]),
    "with": (
        ["import contextlib", "with contextlib.nullcontext(5) as five:\n    pass", "z = 1",
         "result = five"], [1, 2, 4]),
    "an exception's name ends with its handler": (
        ["try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    why = str(e)", "z = 1", "result = why"],
        [1, 3]),
    "nonlocal": (
        ["def counter():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n        return n\n"
         "    return up", "up = counter()", "n = 50", "up()", "result = up()"], [1, 2, 4, 5]),
    "a name of the notebook's in a function of the same name as a local": (
        ["x = 1", "def f():\n    x = 2\n    return x", "result = f()"], [2, 3]),
    "a fit changes the model, not the data": (
        ["from sklearn.linear_model import Ridge", "X, y = [[1.0], [2.0]], [1.0, 2.0]",
         "other = Ridge().fit(X, y)", "model = Ridge()", "model.fit(X, y)", "other.predict(X)",
         "result = model.coef_.tolist()"], [1, 2, 4, 5, 7]),
    "a pipeline holds its parts": (
        ["from sklearn.linear_model import Ridge\nfrom sklearn.pipeline import Pipeline",
         "X, y = [[1.0], [2.0]], [1.0, 2.0]", "ridge = Ridge()", "pipe = Pipeline([('r', ridge)])",
         "pipe.fit(X, y)", "z = 1", "result = ridge.coef_.tolist()"], [1, 2, 3, 4, 5, 7]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(SESSIONS))
def test_a_slice_is_small_and_rebuilds_the_value(name: str) -> None:
    """The expected cells and no more; run in a fresh namespace, they make the same value."""
    sources, expected = SESSIONS[name]
    orders, _, namespace, chosen = sliced(sources)
    assert orders == expected
    fresh: dict[str, Any] = {"__name__": "__main__", "get_ipython": Shell}
    for source in chosen:
        execute(source, fresh)
    assert fresh["result"] == namespace["result"]


def test_a_slice_without_one_of_its_cells_does_not_rebuild() -> None:
    """The control: the comparison above can fail."""
    sources, expected = SESSIONS["an alias changed"]
    _, namespace = session(sources)
    fresh: dict[str, Any] = {}
    for order in expected:
        if order != 3:
            execute(sources[order - 1], fresh)
    assert fresh["result"] != namespace["result"]


@pytest.mark.parametrize(
    ("source", "doubt"),
    [
        ("exec(open('x').read())", "exec()"),
        ("from os.path import *", "import *"),
        ("def (", "could not be parsed"),
        ("%run other.py", "%run"),
        ("vars()['x'] = 1", "vars()"),
    ],
)
def test_what_cannot_be_read_is_said(source: str, doubt: str) -> None:
    """Dynamic code is a doubt; the control is exec of a literal."""
    assert any(doubt in said for said in read_code(source).doubts)
    assert read_code("exec('x = 1')").doubts == ()


def test_a_name_from_nowhere_is_said() -> None:
    """Nothing that ran shows where it comes from; builtins are no such names."""
    cells, _ = session(["result = len(ghost)"])
    _, doubts = slice_of(cells, cells[0], {cells[0].source_digest: read_code(cells[0].source)})
    assert doubts == ("No executed cell shows where ghost comes from.",)


def test_files_and_folders_join_cells(tmp_path: Path) -> None:
    """A cell that wrote what another read belongs to its slice, and so does a change of folder."""
    sources = [f"%cd {tmp_path}", "open('a.txt', 'w').write('1')", "z = 1",
               "result = open('a.txt').read()"]  # fmt: skip
    with contextlib.chdir(tmp_path):
        cells, _ = session(sources)
    import msgspec

    cells[1] = msgspec.structs.replace(cells[1], files_written=("a.txt",))
    cells[3] = msgspec.structs.replace(cells[3], files_read=("a.txt",))
    code = {cell.source_digest: read_code(cell.source) for cell in cells}
    chosen, _ = slice_of(cells, cells[3], code)
    assert [c.order for c in chosen] == [1, 2, 4]


@pytest.mark.parametrize(
    ("source", "seeds", "seeded"),
    [
        ("np.random.seed(3)", ("np.random.seed(3)",), ()),
        ("torch.manual_seed(1)", ("torch.manual_seed(1)",), ()),
        ("rng = np.random.default_rng(0)", (), ("np.random.default_rng(0)",)),
        ("m = RandomForestClassifier(random_state=SEED)", (),
         ("RandomForestClassifier(random_state=SEED)",)),
        ("def go():\n    train_test_split(X, random_state=1)", (),
         ("train_test_split(random_state=1)",)),
        ("m = RandomForestClassifier(random_state=None)", (), ()),
        ("g = torch.Generator().manual_seed(4)", (), ("torch.Generator().manual_seed(4)",)),
    ],
)  # fmt: skip
def test_seeds_are_read_as_written(
    source: str, seeds: tuple[str, ...], seeded: tuple[str, ...]
) -> None:
    """Those of global generators apart from those handed to one object."""
    code = read_code(textwrap.dedent(source))
    assert (code.seeds, code.seeded) == (seeds, seeded)


@pytest.mark.parametrize("numbers", ["", "1, 5, 0", "3, 'x'", "99999999999999999999"], ids=str)
def test_a_loop_over_no_range_at_all_is_read(numbers: str) -> None:
    """The cell fails by itself, or goes on for ever; reading it does neither."""
    code = read_code(f"for turn in range({numbers}):\n    total = turn")
    assert "total" in code.writes
    assert not code.doubts
