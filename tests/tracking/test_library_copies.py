"""Models that come back in a library's own way: out of its files, by its copies, by their weights."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

SETUP = """
import copy, joblib, pickle
import numpy as np, torch, torch.nn as nn
import lightgbm as lgb, xgboost as xgb
from catboost import CatBoostClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
rng = np.random.default_rng(1)
X = rng.normal(size=(90, 3)); y = (X[:, 0] + rng.normal(size=90) > 0).astype(int)
X_test, y_test = X[60:], y[60:]
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
    def forward(self, x):
        return self.layer(x)
"""
# Two of each, on other targets; what comes back is the first. All that was trained is let go of.
FITTED = {
    "lightgbm": """
for target in (y, 1 - y):
    m = lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(X[:60], target[:60]), 5)
    if target is y:
        m.save_model("m.txt"); text = m.model_to_string(); sibling = copy.deepcopy(m)
del m
""",
    "lightgbm estimator": """
for target in (y, 1 - y):
    m = lgb.LGBMClassifier(n_estimators=5, verbose=-1).fit(X[:60], target[:60])
    if target is y:
        m.booster_.save_model("e.txt")
del m
""",
    "xgboost": """
for target in (y, 1 - y):
    m = xgb.XGBClassifier(n_estimators=4).fit(X[:60], target[:60])
    if target is y:
        m.save_model("m.json")
del m
""",
    "catboost": """
for target in (y, 1 - y):
    m = CatBoostClassifier(iterations=4, verbose=0, allow_writing_files=False).fit(X[:60], target[:60])
    if target is y:
        m.save_model("m.cbm"); twin = m.copy(); pickled = pickle.dumps(m)
del m
""",
    "pipeline": """
for target in (y, 1 - y):
    m = make_pipeline(StandardScaler(), xgb.XGBClassifier(n_estimators=4)).fit(X[:60], target[:60])
    if target is y:
        joblib.dump(m, "m.joblib")
del m
""",
    "torch": """
for target in (y, 1 - y):
    m = Net(); optimizer = torch.optim.SGD(m.parameters(), lr=0.5)
    best = float("inf")
    for epoch in range(4):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(m(torch.tensor(X[:60]).float()), torch.tensor(target[:60]))
        loss.backward(); optimizer.step()
        if target is y and epoch == 1:
            torch.save({"weights": m.state_dict()}, "m.pt")
    if target is y:
        torch.save(m, "whole.pt")
del m, optimizer
""",
}
ANSWERS = ".predict({data})"
LOGITS = "(torch.tensor({data}).float()).argmax(1).numpy()"
WAYS = {
    ("lightgbm", "lgb.Booster(model_file='m.txt')"): ".predict({data}) > 0.5",
    ("lightgbm", "lgb.Booster(model_str=text)"): ".predict({data}) > 0.5",
    ("lightgbm", "copy.deepcopy(sibling)"): ".predict({data}) > 0.5",
    ("lightgbm estimator", "lgb.Booster(model_file='e.txt')"): ".predict({data}) > 0.5",
    ("xgboost", "xgb.XGBClassifier(); back.load_model('m.json')"): ANSWERS,
    ("xgboost", "xgb.Booster(model_file='m.json')"): ".predict(xgb.DMatrix({data})) > 0.5",
    ("catboost", "CatBoostClassifier().load_model('m.cbm')"): ANSWERS,
    ("catboost", "twin"): ANSWERS,
    ("catboost", "pickle.loads(pickled)"): ANSWERS,
    ("pipeline", "joblib.load('m.joblib')"): ANSWERS,
    ("torch", "torch.load('whole.pt', weights_only=False)"): LOGITS,
    ("torch", "Net(); back.load_state_dict(torch.load('m.pt')['weights'])"): LOGITS,
}


@pytest.fixture(scope="module")
def fitted(kernel: Kernel) -> dict[str, list[TrackedRun]]:
    assert not kernel.trained(SETUP)
    runs = {library: kernel.trained(source) for library, source in FITTED.items()}
    assert {len(found) for found in runs.values()} == {2}
    return runs


@pytest.mark.parametrize(("library", "way"), WAYS)
def test_a_model_comes_back_as_its_library_brings_it(
    kernel: Kernel, fitted: dict[str, list[TrackedRun]], library: str, way: str
) -> None:
    """In a later cell, when what was trained is gone; its neighbour of the same kind is another."""
    data = f"X_{list(WAYS).index((library, way))}"
    call = WAYS[library, way].format(data=data)
    kernel.run(f"{data} = X_test + 0\nback = {way}")
    assert not kernel.trained(f"accuracy_score(y_test, back{call})")
    for run in (run for runs in fitted.values() for run in runs):
        names = {m.name for m in kernel.journal.run(run.id).metrics}
        assert (f"accuracy_score_{data}" in names) is (run is fitted[library][0])


@pytest.mark.parametrize(
    "way",
    [
        "lgb.Booster(model_file='f.txt')",
        "CatBoostClassifier(verbose=0, iterations=2, allow_writing_files=False)",
        "Net()",
    ],
)
def test_what_was_not_trained_here_is_nobodys(
    kernel: Kernel, fitted: dict[str, list[TrackedRun]], way: str
) -> None:
    """The control."""
    kernel.run(
        "%track off\n"
        "f = lgb.train({'objective': 'binary', 'verbose': -1}, lgb.Dataset(X[30:], y[30:]), 5)\n"
        f"f.save_model('f.txt'); other = {way}\n"
        "other = other.fit(X[30:], y[30:]) if hasattr(other, 'fit') else other\n%track"
    )
    call = LOGITS if way == "Net()" else ".predict({data}) > 0.5"
    kernel.run(f"X_other = X_test + 0\naccuracy_score(y_test, other{call.format(data='X_other')})")
    for run in (run for runs in fitted.values() for run in runs):
        assert not any("X_other" in m.name for m in kernel.journal.run(run.id).metrics)


def test_weights_that_are_given_back_are_those_of_another_run(
    kernel: Kernel, fitted: dict[str, list[TrackedRun]]
) -> None:
    """One network that takes the weights of the one and the other training."""
    loop = """
for target in (y, 1 - y):
    net = Net(); optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for epoch in range(3):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(torch.tensor(X[:60]).float()), torch.tensor(target[:60]))
        loss.backward(); optimizer.step()
    kept.append(copy.deepcopy(net.state_dict()))
"""
    kernel.run("kept = []")
    runs = kernel.trained(loop)
    for number in (0, 1):
        kernel.run(
            f"net.load_state_dict(kept[{number}]); X_w{number} = X_test + 0\n"
            f"accuracy_score(y_test, net{LOGITS.format(data=f'X_w{number}')})"
        )
    names = [{m.name for m in kernel.journal.run(run.id).metrics} for run in runs]
    assert [f"accuracy_score_X_w{n}" in names[n] for n in (0, 1)] == [True, True]
    assert not any(f"accuracy_score_X_w{n}" in names[1 - n] for n in (0, 1))


def test_a_truth_that_was_foretold_wholly_is_no_prediction(kernel: Kernel) -> None:
    """What another model is held against it for says nothing of the first."""
    (run,) = kernel.trained(
        "from sklearn.tree import DecisionTreeClassifier\n"
        "t = DecisionTreeClassifier().fit(X, y); accuracy_score(y_test, t.predict(X_test))"
    )
    kernel.run("guess = rng.integers(0, 2, 30)\nroc_auc_score(y_test, guess)")
    assert {m.name for m in kernel.journal.run(run.id).metrics} == {"accuracy_score_X_test"}
