"""Objects and arrays that a loop or a function around them trains, in a real kernel."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA
from .run_facts import metrics, only, told

CLASSES = """
class Rows:
    def __init__(self, width, rate=0.1, name="rows"):
        self.w, self.rate = np.zeros(width), rate
    def guess(self, row):
        return row @ self.w
    def learn(self, row, target):
        self.w += self.rate * (target - self.guess(row)) * row
class Scalar:
    def __init__(self, value):
        self.data, self.grad = value, 0.0
class Line:
    def __init__(self, start, layers=(1,)):
        self.slope = Scalar(start)
    def __call__(self, x):
        return self.slope.data * x
    def parameters(self):
        return [self.slope]
class Loss:
    def __init__(self, model, errors, xs):
        self.model, self.errors, self.xs = model, errors, xs
    def backward(self):
        pairs = zip(self.errors, self.xs)
        self.model.slope.grad = sum(2 * e * x for e, x in pairs) / len(self.xs)
def descend(model, xs, ys, lr=0.1, rounds=5):
    for _ in range(rounds):
        errors = [model(x) - y for x, y in zip(xs, ys)]
        Loss(model, errors, xs).backward()
        for p in model.parameters():
            p.data -= lr * p.grad
    return sum(e ** 2 for e in errors)
def in_place(X, y, w, lr=0.1):
    losses = []
    for _ in range(10):
        error = X @ w - y
        w -= lr * X.T @ error / len(y)
        losses.append((error ** 2).mean())
    return losses
def anew(X, y, w, lr=0.1):
    losses = []
    for _ in range(10):
        error = X @ w - y
        w = w - lr * X.T @ error / len(y)
        losses.append((error ** 2).mean())
    return losses
xs, ys = [1.0, 2.0, 3.0], [2.0, 4.1, 5.9]
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA + CLASSES)


def test_an_object_that_a_cells_loop_teaches_tells_what_it_was_made_with(kernel: Kernel) -> None:
    """Also what it does not keep, as the notebook wrote it, in whatever cell."""
    assert not kernel.trained("width = 3\nlearner = Rows(width, rate=0.05)")
    run = only(kernel.trained("for row, target in zip(X, y):\n    learner.learn(row, target)"))
    assert run.model_class == "__main__.Rows"
    assert told(run) == {"width": 3, "rate": 0.05}


def test_what_cannot_be_told_of_it_is_not_guessed(kernel: Kernel) -> None:
    """The control: an argument that is worked out, an object that a function made."""
    loop = "for row, target in zip(X, y):\n    learner.learn(row, target)"
    run = only(kernel.trained(f"learner = Rows(len(X[0]), rate=0.05)\n{loop}"))
    assert told(run) == {"rate": 0.05}
    run = only(kernel.trained(f"def make():\n    return Rows(3)\nlearner = make()\n{loop}"))
    assert told(run) == {}


def test_the_object_that_a_function_was_handed_is_the_model(kernel: Kernel) -> None:
    """Though the function gives back only a loss."""
    run = only(kernel.trained("line = Line(0.5)\nlast = descend(line, xs, ys, lr=0.05)"))
    assert run.model_class == "__main__.Line"
    assert told(run) == {"start": 0.5, "lr": 0.05}
    assert {i.name for i in run.inputs} == {"xs", "ys"}
    assert not [gap for gap in run.gaps if gap.what == "model"]


def test_a_torch_module_that_a_function_was_handed_is_the_model(kernel: Kernel) -> None:
    """A metric on its predictions finds it."""
    run = only(kernel.trained("""
import torch
from sklearn.metrics import r2_score
Xt, yt = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]
def train(net, X, y, lr=0.1, epochs=3):
    for _ in range(epochs):
        loss = ((net(X) - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= lr * p.grad
            net.zero_grad()
    return loss.item()
net = torch.nn.Linear(3, 1)
train(net, Xt, yt, epochs=5)
with torch.no_grad():
    r2_score(yt, net(Xt))
"""))  # fmt: skip
    assert run.model_class.endswith(".Linear")
    assert told(run) == {"epochs": 5}
    assert "r2_score_Xt" in metrics(kernel, run)


def test_arrays_that_a_function_moves_where_they_are_are_the_model(kernel: Kernel) -> None:
    """It gives back its losses alone; a prediction by the arrays finds the run."""
    run = only(kernel.trained("""
w = np.zeros(3)
losses = in_place(X, y, w)
mean_squared_error(y_test, X_test @ w)
"""))  # fmt: skip
    assert not [gap for gap in run.gaps if gap.what == "model"]
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_what_a_function_makes_anew_and_keeps_to_itself_is_said(kernel: Kernel) -> None:
    """The control: what it was handed is as it was before."""
    run = only(kernel.trained("w = np.zeros(3)\nlosses = anew(X, y, w)"))
    assert [gap for gap in run.gaps if gap.what == "model"]


