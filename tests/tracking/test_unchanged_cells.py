"""The same cells with and without tracking: same outputs, tracebacks, warnings, random numbers.

Two real kernels run each cell, of which one tracks. Whatever a user could see must be the same,
but for the card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Kernel, Reply

IMPORTS = """
import asyncio, contextlib, copy, inspect, io, logging, os, pickle, random, signal, sys, threading
import traceback, warnings
import cloudpickle, duckdb, numpy as np, pandas as pd, torch
from pydantic import BaseModel
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
random.seed(0); np.random.seed(0); torch.manual_seed(0)
X = np.random.rand(40, 3)
y = (X[:, 0] > 0.5).astype(int)

class Mine(BaseEstimator):
    def __init__(self, trouble=None):
        self.trouble = trouble
    def fit(self, X, y=None):
        if self.trouble is not None:
            self.trouble()
        self.mean_ = float(np.mean(X))
        return self
    def predict(self, X):
        return np.zeros(len(X), int)

def fail():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("no luck") from error
"""

STATE = """
import hashlib
print(hashlib.sha256(pickle.dumps([
    np.random.get_state(), random.getstate(), torch.get_rng_state().numpy(), warnings.filters[-3:],
    sorted(n for n in globals() if not n.startswith("_") and n != "get_ipython"),
    sys.getrecursionlimit(), sys.getswitchinterval(), threading.current_thread().name,
    signal.getsignal(signal.SIGINT) is signal.default_int_handler,
])).hexdigest())
"""

CELLS = {
    "queries of frames that the caller names": """
def share(limit):
    mine = pd.DataFrame({"a": [1, 2, 3]})
    here = duckdb.sql("select sum(a) from mine").fetchone()
    return here, duckdb.connect().execute("select count(*) from mine where a > ?", [limit]).fetchall()
whole = pd.DataFrame({"b": [5.0, 6.0]})
print(share(1), duckdb.query("select avg(b) from whole").fetchone())
print([duckdb.sql(f"select {n} + max(b) from whole").fetchone() for n in (1, 2)])
duckdb.connect().execute("select * from mine")""",
    "a query that is none": "duckdb.sql('selec 1')",
    "a fit that raises": "Ridge().fit([[1.0], [2.0]], [1.0, 2.0, 3.0])",
    "an error in the user's own fit": "Mine(fail).fit(X, y)",
    "an error deep inside": """
def train(trouble):
    model = make_pipeline(StandardScaler(), Mine(trouble))
    return [model.fit(X, y) for _ in range(1)]
train(fail)""",
    "a traceback that the cell prints": """
for call in (lambda: Mine(fail).fit(X), lambda: Ridge().predict(X), lambda: accuracy_score([1], [])):
    try:
        call()
    except Exception:
        traceback.print_exc(file=sys.stdout)""",
    "a traceback inside a warning": """
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    print(cross_val_score(Mine(fail), X, y, scoring="accuracy", cv=2))
    try:
        GridSearchCV(Mine(), {"trouble": [None, fail]}, scoring="accuracy", cv=2).fit(X, y)
    except ValueError as error:
        print(error)
for one in told:
    print(one.category.__name__, one.message)""",
    "an interrupt": "Mine(lambda: signal.raise_signal(signal.SIGINT)).fit(X)",
    "an exit": "Mine(lambda: sys.exit(3)).fit(X)",
    "an error that is caught": """
try:
    Mine(fail).fit(X)
except ValueError as error:
    print(repr(error), repr(error.__cause__), error.__context__ is error.__cause__,
          error.__suppress_context__, len(traceback.extract_tb(error.__traceback__)))
print(sys.exc_info())""",
    "an error that logging tells": """
try:
    make_pipeline(Mine(fail)).fit(X)
except ValueError:
    logging.getLogger("mine").exception("it failed")""",
    "text on both streams": """
print("before", end="")
sys.stderr.write("aside\\n")
model = Mine(lambda: print("inside")).fit(X)
print("", "after", sep="\\n")
sys.stdout.write("odd\\n")
sys.stdout.write(5)""",
    "what is displayed": """
display(pd.DataFrame({"a": [1, 2]}), {"text/plain": "mine"}, raw=False)
model = LogisticRegression().fit(X, y)
model""",
    "output that is captured": """
heard = io.StringIO()
with contextlib.redirect_stdout(heard):
    Mine(lambda: print("into it")).fit(X)
