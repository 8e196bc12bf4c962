"""What goes into a hand-written training, in a real kernel: data by role and name, settings."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA, FUNCTION
from .run_facts import only, told


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(f"{DATA}{FUNCTION}prices, area = y, X[:, 0]\nimport pandas as pd")


def inputs(kernel: Kernel, code: str) -> dict[str, str]:
    """The data of the one run that a cell leaves, by role."""
    return {i.role: i.name for i in only(kernel.trained(code)).inputs}


@pytest.mark.parametrize(
    "code",
    [
        "coef = np.linalg.pinv(X) @ prices",
        "cx, cy, cc = np.linalg.solve(X.T @ X, X.T @ prices)",
        "K = X @ X.T + 0.1 * np.eye(200)\ndual = np.linalg.solve(K, prices)",
        "Q, R = np.linalg.qr(X)\ncoef = np.linalg.solve(R, Q.T @ prices)",
    ],
)
def test_what_a_closed_form_is_solved_for_is_the_target(kernel: Kernel, code: str) -> None:
    """Whatever it is called: the table stands in the product with itself, the target does not."""
    roles = inputs(kernel, code)
    assert roles["y"] == "prices"
    assert roles["X"] in {"X", "K"}


def test_the_target_of_a_line_is_what_it_is_drawn_through(kernel: Kernel) -> None:
    """The slope divides by the spread of the one, never of the other."""
    roles = inputs(
        kernel,
        "slope = ((area - area.mean()) * (prices - prices.mean())).sum()"
        " / ((area - area.mean()) ** 2).sum()\n"
        "intercept = prices.mean() - slope * area.mean()",
    )
    assert roles == {"X": "area", "y": "prices"}


def test_a_setting_that_a_loop_goes_through_is_told(kernel: Kernel) -> None:
    """A closed form that a loop works out for each of several settings: the last one's."""
    code = """
errors = {}
for lam in [0.1, 1.0, 10.0]:
    coef = np.linalg.solve(X.T @ X + lam * np.eye(3), X.T @ y)
    errors[lam] = ((X @ coef - y) ** 2).mean()
"""
    assert told(only(kernel.trained(code))) == {"lam": 10.0}


def test_a_loop_that_only_counts_is_no_setting(kernel: Kernel) -> None:
    """The control: which round it is says nothing of the training."""
    code = "for i in range(3):\n    coef = np.linalg.solve(X.T @ X + i * np.eye(3), X.T @ y)"
    assert told(only(kernel.trained(code))) == {}


def test_a_setting_behind_an_intermediate_result_is_told(kernel: Kernel) -> None:
    """But what data was made with is the data's own, not the training's."""
    code = """
noise, n = 0.1, 50
Z = rng.normal(size=(n, 2))
t = Z[:, 0]
K = Z @ Z.T + noise ** 2 * np.eye(len(Z))
L = np.linalg.cholesky(K)
alpha = np.linalg.solve(L.T, np.linalg.solve(L, t))
"""
    assert told(only(kernel.trained(code))) == {"noise": 0.1}


def test_a_number_of_numpy_is_a_setting_like_any(kernel: Kernel) -> None:
    """As a row of a table of results holds it; where it is the default, it is the default."""
    code = """
best = pd.DataFrame({"lr": [0.2], "n_iter": [20]}).iloc[0]
theta = descend(X, y, lr=best.lr, n_iter=np.int64(20))
"""
    assert told(only(kernel.trained(code))) == {"lr": 0.2}


LOOP_OVER = """
w = np.zeros(3)
for row, target in zip({X}, {y}):
    w += 0.01 * (target - row @ w) * row
"""


@pytest.mark.parametrize(
    ("table", "target"),
    [("X[:100]", "y[:100]"), ("X[first]", "y[first]"), ("X[:half, :3]", "y[:half]")],
)
def test_the_rows_that_went_in_are_the_data(kernel: Kernel, table: str, target: str) -> None:
    """What is written once, of what the training itself does not bind."""
    kernel.run("half, first = 50, np.arange(40)")
    code = LOOP_OVER.format(X=table, y=target)
    run = only(kernel.trained(code))
    assert {i.role: i.name for i in run.inputs} == {"X": table, "y": target}
    assert run.inputs[0].fingerprint.rows in {100, 40, 50}


def test_batches_are_the_whole_table(kernel: Kernel) -> None:
    """The control: rows that each round picks anew, and a table that is read beside its part."""
    roles = inputs(kernel, """
w = np.zeros(3)
for start in range(0, 200, 50):
    error = X[start:start + 50] @ w - y[start:start + 50]
    w -= 0.1 * X[start:start + 50].T @ error / 50
""")  # fmt: skip
    assert roles == {"X": "X", "y": "y"}
    roles = inputs(kernel, """
w = np.zeros(3)
for _ in range(5):
    w -= 0.1 * X[:100].T @ (X[:100] @ w - y[:100]) / len(X)
""")  # fmt: skip
    assert roles == {"X": "X", "y": "y[:100]"}


def test_what_a_loop_is_judged_on_goes_in_under_its_own_name(kernel: Kernel) -> None:
    """Whether it stops the loop or is only looked at; a test set that it never reads does not."""
    code = """
w = np.zeros(3)
test_losses = []
for _ in range(5):
    w -= 0.1 * X.T @ (X @ w - y) / 200
    {look}
"""
    looks = code.format(
        look="test_error = X_test @ w - y_test; test_losses.append((test_error ** 2).mean())"
    )
    assert inputs(kernel, looks) == {
        "X": "X", "y": "y", "X_test": "X_test", "y_test": "y_test",
    }  # fmt: skip
    assert inputs(kernel, code.format(look="pass")) == {"X": "X", "y": "y"}
    alone = code.replace("X", "X_test").replace("(X_test @ w - y)", "(X_test @ w - y_test)")
    assert inputs(kernel, alone.format(look="pass")) == {"X": "X_test", "y": "y_test"}


def test_the_table_of_multipliers_is_what_has_columns(kernel: Kernel) -> None:
    """A kernel perceptron weighs its signs as it weighs its kernel."""
    roles = inputs(kernel, """
side = np.sign(X[:, 0])
gram = np.exp(-((X[:, None] - X) ** 2).sum(-1))
alpha = np.zeros(200)
for i in range(200):
    if side[i] * np.sum(alpha * side * gram[i]) <= 0:
        alpha[i] += 1
""")  # fmt: skip
    assert roles == {"X": "gram", "y": "side"}


def test_of_two_names_the_one_that_the_cell_wrote_is_told(kernel: Kernel) -> None:
    """`prices` and `y` are one array; inside a function the cell's name counts."""
    assert inputs(kernel, "theta = descend(X, prices)")["y"] == "prices"
    assert inputs(kernel, "theta = descend(X, y)")["y"] == "y"
    within = "def study(A, b):\n    return descend(A, b)\ntheta = study(X, prices)"
    assert inputs(kernel, within)["y"] == "prices"


def test_a_solvers_options_are_settings(kernel: Kernel) -> None:
    """Under the name of the argument that they stand in; none that is no plain value."""
    run = only(kernel.trained("""
from scipy.optimize import minimize
def mse(w):
    return np.mean((X @ w - y) ** 2)
minimize(mse, rng.normal(size=3), method="BFGS", options={"maxiter": 20, "hess_inv0": np.eye(3)});
"""))  # fmt: skip
    assert told(run) == {"objective": "mse", "method": "BFGS", "options__maxiter": 20}


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
