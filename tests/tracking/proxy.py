"""A server between us and MLflow that behaves as badly as a network can."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import requests

__all__ = ["Proxy", "Weather", "between"]

Weather = Literal[
    "fine",
    "slow",
    "fault",
    "refuses",
    "hangs",
    "loses-answers",
    "says-twice",
    "gone",
    "breaks-off",
    "shows-a-page",
]


_ANSWERS: dict[Weather, tuple[int, bytes]] = {
    "fault": (500, b'{"error_code": "INTERNAL_ERROR", "message": "no"}'),
    "refuses": (401, b"You are not authenticated."),
    "shows-a-page": (200, b"<html><body>Back soon</body></html>"),
}


class Proxy:
    """Passes requests on to `target` as its `weather` says; `heard` counts the requests.

    ``loses-answers`` passes a request on and hangs up; ``says-twice`` passes each on twice.
    ``breaks-off`` hangs up within its answer; ``shows-a-page`` is a gateway that has none for us.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.weather: Weather = "fine"
        self.heard = 0
        self.delay = 0.1
        self._over = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                proxy.answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Say nothing of who hung up before the answer."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request, or do not."""
        self.heard += 1
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if self.weather in _ANSWERS:
            return self._reply(request, *_ANSWERS[self.weather])
        if self.weather == "breaks-off":
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            request.wfile.write(b'{"run":')
            return self._hang_up(request)
        if self.weather == "hangs":
            self._over.wait()
        if self.weather == "slow":
            self._over.wait(self.delay)
        if self.weather in ("hangs", "gone"):
            return self._hang_up(request)
        for _ in range(2 if self.weather == "says-twice" else 1):
            heard = requests.request(
                request.command,
                self.target + request.path,
                data=body,
                headers={k: v for k, v in request.headers.items() if k != "Host"},
                timeout=60,
            )
        if self.weather == "loses-answers" and request.command != "GET":
            return self._hang_up(request)
        return self._reply(request, heard.status_code, heard.content, heard.headers)

    def close(self) -> None:
        """End, and let go of who hangs."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _hang_up(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        request.connection.close()

    @staticmethod
    def _reply(
        request: BaseHTTPRequestHandler, status: int, body: bytes, headers: Any = None
    ) -> None:
        request.send_response(status)
        if headers and "Content-Type" in headers:
            request.send_header("Content-Type", headers["Content-Type"])
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)


@contextmanager
def between(target: str) -> Iterator[Proxy]:
    """A proxy before `target`, for a while."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
