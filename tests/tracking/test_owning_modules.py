"""Parameters of a module that code moves one by one: the module is the model, however it is held."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import inputs, only, told

SETUP = """
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
X = torch.randn(60, 3)
y = X[:, :1] * 2 + 1
net = nn.Linear(3, 1)
params = list(net.parameters())
def sgd(params, lr):
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad
            p.grad.zero_()
class Descent:
    def __init__(self, params, lr=0.01):
        self.params, self.lr = list(params), lr
    def step(self):
        for p in self.params:
            p.data -= self.lr * p.grad.data
    def zero_grad(self):
        for p in self.params:
            p.grad = None
def train(module, X, y, lr=0.01, epochs=5):
    weights = list(module.parameters())
    for _ in range(epochs):
        F.mse_loss(module(X), y).backward()
        sgd(weights, lr)
    return module
opt = Descent(net.parameters(), lr=0.05)
def train_by(module, X, y, epochs):
    for _ in range(epochs):
        F.mse_loss(module(X), y).backward()
        opt.step()
        opt.zero_grad()
"""
LOOP = "for epoch in range(5):\n    loss = F.mse_loss(net(X), y)\n    loss.backward()\n    "


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        (f"{LOOP}sgd(params, 0.1)", {"lr": 0.1}),
        (f"{LOOP}sgd(net.parameters(), 0.1)", {"lr": 0.1}),
        (
            f"{LOOP}with torch.no_grad():\n        for p in params:\n"
            "            p -= 0.1 * p.grad\n            p.grad = None",
            {},
        ),
        (f"{LOOP}opt.step()\n    opt.zero_grad()", {"lr": 0.05}),
        ("train(net, X, y, lr=0.1)", {"lr": 0.1}),
        ("train_by(net, X, y, epochs=4)", {"lr": 0.05, "epochs": 4}),
    ],
    ids=["list", "asked", "in the loop", "optimizer", "function", "optimizer in a function"],
)
def test_the_module_that_owns_what_is_moved_is_the_model(
    kernel: Kernel, code: str, settings: dict[str, object]
) -> None:
    """Its class, its data, and the settings of an optimizer or a step of one's own."""
    run = only(kernel.trained(code))
    assert (run.kind, run.model_class) == ("inferred", "torch.nn.Linear")
    assert inputs(run) == [("X", "X"), ("y", "y")]
    assert told(run) == settings


def test_tensors_that_no_module_owns_are_the_model_themselves(kernel: Kernel) -> None:
    """The control: weights of one's own, moved by the same function."""
    run = only(
        kernel.trained(
            "w, b = torch.zeros(3, 1, requires_grad=True), torch.zeros(1, requires_grad=True)\n"
            "for epoch in range(5):\n    loss = ((X @ w + b - y) ** 2).mean()\n"
            "    loss.backward()\n    sgd([w, b], 0.1)"
        )
    )
    assert run.model_class == "torch.Tensor"


@pytest.mark.parametrize(
    "code",
    [
        "for p in params:\n    p.data *= 0.1",
        "shadow = nn.Linear(3, 1)\nfor _ in range(3):\n    with torch.no_grad():\n"
        "        for a, b in zip(shadow.parameters(), net.parameters()):\n"
        "            a.mul_(0.9).add_(b, alpha=0.1)",
    ],
    ids=["shrunk", "averaged"],
)
def test_parameters_that_meet_no_data_are_not_trained(kernel: Kernel, code: str) -> None:
    """The control: they are set up, or averaged."""
    assert kernel.trained(code) == []
