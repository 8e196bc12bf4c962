"""PyTorch loops beside what else people do: predict, measure, compile, copy, interrupt."""

from __future__ import annotations

import json
from math import isfinite

import pytest

from .conftest import Kernel
from .test_deep_learning import SETUP, losses, one, told


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


def test_predictions_find_the_run(kernel: Kernel) -> None:
    """Through calls of the model, argmax, functions, batches, and from one cell to the next."""
    (run,) = kernel.trained(
        """
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
judged = Net()
opt = torch.optim.Adam(judged.parameters(), lr=0.01)
for epoch in range(2):
    for xb, yb in train_loader:
        loss = criterion(judged(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
    train_acc = accuracy_score(y_train, judged(X_train).argmax(1))
"""
    )
    kernel.trained("with torch.no_grad():\n    probs = torch.softmax(judged(X_test), dim=1)")
    kernel.trained("pred = probs.argmax(1).cpu().numpy()")
    assert not kernel.trained("print(accuracy_score(y_test, pred))")
    kernel.trained("print(roc_auc_score(y_test, probs[:, 1].numpy() > 0.5))")
    kernel.trained(
        """
def evaluate(net, loader):
    found, true = [], []
    with torch.no_grad():
        for xb, yb in loader:
            found.extend(net(xb).argmax(1).tolist())
            true.extend(yb.tolist())
    return f1_score(true, found)
evaluate(judged, val_loader)
"""
    )
    measured = {(m.name, m.step) for m in kernel.journal.run(run.id).metrics}
    assert measured >= {
        ("accuracy_score_X_train", 0), ("accuracy_score_X_train", 1),
        ("accuracy_score_X_test", 0), ("roc_auc_score_X_test", 0), ("f1_score_val_loader", 0),
    }  # fmt: skip


def test_a_loss_that_the_model_works_out_itself(kernel: Kernel) -> None:
    """In its `forward`, or in a function of any name; what only evaluates is not taken for it."""
    kernel.trained(
        """
class Bigram(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Linear(4, 2)
    def forward(self, x, y=None):
        logits = self.table(x)
        return logits, None if y is None else F.cross_entropy(logits, y)
@torch.no_grad()
def estimate_loss():
    return {"val": bigram(X_test, y_test)[1].item()}
def objective(net, x, y):
    return F.multi_margin_loss(net(x), y)
"""
    )
    run = one(
        kernel,
        """
bigram = Bigram()
opt = torch.optim.SGD(bigram.parameters(), lr=0.1)
for i in range(3):
    losses = estimate_loss()
    logits, loss = bigram(X_train, y_train)
    opt.zero_grad(); loss.backward(); opt.step()
""",
    )
    assert told(run)["loss"] == "cross_entropy"
    run = one(
        kernel,
        """
plain = Net()
opt = torch.optim.SGD(plain.parameters(), lr=0.1)
for i in range(3):
    estimate_loss()
    loss = objective(plain, X_train, y_train)
    opt.zero_grad(); loss.backward(); opt.step()
""",
    )
    assert told(run)["loss"] == "multi_margin_loss"


def test_passes_from_tensors_that_are_no_numbers(kernel: Kernel) -> None:
    """They have no loss; those before and after them keep theirs, each with its step."""
    (run,) = kernel.trained(
        """
mixed = nn.Linear(4, 1)
opt = torch.optim.SGD(mixed.parameters(), lr=0.0)
seen = []
for step in range(5):
    opt.zero_grad()
    loss = mixed(torch.full((3, 4), float(step))) ** 2
    if step == 2:
        loss.backward(torch.ones_like(loss))
    else:
        loss.mean().backward()
        seen.append(loss.mean().item())
    opt.step()
"""
    )
    seen = json.loads(kernel.value("seen"))
    assert {
        step: value for step, value in losses(run) if value and isfinite(value)
    } == pytest.approx(dict(zip((0, 1, 3, 4), seen, strict=True)))


def test_amp_and_a_compiled_model(kernel: Kernel) -> None:
    """A scaled loss is told unscaled; a compiled model is the module that was compiled."""
    run = one(
        kernel,
        """
inner = Net()
compiled = torch.compile(inner, backend="eager")
opt = torch.optim.SGD(compiled.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
seen = []
for epoch in range(2):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = criterion(compiled(X_train), y_train)
    opt.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(opt)
    scaler.update()
    seen.append(loss.item())
""",
    )
    assert run.model_class == "__main__.Net"
    assert told(run)["amp"] is True
    expected = [float(value) for value in kernel.value("*seen").split()]
    assert [value for _, value in losses(run)] == pytest.approx(expected)