print(repr(heard.getvalue()))""",
    "the warnings of a library": """
LogisticRegression(max_iter=1).fit(X * 1000, y)
Ridge().fit(X[:3, [0, 0, 0]], y[:3])
accuracy_score(y, np.zeros(40))""",
    "warnings that name their caller": """
class Old(BaseEstimator):
    def __init_subclass__(cls):
        warnings.warn("do not derive", DeprecationWarning, stacklevel=2)
    def fit(self, X, y=None):
        warnings.warn("fit is old", DeprecationWarning, stacklevel=2)
        warnings.warn("ends in a fit", FutureWarning)
        return self
    def predict(self, X):
        warnings.warn("predict is old", DeprecationWarning, stacklevel=2)
        return X
Old().fit(X).predict(X)
class Newer(Old):
    pass""",
    "warnings as errors": """
with warnings.catch_warnings():
    warnings.simplefilter("error")
    LogisticRegression(max_iter=1).fit(X * 1000, y)""",
    "generators": """
def models():
    for alpha in (0.1, 1.0):
        try:
            yield Ridge(alpha=alpha).fit(X, y).coef_.round(6).tolist()
        except KeyError:
            print("told to stop")
            raise
walk = models()
print(next(walk))
try:
    walk.throw(KeyError("enough"))
except KeyError:
    traceback.print_exc(file=sys.stdout)
print(list(models()))""",
    "async": """
async def train(alpha):
    await asyncio.sleep(0)
    return Ridge(alpha=alpha).fit(X, y).score(X, y)
print(await asyncio.gather(*(train(a) for a in (0.1, 1.0))))
async def broken():
    Mine(fail).fit(X)
await broken()""",
    "threads": """
found = []
def work():
    try:
        Mine(fail).fit(X)
    except ValueError:
        found.append(traceback.format_exc())
worker = threading.Thread(target=work); worker.start(); worker.join()
print(*found)""",
    "what a class tells of itself": """
print(inspect.signature(Ridge.fit), inspect.signature(Mine.fit), inspect.signature(Mine().fit))
print(Ridge.fit.__name__, Ridge.fit.__qualname__, Ridge.fit.__module__, len(Ridge.fit.__doc__))
print(inspect.getsource(Mine.fit), inspect.isfunction(Ridge.fit), inspect.ismethod(Mine().fit))
print(Ridge.fit == Ridge.fit, Mine().fit == Mine().fit, callable(Mine.fit), repr(accuracy_score)[:20], repr(Mine.fit))
pickled = {"__slotnames__"}  # Python notes it on a class whose instance is pickled
print(sorted({*dir(Mine)} - pickled), sorted({*vars(Mine)} - pickled), repr(Mine().fit), Mine.__mro__, inspect.signature(accuracy_score))
print(inspect.getmodule(accuracy_score), inspect.unwrap(accuracy_score).__name__)""",
    "copies of a model": """
model = make_pipeline(StandardScaler(), Ridge(alpha=2.0)).fit(X, y)
print(len(pickle.dumps(model)), len(cloudpickle.dumps(Mine().fit(X))), vars(Mine().fit(X)))
for again in (pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model)):
    print(np.array_equal(again.predict(X), model.predict(X)), type(again) is type(model))
print(type(clone(model)), clone(model).get_params()["ridge__alpha"], isinstance(model[-1], Ridge))
print([b"nbmlops" in cloudpickle.dumps(part) for part in (model, Mine, Ridge.fit, model.fit)])""",
    "copies of functions and methods": """
mine = Mine(accuracy_score)
print(clone(mine).trouble is accuracy_score, copy.deepcopy([accuracy_score])[0] is accuracy_score)
for copied in (copy.copy, copy.deepcopy, lambda part: pickle.loads(pickle.dumps(part))):
    print(copied(accuracy_score) is accuracy_score, copied(Ridge.fit) == Ridge.fit)
    print(copied(Ridge(alpha=3.0).fit).__self__.alpha, copied(Ridge().predict).__name__)
print(len({Ridge.fit, Ridge.fit}), Ridge().fit.__func__ == Ridge.fit, Mine.fit)""",
    "random numbers": """
