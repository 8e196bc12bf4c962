"""Real kernels for the tracking tests, each in a project folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from nbmlops.records import TrackedRun
from nbmlops.settings import Settings, load_settings
from nbmlops.tracking import Journal, MlflowStore, deliver_pending

ROOT = Path(__file__).parents[2]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS_", "MLFLOW_", "JPY_"))}


_COURIER = "__import__('nbmlops.tracking.delivery.courier', fromlist=['Courier']).Courier"
_HOLD = f"""
{_COURIER}.held = {_COURIER}.wake, {_COURIER}.finish
{_COURIER}.wake, {_COURIER}.finish = (lambda self: None), (lambda self, timeout: None)
"""
_RELEASE = f"{_COURIER}.wake, {_COURIER}.finish = {_COURIER}.held"


class Reply:
    """What running one cell gave: status, printed text, and the bundles that were displayed."""

    def __init__(self) -> None:
        self.status = ""
        self.error = ""
        self.text = ""
        self.streams = {"stdout": "", "stderr": ""}
        self.bundles: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        self.order: list[str] = []


def _socket_kernel() -> KernelManager:
    """A kernel on sockets in a folder of its own: free ports are given twice on a busy machine."""
    file = Path(tempfile.mkdtemp(prefix="kernel-")) / "k.json"
    return KernelManager(kernel_name="python3", transport="ipc", connection_file=str(file))


class Kernel:
    """One real IPython kernel in folder `project`."""

    def __init__(self, project: Path, **environment: str) -> None:
        self.project = project
        self._holds = False
        (project / "nbmlops.toml").touch()
        self.settings: Settings = load_settings(project, {})
        self.manager = _socket_kernel()
        self.manager.start_kernel(
            cwd=str(project), env={**CLEAN, "PYTHONPATH": str(ROOT), **environment}
        )
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, *, cell_id: str | None = None, timeout: float = 120) -> Reply:
        """Run a cell and wait for its end."""
        reply = Reply()
        message = self.client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "store_history": True, "user_expressions": {},
             "allow_stdin": False, "stop_on_error": True},
            metadata={"cellId": cell_id} if cell_id else {},
        )  # fmt: skip
        self.client.shell_channel.send(message)
        mine = message["header"]["msg_id"]
        while True:
            heard = self.client.get_iopub_msg(timeout=timeout)
            if heard["parent_header"].get("msg_id") != mine:
                continue
            kind, content = heard["msg_type"], heard["content"]
            if kind == "stream":
                reply.text += content["text"]
                reply.streams[content["name"]] += content["text"]
            elif kind in ("display_data", "execute_result"):
                reply.bundles.append(content["data"])
            elif kind == "update_display_data":
                reply.updates.append(content["data"])
            elif kind == "error":
                reply.error = "\n".join(content["traceback"])
            elif kind == "status" and content["execution_state"] == "idle":
                break
            reply.order.append(kind)
        while True:
            answer = self.client.get_shell_msg(timeout=timeout)
            if answer["parent_header"].get("msg_id") == mine:
                reply.status = answer["content"]["status"]
                return reply

    def silently(self, code: str, *, timeout: float = 120) -> str:
        """Run code that is no cell; the error that it ended in, or nothing."""
        self.client.execute(code, silent=True, store_history=False)
        content = self.client.get_shell_msg(timeout=timeout)["content"]
        return "" if content["status"] == "ok" else "\n".join(content["traceback"])

    def value(self, expression: str) -> str:
        """What an expression prints."""
        reply = self.run(f"print({expression})")
        assert reply.status == "ok", reply.error
        return reply.text.strip()

    def start_tracking(self) -> None:
        """Load the extension and track."""
        reply = self.run("%load_ext nbmlops\n%track")
        assert reply.status == "ok", reply.error

    @property
    def journal(self) -> Journal:
        """The project's journal."""
        return Journal(self.settings.journal_path)

    def runs(self) -> list[TrackedRun]:
        """The runs so far, oldest first."""
        return list(reversed(self.journal.runs()))

    def trained(self, code: str, *, cell_id: str | None = None) -> list[TrackedRun]:
        """Run a cell that must succeed; the runs that it left, oldest first."""
        before = {run.id for run in self.runs()}
        reply = self.run(code, cell_id=cell_id)
        assert reply.status == "ok", reply.error
        assert "could not be captured" not in reply.text, reply.text
        return [run for run in self.runs() if run.id not in before]

    def hold_delivery(self) -> None:
        """Start no deliverer, which imports MLflow and the models' libraries, until asked to."""
        assert not self.silently(_HOLD)
        self._holds = True

    def let_deliver(self) -> None:
        """Deliver as ever from now on."""
        if self._holds:
            assert not self.silently(_RELEASE)
            self._holds = False

    def store(self) -> MlflowStore:
        """The project's MLflow, with everything delivered."""
        self.let_deliver()
        reply = self.run("%track sync")
        assert reply.status == "ok", reply.text
        store = MlflowStore(self.settings)
        deliver_pending(self.journal, store)
        return store

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.manager.provisioner.process.pid, 9)
        self.manager.provisioner.process.wait()

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        shutil.rmtree(Path(self.manager.connection_file).parent, ignore_errors=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel that tracks, shared by a module; its notebook is `analysis.ipynb`.

    It delivers nothing before `let_deliver` or `store`.
    """
    project = tmp_path_factory.mktemp("project")
    kernel = Kernel(project, NBMLOPS_NOTEBOOK=str(project / "analysis.ipynb"))
    kernel.hold_delivery()
    kernel.start_tracking()
    yield kernel
    kernel.close()
