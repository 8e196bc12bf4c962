"""The journal: every record on disk before anything else happens to it, in one SQLite file.

All kernels of a project write it, the Jupyter server watches it, and a deliverer empties it into
MLflow. It keeps the newest state of each run with a revision; delivery notes the revision that
MLflow holds, so a crash at any point leaves either the old truth or the new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from nbmlops.errors import Ambiguous, NotFound
from nbmlops.records import CellRecord, Metric, Scalar, TrackedRun, decode, encode
from nbmlops.tracking.journal.claims import Claim, claim_in, note_made_in
from nbmlops.tracking.journal.file import JournalFile
from nbmlops.tracking.journal.place import Place, in_place_of
from nbmlops.tracking.journal.previous import previous_in
from nbmlops.tracking.journal.sessions import is_alive

__all__ = ["Journal", "PendingRun", "Waiting", "with_metric"]


class PendingRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that MLflow does not hold in its newest state.

    `model` is ``none``, ``saving``, ``saved``, ``delivered`` or ``lost``. `destination` is the
    user's own MLflow run to join, as (tracking URI, run id).
    """

    run: TrackedRun
    revision: int
    model: str
    abandoned: bool
    destination: tuple[str, str] | None = None


class Waiting(msgspec.Struct, frozen=True):
    """Why a run waits for delivery: a sentence, or ``""`` if it is on its way.

    `records` is how many runs wait, of all notebooks of the project.
    """

    why: str = ""
    records: int = 1


def with_metric(run: TrackedRun, metric: Metric, cell: CellRecord | None = None) -> TrackedRun:
    """`run` with a metric more, and with the later cell that computed it.

    The same name on the same data replaces the earlier value; after a training that measured it
    step by step, it comes after the last step.
    """
    if cell is not None and not metric.step:
        metric = msgspec.structs.replace(metric, step=_later_step(run, metric))
    same = (metric.name, metric.data, metric.step)
    kept = [m for m in run.metrics if (m.name, m.data, m.step) != same]
    run = msgspec.structs.replace(run, metrics=(*kept, metric))
    return _judged_by(run, cell)


def _later_step(run: TrackedRun, metric: Metric) -> int:
    """The step of a value that a cell computed after the training; one for each such cell."""
    known = [m for m in run.metrics if (m.name, m.data) == (metric.name, metric.data)]
    last = max((m.step for m in known), default=0)
    again = metric.cell_id is not None and metric.cell_id != run.cell.cell_id
    mine = (m.step for m in known if again and m.cell_id == metric.cell_id)
    return next(mine, last + 1) if last else 0


def with_table(
    run: TrackedRun,
    name: str,
    rows: tuple[dict[str, Scalar], ...],
    cell: CellRecord | None = None,
) -> TrackedRun:
    """`run` with a table more, and with the later cell that computed it."""
    return _judged_by(msgspec.structs.replace(run, tables={**run.tables, name: rows}), cell)


def _judged_by(run: TrackedRun, cell: CellRecord | None) -> TrackedRun:
    if cell is None or cell.order == run.cell.order:
        return run
    others = (c for c in run.metric_cells if c.order != cell.order)
    return msgspec.structs.replace(run, metric_cells=(*others, cell))