def test_nothing_of_the_users_is_altered(kernel: Kernel) -> None:
    """Same random numbers as untracked, models copied and pickled, workers undisturbed, all freed."""
    code = """
import copy, gc, io, pickle, random, weakref
class Noisy(torch.utils.data.Dataset):
    def __len__(self): return 40
    def __getitem__(self, i): return torch.randn(4) + random.random(), i % 2
def once():
    torch.manual_seed(1); random.seed(1)
    net = Net()
    opt = torch.optim.Adam(net.parameters())
    for epoch in range(2):
        for xb, yb in DataLoader(Noisy(), batch_size=10, shuffle=True, num_workers=WORKERS):
            loss = criterion(net(xb), yb)
            opt.zero_grad(); loss.backward(); opt.step()
    return net, [p.sum().item() for p in net.parameters()], torch.rand(1).item()
net, weights, after = once()
"""
    kernel.run("WORKERS = 0")
    (run,) = kernel.trained(code)
    assert [g.what for g in run.gaps] == ["data"]
    kernel.run("%track off")
    kernel.run("tracked = weights, after")
    kernel.run(code)
    kernel.run("%track")
    assert kernel.value("tracked == (weights, after)") == "True"
    kernel.run("WORKERS = 2")
    (run,) = kernel.trained(code)
    assert told(run)["steps"] == 8
    assert kernel.value("copy.deepcopy(net)(X_test).equal(net(X_test))") == "True"
    assert kernel.value("pickle.loads(pickle.dumps(net.state_dict())).keys() >= set()") == "True"


def test_a_loop_that_is_interrupted(kernel: Kernel) -> None:
    """What was trained until then is a run whose cell failed; going on is a run of its own."""
    code = """
for epoch in range(5):
    for xb, yb in train_loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
    kernel.trained(
        "model = Net()\n"
        "optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)\n"
        "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)\n"
        "scheduler.step()"
    )
    before = len(kernel.runs())
    reply = kernel.run(code + "    if epoch == 1:\n        raise KeyboardInterrupt\n")
    assert reply.status == "error"
    (run,) = kernel.runs()[before:]
    assert run.cell.outcome == "error"
    assert told(run)["epochs"] == 2
    assert told(run)["lr"] == 0.01  # as it was written, whatever the scheduler has made of it
    (again,) = kernel.trained(code)
    assert told(again)["epochs"] == 5
    assert again.model_class == run.model_class


def test_epochs_whose_steps_stand_in_a_comprehension(kernel: Kernel) -> None:
    """``[self.step(b) for b in loader]`` is one epoch of the loop around it."""
    (run,) = kernel.trained(
        """
class Stepper:
    def __init__(self, net):
        self.net, self.opt = net, torch.optim.Adam(net.parameters(), lr=0.01)
    def step(self, batch):
        self.opt.zero_grad()
        loss = criterion(self.net(batch[0]), batch[1])
        loss.backward()
        self.opt.step()
        return loss.item()
    def learn(self, loader, epochs):
        for epoch in range(epochs):
            self.mean = sum([self.step(batch) for batch in loader]) / len(loader)
stepper = Stepper(Net())
stepper.learn(train_loader, 3)
"""
    )
    assert told(run)["epochs"] == 3
    assert len(losses(run)) == 3
    mean = float(kernel.value("stepper.mean"))
    assert losses(run)[-1] == (2, pytest.approx(mean, rel=1e-5))


def test_each_fold_is_judged_on_its_own_loader(kernel: Kernel) -> None:
    """By the end of the cell the last fold's has taken its name; what rows are cut from is none."""
    runs = kernel.trained(
        """
from sklearn.model_selection import KFold
from torch.utils.data import DataLoader, Subset, TensorDataset
def judged_on(net, loader):
    with torch.no_grad():
        return [net(xb).argmax(1).eq(yb).float().mean().item() for xb, yb in loader]
dev, X_dev, kept, ends = TensorDataset(X_train, y_train), X_train.numpy(), [], []
for fold, (rows, others) in enumerate(KFold(2).split(X_dev)):
    fold_loader = DataLoader(Subset(dev, rows), batch_size=16)
    judge_loader = DataLoader(Subset(dev, others), batch_size=16)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(2):
        for xb, yb in fold_loader:
            opt.zero_grad()
            criterion(net(xb), yb).backward()
            opt.step()
        judged_on(net, judge_loader)
    kept.append(net)
    ends.append(judge_loader)
"""
    )
    inputs = [{(i.role, i.name): i.fingerprint.digest for i in run.inputs} for run in runs]
    assert [set(of) for of in inputs] == 2 * [
        {("data", "fold_loader"), ("validation", "judge_loader")}
    ]
    assert inputs[0]["validation", "judge_loader"] != inputs[1]["validation", "judge_loader"]
    assert inputs[0]["validation", "judge_loader"] == inputs[1]["data", "fold_loader"]


def test_what_a_class_of_the_cell_calls_its_arguments_is_no_data(kernel: Kernel) -> None:
    """``forward(self, x)`` reads its argument, not the notebook's `x`; a loop's own `x` is read."""
    kernel.trained("x = torch.randn(30, 4)")
    source = """
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
    def forward(self, x):
        return self.layer(x)
def learn(net, loader):
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    for xb, yb in loader:
        opt.zero_grad()
        criterion(net(xb), yb).backward()
        opt.step()
    return net
plain = learn(Plain(), train_loader)
"""
    (run,) = kernel.trained(source)
    assert [(i.role, i.name) for i in run.inputs] == [("data", "train_loader")]
    (run,) = kernel.trained(
        """
opt = torch.optim.SGD(plain.parameters(), lr=0.1)
for epoch in range(2):
    opt.zero_grad()
    plain(x).pow(2).mean().backward()
    opt.step()
"""
    )
    assert [(i.role, i.name) for i in run.inputs] == [("X", "x")]
