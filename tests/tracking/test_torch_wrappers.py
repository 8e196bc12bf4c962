"""Loops whose model, optimizer and loaders a library has put something of its own around."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel
from .run_facts import told

SETUP = """
import torch
from accelerate import Accelerator
from lightning.fabric import Fabric
from sklearn.metrics import accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
_ = torch.manual_seed(0)
X = torch.randn(96, 3); y = (X[:, 0] > 0).long()
loader = DataLoader(TensorDataset(X, y), batch_size=16)
def new():
    net = nn.Linear(3, 2)
    return net, torch.optim.SGD(net.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
"""
ACCELERATE = """
accelerator = Accelerator(cpu=True, gradient_accumulation_steps={passes})
net, optimizer = new()
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
net, optimizer, batches, scheduler = accelerator.prepare(net, optimizer, loader, scheduler)
losses = []
for epoch in range(2):
    for a, b in batches:
        with accelerator.accumulate(net):
            loss = criterion(net(a), b)
            losses.append(loss.item())
            accelerator.backward(loss)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
"""
FABRIC = """
fabric = Fabric(accelerator="cpu")
net, optimizer = fabric.setup(*new())
batches = fabric.setup_dataloaders(loader)
losses = []
for epoch in range(2):
    for a, b in batches:
        optimizer.zero_grad()
        loss = criterion(net(a), b)
        losses.append(loss.item())
        fabric.backward(loss)
        optimizer.step()
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


def is_told(kernel: Kernel, run: TrackedRun, expected: dict[str, object]) -> None:
    """The model and its loss as the user wrote them, one loader, the curve of all passes."""
    assert run.model_class == "torch.nn.Linear"
    both = {"batch_size": 16, "epochs": 2, "loss": "CrossEntropyLoss", "lr": 0.1}
    chosen = told(run)
    assert {n: chosen.get(n) for n in both | expected} == both | expected
    (rows,) = run.inputs
    assert (rows.role, rows.fingerprint.rows) == ("data", 96)
    (loss,) = (m.value for m in run.metrics if m.name == "train_loss" and m.step == 1)
    assert loss == pytest.approx(float(kernel.value("sum(losses[6:]) / 6")))


@pytest.mark.parametrize("passes", [1, 2])
def test_accelerate(kernel: Kernel, passes: int) -> None:
    """Its loss is divided by the passes of a step, whose sum it is again."""
    (run,) = kernel.trained(ACCELERATE.format(passes=passes))
    expected = {
        "scheduler": "StepLR",
        "scheduler__step_size": 2,
        "steps": 12 // passes,
        "gradient_accumulation_steps": passes if passes > 1 else None,
    }
    is_told(kernel, run, expected)
    assert [i.name for i in run.inputs] == ["batches"]


def test_fabric(kernel: Kernel) -> None:
    """A metric on what it has wrapped finds the run, too."""
    (run,) = kernel.trained(FABRIC)
    is_told(kernel, run, {"steps": 12, "scheduler": None})
    kernel.run("X_test = X[:40] + 0\naccuracy_score(y[:40], net(X_test).argmax(1))")
    names = {m.name for m in kernel.journal.run(run.id).metrics}
    assert "accuracy_score_X_test" in names
