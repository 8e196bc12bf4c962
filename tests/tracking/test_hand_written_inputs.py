"""What goes into a hand-written training, in a real kernel: data by role and name, settings."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import only, told
from .test_hand_written import DATA, FUNCTION


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
    told = inputs(kernel, code)
    assert told["y"] == "prices"
    assert told["X"] in {"X", "K"}


def test_the_target_of_a_line_is_what_it_is_drawn_through(kernel: Kernel) -> None:
    """The slope divides by the spread of the one, never of the other."""
    told = inputs(
        kernel,
        "slope = ((area - area.mean()) * (prices - prices.mean())).sum()"
        " / ((area - area.mean()) ** 2).sum()\n"
        "intercept = prices.mean() - slope * area.mean()",
    )
    assert told == {"X": "area", "y": "prices"}


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
