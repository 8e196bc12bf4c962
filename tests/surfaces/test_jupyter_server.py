"""The Jupyter Server extension, against a live server."""

from __future__ import annotations

import json
import logging
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import websocket
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import PasswordIdentityProvider
from live_jupyter import LiveServer, live_server, submit_to

from nbmlops.errors import NotFound
from nbmlops.records import DataInput, Fingerprint, Identity, Metric
from nbmlops.settings import Settings
from nbmlops.surfaces.jupyter_server.handlers import ROUTES
from nbmlops.surfaces.jupyter_server.identity import identify
from nbmlops.surfaces.jupyter_server.notebooks import record_path
from nbmlops.surfaces.jupyter_server.watch import StoreWatch
from nbmlops.testing import EPOCH, make_run
from nbmlops.tracking import Journal

VERBS = ("get", "head", "post", "put", "patch", "delete")


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


# Every route


def routes() -> list[tuple[str, str]]:
    """Each verb of each route, with an id where it takes one."""
    found = []
    for pattern, handler in ROUTES:
        noun = "review" if "reviews" in pattern else "run"
        route = pattern.removeprefix("/nbmlops/api/")
        route = (
            route.split("(")[0] + f"{noun}-000000000001" + route.split(")")[-1]
            if "(" in route
            else route
        )
        found += [(verb, route) for verb in VERBS if verb in vars(handler)]
    return found


@pytest.fixture(scope="module")
def peopled(server: LiveServer) -> LiveServer:
    """The server, with a run and a review that every route can answer about."""
    Journal(server.settings.journal_path).record(make_run())
    submit_to(server.settings)
    return server


def test_there_are_routes_to_guard() -> None:
    """The list that the next tests walk is not empty, and every route answers some verb."""
    assert len(routes()) >= len(ROUTES) >= 6


@pytest.mark.parametrize(("verb", "route"), routes())
def test_every_route_refuses_a_stranger_and_serves_who_shows_the_token(
    peopled: LiveServer, verb: str, route: str
) -> None:
    """Without a token and with a wrong one: 403. With the right one: not an auth failure."""
    signs = route.endswith("sign-offs")
    body = ({"verdict": "approved"} if signs else {}) if verb == "post" else None
    for token in (None, "0" * 32):
        refused = peopled.ask(route, body, token=token)
        assert refused.status == 403
        assert refused.body["message"] != ""
        assert refused.body["missing"] == []
    served = peopled.ask(route, body)
    if signs:  # ada is the author: the policy speaks, not the door
        assert served.status == 403
        assert "is the author" in served.body["missing"][0]
    elif verb == "post":  # a run that was seen: the rule speaks
        assert served.status == 409
        assert "only inferred runs" in served.body["message"]
    else:
        assert served.status == 200


def test_routes_are_authorized(tmp_path: Path) -> None:
    """An authorizer that lets people read keeps them from signing."""
    (tmp_path / "reader.py").write_text(
        "from jupyter_server.auth import Authorizer\n"
        "class Reader(Authorizer):\n"
        "    def is_authorized(self, handler, user, action, resource):\n"
        "        return action == 'read' or resource != 'nbmlops'\n"
    )
    config = tmp_path / "reader_config.py"
    config.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from reader import Reader\nc.ServerApp.authorizer_class = Reader\n"
    )
    project = tmp_path / "project"
    project.mkdir()
    with live_server(project, tmp_path, f"--config={config}") as server:
        submit_to(server.settings, author="grace")
        assert server.ask("reviews").status == 200
        refused = server.ask("reviews/review-000000000001/sign-offs", {"verdict": "approved"})
        assert refused.status == 403
        assert "not authorized" in refused.body["message"]
        assert server.ask("reviews/review-000000000001").body["sign_offs"] == []
        Journal(server.settings.journal_path).record(make_run(id="run-guessed", kind="inferred"))
        assert server.ask("runs/run-guessed/dismissal", {}).status == 403
        assert server.ask("runs/run-guessed").body["dismissed_by"] is None


# What the routes answer


