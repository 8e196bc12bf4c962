"""Nothing in MLflow that writes is unknown: a new version's new door fails here until it is judged."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.cli import cli
from mlflow.server import app as flask_app
from mlflow.server import fastapi_app
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from packaging.specifiers import SpecifierSet

from nbmlops.governance.gate.mlflow_gated_store import PROMPT_SOURCES, GatedStore
from nbmlops.surfaces.mlflow_app.boot import TESTED_MLFLOW
from nbmlops.surfaces.mlflow_app.closed import CLOSED_ROUTERS, closed_views

MINOR = tuple(map(int, mlflow.__version__.split(".")[:2]))


def judged_here() -> dict[str, list[dict[str, Any]]]:
    """What is judged of the MLflow that is installed."""
    everything = tomllib.loads((Path(__file__).parent / "judged_mlflow.toml").read_text())
    return {
        kind: [g for g in groups if tuple(map(int, g.get("since", "3.0").split("."))) <= MINOR]
        for kind, groups in everything.items()
    }


JUDGED = judged_here()
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
READS = ("get_", "search_", "list_")


def store_mutators() -> set[str]:
    return {
        name
        for name in dir(AbstractStore)
        if not name.startswith(("_", *READS)) and callable(getattr(AbstractStore, name))
    }


def flask_views() -> set[str]:
    return {rule.endpoint for rule in flask_app.url_map.iter_rules() if rule.methods & WRITES}


def fastapi_endpoints() -> set[str]:
    return {
        f"{name}.{route.endpoint.__name__}"
        for name, router in vars(fastapi_app).items()
        if type(router).__name__ == "APIRouter"
        for route in router.routes
        if route.methods & WRITES
    }


def commands(command: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))
    else:
        yield " ".join(path)


FOUND = {
    "store": store_mutators(),
    "flask": flask_views(),
    "fastapi": fastapi_endpoints(),
    "cli": set(commands()),
}


@pytest.mark.parametrize("kind", FOUND)
def test_everything_that_writes_is_judged(kind: str) -> None:
    """And nothing is judged that is not there."""
    groups: list[dict[str, Any]] = JUDGED[kind]
    judged = [name for group in groups for name in group["names"]]
    assert FOUND[kind] - set(judged) == set(), "not judged: say in judged_mlflow.toml what holds it"
    assert set(judged) - FOUND[kind] == set(), "no longer there"
    assert len(judged) == len(set(judged))
    assert all(group["judged"].strip() for group in groups)


def test_what_is_judged_as_gated_is() -> None:
    """The store overrides each method that is said to ask the gate or to be refused."""
    for group in JUDGED["store"]:
        if "asks the gate" in group["judged"] or "refuses it" in group["judged"]:
            for name in group["names"]:
                if name != "copy_model_version":  # it creates a version, by a client's own hand
                    assert name in vars(GatedStore), name
    assert not {name for name in vars(SqlAlchemyStore) if name.startswith("copy_")}


def test_what_is_judged_as_closed_is() -> None:
    """By the lists that the server closes."""
    closed = {
        (kind, name)
        for kind in ("flask", "fastapi")
        for group in JUDGED[kind]
        if group["judged"].startswith("Not there")
        for name in group["names"]
    }
    assert {n for k, n in closed if k == "flask"} == closed_views(FOUND["flask"])
    assert {n.split(".")[0] for k, n in closed if k == "fastapi"} == CLOSED_ROUTERS.keys()


def test_a_prompts_placeholders_are_mlflows() -> None:
    """The store and the triggers know them by heart."""
    if MINOR >= (3, 17):
        from mlflow.prompt.constants import _PROMPT_SOURCE_PLACEHOLDERS

        assert PROMPT_SOURCES == _PROMPT_SOURCE_PLACEHOLDERS
        return
    written = inspect.getsource(AbstractStore.create_prompt_version) + inspect.getsource(
        MlflowClient.register_prompt
    )
    assert set(re.findall(r'source="([^"]*)"', written)) == PROMPT_SOURCES


def test_the_server_starts_on_every_mlflow_that_may_be_installed() -> None:
    """The range in pyproject.toml is exactly what was judged and attacked."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    (admitted,) = (d for d in project["dependencies"] if d.startswith("mlflow"))
    minors = (f"3.{minor}" for minor in range(100))
    assert tuple(m for m in minors if m in SpecifierSet(admitted[6:])) == TESTED_MLFLOW


def test_an_unknown_door_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(AbstractStore, "publish_everything", lambda self: None, raising=False)
    assert store_mutators() - FOUND["store"] == {"publish_everything"}
