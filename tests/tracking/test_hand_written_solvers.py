"""Solvers of NumPy and SciPy that code hands data, in a real kernel."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA
from .run_facts import metrics, only, told


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA)


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
        (
            "import torch\nXt, yt = torch.tensor(X), torch.tensor(y)[:, None]\n"
            "beta = torch.linalg.lstsq(Xt, yt).solution",
            "torch.linalg.lstsq",
            {"X": "Xt", "y": "yt"},
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
        "import torch\ntorch.linalg.lstsq(torch.rand(4, 4), torch.rand(4, 1)).solution",
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


def test_what_a_solution_is_applied_to_names_the_metric(kernel: Kernel) -> None:
    """As an array of another library, too."""
    run = only(
        kernel.trained(
            "import torch\nXt, yt = torch.tensor(X), torch.tensor(y)\n"
            "w = torch.linalg.solve(Xt.T @ Xt, Xt.T @ yt)"
        )
    )
    kernel.run("mean_squared_error(y_test, X_test @ w.numpy())")
    assert metrics(kernel, run).keys() == {"mean_squared_error_X_test"}
