"""A JupyterLab from the installed wheel, on a project of its own, and a hand that works in it."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from installed import Installed
from playwright.sync_api import Locator, Page

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab of ada's."""

    installed: Installed
    project: Path
    url: str
    token: str
    environment: dict[str, str]

    def nbmlops(self, *arguments: str) -> Any:
        """What ``nbmlops ... --json`` answers in the project."""
        done = subprocess.run(
            [self.installed.program("nbmlops"), *arguments, "--json"],
            cwd=self.project, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"nbmlops {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return json.loads(done.stdout)

    def address(self, notebook: str, workspace: str) -> str:
        """Where a notebook opens in a workspace of its own."""
        return f"{self.url}/lab/workspaces/{workspace}/tree/{notebook}?reset&token={self.token}"


@contextmanager
def running_lab(installed: Installed, project: Path, home: Path) -> Iterator[Lab]:
    """Start JupyterLab on `project`; `home` holds all that it would keep for a user."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {
        "PATH": installed.path,
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab-workspaces"),
        "NBMLOPS_USER": "ada",
    }
    for plugin, values in SETTINGS.items():
        package, name = plugin.split(":")
        file = home / "lab-settings" / package / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    command = [
        installed.program("jupyter-lab"), "--no-browser", "--allow-root",
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={project}",
        "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    log = home / "lab.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, env=environment, cwd=project, stdout=stream, stderr=stream
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield Lab(installed, project, f"http://127.0.0.1:{port}", token, environment)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            # Nothing tells when a foreign process listens; waiting on its exit is the pause.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        else:
            return
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


class Hand:
    """What a person does in JupyterLab's page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def panel(self) -> Locator:
        """The nbmlops panel."""
        return self.page.get_by_role("region", name="Runs and reviews")

    @property
    def runs(self) -> Locator:
        """The runs in the panel."""
        return self.panel.locator(".nbmlops-Run")

    @property
    def reviews(self) -> Locator:
        """The reviews in the panel."""
        return self.panel.locator(".nbmlops-Review")

    def open(self, address: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.goto(address)
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.wait_for_idle()

    def wait_for_idle(self) -> None:
        """Wait until the notebook's kernel has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const shell = window.jupyterapp?.shell;
                const kernel = shell?.currentWidget?.sessionContext?.session?.kernel;
                return kernel?.status === 'idle';
            }"""
        )

    def run_cell(self, cell_id: str) -> None:
        """Run the cell with this id, and wait until it has ended."""
        self.page.evaluate(
            """async id => {
                const { commands, shell } = window.jupyterapp;
                const notebook = shell.currentWidget.content;
                notebook.activeCellIndex = notebook.widgets.findIndex(c => c.model.id === id);
                await commands.execute('notebook:run-cell');
            }""",
            cell_id,
        )

    def run_code(self, source: str) -> None:
        """Run code in a new cell at the end."""
        self.page.evaluate(
            """async source => {
                const { commands, shell } = window.jupyterapp;
                const notebook = shell.currentWidget.content;
                notebook.activeCellIndex = notebook.widgets.length - 1;
                await commands.execute('notebook:insert-cell-below');
                notebook.activeCell.model.sharedModel.setSource(source);
                await commands.execute('notebook:run-cell');
            }""",
            source,
        )

    def show_panel(self) -> None:
        """Open the panel from the status bar."""
        self.page.get_by_role("contentinfo").or_(self.page.locator("#jp-main-statusbar")).locator(
            ".nbmlops-Status"
        ).first.click()
        self.panel.wait_for()

    def toggle_files(self) -> None:
        """Show or hide the left sidebar."""
        self.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")

    def use_theme(self, name: str) -> None:
        """Change JupyterLab's theme, and wait until it shows."""
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })",
            name,
        )
        self.page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state="attached")
