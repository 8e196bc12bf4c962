"""One installed wheel, one JupyterLab and one browser for all journeys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from artifacts import artifact
from browser import chromium, local_page
from installed import ROOT, Installed, install_wheel
from lab import Hand, Lab, running_lab
from playwright.sync_api import Browser, expect

# A first delivery to MLflow makes its tables; a slow machine takes its time over that.
expect.set_options(timeout=45_000)


@pytest.fixture(scope="package")
def installed(pytestconfig: pytest.Config) -> Installed:
    """The wheel in an environment of its own, kept from session to session until it changes."""
    return install_wheel(pytestconfig.cache.mkdir("nbmlops-wheel"))


@pytest.fixture(scope="package")
def lab(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a copy of the example notebooks."""
    project = tmp_path_factory.mktemp("lab") / "example_notebooks"
    shutil.copytree(
        ROOT / "example_notebooks",
        project,
        ignore=shutil.ignore_patterns(".nbmlops", "*.promoted.*"),
    )
    with running_lab(installed, project, tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def hand(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Hand]:
    """A page to work in; what it showed at the end is kept."""
    with local_page(browser) as page:
        yield Hand(page)
        page.screenshot(path=artifact(f"{request.node.name}-end.png"))
