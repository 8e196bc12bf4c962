"""Objects that fight back: the cell ends as it would without us, and a run says what is missing."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel, Reply

SETUP = """
import numpy as np, pandas as pd, sys, threading, socket, pickle
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
X = np.arange(40.0).reshape(20, 2) ** 1.5; y = X[:, 0] + 1
def angry(*_, **__): raise ValueError('leave me alone')
class Own:
    def __init__(self, c=1): self.c = c
    def fit(self, X, y=None): self.done_ = True; return self
"""


@pytest.fixture(scope="module", autouse=True)
def _setup(kernel: Kernel) -> None:
    kernel.let_deliver()
    assert not kernel.trained(SETUP)


def ran(kernel: Kernel, code: str) -> tuple[Reply, list[TrackedRun]]:
    """Run a cell that must end well; what it left."""
    before = {run.id for run in kernel.runs()}
    reply = kernel.run(code)
    assert reply.status == "ok", reply.error
    assert "Traceback" not in reply.text, reply.text
    return reply, [run for run in kernel.runs() if run.id not in before]


MODELS = {
    "repr": "__repr__ = angry",
    "get_params": "get_params = angry",
    "getattr": "def __getattr__(self, name): raise RuntimeError(name)",
    "getattribute": (
        "def __getattribute__(self, name):\n"
        "        if name in ('fit', 'c', 'done_'): return object.__getattribute__(self, name)\n"
        "        raise RuntimeError(name)"
    ),
    "len": "__len__ = angry",
    "bool": "__bool__ = angry",
    "eq": "__eq__ = angry; __hash__ = angry",
    "class": "__class__ = property(angry)",
    "dict": "__dict__ = property(angry)",
    "shape": "shape = property(angry)",
    "slots": "__slots__ = ('more',)",
    "reduce": "__reduce__ = angry",
    "deepcopy": "__deepcopy__ = angry; __copy__ = angry",
    "classes": "classes_ = property(angry); n_features_in_ = property(angry)",
}


@pytest.mark.parametrize("trait", MODELS)
def test_a_model_that_raises_from_everything_is_trained_and_recorded(
    kernel: Kernel, trait: str
) -> None:
    """The user's object is as after its own `fit`; the record is there, with a gap where due."""
    reply, runs = ran(
        kernel,
        f"class Angry(Own):\n    {MODELS[trait]}\nm = Angry(3)\n_ = m.fit(X, y); print(m.done_)",
    )
    assert "True" in reply.text
    (run,) = runs
    assert run.model_class == "__main__.Angry"
    assert [i.name for i in run.inputs] == ["X", "y"]


DATA = {
    "shape": "shape = property(angry)",
    "len": "__len__ = angry",
    "array": "__array__ = angry; shape = (2, 2)",
    "getattr": "__len__ = lambda self: 2\n    def __getattr__(self, name): raise RuntimeError(name)",
    "class": "__len__ = lambda self: 2\n    __class__ = property(angry)",
    "nbytes": "nbytes = property(angry); shape = (1, 1)",
    "huge": "nbytes = 10**30; shape = (10**9, 10**9)",
    "frame": "__dataframe__ = angry; columns = property(angry); dtypes = property(angry)",
}


@pytest.mark.parametrize("trait", DATA)
def test_data_that_raises_from_everything_is_an_input_of_unknown_content(
    kernel: Kernel, trait: str
) -> None:
    """It has its role and name, and the gap says why its content could not be told."""
    _, runs = ran(
        kernel, f"class Thing:\n    {DATA[trait]}\nthing = Thing()\nOwn(1).fit(thing, y); None"
    )
    (run,) = runs
    assert [(i.role, i.name) for i in run.inputs] == [("X", "thing"), ("y", "y")]
    assert run.inputs[0].fingerprint.kind == "unknown"
    assert "data" in {gap.what for gap in run.gaps}


@pytest.mark.parametrize(
    "thing",
    [
        "lambda: 1",
        "socket.socket()",
        "threading.Lock()",
        "(n for n in range(3))",
        "sys._getframe()",
    ],
)
def test_a_model_that_cannot_be_saved_costs_the_model_alone(kernel: Kernel, thing: str) -> None:
    """Its record arrives, and names what could not be saved; a lambda can be."""
    _, (run,) = ran(kernel, f"m = Own(); m.thing_ = {thing}; m.fit(X, y); None")
    kernel.run("%track sync")
    gaps = {gap.what: gap.why for gap in kernel.journal.run(run.id).gaps}
    if thing.startswith("lambda"):
        assert "model" not in gaps
    else:
        assert "could not be saved" in gaps["model"]


def test_a_pipeline_of_300_levels_trains_and_is_recorded(kernel: Kernel) -> None:
    """Where the stack allows it without us, it does with us: also at the default limit."""
    nest = (
        "def nested(levels):\n"
        "    model = Ridge(alpha=2.5)\n"
        "    for _ in range(levels): model = Pipeline([('scale', StandardScaler()), ('next', model)])\n"
        "    return model\n"
    )
    _, runs = ran(kernel, f"{nest}most = 0\nlimit = sys.getrecursionlimit()\n"
                  "deep = nested(120).fit(X, y); assert sys.getrecursionlimit() == limit")  # fmt: skip
    assert len(runs) == 1
    _, (run,) = ran(kernel, "sys.setrecursionlimit(20_000)\ndeep = nested(300).fit(X, y)\n"
                    "sys.setrecursionlimit(limit)")  # fmt: skip
    values = {p.name: p.value for p in run.parameters}
    assert 2.5 in values.values()
    assert len(values) == len(run.parameters) == len(kernel.journal.run(run.id).parameters)
    assert run.gaps == () or {g.what for g in run.gaps} <= {"model", "parameters"}


