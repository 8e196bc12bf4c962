"""The process in which papermill runs one notebook; see :mod:`.papermill_local`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, TextIO

import papermill.engines
from jupyter_client.kernelspec import NoSuchKernel
from nbformat.reader import NotJSONError
from papermill import execute_notebook
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillException, PapermillExecutionError

from nbmlops.records import NotebookJob, decode, encode
from nbmlops.scheduling.executors.papermill_local import Event


class _Reporter:
    """Writes events where the parent reads them; prints by libraries go to standard error."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def tell(self, event: Event) -> None:
        self._out.write(encode(event).decode() + "\n")
        self._out.flush()


def main() -> None:
    """Read a job from standard input, run it, and tell how it went."""
    reporter = _Reporter()
    job = decode(sys.stdin.buffer.read(), NotebookJob)
    # The engine names its client by this; the process is ours alone.
    papermill.engines.PapermillNotebookClient = _NamingClient
    papermill_engines.register("nbmlops", _reporting_engine(reporter))
    Path(job.output).parent.mkdir(parents=True, exist_ok=True)
    reporter.tell(_run(job))


def _run(job: NotebookJob) -> Event:
    try:
        execute_notebook(
            # papermill fills braces in a path as if it were a format string.
            _literal(job.notebook),
            _literal(job.output),
            parameters=dict(job.parameters),
            cwd=job.working_directory,
            engine_name="nbmlops",
            progress_bar=False,
        )
    except PapermillExecutionError as error:
        return Event(
            kind="cell-failed",
            message=f"Cell {error.exec_count} of {job.notebook} raised {error.ename}: "
            f"{error.evalue}. What ran until there is in {job.output}.",
        )
    except NoSuchKernel as error:
        return Event(
            kind="kernel-missing",
            message=f"{job.notebook} asks for the kernel {error.name!r}, which is not installed "
            "here. List those that are with 'jupyter kernelspec list', and choose one in Jupyter.",
        )
    except (NotJSONError, PapermillException, ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Event(kind="notebook-error", message=f"{job.notebook} cannot be run: {reason}")
    return Event(kind="done")


def _literal(path: str) -> str:
    return path.replace("{", "{{").replace("}", "}}")


class _NamingClient(PapermillNotebookClient):  # type: ignore[misc] # papermill ships no types
    """papermill's client, which also tells the kernel each cell's id, as JupyterLab does."""

    _cell_id: str | None = None

    def execute_cell(self, cell: Any, cell_index: int, **rest: Any) -> Any:
        self._cell_id = cell.get("id")
        return super().execute_cell(cell, cell_index, **rest)

    def start_new_kernel_client(self, **rest: Any) -> Any:
        client = super().start_new_kernel_client(**rest)
        make = client.session.msg

        def msg(kind: str, *args: Any, **more: Any) -> Any:
            message = make(kind, *args, **more)
            if kind == "execute_request" and self._cell_id:
                message["metadata"]["cellId"] = self._cell_id
            return message

        client.session.msg = msg
        return client


def _reporting_engine(reporter: _Reporter) -> type[NBClientEngine]:
    class ReportingEngine(NBClientEngine):  # type: ignore[misc] # papermill ships no types
        """papermill's own engine, which also tells how far it has come."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
            total = len(nb_man.nb.cells)
            finish = nb_man.cell_complete

            def cell_complete(cell: Any, cell_index: int | None = None, **rest: Any) -> None:
                finish(cell, cell_index=cell_index, **rest)
                reporter.tell(Event(kind="progress", done=(cell_index or 0) + 1, total=total))

            nb_man.cell_complete = cell_complete
            return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)

    return ReportingEngine


if __name__ == "__main__":
    main()
