"""What the doors' tests are given: a project, a review in it, and a live Jupyter server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_jupyter import LiveServer, live_server, submit_to

from nbmlops.records import Submission
from nbmlops.settings import Settings, load_settings
from nbmlops.workspace import Workspace


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project of ada's in an empty folder."""
    (tmp_path / "nbmlops.toml").write_text("")
    return load_settings(tmp_path, {"NBMLOPS_USER": "ada"})


@pytest.fixture
def workspace(settings: Settings) -> Workspace:
    return Workspace(settings)


@pytest.fixture
def submitted(settings: Settings) -> Callable[..., Submission]:
    """Lays sealed content before reviewers, as promote and submit do after a clean run."""

    def submit(**changes: Any) -> Submission:
        return submit_to(settings, **changes)

    return submit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that a module's tests share."""
    root = tmp_path_factory.mktemp("project")
    (root / "nbmlops.toml").write_text("")
    with live_server(root, tmp_path_factory.mktemp("home")) as server:
        yield server
