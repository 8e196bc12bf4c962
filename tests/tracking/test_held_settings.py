"""Settings of hand-written trainings that stand in dicts, classes and optimizers, or are chosen."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA
from .run_facts import only, told

OWN = """
from dataclasses import dataclass
from types import SimpleNamespace
class Momentum:
    def __init__(self, lr=0.01, beta=0.9):
        self.lr, self.beta, self.v, self.t = lr, beta, 0.0, 0
    def step(self, w, g):
        self.t += 1
        self.v = self.beta * self.v + g
        return w - self.lr * self.v
class CFG:
    lr = 0.15
    epochs = 7
@dataclass
class Config:
    lr: float = 0.1
    epochs: int = 5
fast = True
def train(X, y, cfg):
    w = np.zeros(3)
    for epoch in range(cfg.epochs):
        w -= cfg.lr * X.T @ (X @ w - y) / len(y)
    return w
def train_by(X, y, options):
    w = np.zeros(3)
    for epoch in range(options["epochs"]):
        w -= options["lr"] * X.T @ (X @ w - y) / len(y)
    return w
def train_with(X, y, opt, epochs=20):
    w = np.zeros(3)
    for _ in range(epochs):
        w = opt.step(w, X.T @ (X @ w - y) / len(y))
    return w
def make_ridge(lam):
    def fit(X, y):
        return np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ y)
    return fit
"""
STEP = """
def step(w, X, y, rate):
    return w - rate * X.T @ (X @ w - y) / len(y)
def train_step(X, y, lr):
    global w
    w = w - lr * X.T @ (X @ w - y) / len(y)
def moved_step(X, y, lr):
    global w
    w -= lr * X.T @ (X @ w - y) / len(y)
def said(epoch, every):
    return epoch % every == 0
"""
LOOP = "w = np.zeros(3)\nfor epoch in range({}):\n    w -= {} * X.T @ (X @ w - y) / len(y)"


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA)
    assert not kernel.trained(OWN)
    assert not kernel.trained(STEP)


@pytest.mark.parametrize(
    ("code", "settings"),
    [
        ("rate = 0.1 if fast else 0.01\n" + LOOP.format(5, "rate"), {"rate": 0.1}),
        ("n = {'few': 5, 'many': 50}['few']\n" + LOOP.format("n", 0.1), {"n": 5}),
        ("cfg = {'lr': 0.3, 'n': 5}\n" + LOOP.format("cfg['n']", "cfg['lr']"),
         {"n": 5, "lr": 0.3}),
        ("cfg = dict(lr=0.2)\n" + LOOP.format(5, "cfg['lr']"), {"lr": 0.2}),
        ("cfg = SimpleNamespace(lr=0.2)\n" + LOOP.format(5, "cfg.lr"), {"lr": 0.2}),
        (LOOP.format("CFG.epochs", "CFG.lr"), {"epochs": 7, "lr": 0.15}),
        ("cfg = Config(lr=0.2)\n" + LOOP.format(5, "cfg.lr"), {"lr": 0.2}),
        ("w = train(X, y, Config(lr=0.25))", {"epochs": 5, "lr": 0.25}),
        ("w = train(X, y, SimpleNamespace(lr=0.25, epochs=3))", {"epochs": 3, "lr": 0.25}),
        ("w = train(X, y, CFG)", {"epochs": 7, "lr": 0.15}),
        ("w = train_by(X, y, {'lr': 0.25, 'epochs': 3, 'name': 'a'})", {"epochs": 3, "lr": 0.25}),
        ("opt, w = Momentum(lr=0.05), np.zeros(3)\nfor _ in range(9):\n"
         "    w = opt.step(w, X.T @ (X @ w - y) / len(y))", {}),
        ("opt = Momentum(lr=0.05)\nw = np.zeros(3)\nfor _ in range(9):\n"
         "    w = opt.step(w, X.T @ (X @ w - y) / len(y))", {"lr": 0.05}),
        ("w = train_with(X, y, Momentum(lr=0.05), epochs=9)", {"lr": 0.05, "epochs": 9}),
        ("ridge = make_ridge(0.5)", None),
        ("w = ridge(X, y)", {"lam": 0.5}),
        ("stiff = make_ridge(2.0)\nw = stiff(X, y)", {"lam": 2.0}),
    ],
    ids=["conditional", "picked", "dict", "made dict", "namespace", "class", "dataclass",
         "handed object", "handed namespace", "handed class", "handed dict", "optimizer in a tuple",
         "optimizer", "handed optimizer", "maker", "closure", "made and called"],
)  # fmt: skip
def test_settings_are_told_wherever_they_are_kept(
    kernel: Kernel, code: str, settings: dict[str, object] | None
) -> None:
    """Under their own names; an optimizer's counter is none."""
    runs = kernel.trained(code)
    if settings is None:
        assert runs == []
    else:
        assert told(only(runs)).items() >= settings.items()
        assert not told(only(runs)).keys() - {"lr", "rate", "n", "epochs", "lam"}


def test_what_was_worked_out_is_no_setting(kernel: Kernel) -> None:
    """The control: a dict of numbers of the data, and an attribute of an array."""
    run = only(
        kernel.trained(
            "stats = {'mean': X.mean(), 'std': X.std()}\nw = np.zeros(3)\nfor _ in range(5):\n"
            "    Z = (X - stats['mean']) / stats['std']\n"
            "    w -= 0.1 * Z.T @ (Z @ w - y) / X.size"
        )
    )
    assert told(run) == {}


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ("w = step(w, X, y, 0.1)", {"rate": 0.1}),
        ("w = step(w, X, y, rate=0.2)", {"rate": 0.2}),
        ("train_step(X, y, lr=0.3)", {"lr": 0.3}),
        ("moved_step(X, y, 0.4)", {"lr": 0.4}),
        ("w = step(w, X, y, 0.1)\n    said(epoch, 10)", {"rate": 0.1}),
        ("w = step(w, X, y, 0.1)\n    w = step(w, X, y, 0.2)", {}),
    ],
)
def test_a_number_that_a_step_is_handed_is_a_setting(
    kernel: Kernel, body: str, settings: dict[str, float]
) -> None:
    """Under the function's name for it; what only says when to print, and two rates, are none."""
    run = only(kernel.trained(f"w = np.zeros(3)\nfor epoch in range(9):\n    {body}"))
    assert [part.name for part in run.inputs] == ["X", "y"]
    assert told(run) == settings


def test_a_function_that_trains_what_is_the_notebooks_own_is_a_run_each_time(
    kernel: Kernel,
) -> None:
    """The loop that calls it is no further one."""
    code = (
        "def long(epochs, lr):\n    global w\n    for _ in range(epochs):\n"
        "        w = w - lr * X.T @ (X @ w - y) / len(y)\n"
        "w = np.zeros(3)\nfor rate in (0.1, 0.2):\n    long(5, rate)"
    )
    runs = kernel.trained(code)
    assert [told(run) for run in runs] == [
        {"epochs": 5, "lr": 0.1},
        {"epochs": 5, "lr": 0.2},
    ]
