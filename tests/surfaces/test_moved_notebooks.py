"""A notebook that is renamed, moved, saved anew or deleted while its kernel runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from live_jupyter import LiveServer

from nbmlops.records import TrackedRun
from nbmlops.tracking import Journal

CELLS = {
    # What is captured is of interest, not how it is delivered: nobody waits for that.
    "start": "from nbmlops.tracking.delivery.courier import Courier\n"
    "Courier.wake = Courier.finish = lambda *_: None\n%load_ext nbmlops\n%track\nfrom sklearn.linear_model import Ridge\n"
    "X, y = [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]",
    "fit": "model = Ridge().fit(X, y)",
}


def asked(server: LiveServer, verb: str, route: str, body: Any = None) -> Any:
    """What Jupyter's own API answers."""
    request = Request(
        f"http://127.0.0.1:{server.port}/api/{route}",
        data=None if body is None else json.dumps(body).encode(),
        method=verb,
        headers={"Authorization": f"token {server.token}"},
    )
    with urlopen(request, timeout=60) as response:
        text = response.read()
        return json.loads(text) if text else None


class Open:
    """A notebook that is open, with its kernel, as JupyterLab holds it."""

    def __init__(self, server: LiveServer, path: str) -> None:
        self.server, self.root = server, server.settings.root
        cells = [nbformat.v4.new_code_cell(code, id=name) for name, code in CELLS.items()]
        (self.root / path).parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), self.root / path)
        self.path = path
        self.session = asked(
            server, "POST", "sessions",
            {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}},
        )  # fmt: skip
        self._connect()

    def _connect(self) -> None:
        file = self.server.home / "runtime" / f"kernel-{self.session['kernel']['id']}.json"
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        self.client.hb_channel.time_to_dead = 60.0  # a busy machine's heart beats late
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def rename(self, before: str, after: str) -> None:
        """Rename in the file browser; afterwards the front end tells the session."""
        asked(self.server, "PATCH", f"contents/{before}", {"path": after})
        self.path = self.path.replace(before, after, 1)
        self._tell_session()

    def save_as(self, path: str) -> None:
        """Save under another name, which makes a second file."""
        content = json.loads((self.root / self.path).read_text())
        asked(self.server, "PUT", f"contents/{path}", {"type": "notebook", "content": content})
        self.path = path
        self._tell_session()

    def _tell_session(self) -> None:
        told = {"path": self.path, "name": Path(self.path).name}
        asked(self.server, "PATCH", f"sessions/{self.session['id']}", told)

    def delete(self) -> None:
        asked(self.server, "DELETE", f"contents/{self.path}")

    def restart(self) -> None:
        asked(self.server, "POST", f"kernels/{self.session['kernel']['id']}/restart")
        self.client.stop_channels()
        self._connect()

    def run(self, *cells: str) -> None:
        """Run cells, which must end well and print nothing of ours but cards."""
        for cell in cells:
            message = self.client.session.msg(
                "execute_request",
                {"code": CELLS[cell], "silent": False, "store_history": True,
                 "user_expressions": {}, "allow_stdin": False, "stop_on_error": True},
                metadata={"cellId": cell},
            )  # fmt: skip
            self.client.shell_channel.send(message)
            while True:
                answer = self.client.get_shell_msg(timeout=60)
                if answer["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                    break
            assert answer["content"]["status"] == "ok", answer["content"]

    def trained(self) -> TrackedRun:
        """The run of another training."""
        self.run("fit")
        return Journal(self.server.settings.journal_path).runs()[0]

    def close(self) -> None:
        self.client.stop_channels()
        asked(self.server, "DELETE", f"sessions/{self.session['id']}")


@contextmanager
def opened(server: LiveServer, path: str) -> Iterator[Open]:
    notebook = Open(server, path)
    try:
        notebook.run("start")
        yield notebook
    finally:
        notebook.close()


def listed(server: LiveServer, path: str) -> set[str]:
    """The ids of the runs that the panel lists for a notebook."""
    return {run["id"] for run in server.ask(f"runs?notebook={path}").body["runs"]}


def until(holds: Callable[[], bool]) -> None:
    """Wait for what the server does after it has answered."""
    ends = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends, "it did not come to hold"
        time.sleep(0.05)


def test_a_renamed_notebook_keeps_its_runs_and_its_kernel_knows(server: LiveServer) -> None:
    """Also after its folder was renamed, and in a kernel that was restarted."""
    with opened(server, "first/a.ipynb") as notebook:
        before = notebook.trained()
        assert before.notebook == "first/a.ipynb"
        assert not before.gaps

        notebook.rename("first/a.ipynb", "first/b.ipynb")
        until(lambda: listed(server, "first/b.ipynb") == {before.id})
        assert listed(server, "first/a.ipynb") == set()
        renamed = notebook.trained()
        assert (renamed.notebook, renamed.gaps) == ("first/b.ipynb", ())
        assert renamed.notebook_digest == before.notebook_digest

        notebook.restart()  # which tells the kernel its first name again
        notebook.run("start")
        again = notebook.trained()
        assert (again.notebook, again.gaps) == ("first/b.ipynb", ())

        notebook.rename("first", "second")
        until(lambda: listed(server, "second/b.ipynb") == {before.id, renamed.id, again.id})
        moved = notebook.trained()
        assert (moved.notebook, moved.gaps) == ("second/b.ipynb", ())


def test_a_notebook_saved_under_another_name_is_that_one_and_may_be_deleted(
    server: LiveServer,
) -> None:
    """Its cells still run, and what they leave says that nobody can look it up."""
    with opened(server, "draft.ipynb") as notebook:
        kept = notebook.trained()
        notebook.save_as("final.ipynb")
        until(lambda: notebook.trained().notebook == "final.ipynb")
        assert kept.id in listed(server, "draft.ipynb")
        notebook.delete()
        run = notebook.trained()
        assert (run.notebook, run.notebook_digest) == ("final.ipynb", None)
        (gap,) = run.gaps
        assert gap.what == "notebook"
        assert "moved or deleted" in gap.why
