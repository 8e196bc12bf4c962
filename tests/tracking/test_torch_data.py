"""Which data a PyTorch loop is on record with: its parts, what noise was put on, plain lists."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

SETUP = """
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, Dataset
_ = torch.manual_seed(0)
X, y, n = torch.randn(100, 3), torch.randn(100, 1), 80
mse = nn.MSELoss()
class Rows(Dataset):
    def __init__(self, X, y): self.X, self.y = X, y
    def __len__(self): return len(self.X)
    def __getitem__(self, i): return self.X[i], self.y[i]
def new(out=1):
    net = nn.Linear(3, out)
    return net, torch.optim.SGD(net.parameters(), lr=0.1)
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


def data(run: TrackedRun) -> list[tuple[str, str, int | None]]:
    return [(i.role, i.name, i.fingerprint.rows) for i in run.inputs]


def test_a_loop_that_reads_the_same_rows_each_time_has_only_those(kernel: Kernel) -> None:
    """What is held back from it is no data of the training."""
    (run,) = kernel.trained(
        "net, opt = new()\nfor epoch in range(2):\n    opt.zero_grad()\n"
        "    mse(net(X[:n]), y[:n]).backward()\n    opt.step()\n"
        "    with torch.no_grad():\n        held = mse(net(X[n:]), y[n:])"
    )
    assert data(run) == [
        ("X", "X[:n]", 80), ("y", "y[:n]", 80),
        ("validation.X", "X[n:]", 20), ("validation.y", "y[n:]", 20),
    ]  # fmt: skip


def test_a_loop_that_goes_over_a_table_has_all_of_it(kernel: Kernel) -> None:
    """Its batches begin elsewhere each time."""
    (run,) = kernel.trained(
        "net, opt = new()\nfor i in range(0, 100, 25):\n    opt.zero_grad()\n"
        "    mse(net(X[i:i + 25]), y[i:i + 25]).backward()\n    opt.step()"
    )
    assert data(run) == [("X", "X", 100), ("y", "y", 100)]


def test_what_noise_was_put_on_goes_into_the_model(kernel: Kernel) -> None:
    """A denoising autoencoder's data is no mere target."""
    (run,) = kernel.trained(
        "net, opt = new(3)\nfor epoch in range(2):\n    for i in range(0, 100, 50):\n"
        "        batch = X[i:i + 50]\n        noisy = batch + 0.1 * torch.randn_like(batch)\n"
        "        loss = mse(net(noisy), batch)\n"
        "        opt.zero_grad()\n        loss.backward()\n        opt.step()"
    )
    assert data(run) == [("X", "X", 100)]


def test_a_loader_over_a_list_feeds_a_loop_like_any_other(kernel: Kernel) -> None:
    """A list cannot be referred to weakly."""
    kernel.run("samples = list(zip(X.tolist(), y.tolist()))")
    (run,) = kernel.trained(
        "net, opt = new()\ndef stack(rows):\n    xs, ys = zip(*rows)\n"
        "    return torch.tensor(xs), torch.tensor(ys)\n"
        "loader = DataLoader(samples, batch_size=20, collate_fn=stack)\n"
        "for epoch in range(3):\n    for xb, yb in loader:\n        opt.zero_grad()\n"
        "        mse(net(xb), yb).backward()\n        opt.step()"
    )
    assert [i.name for i in run.inputs] == ["loader"]
    told = {p.name: p.value for p in run.parameters}
    assert (told["batch_size"], told["epochs"]) == (20, 3)


def test_parts_of_a_dataset_that_are_read_by_themselves_stand_once(kernel: Kernel) -> None:
    """And a network that was made ready in the same breath is known by its prediction."""
    kernel.run("train, test = Rows(X[:n], y[:n]), Rows(X[n:], y[n:])")
    (run,) = kernel.trained(
        "net, opt = new()\nfor xb, yb in DataLoader(train, batch_size=20):\n    opt.zero_grad()\n"
        "    mse(net(xb), yb).backward()\n    opt.step()\n"
        "    score = r2_score(test.y, net.eval()(test.X).detach())"
    )
    assert data(run)[2:] == [("validation.X", "test.X", 20), ("validation.y", "test.y", 20)]
    assert "r2_score_test" in {m.name for m in kernel.journal.run(run.id).metrics}


def test_trainings_in_a_comprehension_have_no_data_of_the_cell_around_it(kernel: Kernel) -> None:
    """A comprehension is a loop: what stands before and after it is not read in it."""
    kernel.run(
        "def fit(lr, loader):\n    net, opt = new()\n    for xb, yb in loader:\n"
        "        opt.zero_grad()\n        mse(net(xb), yb).backward()\n        opt.step()\n"
        "    return net"
    )
    runs = kernel.trained(
        "loader = DataLoader(Rows(X[:n], y[:n]), batch_size=20)\n"
        "nets = [fit(lr, loader) for lr in (0.1, 0.2)]\n"
        "scores = [r2_score(y[n:], net.eval()(X[n:]).detach()) for net in nets]"
    )
    told = [("data.X", "loader.X", 80), ("data.y", "loader.y", 80)]
    assert [data(run) for run in runs] == [told, told]