class Journal:
    """The journal in file `path`, made on first use. Safe across threads, kernels and crashes.

    It waits `patience` seconds for another process that writes.

    :raises SchemaTooNew: if a newer nbmlops wrote the file.
    :raises StoreError: if the file cannot be opened, read or written.
    """

    def __init__(self, path: str | Path, *, patience: float = 10.0) -> None:
        self.path = Path(path)
        self._file = JournalFile(self.path, patience)

    # -- writing ------------------------------------------------------------------------------
    def record(
        self,
        run: TrackedRun,
        *,
        session: str = "",
        open_: bool = False,
        model: str | None = None,
        destination: tuple[str, str] | None = None,
    ) -> None:
        """Write a run, new or in a newer state. An `open_` one waits for its cell to end."""
        with self._file.transaction() as db:
            row = db.execute("SELECT record FROM runs WHERE id = ?", (run.id,)).fetchone()
            if row is None:
                db.execute(
                    "INSERT INTO runs (id, notebook, session, open, model, destination, record)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        run.id,
                        run.notebook,
                        session,
                        open_,
                        model or "none",
                        encode(destination).decode() if destination else None,
                        encode(run),
                    ),
                )
                return
            known = decode(row[0], TrackedRun)
            # The deliverer, another process, alone knows where the run stands in MLflow.
            run = in_place_of(run, known)
            db.execute(
                "UPDATE runs SET record = ?, open = ?, revision = revision + 1,"
                " model = coalesce(?, model) WHERE id = ?",
                (encode(run), open_, model, run.id),
            )

    def change(self, run_id: str, edit: Callable[[TrackedRun], TrackedRun]) -> TrackedRun:
        """Change a run by `edit` in one transaction, and return it as it is now."""
        with self._file.transaction() as db:
            run = self._read(db, run_id)
            changed = edit(run)
            if changed != run:
                db.execute(
                    "UPDATE runs SET record = ?, revision = revision + 1 WHERE id = ?",
                    (encode(changed), run_id),
                )
            return changed

    def add_metric(self, run_id: str, metric: Metric, cell: CellRecord | None = None) -> TrackedRun:
        """Add a metric that was computed after the training; see :func:`with_metric`."""
        return self.change(run_id, lambda run: with_metric(run, metric, cell))

    def note_model(self, run_id: str, state: str) -> None:
        """Note how far the model's file is, see :class:`PendingRun`."""
        with self._file.transaction() as db:
            db.execute(
                "UPDATE runs SET model = ?, revision = revision + 1 WHERE id = ?", (state, run_id)
            )

    def notebook_moved(self, before: str, after: str) -> None:
        """The notebook, or the folder of notebooks, at `before` stands at `after` from now on.

        Its runs are listed there; what they say of the notebook's name is what it was then.
        """
        names = {"before": before, "after": after}
        with self._file.transaction() as db:
            moved = db.execute(
                "UPDATE runs SET notebook = :after || substr(notebook, length(:before) + 1)"
                " WHERE notebook = :before"
                " OR substr(notebook, 1, length(:before) + 1) = :before || '/' RETURNING id",
                names,
            ).fetchall()
            db.executemany("INSERT OR REPLACE INTO changes (run) VALUES (?)", moved)

    def claim(self, what: str, where: str) -> Claim:
        """Note, before MLflow is asked to make `what` at `where`, that it may come to be there."""
        with self._file.transaction() as db:
            return claim_in(db, what, where)

    def note_made(self, what: str, where: str, made: str) -> None:
        """Note that `what` was made at `where` and has the id `made` there."""
        with self._file.transaction() as db:
            note_made_in(db, what, where, made)

    def note_problem(self, run_id: str, problem: str) -> None:
        """Note why a delivery did not succeed; it stays pending."""
        with self._file.transaction() as db:
            db.execute("UPDATE runs SET problem = ? WHERE id = ?", (problem, run_id))

    def note_outage(self, problem: str | None) -> None:
        """Note that MLflow does not answer at all and why, or with None that it does."""
        if problem == self.outage():
            return
        with self._file.transaction() as db:
            db.execute("DELETE FROM outage")
            if problem is not None:
                db.execute("INSERT INTO outage VALUES (1, ?)", (problem,))

    def mark_delivered(self, run_id: str, place: Place, *, revision: int) -> TrackedRun:
        """Note that MLflow holds `revision` of a run; a state written meanwhile stays pending."""
        with self._file.transaction() as db:
            run = msgspec.structs.replace(self._read(db, run_id), **msgspec.structs.asdict(place))
            db.execute(
                "UPDATE runs SET record = ?, delivered = max(delivered, ?), open = 0,"
                " problem = NULL,"
                " model = CASE WHEN ? AND model = 'saved' THEN 'delivered' ELSE model END"
                " WHERE id = ?",
                (encode(run), revision, place.mlflow_model_uri is not None, run_id),
            )
            return run

    # -- reading ------------------------------------------------------------------------------
    def runs(self, notebook: str | None = None, limit: int | None = None) -> list[TrackedRun]:
        """The tracked runs, newest first; of one notebook if it is named."""
        query = "SELECT record FROM runs"
        values: list[Any] = []
        if notebook is not None:
            query += " WHERE notebook = ?"
            values.append(notebook)
        query += " ORDER BY sequence DESC LIMIT ?"
        values.append(-1 if limit is None else limit)
        with self._file.reading() as db:
            return [decode(row[0], TrackedRun) for row in db.execute(query, values)]

    def run(self, run_id: str) -> TrackedRun:
        """The run with that id, MLflow run id, or an abbreviation of its id that fits only one.

        :raises NotFound: if there is none.
        :raises Ambiguous: if an abbreviation fits more than one.
        """
        with self._file.reading() as db:
            return self._read(db, run_id)

    def previous(self, run: TrackedRun) -> TrackedRun | None:
        """What `run` is compared with: see :func:`previous_in`."""
        with self._file.reading() as db:
            return previous_in(db, run)

    def pending(self) -> list[PendingRun]:
        """What MLflow does not hold yet, oldest first, without the runs of cells still running."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT id, record, revision, model, destination, open, session"
                " FROM runs WHERE delivered < revision ORDER BY sequence"
            ).fetchall()
        pending = []
        for run_id, record, revision, model, destination, open_, session in rows:
            abandoned = bool(open_ or model == "saving") and not is_alive(self.path.parent, session)
            if open_ and not abandoned:
                continue
            try:
                run = decode(record, TrackedRun)
            except msgspec.DecodeError as error:
                # One record that cannot be read must not hold back all the others.
                self.note_problem(run_id, f"Its record in {self.path} is damaged: {error}.")
                continue
            pending.append(
                PendingRun(
                    run=run,
                    revision=revision,
                    model="lost" if abandoned and model == "saving" else model,
                    abandoned=bool(open_) and abandoned,
                    destination=decode(destination, tuple[str, str]) if destination else None,
                )
            )
        return pending

    def waits(self, run_id: str) -> Waiting | None:
        """Why a run waits for delivery; None if it does not."""
        query = (
            "SELECT delivered < revision, coalesce(problem, (SELECT problem FROM outage), ''),"
            " (SELECT count(*) FROM runs WHERE delivered < revision AND NOT open)"
            " FROM runs WHERE id = ?"
        )
        with self._file.reading() as db:
            waits, why, records = db.execute(query, (run_id,)).fetchone() or (True, "", 1)
        return Waiting(why, records) if waits else None

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """Which runs wait for delivery, by why they do: ``""`` if they are on their way."""
        problems, outage = self.problems(), self.outage() or ""
        why: dict[str, tuple[str, ...]] = {}
        for run_id in (pending.run.id for pending in self.pending()):
            reason = problems.get(run_id, outage)
            why[reason] = (*why.get(reason, ()), run_id)
        return why

    def outage(self) -> str | None:
        """Why MLflow does not answer at all, in a sentence; None if it did when last asked."""
        with self._file.reading() as db:
            row = db.execute("SELECT problem FROM outage").fetchone()
        return str(row[0]) if row else None

    def problems(self) -> dict[str, str]:
        """Why the last delivery of a run failed, by run id."""
        with self._file.reading() as db:
            return dict(db.execute("SELECT id, problem FROM runs WHERE problem IS NOT NULL"))

    def version(self) -> int:
        """A number that changes when another connection has written (``PRAGMA data_version``)."""
        with self._file.reading() as db:
            return int(db.execute("PRAGMA data_version").fetchone()[0])

    def changes(self, since: int = 0) -> tuple[int, tuple[str, ...]]:
        """The number of the latest change, and which runs have changed after number `since`.

        A run has changed when its record has, why it could not be delivered, or whether it is.
        Where `since` is from another file, and larger than any number here, all runs have.
        """
        query = "SELECT number, run FROM changes WHERE number > ? ORDER BY number"
        with self._file.reading() as db:
            latest = db.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
            rows = db.execute(query, (since if since <= latest else 0,)).fetchall()
        return max((latest, *(number for number, _ in rows))), tuple(run for _, run in rows)

    def close(self) -> None:
        """Close this thread's connection."""
        self._file.close()

    def _read(self, db: sqlite3.Connection, run_id: str) -> TrackedRun:
        row = db.execute("SELECT record FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            prefix = run_id if run_id.startswith("run-") else f"run-{run_id}"
            rows = db.execute(
                "SELECT record FROM runs WHERE substr(id, 1, ?) = ?"
                " OR json_extract(CAST(record AS TEXT), '$.mlflow_run_id') = ? LIMIT 2",
                (len(prefix), prefix, run_id),
            ).fetchall()
            if not rows:
                raise NotFound(f"No tracked run {run_id}. `nbmlops runs` lists them.")
            if len(rows) > 1:
                raise Ambiguous(f"More than one tracked run starts with {run_id}. Give more of it.")
            row = rows[0]
        return decode(row[0], TrackedRun)
