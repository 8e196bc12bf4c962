"""Trainers of deep-learning libraries in a real kernel, and their models elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .conftest import CLEAN, Kernel
from .run_facts import inputs, measured, told

SETUP = """
import logging, os, warnings
os.environ["KERAS_BACKEND"] = "torch"
warnings.simplefilter("ignore")
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from sklearn.metrics import accuracy_score
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(1)
_ = torch.manual_seed(0)
X_train = torch.randn(120, 4); y_train = (X_train.sum(1) > 0).long()
X_test = torch.randn(40, 4); y_test = (X_test.sum(1) > 0).long()
train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=30, shuffle=True)
test_loader = DataLoader(TensorDataset(X_test, y_test), batch_size=40)
ones = np.ones((1, 4), dtype="float32")
"""
LOAD = """
import json, sys
import mlflow, numpy as np, torch
mlflow.set_tracking_uri(sys.argv[1])
ones = np.ones((1, 4), dtype="float32")
for name, uri in json.loads(sys.argv[2]).items():
    if name == "tensors":
        answer = mlflow.pyfunc.load_model(uri).unwrap_python_model().model["w"]
    elif name == "keras":
        answer = mlflow.keras.load_model(uri)(ones)
    elif name == "bert":
        answer = mlflow.pytorch.load_model(uri).eval()(torch.ones(1, 4, dtype=torch.long)).logits
    else:
        answer = mlflow.pytorch.load_model(uri).eval()(torch.from_numpy(ones))
    print(name, [round(value, 4) for value in answer.detach().flatten().tolist()])
"""
# what the kernel computes -> what the model that was filed must compute
EXPECTED = {
    "net": "net(torch.from_numpy(ones))",
    "tensors": "w",
    "keras": "model(ones)",
    "lit": "lit.eval()(torch.from_numpy(ones))",
    "skorch": "network.module_.eval()(torch.from_numpy(ones))",
    "bert": "bert.eval()(torch.ones(1, 4, dtype=torch.long)).logits",
}
RUNS: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> Iterator[None]:
    assert not kernel.trained(SETUP)
    yield
    RUNS.clear()


def test_keras(kernel: Kernel) -> None:
    """What was compiled and fitted, the history, and evaluations by the data's name."""
    (run,) = kernel.trained(
        """
import keras
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Dense(8, activation="relu"),
                          keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.02),
              loss="binary_crossentropy", metrics=["accuracy"])
X, y, Xv, yv = (t.numpy() for t in (X_train, y_train, X_test, y_test))
_ = model.fit(X, y, epochs=2, batch_size=32, validation_data=(Xv, yv), verbose=0,
              class_weight={0: 1.0, 1: 2.0})
"""
    )
    assert run.gaps == ()
    assert run.model_class == "keras.Sequential"
    assert told(run) == {
        "optimizer": "Adam", "learning_rate": 0.02, "loss": "binary_crossentropy",
        "metrics": "accuracy", "epochs": 2, "batch_size": 32, "num_parameters": 49,
        "class_weight": "{0: 1.0, 1: 2.0}",
    }  # fmt: skip
    assert inputs(run) == [
        ("X", "X"), ("y", "y"), ("validation_data.X", "Xv"), ("validation_data.y", "yv"),
    ]  # fmt: skip
    assert [row["epoch"] for row in run.tables["history"]] == [0, 1]
    assert {("loss", 1), ("val_accuracy", 0)} <= measured(kernel, run)
    kernel.trained("print(model.evaluate(Xv, yv, verbose=0))\nproba = model.predict(Xv, verbose=0)")
    kernel.trained("print(accuracy_score(yv, (proba > 0.5).ravel()))")
    assert {("loss_Xv", 0), ("accuracy_Xv", 0), ("accuracy_score_Xv", 0)} <= measured(kernel, run)
    RUNS["keras"] = run.id