SAMPLERS = """
held = X[80:].clone()
noise = torch.randn(100, 3)
vocabulary = ["a", "b", "c"]
def rows(table):
    return table[torch.randint(len(table), (8,))]
def get_batch(split):
    table = X if split == "train" else held
    chosen = rows(table)
    return chosen, chosen.sum(1, keepdim=True), len(vocabulary)
def judged():
    return net(noise).mean()
class Stream:
    def __init__(self, tokens):
        self.tokens, self.at, self.spare = tokens, 0, noise
    def next_batch(self):
        self.at = (self.at + 8) % 80
        return self.tokens[self.at:self.at + 8]
"""


def test_a_loop_whose_batches_a_function_draws(kernel: Kernel) -> None:
    """Its tables are read there, by their global names; what judges the model feeds nothing."""
    kernel.trained(SAMPLERS)
    (run,) = kernel.trained(
        "net, opt = new()\nfor step in range(4):\n    told = judged()\n"
        "    xb, yb, _ = get_batch('train')\n    loss = mse(net(xb), yb)\n"
        "    opt.zero_grad()\n    loss.backward()\n    opt.step()"
    )
    assert data(run) == [("X", "X", 100), ("X", "held", 20)]
    assert [gap for gap in run.gaps if gap.what == "data"] == []


def test_a_loop_whose_batches_an_object_draws(kernel: Kernel) -> None:
    """Only what the method reads of its object."""
    (run,) = kernel.trained(
        "stream = Stream(X)\nnet, opt = new()\nfor step in range(4):\n"
        "    xb = stream.next_batch()\n    loss = mse(net(xb), xb[:, :1])\n"
        "    opt.zero_grad()\n    loss.backward()\n    opt.step()"
    )
    assert data(run) == [("X", "X", 100)]


TWO = """
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(5, 1)
    def forward(self, numbers, marks=None):
        return self.last(torch.cat([numbers, marks], 1))
B = torch.ones(100, 2)
net = Two()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""


def test_several_inputs_are_told_by_the_models_arguments(kernel: Kernel) -> None:
    """As those of the validation are; one input is `X`."""
    (run,) = kernel.trained(
        TWO
        + "for i in range(0, 80, 20):\n    opt.zero_grad()\n    a, b = X[i:i + 20], B[i:i + 20]\n"
        "    mse(net(a, marks=b), y[i:i + 20]).backward()\n    opt.step()\n"
        "    with torch.no_grad():\n        held = mse(net(X[80:], B[80:]), y[80:])"
    )
    assert [(i.role, i.name) for i in run.inputs] == [
        ("X.numbers", "X"), ("X.marks", "B"), ("y", "y"),
        ("validation.X.numbers", "X[80:]"), ("validation.X.marks", "B[80:]"), ("validation.y", "y[80:]"),
    ]  # fmt: skip


def test_a_list_of_pairs_of_tensors_is_a_dataset(kernel: Kernel) -> None:
    """The same as that of the tensors which the pairs were cut from; one that takes long is a gap."""
    loop = (
        "net, opt = new()\nfor a, b in rows:\n    opt.zero_grad()\n"
        "    mse(net(a), b).backward()\n    opt.step()"
    )
    kernel.run("from torch.utils.data import TensorDataset\npairs = list(zip(X, y))")
    prints = []
    for rows in ("pairs", "TensorDataset(X, y)"):
        (run,) = kernel.trained(f"rows = DataLoader({rows}, batch_size=20)\n" + loop)
        assert not [gap for gap in run.gaps if gap.what == "data"]
        prints += [(i.role, i.name, i.fingerprint.rows, i.fingerprint.digest) for i in run.inputs]
    assert prints[0] == prints[1]
    (run,) = kernel.trained("rows = DataLoader(pairs * 5000, batch_size=250_000)\n" + loop)
    assert [gap.what for gap in run.gaps if gap.what == "data"] == ["data"]


def test_what_a_network_is_handed_by_name_is_the_data_of_its_metrics(kernel: Kernel) -> None:
    """A part by its keyword, and a whole batch of a loader."""
    (run,) = kernel.trained(TWO + "opt.zero_grad()\nmse(net(X, B), y).backward()\nopt.step()")
    kernel.trained(
        "held = [{'numbers': X[i:i + 20], 'marks': B[i:i + 20]} for i in range(0, 100, 20)]\n"
        "X_new, answers = X + 1, []\nr2_score(y, net(numbers=X_new, marks=B).detach())\n"
        "for batch in held:\n    answers.extend(net(**batch)[:, 0].tolist())\n"
        "r2_score(y[:, 0], answers)"
    )
    names = {m.name for m in kernel.journal.run(run.id).metrics}
    assert {"r2_score_X_new", "r2_score_held"} <= names