def test_where_each_row_belongs_is_a_prediction_on_the_data(kernel: Kernel) -> None:
    """As a clusterer's ``labels_`` are; targets that are handed back are none."""
    run = only(kernel.trained("""
from sklearn.metrics import silhouette_score, adjusted_rand_score
side = (X[:, 0] > 0).astype(int)
def lloyd(data, truth, k=2, rounds=5):
    centers = data[:k].copy()
    for _ in range(rounds):
        nearest = ((data[:, None] - centers) ** 2).sum(-1).argmin(1)
        centers = np.stack([data[nearest == c].mean(0) for c in range(k)])
    return centers, nearest, truth
centers, nearest, same = lloyd(X, side)
silhouette_score(X, nearest)
silhouette_score(X, same)
"""))  # fmt: skip
    assert list(metrics(kernel, run)) == ["silhouette_score_X"]


def test_what_an_object_has_made_of_numbers_is_no_data(kernel: Kernel) -> None:
    """A map's grid is a part of it; a table that its constructor was handed is data."""
    run = only(kernel.trained("""
class Map:
    def __init__(self, size, rate=0.5):
        self.units = np.linspace(0, 1, size)[:, None] * np.ones(3)
        self.place = np.arange(size) ** 2.0
        self.rate0 = rate
    def train(self, data, rounds=2):
        for _ in range(rounds):
            for row in data:
                best = ((self.units - row) ** 2).sum(1).argmin()
                near = np.exp(-np.abs(self.place - self.place[best]))
                self.units += self.rate0 * near[:, None] * (row - self.units)
Map(5, rate=0.2).train(X)
"""))  # fmt: skip
    assert {i.name for i in run.inputs} == {"X"}
    assert told(run) == {"size": 5, "rate": 0.2}
    run = only(kernel.trained("""
class Machine:
    def __init__(self, table, rate=0.1):
        self.table, self.rate = np.asarray(table), rate
    def train(self, targets, rounds=5):
        self.w = np.zeros(3)
        for _ in range(rounds):
            self.w -= self.rate * self.table.T @ (self.table @ self.w - targets) / len(targets)
Machine(X).train(y)
"""))  # fmt: skip
    assert len(run.inputs) == 2


def test_what_data_was_sorted_by_is_data(kernel: Kernel) -> None:
    """It stands in no update, and says what the rows mean all the same."""
    run = only(kernel.trained("""
def by_time(X, y, time, lr=0.1, start=None):
    order = np.argsort(time)
    X, y = X[order], y[order]
    w = np.zeros(X.shape[1])
    for row, target in zip(X, y):
        w += lr * (target - row @ w) * row
    return w
moment = rng.random(200)
w = by_time(X, y, moment)
"""))  # fmt: skip
    assert {i.name for i in run.inputs} == {"X", "y", "moment"}


KEPT = """
w = np.zeros(3)
for _ in range(5):
    w -= 0.1 * X.T @ (X @ w - y) / len(y)
    best = w.copy()
def guess(table, weights):
    return table @ weights
"""


@pytest.mark.parametrize(
    "code",
    [
        "mean_squared_error(y_test, guess(X_test, best))",
        "mean_squared_error(y_test, (X_test @ best).ravel())",
    ],
)
def test_a_metric_is_named_by_what_a_copy_was_applied_to(kernel: Kernel, code: str) -> None:
    """Not by what it is held against: the best weights so far are the model's."""
    run = only(kernel.trained(KEPT))
    kernel.run(code)
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_a_metric_is_named_by_what_a_part_was_applied_to(kernel: Kernel) -> None:
    """A dict of weights is one model; the data stands beside its parts."""
    run = only(kernel.trained("""
parts = {"w": np.zeros(3), "b": np.zeros(1)}
for _ in range(5):
    error = X @ parts["w"] + parts["b"] - y
    parts["w"] -= 0.1 * X.T @ error / len(y)
    parts["b"] -= 0.1 * error.mean()
"""))  # fmt: skip
    kernel.run("mean_squared_error(y_test, np.abs(X_test @ parts['w'] + parts['b']).ravel())")
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_an_agent_is_recorded_as_it_was_made(kernel: Kernel) -> None:
    """Its table is found where a method moves it; what its chance of exploring fell to is no setting."""
    (run,) = kernel.trained(
        """
class Agent:
    def __init__(self, n_actions, alpha=0.1, gamma=0.9, epsilon=1.0, floor=0.01):
        self.q, self.n_actions = {}, n_actions
        self.alpha, self.gamma, self.epsilon, self.floor = alpha, gamma, epsilon, floor
    def values(self, state):
        return self.q.setdefault(state, [0.0] * self.n_actions)
    def update(self, s, a, reward, after):
        best = max(self.values(after))
        self.values(s)[a] += self.alpha * (reward + self.gamma * best - self.values(s)[a])
agent = Agent(2, alpha=0.3, floor=0.05)
for episode in range(5):
    state = 0
    for _ in range(10):
        action = int(rng.integers(2))
        after = min(max(state + 2 * action - 1, 0), 4)
        agent.update(state, action, float(after == 4), after)
        state = after
    agent.epsilon *= 0.9
    agent.floor = 0.5
"""
    )
    assert run.model_class == "__main__.Agent"
    assert told(run) == {"n_actions": 2, "alpha": 0.3, "floor": 0.05}
