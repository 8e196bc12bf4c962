"""What the Jupyter Server extension announces: each change of journal and ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import websocket
from live_jupyter import LiveServer, submit_to

from nbmlops.records import Metric
from nbmlops.surfaces.jupyter_server.watch import StoreWatch
from nbmlops.testing import EPOCH, make_run
from nbmlops.tracking import Journal


@pytest.fixture
def events(server: LiveServer) -> Iterator[websocket.WebSocket]:
    """Jupyter's event stream, as a browser hears it."""
    with closing(
        websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/api/events/subscribe?token={server.token}", timeout=20
        )
    ) as stream:
        yield stream


def next_change(stream: websocket.WebSocket, *ids: str, alone: bool = True) -> dict[str, object]:
    """The next announcement that names `ids`, and nothing else if they stand `alone`."""
    while True:
        event = json.loads(stream.recv())
        ours = event["schema_id"] == "urn:nbmlops:events:records-changed"
        if ours and (sorted(event["ids"]) == sorted(ids) if alone else set(ids) <= {*event["ids"]}):
            return event


def test_a_recorded_run_is_announced_by_its_id_alone(
    server: LiveServer, events: websocket.WebSocket
) -> None:
    """Whoever writes the journal, the browser hears which runs to read."""
    journal = Journal(server.settings.journal_path)
    # What other tests have just written may be announced together with the next change.
    journal.record(make_run(id="run-before"))
    next_change(events, "run-before", alone=False)
    journal.record(make_run(id="run-announced"))
    event = next_change(events, "run-announced")
    assert event["noun"] == "run"
    assert not {"author", "model_class", "cell"} & event.keys()
    journal.add_metric("run-announced", Metric(name="auc", value=0.9, at=EPOCH))
    next_change(events, "run-announced")


def test_a_fact_on_the_ledger_is_announced(server: LiveServer, events: websocket.WebSocket) -> None:
    """A submission from a shell reaches the panel."""
    submit_to(server.settings, id="review-announced", promotion_id="promotion-announced")
    assert next_change(events, "review-announced")["noun"] == "review"


def test_a_watch_sees_every_commit_and_nothing_else(tmp_path: Path) -> None:
    """A file that is born, written, replaced or gone is a change; a look is not."""
    path = tmp_path / "store.db"
    watch = StoreWatch(path)
    assert not watch.changed()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (x)")
        assert watch.changed()
        assert not watch.changed()
        with db:
            db.execute("INSERT INTO t VALUES (1)")
        assert watch.changed()
        assert not watch.changed()
        db.execute("SELECT * FROM t").fetchall()
        assert not watch.changed()
    path.rename(tmp_path / "moved.db")
    assert watch.changed()
    assert not watch.changed()
    watch.close()
