"""What holds for every test: how they are shared out between workers, and what none may leave."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/governance/", "tests/end_to_end/", "tests/notebooks/")
"""Folders whose files share what is started, installed or played once."""


class ByServer(LoadScopeScheduling):
    """Hands out whole files in their order, and whole folders where what they need is shared."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    return ByServer(config, log)


@pytest.fixture(scope="session", autouse=True)
def keys_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test finds or leaves a key in the folder of whoever runs the tests."""
    os.environ["NBMLOPS_KEYS"] = str(tmp_path_factory.mktemp("keys"))


@pytest.fixture(autouse=True)
def mlflow_as_it_was() -> Iterator[None]:
    """Puts back which servers MLflow's process-wide settings, and what subprocesses inherit, name."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    before = {name: os.environ.get(name) for name in names}
    yield
    if (mlflow := sys.modules.get("mlflow")) is not None:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
