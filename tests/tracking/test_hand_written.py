"""Loops that train without a library, in a real kernel: what their runs hold, and their metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel
from .hand_written import DATA, LOOP
from .run_facts import metrics, only, told


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
