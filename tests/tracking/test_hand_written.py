"""Trainings that call no library, in a real kernel: what their runs hold, and what finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel
from .run_facts import metrics, only, told

DATA = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = X @ [1.0, -2.0, 0.5]
X_test, y_test = X[:50].copy(), y[:50].copy()
from sklearn.metrics import mean_squared_error
"""
LOOP = """
w, b = np.zeros(3), 0.0
lr, epochs = 0.1, 50
losses = []
for epoch in range(epochs):
    error = X @ w + b - y
    w -= lr * X.T @ error / len(y)
    b -= lr * error.mean()
    losses.append((error ** 2).mean())
"""
FUNCTION = """
def descend(X, y, lr=0.1, n_iter=20):
    theta = np.zeros(X.shape[1])
    for i in range(n_iter):
        theta = theta - lr * X.T @ (X @ theta - y) / len(y)
    return theta
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA)


def candidates(run: TrackedRun) -> dict[str, float | None]:
    return {m.name: m.value for m in run.metrics if m.candidate}


def test_a_loop_is_one_inferred_run_with_all_that_it_shows(kernel: Kernel) -> None:
    """Settings, data, the curve of losses and its last value, without a gap."""
    run = only(kernel.trained(LOOP, cell_id="loop"))
    assert run.kind == "inferred"
    assert run.name == "gradient descent (w, b)"
    assert run.model_class == "numpy.ndarray"
    assert told(run) == {"lr": 0.1, "epochs": 50}
    assert [(i.role, i.name, i.fingerprint.rows) for i in run.inputs] == [
        ("X", "X", 200), ("y", "y", 200),
    ]  # fmt: skip
    assert len(run.tables["curve"]) == 50
    assert candidates(run) == {"loss": run.tables["curve"][-1]["loss"]}
    assert all(m.candidate for m in run.metrics)
    assert run.gaps == ()


def test_its_model_is_the_fitted_arrays(kernel: Kernel, tmp_path: Path) -> None:
    """The model is filed as it was when the cell ended, and comes back as arrays by name."""
    import mlflow

    run = only(kernel.trained(LOOP))
    w, b = kernel.value("w.tolist(), float(b)").rsplit(" ", 1)
    kernel.trained("w[:] = 0.0")
    store = kernel.store()
    folder = store.download_model(kernel.journal.run(run.id), tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(folder)).predict(np.zeros((1, 3)))
    assert loaded["w"].tolist() == [float(part) for part in w.strip("[]").split(", ")]
    assert loaded["b"] == float(b)


@pytest.mark.parametrize(
    "code",
    [
        "mean_squared_error(y_test, X_test @ w + b)",
        "p = X_test @ w + b\nmean_squared_error(y_test, p)",
        "def predict(A, w, b):\n    return A @ w + b\nmean_squared_error(y_test, predict(X_test, w, b))",
    ],
)
def test_a_metric_on_its_predictions_reaches_it(kernel: Kernel, code: str) -> None:
    """By the fitted names that the values were made from, in a later cell."""
    run = only(kernel.trained(LOOP))
    assert not kernel.trained(code)
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_prediction_is_remembered_over_cells(kernel: Kernel) -> None:
    """Made in one cell, judged in another."""
    run = only(kernel.trained(LOOP))
    kernel.trained("predicted = X_test @ w + b")
    kernel.trained("mean_squared_error(y_test, predicted)")
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_metric_in_the_very_cell_waits_for_its_run(kernel: Kernel) -> None:
    """The loop becomes a run when its cell ends; what was measured meanwhile is its."""
    run = only(kernel.trained(f"{LOOP}mean_squared_error(y_test, X_test @ w + b)"))
    assert "mean_squared_error_X_test" in metrics(kernel, run)
    assert run.gaps == ()


def test_a_metric_on_other_values_reaches_no_run(kernel: Kernel) -> None:
    """The control: once the names hold something else, they are no model."""
    run = only(kernel.trained(LOOP))
    kernel.trained("w, b = np.ones(3), 1.0\nmean_squared_error(y_test, X_test @ w + b)")
    assert "mean_squared_error_X_test" not in metrics(kernel, run)


def test_each_call_of_a_function_is_a_run(kernel: Kernel) -> None:
    """Made and called in one cell; its arguments are the settings, defaults marked as such."""
    runs = kernel.trained(f"{FUNCTION}fits = [descend(X, y, lr) for lr in (0.05, 0.2)]")
    assert [told(run)["lr"] for run in runs] == [0.05, 0.2]
    assert {run.model_class for run in runs} == {"__main__.descend"}
    assert all(run.kind == "inferred" and run.parent_id for run in runs)
    assert any(p.name == "n_iter" and p.is_default for p in runs[0].parameters)
    run = only(kernel.trained("theta = descend(X_test, y=y_test, lr=0.3)"))
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X_test"), ("y", "y_test")]


def test_a_short_list_handed_over_is_a_setting(kernel: Kernel) -> None:
    """The sizes of a network's layers say how it is trained, not on what."""
    run = only(
        kernel.trained(
            "def shallow(X, y, layers_dims, lr=0.1):\n"
            "    w = np.zeros(layers_dims[0])\n"
            "    for _ in range(20):\n"
            "        w = w - lr * X.T @ (X @ w - y) / len(y)\n"
            "    return w\n"
            "w_shallow = shallow(X, y, [X.shape[1], 1])"
        )
    )
    assert told(run)["layers_dims"] == "[3, 1]"
    assert [i.role for i in run.inputs] == ["X", "y"]