def test_runs_are_those_of_the_notebook_newest_first(server: LiveServer) -> None:
    """The browser's path finds the records' notebook; the list carries no sources."""
    journal = Journal(server.settings.journal_path)
    inputs = (
        DataInput(
            role="X",
            name="X_train",
            fingerprint=Fingerprint(kind="table", digest="ab" * 32, rows=9),
        ),
    )
    steps = tuple(
        Metric(name="loss", value=value, at=EPOCH, step=step)
        for step, value in enumerate((0.9, 0.4, 0.3))
    )
    for name in ("first", "second"):
        journal.record(
            make_run(id=f"run-of-{name}", notebook="deep/train.ipynb", inputs=inputs, metrics=steps)
        )
    journal.record(make_run(id="run-elsewhere", notebook="other.ipynb"))
    runs = server.ask("runs?notebook=deep/train.ipynb").body
    assert [run["id"] for run in runs] == ["run-of-second", "run-of-first"]
    assert runs[0]["inputs"][0]["rows"] == 9
    assert [metric["value"] for metric in runs[0]["metrics"]] == [0.3]
    assert "cells" not in runs[0]
    assert len(server.ask("runs?notebook=deep/train.ipynb&limit=1").body) == 1
    assert server.ask("runs?notebook=none.ipynb&1795466574175").body == []  # as JupyterLab asks
    whole = server.ask("runs/run-of-first").body
    assert whole["cell"]["source"] == "model.fit(X, y)"


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("runs?limit=0", 400),
        ("runs?limit=many", 400),
        ("runs?sort=up", 400),
        ("reviews?waiting=perhaps", 400),
        ("runs?notebook=../secret.ipynb", 404),
        ("runs?notebook=a/../../secret.ipynb", 404),
        ("runs?notebook=", 404),
        ("runs/run-nowhere", 404),
        ("reviews/review-nowhere", 404),
    ],
)
def test_bad_input_is_answered_in_a_sentence(peopled: LiveServer, route: str, status: int) -> None:
    """Never a 500, and always a message that a person can read."""
    answer = peopled.ask(route)
    assert answer.status == status
    assert answer.body["message"].endswith((".", "`"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"\xff\xfe",
        {"verdict": "maybe"},
        {"verdict": "approved", "by": {"name": "grace"}},
        {"verdict": "approved", "comment": "x" * 10_001},
        {"verdict": "approved", "comment": 7},
    ],
)
def test_a_verdict_of_the_wrong_shape_is_not_understood(peopled: LiveServer, body: object) -> None:
    """Above all, a body cannot say who signs."""
    answer = peopled.ask("reviews/review-000000000001/sign-offs", body)
    assert answer.status == 400
    assert answer.body["message"].startswith("The request is not understood")


def test_a_damaged_journal_is_a_503(tmp_path: Path) -> None:
    """A store that cannot be read says so; a folder without stores is empty and stays so."""
    project = tmp_path / "project"
    project.mkdir()
    with live_server(project, tmp_path) as server:
        assert server.ask("runs").body == []
        assert server.ask("status").body["runs"] == 0
        assert not server.settings.home.exists()
        server.settings.home.mkdir()
        server.settings.journal_path.write_bytes(b"this is no database, and long enough to tell")
        answer = server.ask("runs")
        assert answer.status == 503
        assert "journal" in answer.body["message"]
        assert server.process.poll() is None


def test_a_named_user_signs_under_the_servers_word(tmp_path: Path) -> None:
    """Where the server authenticates people, the sign-off carries its name and `server`."""
    (tmp_path / "named.py").write_text(
        "from jupyter_server.auth import IdentityProvider, User\n"
        "class Named(IdentityProvider):\n"
        "    async def get_user(self, handler):\n"
        "        return User('grace') if await super().get_user(handler) else None\n"
    )
    config = tmp_path / "named_config.py"
    config.write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from named import Named\nc.ServerApp.identity_provider_class = Named\n"
    )
    project = tmp_path / "project"
    project.mkdir()
    with live_server(project, tmp_path, f"--config={config}") as server:
        submit_to(server.settings)
        review = server.ask(
            "reviews/review-000000000001/sign-offs",
            {"verdict": "approved", "comment": "Checked."},
        )
        assert review.status == 200, review.body
        assert review.body["status"] == "approved"
        assert review.body["sign_offs"][0]["by"] == {
            "name": "grace",
            "asserted_by": "server",
            "roles": [],
        }
        waiting = server.ask("reviews?waiting=true").body
        assert [(r["approvals"], r["missing"]) for r in waiting] == [(1, [])]


