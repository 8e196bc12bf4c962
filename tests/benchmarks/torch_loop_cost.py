"""What tracking costs a PyTorch loop of 10,000 steps, beside the bare loop in the same run.

``python tests/benchmarks/torch_loop_cost.py``. Bare and tracked loops take turns, on one thread, and the
process's own time is what counts, so that other work on the machine does not; the ratio is the median
of those of each two neighbours, for one loop's luck is worth a percent.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
import weakref
from pathlib import Path

import torch
from floors import Floors
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nbmlops.settings import load_settings
from nbmlops.tracking import Tracker

ROUNDS = 9  # of two loops each, after one that is not counted
EPOCHS, BATCHES, BATCH = 20, 500, 32  # 10,000 steps


def train(X: torch.Tensor, y: torch.Tensor) -> nn.Module:
    """A small classifier as notebooks have it."""
    loader = DataLoader(TensorDataset(X, y), batch_size=BATCH, shuffle=True)
    model = nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for _epoch in range(EPOCHS):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
    return model


def main() -> None:
    """Print the numbers."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    X = torch.randn(BATCHES * BATCH, 20)
    y = (X.sum(1) > 0).long()
    namespace = {"X": X, "y": y, "__name__": "__main__"}
    folder = Path(tempfile.mkdtemp())
    tracker = Tracker(load_settings(folder, {"NBMLOPS_ROOT": str(folder)}), namespace)
    tracker.start()
    taken: dict[bool, list[float]] = {False: [], True: []}
    model = train(X, y)
    for number in range(2 * ROUNDS + 2):
        tracked = number % 4 in (1, 2)  # neither is always the later one
        if tracked:
            tracker.cell_began("train(X, y)", "c", number)
        began = time.process_time()
        model = train(X, y)
        taken[tracked].append(time.process_time() - began)
        if tracked:
            tracker.cell_ended("ok")
        tracker.settle()
    gone = weakref.ref(model)
    namespace.clear()
    del model
    gc.collect()
    bare, with_it = taken[False][1:], taken[True][1:]
    ratio = statistics.median(mine / its for mine, its in zip(with_it, bare, strict=True))
    floors = Floors()
    floors.found("seconds of the bare loop of 10,000 steps", statistics.median(bare))
    floors.at_most("tracked, times the bare one", ratio, 1.03)
    floors.at_most("models kept alive afterwards", gone() is not None, 0)
    floors.end_at_once()


if __name__ == "__main__":
    main()
