"""A wrong guess is dismissed, taught to the notebook, and taken back."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA, LOOP
from .run_facts import only


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA)


def test_a_dismissal_hides_teaches_and_can_be_undone(kernel: Kernel) -> None:
    """The latest inferred run; cells of its shape, whatever their numbers; MLflow's tag."""
    reply = kernel.run(LOOP)
    assert "%track dismiss" in reply.bundles[-1]["text/plain"].splitlines()[-1]
    run = kernel.runs()[-1]
    reply = kernel.run("%track dismiss")
    assert f"{run.id}: gradient descent (w, b) is dismissed" in reply.text
    assert kernel.journal.run(run.id).dismissed_by == kernel.settings.user
    assert (
        kernel.value(f"'{run.id}' in set(__import__('nbmlops').runs().get('run', []))") == "False"
    )
    store = kernel.store()
    mlflow_id = str(kernel.journal.run(run.id).mlflow_run_id)
    assert store.client.get_run(mlflow_id).data.tags["nbmlops.dismissed"] == kernel.settings.user

    assert not kernel.trained(LOOP.replace("0.1, 50", "0.2, 10") + "# tried again\n")
    assert only(kernel.trained(LOOP.replace("len(y)", "200"))).kind == "inferred"

    reply = kernel.run(f"%track dismiss --undo {run.id}")
    assert "counts again" in reply.text
    assert kernel.journal.run(run.id).dismissed_by is None
    assert "nbmlops.dismissed" not in kernel.store().client.get_run(mlflow_id).data.tags
    assert only(kernel.trained(LOOP)).kind == "inferred"


def test_a_function_is_not_inferred_in_a_dismissed_cell(kernel: Kernel) -> None:
    """The shape is the cell's: a call elsewhere is still a training."""
    make = (
        "def descend(X, y, lr=0.1):\n    v = np.zeros(3)\n    for _ in range(5):\n"
        "        v = v - lr * X.T @ (X @ v - y) / len(y)\n    return v\n"
    )
    kernel.trained(make)
    run = only(kernel.trained("v = descend(X, y)"))
    kernel.run(f"%track dismiss {run.id}")
    assert not kernel.trained("v = descend(X,  y)  # no training")
    assert only(kernel.trained("u = descend(X, y, lr=0.3)")).kind == "inferred"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%track dismiss run-nowhere", "No tracked run run-nowhere"),
        ("%track dismiss {seen}", "only inferred runs can be dismissed"),
    ],
)
def test_what_cannot_be_dismissed_gets_one_sentence(kernel: Kernel, line: str, said: str) -> None:
    """The control: a run that is not there, and a library's training."""
    seen = only(kernel.trained("from sklearn.linear_model import Ridge\nridge = Ridge().fit(X, y)"))
    reply = kernel.run(line.format(seen=seen.id))
    assert said in reply.text + reply.error
    assert kernel.journal.run(seen.id).dismissed_by is None
