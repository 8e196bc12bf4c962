"""The rules for hand-written trainings, on cells as people write them: run, then read."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nbmlops.tracking.inference.cell import trainings_in_cell
from nbmlops.tracking.inference.function import Recipe, read_function

HERE = Path(__file__).parent


def cells(file: str) -> list[Any]:
    """The cells of a file: each begins with ``# %% what it is -> parameters | data | method``."""
    parts = re.split(r"^# %% (.*)\n", (HERE / file).read_text(), flags=re.MULTILINE)[1:]
    return [
        pytest.param(source, expected, id=title)
        for heading, source in zip(parts[::2], parts[1::2], strict=True)
        for title, _, expected in [heading.partition(" -> ")]
    ]


@pytest.fixture
def namespace() -> Iterator[dict[str, Any]]:
    """A notebook's namespace with data in it."""
    np.random.seed(0)
    module = ModuleType("notebook_of_rules")
    module.__file__ = str(HERE / "notebook_of_rules.py")
    sys.modules[module.__name__] = module
    X = np.random.randn(40, 3)
    space = vars(module)
    space.update(
        np=np, pd=pd, torch=torch, X=X, y=X @ [1.0, -2.0, 0.5], labels=(X[:, 0] > 0).astype(int),
        signs=np.sign(X[:, 0]), x=np.random.randn(100), xs=[1.0, 2.0, 3.0], ys=[2.0, 4.1, 5.9],
        inputs=np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), targets=np.array([0, 0, 0, 1]),
        rows=[[2.7, 2.5, 0], [1.4, 2.3, 0], [7.6, 2.7, 1], [5.3, 2.0, 1]],
        df=pd.DataFrame({"x": X[:, 0], "y": 2 * X[:, 0] + 1}), prices=np.exp(X[:, 0].cumsum()),
        payments=[10.0, 12.0, 9.0], rates=[0.01, 0.02, 0.015], signal=np.random.randn(60),
        wanted=np.random.randn(60), Xt=torch.randn(40, 3), yt=torch.randn(40, 1),
    )  # fmt: skip
    yield space
    del sys.modules[module.__name__]


def run(source: str, namespace: dict[str, Any]) -> None:
    """Run a cell as IPython does, so that its functions' sources can be had."""
    name = f"<cell {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, name, "exec"), namespace)


@pytest.mark.parametrize(("source", "expected"), cells("trainings.cells"))
def test_a_hand_written_training_is_found(
    source: str, expected: str, namespace: dict[str, Any]
) -> None:
    """One training, with the fitted names as its parameters, the data by name, and its method."""
    run(source, namespace)
    found = trainings_in_cell(source, namespace)
    assert len(found) == 1, found
    parameters, data, *method = (part.strip() for part in expected.split("|"))
    assert set(found[0].parameters) == set(parameters.split(", "))
    assert set(found[0].data) == set(data.split(", ")) - {""}
    assert method in ([], [found[0].method])


@pytest.mark.parametrize(("source", "_expected"), cells("no_trainings.cells"))
def test_a_loop_that_trains_nothing_is_left_alone(
    source: str, _expected: str, namespace: dict[str, Any]
) -> None:
    """The control: loops over data that fit no model."""
    run(source, namespace)
    assert trainings_in_cell(source, namespace) == []


def recipes(source: str, namespace: dict[str, Any]) -> dict[str, Recipe]:
    """What is read of the functions that a cell defines, of those that train."""
    run(source, namespace)
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and (recipe := read_function(node, namespace)):
            found[node.name] = recipe
    return found


@pytest.mark.parametrize(("source", "_expected"), cells("functions.cells"))
def test_a_function_that_trains_is_known_by_its_code(
    source: str, _expected: str, namespace: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """Before it is called, whatever its arguments are called; its own functions are followed."""
    found = recipes(source, namespace)
    assert request.node.callspec.id in found
    assert all(recipe.data and recipe.parameters for recipe in found.values())


@pytest.mark.parametrize(("source", "_expected"), cells("no_functions.cells"))
def test_a_function_that_trains_nothing_is_not_watched(
    source: str, _expected: str, namespace: dict[str, Any]
) -> None:
    """The control: simulations, features, evaluations, resampling."""
    assert recipes(source, namespace) == {}


def trained_by(source: str, namespace: dict[str, Any]) -> dict[str, Recipe]:
    """What is read of the methods of the classes that a cell defines, of those that train."""
    run(source, namespace)
    found = {}
    for cls in (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)):
        methods = {node.name: node for node in cls.body if isinstance(node, ast.FunctionDef)}
        for name, method in methods.items():
            if recipe := read_function(method, namespace, methods):
                found[f"{cls.name}.{name}"] = recipe
    return found


@pytest.mark.parametrize(("source", "_expected"), cells("methods.cells"))
def test_a_method_that_trains_is_known_by_its_class(
    source: str, _expected: str, namespace: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """What its constructor keeps of numbers is no data, and its own methods are followed."""
    found = trained_by(source, namespace)
    assert list(found) == [request.node.callspec.id]
    assert all(recipe.data and recipe.parameters for recipe in found.values())


@pytest.mark.parametrize(("source", "_expected"), cells("no_methods.cells"))
def test_a_method_that_trains_nothing_is_not_watched(
    source: str, _expected: str, namespace: dict[str, Any]
) -> None:
    """The control: filters and simulations that an object keeps the state of."""
    assert trained_by(source, namespace) == {}
