"""Models that were saved and loaded, or copied, are the models that they were."""

from __future__ import annotations

import pytest

from .conftest import Kernel

SETUP = """
import copy, io, pickle
import joblib, numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
rng = np.random.default_rng(0)
X, X_test = rng.normal(size=(80, 3)), rng.normal(size=(30, 3))
y, y_test = (X[:, 0] > 0).astype(int), (X_test[:, 0] > 0).astype(int)
"""
FOREST = "RandomForestClassifier(5, random_state=0)"
COPIES = {
    "pickle": "with open('m.pkl', 'wb') as f:\n    pickle.dump(m, f)\n"
    "with open('m.pkl', 'rb') as f:\n    served = pickle.load(f)",
    "joblib": "joblib.dump(m, 'm.joblib')\nserved = joblib.load('m.joblib')",
    "copy": "served = copy.deepcopy(m)",
}


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("model", [FOREST, "make_pipeline(StandardScaler(), LogisticRegression())"])
def test_a_copy_is_the_model_that_was_trained(kernel: Kernel, way: str, model: str) -> None:
    """Also when the model itself is gone, once the copy has predicted."""
    (run,) = kernel.trained(f"m = {model}.fit(X, y)")
    assert not kernel.trained(COPIES[way])
    kernel.run("accuracy_score(y_test, served.predict(X_test))")
    kernel.run("del m")
    kernel.run("served.score(X, y)")
    names = {m.name for m in kernel.journal.run(run.id).metrics}
    assert names == {"accuracy_score_X_test", "score_X"}


def test_another_model_of_the_class_is_no_copy(kernel: Kernel) -> None:
    """Not one of another session, and not one that was trained on."""
    (run,) = kernel.trained(f"m = {FOREST}.fit(X, y)")
    kernel.run(
        "%track off\nother = RandomForestClassifier(5, random_state=1).fit(X_test, y_test)\n%track"
    )
    kernel.run("log_loss(y_test, other.predict_proba(X_test))")
    assert kernel.journal.run(run.id).metrics == ()
    kernel.run("log_loss(y_test, m.predict_proba(X_test))")
    assert [m.name for m in kernel.journal.run(run.id).metrics] == ["log_loss_X_test"]


def test_of_two_models_the_copy_is_that_which_it_is_like(kernel: Kernel) -> None:
    """Each is read for what it holds."""
    runs = kernel.trained(
        "first, second = (RandomForestClassifier(5, random_state=s).fit(X, y) for s in (1, 2))"
    )
    kernel.run("served = pickle.loads(pickle.dumps(first))")
    kernel.run("accuracy_score(y_test, served.predict(X_test))")
    measured = [[m.name for m in kernel.journal.run(run.id).metrics] for run in runs]
    assert measured == [["accuracy_score_X_test"], []]
