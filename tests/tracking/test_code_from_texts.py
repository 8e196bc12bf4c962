"""Data is called as the caller has written it where Python keeps no source of what runs."""

from __future__ import annotations

import pytest

from .conftest import Kernel

SETUP = """
import timeit
import numpy as np
from sklearn.linear_model import Ridge
X = np.random.default_rng(0).normal(size=(60, 3)); y = X[:, 0]
model = Ridge()
def run(text): exec(text, globals())
"""
WAYS = {
    "%timeit": "%timeit -n 1 -r 1 model.fit(X[:50], y[:50])",
    "%%timeit": "%%timeit -n 1 -r 1\nmodel.fit(X[:50], y[:50])",
    "%time": "%time model.fit(X[:50], y[:50])",
    "%%time": "%%time\nmodel.fit(X[:50], y[:50])",
    "%prun": "%prun -q model.fit(X[:50], y[:50])",
    "timeit": "timeit.timeit('model.fit(X[:50], y[:50])', globals=globals(), number=1)",
    "exec": "exec('model.fit(X[:50], y[:50])')",
    "exec in a function": "run('model.fit(X[:50], y[:50])')",
    "eval": "_ = eval('model.fit(X[:50], y[:50])')",
}


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


@pytest.mark.parametrize("way", WAYS)
def test_data_is_called_as_it_is_written(kernel: Kernel, way: str) -> None:
    """As in a cell of its own."""
    (run,) = kernel.trained(WAYS[way])
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X[:50]"), ("y", "y[:50]")]


def test_each_text_of_a_loop_is_its_own(kernel: Kernel) -> None:
    """They differ in nothing but a number."""
    runs = kernel.trained("for n in (20, 30):\n    exec(f'model.fit(X[:{n}], y[:{n}])')")
    assert [run.inputs[0].name for run in runs] == ["X[:20]", "X[:30]"]


def test_the_texts_show_nowhere_else(kernel: Kernel) -> None:
    """A traceback says no more of them than without us."""
    assert kernel.run("import traceback\ntry:\n    exec('model.fit(X[:9], None)')\n"
                      "except Exception:\n    text = traceback.format_exc()").status == "ok"  # fmt: skip
    assert kernel.value("'File \"<string>\", line 1' in text") == "True"
    assert kernel.value("'model.fit(X[:9]' in text.partition('<string>')[2]") == "False"
