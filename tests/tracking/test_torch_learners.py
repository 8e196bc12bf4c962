"""Classes of the user's own that train a network on loaders or tensors that they hold."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .test_torch_data import data

SETUP = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
_ = torch.manual_seed(0)
X, y = torch.randn(100, 3), torch.randn(100, 1)
first = DataLoader(TensorDataset(X[:60], y[:60]), batch_size=20)
second = DataLoader(TensorDataset(X[60:], y[60:]), batch_size=20)
class Learner:
    def __init__(self, net, held):
        self.net, self.held = net, held
    def batches(self, loader, train=True):
        for xb, yb in loader:
            loss = nn.functional.mse_loss(self.net(xb), yb)
            if train:
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
    def fit(self, epochs):
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.1)
        for epoch in range(epochs):
            self.epoch()
class Pair(Learner):
    def epoch(self):
        for train in (True, False):
            loader = self.held[0] if train else self.held[1]
            self.batches(loader, train)
class Phases(Learner):
    def epoch(self):
        for phase in ["fitted", "judged"]:
            self.batches(self.held[phase], phase == "fitted")
class Only(Learner):
    def epoch(self):
        self.batches(self.held[0])
class Handed(Learner):
    def fit(self, X, y, epochs=2):
        self.held = [DataLoader(TensorDataset(X, y), batch_size=50)]
        super().fit(epochs)
    def epoch(self):
        self.batches(self.held[0])
"""


@pytest.fixture(scope="module", autouse=True)
def _classes(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


@pytest.mark.parametrize(
    "learner", ["Pair(net, (first, second))", "Phases(net, {'fitted': first, 'judged': second})"]
)
def test_loaders_that_it_holds_are_its_data(kernel: Kernel, learner: str) -> None:
    """What feeds it by role `data`; what is held beside that, and taken out as well, judges it."""
    (run,) = kernel.trained(f"net = nn.Linear(3, 1)\nlearner = {learner}\nlearner.fit(2)")
    assert run.model_class.startswith("__main__.")
    assert data(run) == [("data", "first", 60), ("validation", "second", 40)]


def test_what_it_holds_and_does_not_take_is_none(kernel: Kernel) -> None:
    """A loader that no method reads; nor has the run what the cell around it reads."""
    (run,) = kernel.trained(
        "learner = Only(nn.Linear(3, 1), [first, second])\n"
        "for round in range(1):\n    learner.fit(1)\n    told = learner.net(X).mean().item()"
    )
    assert data(run) == [("data", "first", 60)]


def test_what_its_fit_was_handed_stands_once(kernel: Kernel) -> None:
    """A loader that it makes of that is no other data."""
    (run,) = kernel.trained("Handed(nn.Linear(3, 1), None).fit(X, y)")
    assert data(run) == [("X", "X", 100), ("y", "y", 100)]


def test_a_function_that_is_handed_loaders_by_phase(kernel: Kernel) -> None:
    """The one that is not stepped on is no training data, whatever the cell calls it."""
    kernel.run(
        "def train(net, loaders, epochs=2):\n"
        "    opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "    for epoch in range(epochs):\n"
        "        for phase in ['a', 'b']:\n"
        "            for xb, yb in loaders[phase]:\n"
        "                loss = nn.functional.mse_loss(net(xb), yb)\n"
        "                if phase == 'a':\n"
        "                    opt.zero_grad()\n"
        "                    loss.backward()\n"
        "                    opt.step()\n"
    )
    (run,) = kernel.trained("net = nn.Linear(3, 1)\ntrain(net, {'a': first, 'b': second})")
    assert data(run) == [("data", "first", 60), ("validation", "second", 40)]