def test_an_inferred_run_is_dismissed_and_taken_back(server: LiveServer) -> None:
    """By whoever the server says is asking; the list leaves it out, the record stays."""
    Journal(server.settings.journal_path).record(make_run(id="run-guess", kind="inferred"))
    answer = server.ask("runs/run-guess/dismissal", {})
    assert answer.status == 200, answer.body
    assert answer.body["dismissed_by"]
    assert "run-guess" not in {run["id"] for run in server.ask("runs").body}
    assert server.ask("runs/run-guess").body["dismissed_by"] == answer.body["dismissed_by"]
    assert server.ask("runs/run-guess/dismissal", {"undo": True}).body["dismissed_by"] is None
    assert "run-guess" in {run["id"] for run in server.ask("runs").body}


@pytest.mark.parametrize(
    ("run_id", "body", "status"),
    [("run-seen", {}, 409), ("run-nowhere", {}, 404), ("run-seen", {"by": "grace"}, 400)],
)
def test_what_cannot_be_dismissed_says_why(
    server: LiveServer, run_id: str, body: object, status: int
) -> None:
    """The control: a library's training, an unknown run, and a body that names who asks."""
    Journal(server.settings.journal_path).record(make_run(id="run-seen"))
    assert server.ask(f"runs/{run_id}/dismissal", body).status == status


# Events


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


# The process


def test_the_server_tells_kernels_where_the_project_is_and_ends_on_sigterm(tmp_path: Path) -> None:
    """A kernel started anywhere below agrees on the store; the watch keeps nobody alive."""
    with live_server(tmp_path, tmp_path) as server:
        environ = Path(f"/proc/{server.process.pid}/environ")
        assert environ.exists(), "this test reads /proc"
        assert server.ask("status").body["root"] == str(tmp_path)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=10)
        assert server.process.returncode in (0, -signal.SIGTERM)


def test_a_server_that_starts_does_not_import_the_heavy_libraries() -> None:
    """MLflow, pandas and scikit-learn come when a verb needs them."""
    code = (
        "import sys, nbmlops; nbmlops._jupyter_server_extension_points();"
        "print([m for m in ('mlflow', 'pandas', 'sklearn', 'papermill') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Rules without a server


def test_a_contents_path_becomes_the_records_path(settings: Settings) -> None:
    """Relative to the project's root, wherever in it the server was started."""
    below = settings.root / "below"
    below.mkdir()
    assert record_path("a/b.ipynb", settings.root, settings) == "a/b.ipynb"
    assert record_path("/b.ipynb", below, settings) == "below/b.ipynb"


@pytest.mark.parametrize("path", ["", "/", "..", "../x", "a/../../x", "a\0b", "out/x.ipynb"])
def test_a_contents_path_never_leaves_the_servers_folder(settings: Settings, path: str) -> None:
    """Neither by dots nor through a link."""
    below = settings.root / "below"
    below.mkdir()
    (below / "out").symlink_to(settings.root)
    with pytest.raises(NotFound, match="no notebook of this server"):
        record_path(path, below, settings)


def test_only_a_server_that_knows_people_vouches_for_a_name() -> None:
    """A token or a password says that somebody may enter, not who it is."""

    class Hub(IdentityProvider):
        pass

    handler = SimpleNamespace(log=logging.getLogger(__name__))
    anonymous = IdentityProvider().generate_anonymous_user(handler)
    alone = Identity(name="ada", asserted_by="self")
    assert identify(IdentityProvider(), anonymous, "ada") == alone
    assert identify(PasswordIdentityProvider(), anonymous, "ada") == alone
    assert identify(Hub(), anonymous, "ada") == alone
    assert identify(Hub(), User("grace"), "ada") == Identity(name="grace", asserted_by="server")


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
