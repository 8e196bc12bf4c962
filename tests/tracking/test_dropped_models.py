"""Models of torch's that nobody holds any more are freed before their cell ends."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .test_deep_learning import SETUP


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


MANY = """
import gc, weakref
alive, most = [], 0
def train_one(width):
    net = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Linear(width, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss = ((net(A) - t) ** 2).mean()
        loss.backward()
        optimizer.step()
    alive.append(weakref.ref(net))
    {after}
for width in range(1, 13):
    train_one(width)
    gc.collect()
    most = max(most, sum(ref() is not None for ref in alive))
"""
TABLES = "import torch\ntorch.manual_seed(0)\nA, t = torch.randn(40, 3), torch.randn(40, 1)"


@pytest.mark.parametrize(
    "after",
    ["pass", "net.whole = [net]", "net[0].register_forward_hook(lambda *_, net=net: None)"],
    ids=["held by nothing", "held by its own list", "held by its own hook"],
)
def test_models_that_are_dropped_are_freed_before_their_cell_ends(
    kernel: Kernel, after: str
) -> None:
    """At most a few wait to be saved; each is a run of its own with its model."""
    assert kernel.run(TABLES).status == "ok"
    runs = kernel.trained(MANY.format(after=after))
    assert int(kernel.value("most")) <= 6
    assert len(runs) == 12
    kernel.store()
    for run, width in zip(runs, range(1, 13), strict=True):
        values = {p.name: p.value for p in run.parameters}
        assert values["steps"] == 3
        assert run.tables["layers"][0]["parameters"] == 4 * width
        assert len(run.tables["loss"]) >= 1
        assert kernel.journal.run(run.id).mlflow_model_uri
    assert kernel.value("(gc.collect(), sum(ref() is not None for ref in alive))[1]") == "0"


def test_models_that_are_kept_and_trained_in_turn_are_one_run_each(kernel: Kernel) -> None:
    """The control: who holds a model may go on with it."""
    assert kernel.run(TABLES).status == "ok"
    runs = kernel.trained(
        "nets = [torch.nn.Linear(3, 1) for _ in range(6)]\n"
        "optimizers = [torch.optim.SGD(net.parameters(), lr=0.01) for net in nets]\n"
        "for epoch in range(4):\n"
        "    for net, optimizer in zip(nets, optimizers):\n"
        "        optimizer.zero_grad()\n"
        "        ((net(A) - t) ** 2).mean().backward()\n"
        "        optimizer.step()\n"
    )
    assert len(runs) == 6
    assert [{p.name: p.value for p in run.parameters}["steps"] for run in runs] == [4] * 6


def test_a_librarys_models_are_freed_too(kernel: Kernel) -> None:
    """As soon as they are saved."""
    kernel.run("import gc, weakref\nimport numpy as np\nfrom sklearn.linear_model import Ridge")
    runs = kernel.trained(
        "alive, most = [], 0\nA_, t_ = np.eye(8), np.arange(8.0)\nfor n in range(1, 13):\n"
        "    model = Ridge(alpha=n).fit(A_, t_)\n    alive.append(weakref.ref(model))\n"
        "    del model; gc.collect()\n    most = max(most, sum(r() is not None for r in alive))\n"
    )
    assert len(runs) == 12
    assert int(kernel.value("most")) <= 6
