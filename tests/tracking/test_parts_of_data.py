"""Parts of data that one dict or object holds: the metrics on them tell which part it was."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import TWO_CLASSES, metrics, only

PARTS = """
from types import SimpleNamespace
X_a, y_a, X_b, y_b, X_c, y_c = (
    part.copy() for n in (0, 1, 2) for part in (np.asarray(X_train)[n::3], np.asarray(y_train)[n::3])
)
ds = {"train": (X_a, y_a), "val": (X_b, y_b), "test": (X_c, y_c)}
flat = {"X_train": X_a, "y_train": y_a, "X_test": X_c, "y_test": y_c}
sites = {"north": {"X": X_b, "y": y_b}, "south": {"X": X_c, "y": y_c}}
held = SimpleNamespace(val=SimpleNamespace(X=X_b, y=y_b), X_test=X_c, y_test=y_c)
del X_a, y_a, X_b, y_b, X_c, y_c
model = LogisticRegression().fit(*ds["train"])
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(TWO_CLASSES)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (
            "for part in ('val', 'test'):\n"
            "    accuracy_score(ds[part][1], model.predict(ds[part][0]))",
            {"accuracy_score_val", "accuracy_score_test"},
        ),
        ("model.score(*ds['val'])\nmodel.score(*ds['test'])", {"score_val", "score_test"}),
        (
            "for part in ('val', 'test'):\n    A, b = ds[part]\n    model.score(A, b)\ndel A, b",
            {"score_val", "score_test"},
        ),
        (
            "for part, (A, b) in ds.items():\n    model.score(A, b)\ndel A, b",
            {"score_train", "score_val", "score_test"},
        ),
        (
            "def judge(part):\n    A, b = ds[part]\n    model.score(A, b)\n"
            "judge('val')\njudge('test')",
            {"score_val", "score_test"},
        ),
        (
            "def judge(pair):\n    A, b = pair\n    accuracy_score(b, model.predict(A))\n"
            "judge(ds['val'])\njudge(ds['test'])",
            {"accuracy_score_val", "accuracy_score_test"},
        ),
        ("model.score(flat['X_test'], flat['y_test'])", {"score_X_test"}),
        (
            "model.score(sites['north']['X'], sites['north']['y'])\n"
            "model.score(sites['south']['X'], sites['south']['y'])",
            {"score_sites.north", "score_sites.south"},
        ),
        (
            "model.score(held.val.X, held.val.y)\nmodel.score(held.X_test, held.y_test)",
            {"score_val", "score_X_test"},
        ),
        ("test = sites['south']\nmodel.score(test['X'], test['y'])", {"score_test"}),
    ],
)
def test_a_metric_tells_the_part(kernel: Kernel, code: str, names: set[str]) -> None:
    """By the key or attribute that names it, written or held by a loop's name."""
    run = only(kernel.trained(PARTS))
    assert {i.name for i in run.inputs} == {"ds['train'][0]", "ds['train'][1]"}
    assert not kernel.trained(code)
    assert set(metrics(kernel, run)) == names