def test_a_keras_model_of_ones_own_class(kernel: Kernel) -> None:
    """What its constructor was handed stands beside what it was compiled with."""
    (run,) = kernel.trained(
        """
class Own(keras.Model):
    def __init__(self, units, rate=0.0, **others):
        super().__init__(**others)
        self.inner, self.out = keras.layers.Dense(units), keras.layers.Dense(1)
    def call(self, x):
        return self.out(self.inner(x))
own = Own(5, rate=0.1)
own.compile("sgd", "mse")
_ = own.fit(X, y, verbose=0)
"""
    )
    assert told(run) == {
        "units": 5, "rate": 0.1, "optimizer": "SGD", "loss": "mse", "num_parameters": 31,
    }  # fmt: skip
    (run,) = kernel.trained(
        "class Shaped(keras.Model):\n    pass\nentry = keras.Input(X.shape[1:])\n"
        "shaped = Shaped(entry, keras.layers.Dense(1)(entry))\n"
        "shaped.compile('sgd', 'mse')\n_ = shaped.fit(X, y, verbose=0)"
    )
    assert "name" not in told(run)


TWO_INPUTS = """
rooms, town = X[:, :2], X[:, 2:]
held = {"rooms": Xv[:, :2], "town": Xv[:, 2:]}
one, other = keras.Input((2,), name="rooms"), keras.Input((2,), name="town")
joined = keras.layers.concatenate([one, other])
price, sold = keras.layers.Dense(1, name="price")(joined), keras.layers.Dense(1, name="sold")(joined)
"""


@pytest.mark.parametrize(
    ("handed", "expected"),
    [
        (
            "[rooms, town], [y, 1 - y], validation_data=([Xv[:, :2], Xv[:, 2:]], [yv, 1 - yv])",
            [("X[0]", "rooms"), ("X[1]", "town"), ("y[0]", "y"), ("y[1]", "1 - y"),
             ("validation_data.X[0]", "Xv[:, :2]"), ("validation_data.X[1]", "Xv[:, 2:]"),
             ("validation_data.y[0]", "yv"), ("validation_data.y[1]", "1 - yv")],
        ),
        (
            "x={'rooms': rooms, 'town': X[:, 2:]}, y={'price': y, 'sold': y},"
            " validation_data=(held, {'price': yv, 'sold': yv})",
            [("X.rooms", "rooms"), ("X.town", "X[:, 2:]"), ("y.price", "y"), ("y.sold", "y"),
             ("validation_data.X.rooms", "held['rooms']"),
             ("validation_data.X.town", "held['town']"),
             ("validation_data.y.price", "yv"), ("validation_data.y.sold", "yv")],
        ),
    ],
    ids=["lists", "dicts"],
)  # fmt: skip
def test_a_keras_model_of_several_inputs(
    kernel: Kernel, handed: str, expected: list[tuple[str, str]]
) -> None:
    """Each input and output by its own name and content."""
    (run,) = kernel.trained(
        f"{TWO_INPUTS}two = keras.Model([one, other], [price, sold])\n"
        f"two.compile('sgd', ['mse', 'mse'])\n_ = two.fit({handed}, verbose=0)"
    )
    assert run.gaps == ()
    assert inputs(run) == expected
    for item in run.inputs:
        table = item.name.replace("held['rooms']", "Xv[:, :2]").replace("held['town']", "Xv[:, 2:]")
        digest = kernel.value(f"__import__('nbmlops').fingerprint({table}).digest")
        assert item.fingerprint.digest == digest, item.name