def test_a_function_may_be_written_before_what_it_calls(kernel: Kernel) -> None:
    """Its helper's own helper comes last of all; with one that learns nothing, it is no training."""
    for step, new in (("advance", "w - lr * slope(w, X, y)"), ("shift", "w / 2")):
        kernel.trained(
            f"def train_by_{step}(X, y, lr=0.1):\n"
            "    w = np.zeros(X.shape[1])\n"
            "    for _ in range(50):\n"
            f"        w = {step}(w, X, y, lr)\n"
            "    return w\n"
        )
        kernel.trained(f"def {step}(w, X, y, lr):\n    return {new}\n")
    kernel.trained("def slope(w, X, y):\n    return X.T @ (X @ w - y) / len(y)\n")
    run = only(kernel.trained("w = train_by_advance(X, y, lr=0.2)"))
    assert (run.kind, told(run)["lr"]) == ("inferred", 0.2)
    assert kernel.trained("w = train_by_shift(X, y)") == []


def test_a_method_may_be_written_before_what_it_calls(kernel: Kernel) -> None:
    """Functions and classes of later cells; with those that learn nothing, it is no training."""
    for name, step in (
        ("ByFunction", "later_step"), ("ByClass", "Later.step"), ("ByHalves", "later_half"),
    ):  # fmt: skip
        kernel.trained(
            f"class {name}:\n"
            "    def __init__(self, lr=0.1):\n"
            "        self.lr = lr\n"
            "    def learn(self, X, y, rounds=20):\n"
            "        self.w = np.zeros(X.shape[1])\n"
            "        for _ in range(rounds):\n"
            f"            self.w = {step}(self.w, X, y, self.lr)\n"
        )
    step = "def {}(w, X, y, lr):\n    return w - lr * X.T @ (X @ w - y) / len(y)\n"
    kernel.trained("def later_half(w, X, y, lr):\n    return w / 2\n")
    kernel.trained(step.format("later_step"))
    body = step.format("step").replace("\n", "\n    ")
    kernel.trained(f"class Later:\n    @staticmethod\n    {body}")
    for name in ("ByFunction", "ByClass"):
        run = only(kernel.trained(f"model = {name}(lr=0.2)\nmodel.learn(X, y, rounds=30)"))
        assert (run.kind, run.model_class) == ("inferred", f"__main__.{name}")
        assert (told(run)["lr"], told(run)["rounds"]) == (0.2, 30)
    assert kernel.trained("ByHalves().learn(X, y)") == []