def test_a_parameter_of_a_megabyte_is_bounded_and_told_by_its_digest(kernel: Kernel) -> None:
    """Two that differ at their ends differ on the record."""
    _, runs = ran(
        kernel,
        "for end in 'ab':\n    Own('x' * 1_000_000 + end).fit(X, y)\n"
        "Own(np.arange(131_072)).fit(X, y); Own(np.arange(131_072) + 1).fit(X, y)\n"
        "Own(list(range(100_000))).fit(X, y); Own(b'z' * 1_000_000).fit(X, y)\n"
        "Own(10 ** 50_000).fit(X, y); None",
    )
    values = [next(str(p.value) for p in r.parameters if p.name == "c") for r in runs]
    assert all(len(value) <= 2000 for value in values)
    assert len(set(values)) == len(values) == 7
    assert "1,000,001 characters" in values[0]
    assert "(131072,)" in values[2]
    assert "100,000 items" in values[4]


def test_ten_thousand_parameters_are_kept_up_to_a_bound_and_the_rest_is_said(
    kernel: Kernel,
) -> None:
    """A digest of the rest tells two of them apart."""
    _, runs = ran(
        kernel,
        "class Wide(Own):\n"
        "    def get_params(self, deep=True): return {f'p{n}': n * self.c for n in range(10_000)}\n"
        "Wide(1).fit(X, y); Wide(2).fit(X, y); None",
    )
    assert [len(run.parameters) for run in runs] == [2001, 2001]
    assert runs[0].parameters[-1].value != runs[1].parameters[-1].value
    assert "10,000 parameters" in {g.what: g.why for g in runs[0].gaps}["parameters"]


def test_a_model_that_changes_while_it_is_saved_is_saved_or_said(kernel: Kernel) -> None:
    """A background thread of the user's may grow it; neither side falls over."""
    _, (run,) = ran(
        kernel,
        "m = Own(); m.table_ = {n: str(n) for n in range(50_000)}\n"
        "stop = threading.Event()\n"
        "def grow():\n"
        "    n = 0\n"
        "    while not stop.wait(1e-4):\n"
        "        for n in range(n, n + 200): m.table_[-n % 90_000] = n\n"
        "thread = threading.Thread(target=grow); thread.start()\n"
        "m.fit(X, y); None",
    )
    kernel.run("%track sync")
    assert kernel.run("stop.set(); thread.join()").status == "ok"
    after = kernel.journal.run(run.id)
    assert after.mlflow_run_id
    assert after.mlflow_model_uri or "model" in {gap.what for gap in after.gaps}


NAMES = [
    "🙂 emoji",
    "new\\nline",
    "nul\\x00byte",
    "half \\ud83d surrogate",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE runs; --",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_characters_reaches_mlflow(kernel: Kernel, name: str) -> None:
    """As a parameter, a column, a file, a tag and a metric; the card shows it as text."""
    reply, (run,) = ran(
        kernel,
        f"import nbmlops\nname = '''{name}'''\n"
        "columns = ['a' if 'half' in name else name, 'b']\n"
        "table = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=columns)\n"
        "class Named(Own):\n    def get_params(self, deep=True): return {name: name}\n"
        "Named(name).fit(table, y[:2]); nbmlops.metric(name, 1.0); None",
    )
    assert "<img" not in "".join(b.get("text/html", "") for b in reply.bundles)
    assert kernel.run("%track sync").status == "ok"
    delivered = kernel.journal.run(run.id)
    assert delivered.mlflow_run_id
    assert len(delivered.metrics) == 1
    assert kernel.store().load(run.id) == delivered


def test_a_fit_that_ends_tracking_or_trains_in_a_forked_process_harms_nothing(
    kernel: Kernel,
) -> None:
    """What was begun is kept, and a child process leaves our files alone."""
    ran(
        kernel,
        "class Quits(Own):\n"
        "    def fit(self, X, y):\n"
        "        get_ipython().run_line_magic('track', 'off'); return super().fit(X, y)\n"
        "q = Quits().fit(X, y)",
    )
    assert kernel.run("%track").status == "ok"
    _, runs = ran(
        kernel,
        "import multiprocessing as mp\n"
        "def work(n): return Ridge(alpha=n).fit(X, y).coef_.sum()\n"
        "with mp.get_context('fork').Pool(2) as pool: sums = pool.map(work, [1, 2, 3])\n"
        "from joblib import Parallel, delayed\n"
        "more = Parallel(n_jobs=2)(delayed(work)(n) for n in (1, 2, 3))\n"
        "assert list(sums) == list(more)\nhere = Ridge(alpha=9).fit(X, y)",
    )
    assert [{p.name: p.value for p in r.parameters}["alpha"] for r in runs] == [9]


def test_an_interrupt_in_our_own_code_leaves_the_users_result(kernel: Kernel) -> None:
    """The fit is done and bound before the interrupt arrives; the next cell is tracked as ever."""
    reply = kernel.run(
        "import _thread, time\n"
        "class Slow(Own):\n"
        "    @property\n"
        "    def best_score_(self): return 1.0\n"
        "from nbmlops.tracking.instruments import estimators\n"
        "known = estimators.take_results\n"
        "def interrupted(*a): estimators.take_results = known; raise KeyboardInterrupt\n"
        "estimators.take_results = interrupted\n"
        "kept = None\n"
        "try:\n"
        "    kept = Ridge(alpha=4).fit(X, y)\n"
        "    time.sleep(30)\n"
        "except KeyboardInterrupt:\n    print('heard', kept)"
    )
    assert reply.status == "ok", reply.error
    assert "heard Ridge(alpha=4)" in reply.text
    _, runs = ran(kernel, "again = Ridge(alpha=5).fit(X, y)")
    assert len(runs) == 1