def test_lightning(kernel: Kernel) -> None:
    """Hyperparameters, what is logged each epoch, loaders by name or of a data module, tests."""
    (run,) = kernel.trained(
        """
import lightning as L
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
class Lit(L.LightningModule):
    def __init__(self, hidden=8, lr=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, number):
        loss = F.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss
    def validation_step(self, batch, number):
        self.log("val_loss", F.cross_entropy(self(batch[0]), batch[1]))
    def test_step(self, batch, number):
        self.log("test_loss", F.cross_entropy(self(batch[0]), batch[1]))
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
class Data(L.LightningDataModule):
    def train_dataloader(self):
        return train_loader
quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False,
             enable_checkpointing=False, accelerator="cpu")
lit = Lit(hidden=6)
trainer = L.Trainer(max_epochs=2, **quiet)
trainer.fit(lit, train_loader, test_loader)
"""
    )
    assert run.gaps == ()
    assert told(run) == {
        "hidden": 6, "lr": 0.01, "max_epochs": 2, "accelerator": "cpu", "epochs": 2, "steps": 8,
        "optimizer": "Adam", "num_parameters": 44, "batch_size": 30,
    }  # fmt: skip
    assert inputs(run) == [("data", "train_loader"), ("validation", "test_loader")]
    assert measured(kernel, run) == {(n, e) for n in ("train_loss", "val_loss") for e in (0, 1)}
    kernel.trained("_ = trainer.test(lit, test_loader, verbose=False)")
    assert ("test_loss_test_loader", 0) in measured(kernel, run)
    (other,) = kernel.trained(
        "data = Data()\nL.Trainer(max_epochs=1, **quiet).fit(Lit(), datamodule=data)"
    )
    assert inputs(other) == [("data", "data.train_dataloader")]
    assert (
        kernel.value("[type(c).__name__ for c in trainer.callbacks if 'Notes' in str(c)]") == "[]"
    )
    RUNS["lit"] = run.id


def test_hugging_face(kernel: Kernel) -> None:
    """Arguments and configuration that differ from the defaults, datasets, and what was logged."""
    (run,) = kernel.trained(
        """
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
class Toy(torch.utils.data.Dataset):
    def __init__(self, n):
        self.ids = torch.randint(0, 50, (n, 4))
        self.labels = (self.ids.sum(1) > 100).long()
    def __len__(self):
        return len(self.ids)
    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "labels": self.labels[i]}
train_set, eval_set = Toy(32), Toy(16)
bert = BertForSequenceClassification(BertConfig(
    vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
    intermediate_size=16))
trainer = Trainer(
    model=bert, train_dataset=train_set, eval_dataset=eval_set,
    args=TrainingArguments("out", num_train_epochs=2, per_device_train_batch_size=16,
                           learning_rate=1e-3, logging_steps=1, report_to=[], use_cpu=True,
                           save_strategy="no", disable_tqdm=True))
_ = trainer.train()
"""
    )
    assert run.gaps == ()
    assert run.model_class == "transformers.BertForSequenceClassification"
    assert told(run).items() >= {
        "learning_rate": 1e-3, "num_train_epochs": 2, "per_device_train_batch_size": 16,
        "config__hidden_size": 8, "config__vocab_size": 50, "steps": 4,
    }.items()  # fmt: skip
    assert not {"optim", "config__hidden_act", "weight_decay", "adam_beta1"} & told(run).keys()
    assert inputs(run) == [
        ("data.ids", "train_set.ids"), ("data.labels", "train_set.labels"),
        ("validation.ids", "eval_set.ids"), ("validation.labels", "eval_set.labels"),
    ]  # fmt: skip
    assert {("loss", 1), ("loss", 4), ("train_loss", 4)} <= measured(kernel, run)
    kernel.trained("_ = trainer.evaluate()\nguessed = trainer.predict(eval_set)")
    kernel.trained("print(accuracy_score(guessed.label_ids, guessed.predictions.argmax(-1)))")
    assert {("eval_loss_eval_set", 0), ("accuracy_score_eval_set", 0)} <= measured(kernel, run)
    RUNS["bert"] = run.id