def test_a_watched_function_is_still_the_users(kernel: Kernel) -> None:
    """It pickles by name and by value, and shows itself as before."""
    kernel.trained(FUNCTION)
    reply = kernel.run(
        "import pickle, cloudpickle, inspect\n"
        "assert pickle.loads(pickle.dumps(descend)) is descend\n"
        "print(type(pickle.loads(cloudpickle.dumps(descend))), repr(descend)[:18],"
        " len(inspect.getsource(descend)))"
    )
    assert reply.status == "ok", reply.error
    assert reply.text.startswith("<class 'function'> <function descend ")


def test_a_function_of_a_local_module_is_seen(kernel: Kernel) -> None:
    """Also one that another function of the module calls."""
    (kernel.project / "byhand.py").write_text(f"import numpy as np\n{FUNCTION}"
                                              "\ndef study(X, y):\n    return descend(X, y, 0.4)\n")  # fmt: skip
    run = only(kernel.trained("import byhand\nfound = byhand.study(X, y)"))
    assert run.model_class == "byhand.descend"
    assert told(run) == {"lr": 0.4}


def test_a_class_without_fit_trains_by_its_method(kernel: Kernel) -> None:
    """The object is the model, its constructor's settings are the parameters."""
    run = only(kernel.trained("""
class Line:
    def __init__(self, lr=0.1, rounds=10):
        self.lr, self.rounds = lr, rounds
    def learn(self, X, y):
        self.w = np.zeros(X.shape[1])
        for _ in range(self.rounds):
            self.w -= self.lr * X.T @ (X @ self.w - y) / len(y)
    def predict(self, X):
        return X @ self.w
line = Line(lr=0.3)
line.learn(X, y)
mean_squared_error(y_test, line.predict(X_test))
"""))  # fmt: skip
    assert run.model_class == "__main__.Line"
    assert told(run) == {"lr": 0.3}
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_cell_that_raises_midway_keeps_what_was_trained(kernel: Kernel) -> None:
    """The run says that its cell failed."""
    before = {run.id for run in kernel.runs()}
    assert kernel.run(f"{LOOP}raise ValueError('later')").status == "error"
    run = only([run for run in kernel.runs() if run.id not in before])
    assert run.kind == "inferred"
    assert run.cell.outcome == "error"


def test_data_that_the_cell_may_have_changed_is_said(kernel: Kernel) -> None:
    """It is named only when the cell has ended."""
    run = only(kernel.trained(f"X = rng.normal(size=(200, 3))\n{LOOP}X = X * 2"))
    assert any(gap.what == "data" and "may have changed" in gap.why for gap in run.gaps)
    kernel.trained("X = X / 2; y = X @ [1.0, -2.0, 0.5]")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (
            "b1 = ((table['c'] - table['c'].mean()) * (table['y'] - table['y'].mean())).sum()"
            " / ((table['c'] - table['c'].mean()) ** 2).sum()\n"
            "b0 = table['y'].mean() - b1 * table['c'].mean()",
            [("X", "table['c']"), ("y", "table['y']")],
        ),
        (
            "coef = np.linalg.pinv(table[['c', 'd']].values) @ table['y'].to_numpy()",
            [("X", "table[['c', 'd']]"), ("y", "table['y']")],
        ),
        ("coef = np.linalg.pinv(table.values[:, :2]) @ table['y']", [("X", "table")]),
    ],
)
def test_columns_that_went_in_are_the_data(
    kernel: Kernel, code: str, names: list[tuple[str, str]]
) -> None:
    """Each by its name, with the file that the frame was read from; otherwise the frame is."""
    kernel.trained(
        "import pandas as pd\n"
        "pd.DataFrame({'c': X[:, 0], 'd': X[:, 1], 'y': y}).to_csv('table.csv', index=False)\n"
    )
    kernel.trained("table = pd.read_csv('table.csv')")
    run = only(kernel.trained(code))
    assert [(i.role, i.name) for i in run.inputs] == names
    assert {i.files for i in run.inputs} == {("table.csv",)}
    assert run.inputs[0].fingerprint.rows == 200


def test_a_library_beside_it_is_its_own_run(kernel: Kernel) -> None:
    """A loop and a fit in one cell are two trainings."""
    runs = kernel.trained(
        f"from sklearn.linear_model import Ridge\nridge = Ridge().fit(X, y)\n{LOOP}"
    )
    assert sorted(run.kind for run in runs) == ["inferred", "training"]


