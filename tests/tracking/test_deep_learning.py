"""Deep learning in a real kernel: loops by hand, and the trainers of its libraries."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel
from .run_facts import inputs, one, told

SETUP = """
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(1)
_ = torch.manual_seed(0)
X_train = torch.randn(200, 4); y_train = (X_train.sum(1) > 0).long()
X_test = torch.randn(60, 4); y_test = (X_test.sum(1) > 0).long()
train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=50, shuffle=True)
val_loader = DataLoader(TensorDataset(X_test, y_test), batch_size=60)
class Net(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.hidden = hidden
        self.layers = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    def forward(self, x):
        return self.layers(x)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


def losses(run: TrackedRun) -> list[tuple[int, float | None]]:
    return [(m.step, m.value) for m in run.metrics if m.name == "train_loss"]


def test_a_loop_over_loaders(kernel: Kernel) -> None:
    """Model, optimizer, schedule, loss, clipping, epochs and both loaders; the loss is the user's."""
    run = one(
        kernel,
        """
model = Net(16)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
history = []
for epoch in range(3):
    model.train()
    total = 0.0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        total += loss.item()
    history.append(total / len(train_loader))
    scheduler.step()
    model.eval()
    with torch.no_grad():
        for xb, yb in val_loader:
            acc = (model(xb).argmax(1) == yb).float().mean().item()
""",
    )
    assert run.model_class == "__main__.Net"
    assert told(run) == {
        "hidden": 16, "optimizer": "AdamW", "lr": 0.01, "weight_decay": 0.1,
        "scheduler": "StepLR", "scheduler__step_size": 2, "scheduler__gamma": 0.5,
        "loss": "CrossEntropyLoss", "loss__label_smoothing": 0.1, "clip_grad_norm": 1.0,
        "num_parameters": 114, "batch_size": 50, "epochs": 3, "steps": 12,
    }  # fmt: skip
    assert {p.name: p.value for p in run.parameters if p.is_default}["device"] == "cpu"
    assert inputs(run) == [("data", "train_loader"), ("validation", "val_loader")]
    expected = [float(value) for value in kernel.value("*history").split()]
    assert [step for step, _ in losses(run)] == [0, 1, 2]
    assert [value for _, value in losses(run)] == pytest.approx(expected)
    assert [row["epoch"] for row in run.tables["loss"]] == [0, 1, 2]
    assert [row["class"] for row in run.tables["layers"]] == ["Linear", "ReLU", "Linear"]


def test_a_loss_of_several_names_them_all(kernel: Kernel) -> None:
    """Mixed in one line or over several; what is only measured on other data is none of them."""
    begin = """
net, mse = Net(), nn.MSELoss(reduction="sum")
opt = torch.optim.SGD(net.parameters(), lr=0.01)
for epoch in range(2):
    out = net(X_train)
    """
    end = """
    opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        val_loss = F.multi_margin_loss(net(X_test), y_test)
        loss = F.nll_loss(net(X_test), y_test)
"""
    onehot = "F.one_hot(y_train, 2).float()"
    for mix in (
        f"loss = criterion(out, y_train) + 0.1 * mse(out, {onehot})",
        f"near = mse(out, {onehot}); loss = criterion(out, y_train); loss = loss + 0.1 * near",
        f"a, b = 1, 0.1; left = criterion(out, y_train); right = mse(out, {onehot}); "
        "loss = a * left + b * right",
        f"loss = criterion(out, y_train); loss += 0.1 * mse(out, {onehot})",
    ):
        (run,) = kernel.trained(f"{begin}{mix}{end}")
        assert {n: v for n, v in told(run).items() if n.startswith("loss")} == {
            "loss": "CrossEntropyLoss", "loss__label_smoothing": 0.1,
            "loss2": "MSELoss", "loss2__reduction": "sum",
        }  # fmt: skip


def test_the_last_steps_loss_is_no_candidate(kernel: Kernel) -> None:
    """``train_loss`` tells it whole; what is worked out beside it is offered."""
    run = one(
        kernel,
        """
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.01)
for epoch in range(2):
    for xb, yb in train_loader:
        loss = criterion(net(xb), yb)
        opt.zero_grad(); loss.backward(); opt.step()
    test_loss = criterion(net(X_test), y_test).item() + epoch
""",
    )
    assert len(losses(run)) == 2
    assert [m.name for m in kernel.journal.run(run.id).metrics if m.candidate] == ["test_loss"]


def test_a_loop_in_a_function_on_tensors(kernel: Kernel) -> None:
    """The data goes by the notebook's names, and each turn over all of it is an epoch."""
    run = one(
        kernel,
        """
def train(net, X, y, epochs=5):
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(epochs):
        out = net(X)
        loss = F.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return net
linear = train(nn.Sequential(nn.Linear(4, 2)), X_train, y_train)
""",
    )
    assert run.model_class == "torch.nn.Sequential"
    assert inputs(run) == [("X", "X_train"), ("y", "y_train")]
    assert told(run)["loss"] == "cross_entropy"
    assert told(run)["momentum"] == 0.9
    assert told(run)["epochs"] == 5


def test_batches_cut_by_hand_and_accumulated(kernel: Kernel) -> None:
    """The whole tensors are the data, an index is none; passes between steps are counted."""
    run = one(
        kernel,
        """
net = Net()
opt = torch.optim.Adam(net.parameters())
batch_size = 50
for epoch in range(2):
    perm = torch.randperm(len(X_train))
    for i in range(0, len(X_train), batch_size):
        idx = perm[i:i + batch_size]
        xb, yb = X_train[idx], y_train[idx]
        (criterion(net(xb), yb) / 2).backward()
        if (i // batch_size) % 2:
            opt.step()
            opt.zero_grad()
""",
    )
    assert inputs(run) == [("X", "X_train"), ("y", "y_train")]
    assert told(run)["gradient_accumulation_steps"] == 2
    assert told(run)["batch_size"] == 50
    assert (told(run)["epochs"], told(run)["steps"]) == (2, 4)


@pytest.mark.parametrize(
    ("schedule", "settings"),
    [
        ("OneCycleLR(opt, max_lr=0.3, total_steps=9)",
         {"scheduler__max_lr": 0.3, "scheduler__total_steps": 9}),
        ("CyclicLR(opt, base_lr=0.02, max_lr=0.4, cycle_momentum=False)",
         {"scheduler__base_lr": 0.02, "scheduler__max_lr": 0.4}),
    ],
    ids=["one", "many"],
)  # fmt: skip
def test_a_cycle_of_learning_rates(
    kernel: Kernel, schedule: str, settings: dict[str, object]
) -> None:
    """The optimizer's settings are those that were written, and the cycle's bounds are told."""
    run = one(
        kernel,
        "net = Net()\nopt = torch.optim.AdamW(net.parameters(), lr=0.05)\n"
        f"cycle = torch.optim.lr_scheduler.{schedule}\n"
        "for epoch in range(2):\n    opt.zero_grad()\n"
        "    criterion(net(X_train), y_train).backward()\n    opt.step()\n    cycle.step()",
    )
    of_optimizer = {n: v for n, v in told(run).items() if n in ("lr", "betas", "momentum")}
    assert of_optimizer == {"lr": 0.05}
    assert settings.items() <= told(run).items()


def test_two_models_are_two_runs(kernel: Kernel) -> None:
    """A GAN's networks have a run each, with one parent."""
    runs = kernel.trained(
        """
G, D = nn.Linear(2, 4), nn.Linear(4, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.RMSprop(D.parameters(), lr=1e-4)
bce = nn.BCEWithLogitsLoss()
for epoch in range(2):
    for real, _ in train_loader:
        fake = G(torch.randn(len(real), 2))
        opt_d.zero_grad()
        bce(D(real), torch.ones(len(real), 1)).backward()
        bce(D(fake.detach()), torch.zeros(len(real), 1)).backward()
        opt_d.step()
        opt_g.zero_grad()
        bce(D(fake), torch.ones(len(real), 1)).backward()
        opt_g.step()
"""
    )
    assert [told(run)["optimizer"] for run in runs] == ["RMSprop", "Adam"]
    assert [told(run)["lr"] for run in runs] == [1e-4, 2e-4]
    assert runs[0].parent_id == runs[1].parent_id is not None
    assert all(inputs(run) == [("data", "train_loader")] for run in runs)
    assert all("gradient_accumulation_steps" not in told(run) for run in runs)


def test_a_trainer_class_and_a_module_with_fit(kernel: Kernel) -> None:
    """The model inside a user's trainer is found; in a class with `fit` the loop enriches its run."""
    run = one(
        kernel,
        """
class Trainer:
    def __init__(self, model, loader, valid, lr=1e-3):
        self.model, self.loader, self.valid = model, loader, valid
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()
    def step(self, x, y):
        loss = self.loss_fn(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
    def run(self, n):
        for epoch in range(n):
            for x, y in self.loader:
                self.step(x, y)
            self.evaluate()
    @torch.no_grad()
    def evaluate(self):
        return sum((self.model(x).argmax(1) == y).sum() for x, y in self.valid)
trainer = Trainer(Net(), train_loader, val_loader, lr=0.02)
trainer.run(2)
""",
    )
    assert run.model_class == "__main__.Net"
    assert inputs(run) == [("data", "train_loader"), ("validation", "val_loader")]
    assert (told(run)["lr"], told(run)["epochs"]) == (0.02, 2)
    run = one(
        kernel,
        """
class Own(Net):
    def fit(self, X, y, epochs=3, lr=0.1):
        opt = torch.optim.SGD(self.parameters(), lr=lr)
        for epoch in range(epochs):
            for i in range(0, len(X), 100):
                loss = F.cross_entropy(self(X[i:i + 100]), y[i:i + 100])
                opt.zero_grad()
                loss.backward()
                opt.step()
        return self
own = Own(hidden=4).fit(X_train, y_train, lr=0.2)
""",
    )
    assert run.model_class == "__main__.Own"
    assert inputs(run) == [("X", "X_train"), ("y", "y_train")]
    assert (told(run)["hidden"], told(run)["lr"], told(run)["epochs"]) == (4, 0.2, 3)
    assert len(losses(run)) == 3


def test_lbfgs_on_tensors_without_a_module(kernel: Kernel) -> None:
    """Tensors go by their names; of a closure's many losses the first is the step's."""
    run = one(
        kernel,
        """
w = torch.zeros(4, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lbfgs = torch.optim.LBFGS([w, b], lr=0.5)
def closure():
    lbfgs.zero_grad()
    loss = F.binary_cross_entropy_with_logits(X_train @ w + b, y_train.float())
    loss.backward()
    return loss
seen = [lbfgs.step(closure).item() for epoch in range(3)]
""",
    )
    assert run.name == "LBFGS"
    assert inputs(run) == [("X", "X_train"), ("y", "y_train")]
    expected = [float(value) for value in kernel.value("*seen").split()]
    assert [value for _, value in losses(run)] == pytest.approx(expected)