def test_hugging_face_on_the_splits_of_a_dataset(kernel: Kernel) -> None:
    """Datasets are called by the keys that they are held under; what is judged on another says so."""
    (run,) = kernel.trained(
        """
from datasets import Dataset, DatasetDict
def rows(n): return {"input_ids": [[k, 2, 3, 4] for k in range(n)], "labels": [k % 2 for k in range(n)]}
splits = DatasetDict({name: Dataset.from_dict(rows(n)) for name, n in [("fit", 32), ("held", 16)]})
again = Trainer(model=BertForSequenceClassification(bert.config), args=trainer.args,
                train_dataset=splits["fit"], eval_dataset=splits["held"])
_ = again.train()
"""
    )
    assert inputs(run) == [("data", "splits['fit']"), ("validation", "splits['held']")]
    kernel.trained("_ = again.evaluate(splits['held'])\nguessed = again.predict(splits['held'])")
    kernel.trained("print(accuracy_score(guessed.label_ids, guessed.predictions.argmax(-1)))")
    names = {name for name, _ in measured(kernel, run)}
    assert {
        "eval_loss_splits.held", "test_loss_splits.held", "accuracy_score_splits.held",
    } <= names  # fmt: skip
    assert "eval_loss" not in names


def test_skorch_and_torchmetrics(kernel: Kernel) -> None:
    """skorch's history is the curve; a torchmetrics value finds the model of what it was given."""
    (run,) = kernel.trained(
        """
import skorch
class Module(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    def forward(self, x):
        return torch.softmax(self.layers(x), -1)
network = skorch.NeuralNetClassifier(Module, module__hidden=6, max_epochs=2, lr=0.1, verbose=0)
_ = network.fit(X_train, y_train)
"""
    )
    assert run.gaps == ()
    assert told(run).items() >= {"module__hidden": 6, "max_epochs": 2, "lr": 0.1}.items()
    assert inputs(run) == [("X", "X_train"), ("y", "y_train")]
    assert {("train_loss", 1), ("valid_acc", 2)} <= measured(kernel, run)
    RUNS["skorch"] = run.id
    net, tensors = kernel.trained(
        """
import torchmetrics
from torchmetrics.functional import f1_score
net = nn.Sequential(nn.Linear(4, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=2)
w = torch.zeros(4, requires_grad=True)
opt_w = torch.optim.SGD([w], lr=0.1)
for epoch in range(2):
    for xb, yb in train_loader:
        loss = F.cross_entropy(net(xb), yb)
        opt.zero_grad(); loss.backward(); opt.step()
    ((X_train @ w - y_train) ** 2).mean().backward()
    opt_w.step(); opt_w.zero_grad()
    accuracy.reset()
    for xb, yb in test_loader:
        accuracy.update(net(xb).argmax(1), yb)
    shown = accuracy.compute()
"""
    )
    kernel.trained("f1 = f1_score(net(X_test), y_test, task='multiclass', num_classes=2)")
    expected = {("accuracy_test_loader", 0), ("accuracy_test_loader", 1), ("f1_score_X_test", 0)}
    assert expected <= measured(kernel, net)
    RUNS.update(net=net.id, tensors=tensors.id)


def test_models_load_again_elsewhere(kernel: Kernel) -> None:
    """Filed as MLflow models they answer the same in a process that never saw the notebook."""
    store = kernel.store()
    uris = {name: kernel.journal.run(run_id).mlflow_model_uri for name, run_id in RUNS.items()}
    assert uris.keys() == EXPECTED.keys()
    told = subprocess.run(
        [sys.executable, "-c", LOAD, store.settings.tracking_uri, json.dumps(uris)],
        cwd=kernel.project, env={**CLEAN, "KERAS_BACKEND": "torch"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    lines = dict(line.split(" ", 1) for line in told.stdout.splitlines() if line[-1] == "]")
    for name, expression in EXPECTED.items():
        values = f"[round(v, 4) for v in ({expression}).detach().flatten().tolist()]"
        assert lines[name] == kernel.value(values), name


def test_nothing_is_kept_alive(kernel: Kernel) -> None:
    """Once its model is filed, a training holds neither model nor data."""
    kernel.run("import gc, weakref")
    reply = kernel.run(
        "gone = [weakref.ref(o) for o in (net, next(net.parameters()), train_loader)]\n"
        "del net, xb, yb, loss, opt, train_loader, data\n_ = gc.collect()"
    )
    assert reply.status == "ok", reply.error
    assert kernel.value("[ref() for ref in gone]") == "[None, None, None]"