def test_a_torch_module_without_an_optimizer_is_the_model(kernel: Kernel) -> None:
    """``p.data -= lr * p.grad``: the module itself is kept."""
    run = only(kernel.trained("""
import torch
torch.manual_seed(0)
Xt, yt = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]
net = torch.nn.Linear(3, 1)
for epoch in range(5):
    loss = ((net(Xt) - yt) ** 2).mean()
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.1 * p.grad
"""))  # fmt: skip
    assert run.kind == "inferred"
    assert run.model_class.endswith(".Linear")
    assert {i.name for i in run.inputs} == {"Xt", "yt"}


@pytest.mark.parametrize(
    ("code", "path", "names"),
    [
        ("coef = np.polyfit(X[:, 0], y, 2)", "numpy.polyfit", {"X": "X[:, 0]", "y": "y"}),
        ("beta = np.linalg.lstsq(X, y, rcond=None)[0]", "numpy.linalg.lstsq", {"X": "X", "y": "y"}),
        (
            "from scipy.optimize import minimize\ndef mse(w):\n    return np.mean((X @ w - y) ** 2)\n"
            "res = minimize(mse, np.zeros(3), method='BFGS')",
            "scipy.optimize.minimize",
            {"X": "X", "y": "y"},
        ),
        (
            "from scipy.optimize import curve_fit\ndef line(x, a, b):\n    return a * x + b\n"
            "popt, pcov = curve_fit(line, X[:, 0], y)",
            "scipy.optimize.curve_fit",
            {"X": "X[:, 0]", "y": "y"},
        ),
        (
            "from scipy import stats\nfound = stats.linregress(X[:, 0], y)",
            "scipy.stats.linregress",
            {"X": "X[:, 0]", "y": "y"},
        ),
    ],
)
def test_a_solver_on_data_is_a_training(
    kernel: Kernel, code: str, path: str, names: dict[str, str]
) -> None:
    """Named by its path, with the data that it was handed or that its objective reads."""
    run = only(kernel.trained(code))
    assert (run.kind, run.model_class) == ("inferred", path)
    assert {i.role: i.name for i in run.inputs} == names


@pytest.mark.parametrize(
    "code",
    [
        "np.linalg.lstsq(np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([9.0, 8.0]), rcond=None)",
        "from scipy.optimize import minimize\nminimize(lambda v: (v[0] - 1) ** 2 + v[1] ** 2, [0.0, 0.0])",
        "np.polyfit([0.0, 1.0], [1.0, 3.0], 1)",
    ],
)
def test_a_solver_on_no_data_is_none(kernel: Kernel, code: str) -> None:
    """The control: a system, a formula, a line through two points."""
    assert not kernel.trained(code)


def test_a_distribution_fitted_to_data_is_a_training(kernel: Kernel) -> None:
    """Its shape, place and width are the model, and what was held fixed a setting."""
    kernel.trained("from scipy import stats\nwaits = np.exp(y)")
    run = only(kernel.trained("shape, place, width = stats.gamma.fit(waits, floc=0)"))
    assert (run.kind, run.model_class, run.name) == (
        "inferred", "scipy.stats.gamma.fit", "gamma.fit",
    )  # fmt: skip
    assert told(run) == {"floc": 0}
    assert [(i.role, i.name) for i in run.inputs] == [("X", "waits")]
    assert only(kernel.trained("mu, sd = stats.norm.fit(y)")).model_class == "scipy.stats.norm.fit"
    assert kernel.trained("stats.gamma.rvs(2.0, size=50); stats.norm.cdf(y)") == []


def test_a_function_that_looks_like_one_is_asked_for_its_data(kernel: Kernel) -> None:
    """An integrator steps as gradient descent does; on a grid of time there is nothing to fit."""
    code = """
def integrate(f, y0, grid):
    values = [y0]
    for i in range(len(grid) - 1):
        h = grid[i + 1] - grid[i]
        values.append(values[-1] + h * f(grid[i], values[-1]))
    return values
"""
    assert not kernel.trained(f"{code}integrate(lambda t, v: -v, 1.0, np.linspace(0.0, 1.0, 20))")
