"""Is it the team's server that answers, a plain MLflow, or something that stands in front of them?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nbmlops.errors import StoreUnreachable
from nbmlops.governance.gate.mlflow_team_server import MARK, find_team_server

LOGIN = b"<!doctype html><title>Sign in</title>"


class _Edge(BaseHTTPRequestHandler):
    """What stands at each of these paths, as MLflow's client and proxies have it."""

    def do_GET(self) -> None:
        place = self.path.split("/")[1]
        answers = {
            "ours": (200, b"3.17.0"),
            "ours-unknown": (401, b"{}"),
            "plain": (200, b"3.17.0"),
            "old": (404, b"Not Found"),
            "locked": (401, b"<h1>401 Authorization Required</h1>"),
            "down": (502, b"<h1>502 Bad Gateway</h1>"),
            "asks": (302, b""),
            "login": (200, LOGIN),
        }
        status, body = answers[place]
        self.send_response(status)
        if place.startswith("ours"):
            self.send_header(MARK, "1.0")
        if status == 302:
            self.send_header("Location", "/login/version")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output to themselves."""


@pytest.fixture(scope="module")
def edge() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Edge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize("place", ["locked", "down", "asks", "login"])
def test_what_a_proxy_says_itself_is_not_taken_for_a_plain_mlflow(edge: str, place: str) -> None:
    """A project would else keep a ledger of its own, and load models unchecked, without a word."""
    with pytest.raises(StoreUnreachable, match="it is not known whether there is a gate"):
        find_team_server(f"{edge}/{place}")


def test_servers_are_told_apart_by_their_mark(edge: str) -> None:
    """Ours also where it does not know who asks; a plain MLflow is none."""
    for place in ("ours", "ours-unknown"):
        assert find_team_server(f"{edge}/{place}") is not None
    for place in ("plain", "old"):
        assert find_team_server(f"{edge}/{place}") is None