forest = RandomForestClassifier(n_estimators=5).fit(X, y)
scores = cross_val_score(RandomForestClassifier(n_estimators=3), X, y)
print(forest.predict_proba(X).tolist(), scores, np.random.rand(), random.random())""",
    "a loop of torch": """
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
table = torch.utils.data.TensorDataset(torch.tensor(X).float(), torch.tensor(y).float())
for epoch in range(2):
    for rows, target in torch.utils.data.DataLoader(table, batch_size=8, shuffle=True):
        optimizer.zero_grad()
        loss = (net(rows).squeeze() - target).pow(2).mean()
        loss.backward()
        optimizer.step()
print([p.detach().numpy().tolist() for p in net.parameters()], torch.rand(1), loss)
loss.backward()""",
    "a data set that raises": """
class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 2
    def __getitem__(self, at):
        return fail()
for rows in torch.utils.data.DataLoader(Rows()):
    pass""",
    "classes that look at who makes them": """
class Meta(type):
    def __new__(meta, name, bases, space):
        maker = sys._getframe(1)
        print(name, maker.f_code.co_name, maker.f_globals is globals(), maker.f_lineno, "local" in maker.f_locals)
        return super().__new__(meta, name, bases, space)
class Top(metaclass=Meta):
    pass
def inside():
    local = 1
    class Inner(metaclass=Meta):
        pass
inside()""",
    "annotations with local names": """
from __future__ import annotations
def models():
    class Part(BaseModel):
        size: int
    class Whole(BaseModel):
        part: Part
    return Whole(part={"size": 1})
print(models())""",
    "a class that cannot be made": """
class Broken:
    size = 1 / 0""",
    "a class that is refused": """
class Strict(Ridge, wrong=True):
    pass""",
}  # fmt: skip


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, Kernel]]:
    """One kernel that does not track, and one that does, both with the same names."""
    pair = []
    for name in ("without", "with"):
        project = tmp_path_factory.mktemp(name)
        pair.append(Kernel(project, NBMLOPS_NOTEBOOK=str(project / "same.ipynb")))
    without, tracked = pair
    without.run("pass")
    tracked.start_tracking()
    for kernel in pair:
        reply = kernel.run(IMPORTS)
        assert reply.status == "ok", reply.error
    yield without, tracked
    for kernel in pair:
        kernel.close()


def seen(kernel: Kernel, code: str) -> dict[str, Any]:
    """All that a user sees of a cell, but for our card and for what no two processes share."""
    reply: Reply = kernel.run(code)
    ours = [bundle for bundle in reply.bundles if any("nbmlops" in mime for mime in bundle)]
    state = kernel.run(STATE)
    assert state.status == "ok", state.error
    return {
        "status": reply.status,
        "error": _plain(reply.error),
        "streams": {name: _plain(text) for name, text in reply.streams.items()},
        "bundles": [
            {mime: _plain(str(value)) for mime, value in bundle.items()}
            for bundle in reply.bundles
            if bundle not in ours
        ],
        "state": state.text,
    }


def _plain(text: str) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"0x[0-9a-f]{8,}|id-\d+", "(address)", text)
    return re.sub(r"ipykernel_\d+", "ipykernel", text)


@pytest.mark.parametrize("code", CELLS.values(), ids=CELLS)
def test_a_cell_shows_and_leaves_the_same(kernels: tuple[Kernel, Kernel], code: str) -> None:
    """Outputs, errors with their tracebacks, warnings, generators' states and names are the same."""
    without, tracked = kernels
    assert seen(tracked, code) == seen(without, code)


def test_what_differs_would_be_seen(kernels: tuple[Kernel, Kernel]) -> None:
    """The control: a cell that tells the two kernels apart, in what it shows and what it leaves."""
    without, tracked = kernels
    tells = "'nbmlops.tracking.tracker' in sys.modules"
    shown = f"print({tells})"
    left = f"_ = np.random.rand() if {tells} else None"
    assert seen(tracked, shown) != seen(without, shown)
    assert seen(tracked, left)["state"] != seen(without, left)["state"]


def test_the_cells_were_tracked(kernels: tuple[Kernel, Kernel]) -> None:
    """The control: all of this was seen meanwhile, by the kernel that tracks alone."""
    without, tracked = kernels
    before = len(tracked.runs())
    for kernel in kernels:
        reply = kernel.run("model = Ridge().fit(X, y)")
        assert reply.status == "ok", reply.error
    assert len(tracked.runs()) == before + 1
    assert not without.settings.journal_path.exists()
