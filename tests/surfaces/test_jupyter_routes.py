"""The Jupyter Server extension's routes: whom they let in, and what they answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_jupyter import LiveServer, live_server, submit_to

from nbmlops.errors import NotFound
from nbmlops.records import DataInput, Fingerprint, Metric
from nbmlops.settings import Settings
from nbmlops.surfaces.jupyter_server.handlers import ROUTES
from nbmlops.surfaces.jupyter_server.notebooks import record_path
from nbmlops.testing import EPOCH, make_run
from nbmlops.tracking import Journal

VERBS = ("get", "head", "post", "put", "patch", "delete")


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
    listed = server.ask("runs?notebook=deep/train.ipynb").body
    runs = listed["runs"]
    assert listed["total"] == 2
    assert [run["id"] for run in runs] == ["run-of-second", "run-of-first"]
    assert runs[0]["inputs"][0]["extent"] == [9]
    assert [metric["value"] for metric in runs[0]["metrics"]] == [0.3]
    assert "cells" not in runs[0]
    latest = server.ask("runs?notebook=deep/train.ipynb&limit=1").body
    assert ([run["id"] for run in latest["runs"]], latest["total"]) == (["run-of-second"], 2)
    none = server.ask("runs?notebook=none.ipynb&1795466574175").body  # as JupyterLab asks
    assert none == {"runs": [], "total": 0}
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


def test_an_inferred_run_is_dismissed_and_taken_back(server: LiveServer) -> None:
    """By whoever the server says is asking; the list leaves it out, the record stays."""
    Journal(server.settings.journal_path).record(make_run(id="run-guess", kind="inferred"))
    answer = server.ask("runs/run-guess/dismissal", {})
    assert answer.status == 200, answer.body
    assert answer.body["dismissed_by"]
    assert "run-guess" not in {run["id"] for run in server.ask("runs").body["runs"]}
    assert server.ask("runs/run-guess").body["dismissed_by"] == answer.body["dismissed_by"]
    assert server.ask("runs/run-guess/dismissal", {"undo": True}).body["dismissed_by"] is None
    assert "run-guess" in {run["id"] for run in server.ask("runs").body["runs"]}


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
