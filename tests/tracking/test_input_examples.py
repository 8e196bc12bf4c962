"""Saved models say what they take: signature and input example, also those of deep learning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlflow.models import Model

from .conftest import Kernel

SETUP = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import numpy as np, pandas as pd, torch
import keras
import lightning.pytorch as L
from sklearn.linear_model import Ridge
torch.manual_seed(0)
A, t = torch.randn(40, 3), torch.randn(40, 1)
table = torch.utils.data.TensorDataset(A, t)
def loop(net, batches):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for rows, target in batches:
        optimizer.zero_grad()
        ((net(rows) - target) ** 2).mean().backward()
        optimizer.step()
class Lit(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(3, 1)
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, _):
        return ((self(batch[0]) - batch[1]) ** 2).mean()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
"""
CASES = {
    "torch, by a loader": "loader = torch.utils.data.DataLoader(table, batch_size=8)\n"
    "loop(torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Dropout(0.9)), loader)",
    "torch, by tensors": "net = torch.nn.Linear(3, 1)\n"
    "optimizer = torch.optim.SGD(net.parameters(), lr=0.01)\nfor _ in range(2):\n"
    "    optimizer.zero_grad()\n    loss = ((net(A) - t) ** 2).mean()\n    loss.backward()\n"
    "    optimizer.step()",
    "lightning": "loader = torch.utils.data.DataLoader(table, batch_size=8)\n"
    "trainer = L.Trainer(max_epochs=1, logger=False, enable_checkpointing=False,\n"
    "    enable_progress_bar=False, enable_model_summary=False, accelerator='cpu')\n"
    "trainer.fit(Lit(), loader)",
    "keras": "model = keras.Sequential([keras.layers.Dense(1)])\n"
    "model.compile(loss='mse')\nmodel.fit(A.numpy(), t.numpy(), epochs=1, verbose=0)",
    "scikit-learn": "Ridge().fit(A.numpy(), t.numpy())",
}


@pytest.fixture(scope="module", autouse=True)
def names(kernel: Kernel) -> None:
    reply = kernel.run(SETUP)
    assert reply.status == "ok", reply.error


def saved(kernel: Kernel, code: str, folder: Path) -> Model:
    """The model that a cell has left in MLflow."""
    (run,) = kernel.trained(code)
    store = kernel.store()
    return Model.load(str(store.download_model(kernel.journal.run(run.id), folder)))


@pytest.mark.parametrize("code", CASES.values(), ids=CASES)
def test_a_model_is_saved_with_its_signature_and_an_example(
    kernel: Kernel, tmp_path: Path, code: str
) -> None:
    """Of the first rows that it was trained on, and few of them."""
    model = saved(kernel, code, tmp_path / "model")
    (taken,) = model.signature.inputs.inputs
    (given,) = model.signature.outputs.inputs
    assert (taken.shape, taken.type) == ((-1, 3), np.dtype("float32"))
    assert given.shape in ((-1, 1), (-1,))
    example = model.load_input_example(str(tmp_path / "model"))
    assert example.shape[1] == 3
    assert 1 <= len(example) <= 20
    first = kernel.value("A[:1].tolist()[0]")
    assert example[0].tolist() == pytest.approx([float(x) for x in first.strip("[]").split(",")])


TWO = """
class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(5, 1)
    def forward(self, numbers, marks, scale=1.0):
        return self.last(torch.cat([numbers, marks], 1)) * scale
B = torch.ones(40, 2)
net = Two()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
"""
STEP = "optimizer.zero_grad(); loss = ((net({0}) - {1}) ** 2).mean(); loss.backward(); optimizer.step()"
KERAS = """
one, two = keras.Input((3,), name="numbers"), keras.Input((2,), name="marks")
both = keras.layers.Dense(1)(keras.layers.Concatenate()([one, two]))
model = keras.Model([one, two], both)
model.compile(loss="mse")
"""
SEVERAL = {
    "torch, by a loader": TWO
    + "rows = torch.utils.data.TensorDataset(A, B, t)\n"
    + "for a, b, target in torch.utils.data.DataLoader(rows, batch_size=8):\n    "
    + STEP.format("a, b", "target"),
    "torch, by tensors": TWO + "for _ in range(2):\n    " + STEP.format("A, marks=B", "t"),
    "keras, in a list": KERAS + "model.fit([A.numpy(), B.numpy()], t.numpy(), verbose=0)",
    "keras, by name": KERAS
    + "model.fit({'numbers': A.numpy(), 'marks': B.numpy()}, t.numpy(), verbose=0)",
}


@pytest.mark.parametrize("code", SEVERAL.values(), ids=SEVERAL)
def test_a_model_of_several_inputs_has_each_in_its_example(
    kernel: Kernel, tmp_path: Path, code: str
) -> None:
    """By the names that the model gives them."""
    model = saved(kernel, code, tmp_path / "model")
    assert {taken.name for taken in model.signature.inputs.inputs} == {"numbers", "marks"}
    example = model.load_input_example(str(tmp_path / "model"))
    assert {n: part.shape[1] for n, part in example.items()} == {"numbers": 3, "marks": 2}


def test_an_example_holds_no_secret(kernel: Kernel, tmp_path: Path) -> None:
    """Rows in which a credential stands are none; the same rows without are one."""
    code = (
        "class Own:\n    def fit(self, X, y): return self\n"
        "    def predict(self, X): return np.zeros(len(X))\n"
        "frame = pd.DataFrame({{'a': [1.0, 2.0], 'note': ['plain', {0!r}]}})\n"
        "Own().fit(frame, [0, 1])"
    )
    token = "ghp_" + "a1B2" * 9
    assert saved(kernel, code.format(token), tmp_path / "secret").saved_input_example_info is None
    assert not any(
        token.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()
    )
    plain = saved(kernel, code.format("as well"), tmp_path / "plain")
    assert plain.saved_input_example_info is not None
    assert plain.load_input_example(str(tmp_path / "plain"))["note"].tolist() == [
        "plain",
        "as well",
    ]


def test_what_is_large_is_cut(kernel: Kernel, tmp_path: Path) -> None:
    """At most a megabyte, of whole rows; none where one row is more."""
    fits = "X_ = np.zeros((30, {0}))\nRidge().fit(X_, np.arange(30.0))"
    model = saved(kernel, fits.format(30_000), tmp_path / "wide")
    assert len(model.load_input_example(str(tmp_path / "wide"))) == 4
