"""Networks of the user's own layers, trained by functions that are handed them, in a real kernel."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .hand_written import DATA
from .run_facts import metrics, only, told

CLASSES = """
class Linear:
    def __init__(self, n_in, n_out):
        self.params, self.grads = {"w": np.zeros((n_in, n_out)), "b": np.zeros(n_out)}, {}
    def forward(self, x):
        self.x = x
        return x @ self.params["w"] + self.params["b"]
    def backward(self, grad):
        self.grads["w"], self.grads["b"] = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.params["w"].T
class Net:
    def __init__(self, layers, name="net"):
        self.layers, self.name = layers, name
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
    def params_and_grads(self):
        for layer in self.layers:
            for name, param in layer.params.items():
                yield param, layer.grads[name]
class SGD:
    def __init__(self, lr=0.1):
        self.lr = lr
    def step(self, net):
        for param, grad in net.params_and_grads():
            param -= self.lr * grad
class Batches:
    def __init__(self, size=50):
        self.size = size
    def __call__(self, inputs, targets):
        for start in range(0, len(inputs), self.size):
            yield inputs[start:start + self.size], targets[start:start + self.size]
class Still:
    def step(self, net):
        self.seen = net.layers
def train(net, inputs, targets, epochs=10, batches=Batches(), optimizer=SGD()):
    losses = []
    for epoch in range(epochs):
        for x, t in batches(inputs, targets):
            error = net.forward(x) - t
            losses.append((error ** 2).mean())
            net.backward(error / len(t))
            optimizer.step(net)
    return losses
def error_of(net, inputs, targets):
    total = 0.0
    for x, t in zip(inputs, targets):
        total += (net.forward(x[None]) - t).item() ** 2
    return total / len(inputs)
Y, Y_test = y[:, None], y_test[:, None]
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(DATA + CLASSES)


def test_a_function_that_is_handed_its_layers_is_read_as_it_is_called(kernel: Kernel) -> None:
    """Neither it nor any method shows a step by itself; the network is the model."""
    run = only(kernel.trained("""
net = Net([Linear(3, 1)])
losses = train(net, X, Y, epochs=4, optimizer=SGD(0.2))
mean_squared_error(Y_test, net.forward(X_test))
"""))  # fmt: skip
    assert run.model_class == "__main__.Net"
    assert {i.role: i.name for i in run.inputs} == {"inputs": "X", "targets": "Y"}
    assert told(run)["epochs"] == 4
    assert "mean_squared_error_X_test" in metrics(kernel, run)


def test_each_call_is_read_for_what_it_was_handed(kernel: Kernel) -> None:
    """The same function with another optimizer; a loop in the cell is found as well."""
    assert not kernel.trained("losses = train(Net([Linear(3, 1)]), X, Y, optimizer=Still())")
    assert only(kernel.trained("other = Net([Linear(3, 1)])\ntrain(other, X, Y);"))
    run = only(kernel.trained("""
net, optimizer = Net([Linear(3, 1)]), SGD(0.2)
for epoch in range(3):
    net.backward((net.forward(X) - Y) / len(Y))
    optimizer.step(net)
"""))  # fmt: skip
    assert run.model_class == "__main__.Net"
    assert {i.role: i.name for i in run.inputs} == {"X": "X", "y": "Y"}


def test_a_function_that_only_asks_them_is_none(kernel: Kernel) -> None:
    """The control: however often it is called, and whatever it raises is the user's own error."""
    assert not kernel.trained("found = [error_of(net, X, Y) for _ in range(60)]")
    reply = kernel.run("error_of(net, X)")
    assert "missing 1 required positional argument: 'targets'" in reply.error
    assert "nbmlops" not in reply.error
