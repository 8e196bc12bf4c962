"""In somebody else's name: what a client says about itself never counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from live_gate import ADMIN, PEOPLE, LiveGate
from starlette.routing import Mount, Route

from nbmlops.records import Promoted, SignedOff, encode
from nbmlops.surfaces.mlflow_app.routes import make_routes
from nbmlops.surfaces.mlflow_app.sealed_readers import Anybody
from nbmlops.surfaces.mlflow_app.uploads import Uploads
from nbmlops.testing import make_promotion, make_sign_off, make_submission
from nbmlops.workspace import Workspace

PROXY_SECRET = "the-proxy-knows"
HUB_USERS = {
    "ada-token": '{"kind": "user", "name": "ada", "groups": ["authors"]}',
    "grace-token": '{"kind": "user", "name": "grace", "groups": ["validator", "owner"]}',
    "service-token": '{"kind": "service", "name": "cron"}',
}


class _Hub(BaseHTTPRequestHandler):
    """JupyterHub's answer to ``GET /hub/api/user``, as its REST API documents it."""

    def do_GET(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        found = HUB_USERS.get(token) if scheme == "token" and self.path == "/hub/api/user" else None
        self.send_response(200 if found else 403)
        self.end_headers()
        self.wfile.write((found or "{}").encode())

    def log_message(self, *_: object) -> None:
        """Keep the tests' output to themselves."""


@pytest.fixture(scope="module")
def hub_gate(start_gate: Callable[..., LiveGate]) -> Iterator[LiveGate]:
    hub = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    api = f"http://127.0.0.1:{hub.server_port}/hub/api"
    yield start_gate("--auth", "jupyterhub", "--hub-api", api)
    hub.shutdown()


@pytest.fixture(scope="module")
def proxy_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    return start_gate(
        "--auth", "proxy", "--trusted-proxy", "127.0.0.1/32",
        environment={"NBMLOPS_PROXY_SECRET": PROXY_SECRET},
    )  # fmt: skip


def routes(app: object) -> list[tuple[str, str]]:
    """Every verb and path of an app, parameters filled in."""
    found = []
    for route in app.routes:  # type: ignore[attr-defined] # a Starlette app
        assert isinstance(route, Route | Mount)
        path = route.path
        for name in getattr(route, "param_convertors", {}):
            convertor = route.param_convertors[name]
            value = "1" if type(convertor).__name__ == "IntegerConvertor" else "x"
            for spelt in (f"{{{name}:path}}", f"{{{name}:int}}", f"{{{name}}}"):
                path = path.replace(spelt, value)
        found += [(verb, path) for verb in (route.methods or ()) if verb != "HEAD"]
    return found


def test_each_own_route_asks_who_it_is(sqlite_gate: LiveGate, workspace: Workspace) -> None:
    """Without credentials, with wrong ones, and with a name alone; the control is a right one."""
    found = routes(make_routes(workspace, Uploads(workspace), Anybody()))
    assert len(found) >= 12
    for verb, path in found:
        for auth, headers in (
            (None, {}),
            (("ada", "wrong"), {}),
            (("nobody", PEOPLE["ada"]), {}),
            (None, {"X-Nbmlops-User": "grace", "X-Forwarded-User": "grace"}),
            (None, {"Authorization": "Bearer x"}),
        ):
            answer = sqlite_gate.api(path, verb=verb, auth=auth, headers=headers)
            assert answer.status_code == 401, (verb, path, answer.text)
        assert sqlite_gate.api(path, verb=verb, data=b"x").status_code not in (401, 405)


def test_only_health_is_open(sqlite_gate: LiveGate) -> None:
    """Of all that MLflow answers; other spellings of it are not."""
    assert sqlite_gate.request("GET", "/health", auth=None).status_code == 200
    assert sqlite_gate.request("POST", "/health", {}, auth=None).status_code == 401
    for path in (
        "/version",
        "/", "/health/", "//health", "/Health", "/health/../", "/static-files/x", "/signup",
        "/api/2.0/mlflow/experiments/search", "/ajax-api/2.0/mlflow/experiments/search",
        "/api/2.0/mlflow-artifacts/artifacts", "/graphql", "/v1/traces", "/server-info",
    ):  # fmt: skip
        assert sqlite_gate.request("GET", path, auth=None).status_code == 401, path


def test_the_author_cannot_sign_in_anothers_name(gate: LiveGate) -> None:
    """The name in the body, and in a header, is not read; grace herself may sign."""
    submission = gate.submit()
    path = f"/reviews/{submission.id}/sign-offs"
    body = {"verdict": "approved", "by": {"name": "grace", "asserted_by": "server"}}
    ada = ("ada", PEOPLE["ada"])
    answer = gate.api(path, body, auth=ada, headers={"X-Forwarded-User": "grace"})
    assert (answer.status_code, answer.json()["error"]) == (403, "Refused")
    assert "author" in answer.json()["message"]
    assert gate.refusals()[-1].by == "ada"
    answer = gate.api(path, body | {"by": "x"}, auth=("grace", PEOPLE["grace"]))
    assert answer.status_code == 200, answer.text
    signed = answer.json()["sign_offs"][-1]["by"]
    assert (signed["name"], signed["asserted_by"]) == ("grace", "server")


def test_no_client_puts_a_decision_on_the_ledger(gate: LiveGate) -> None:
    """What a client may tell is told in its own name, at the server's time."""
    promotion = make_promotion(author="grace")
    honest = encode({"facts": [Promoted(promotion=promotion)]})
    ada = ("ada", PEOPLE["ada"])
    answer = gate.api("/facts", verb="POST", data=honest, auth=ada)
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()
    assert (entry["actor"], entry["fact"]["promotion"]["author"]) == ("ada", "ada")
    before = gate.ledger.verify().facts
    forged = SignedOff(sign_off=make_sign_off(make_submission(), "grace"))
    for facts in ([forged], [Promoted(promotion=promotion), forged]):
        body = encode({"facts": facts})
        answer = gate.api("/facts", verb="POST", data=body, auth=ada)
        assert answer.status_code == 403
        assert "the server does that itself" in answer.json()["message"]
    assert gate.ledger.verify().facts == before


def test_a_hubs_token_names_its_user(hub_gate: LiveGate) -> None:
    """With the hub's groups as roles; on MLflow's routes and on ours."""
    for scheme in ("Bearer", "token"):
        headers = {"Authorization": f"{scheme} grace-token"}
        told = hub_gate.api("/server", auth=None, headers=headers)
        assert told.json()["user"] == {
            "name": "grace",
            "asserted_by": "server",
            "roles": ["owner", "validator"],
        }
        for path in (
            "/api/2.0/mlflow/experiments/search?max_results=1",
            "/api/2.0/mlflow-artifacts/artifacts?path=x",
        ):
            answer = hub_gate.request("GET", path, auth=None, headers=headers)
            assert answer.status_code in (200, 403), answer.text
    for token in ("unknown", "service-token", "", "ada-token x"):
        headers = {"Authorization": f"Bearer {token}"}
        assert hub_gate.api("/server", auth=None, headers=headers).status_code == 401
    assert hub_gate.api("/server", auth=ADMIN).status_code == 401


def test_a_header_counts_only_from_the_proxy(proxy_gate: LiveGate) -> None:
    """By its address and its secret, said once."""
    right = {"X-Nbmlops-Proxy-Secret": PROXY_SECRET, "X-Forwarded-User": "grace"}
    told = proxy_gate.api(
        "/server", auth=None, headers=right | {"X-Forwarded-Groups": "validator, owner"}
    )
    assert told.json()["user"]["roles"] == ["owner", "validator"]
    for wrong in (
        {"X-Forwarded-User": "grace"},
        right | {"X-Nbmlops-Proxy-Secret": "guessed"},
        right | {"X-Nbmlops-Proxy-Secret": ""},
        right | {"X-Forwarded-User": ""},
        {"X-Nbmlops-Proxy-Secret": PROXY_SECRET},
    ):
        assert proxy_gate.api("/server", auth=None, headers=wrong).status_code == 401


def test_an_address_that_is_not_listed_is_not_believed() -> None:
    """Not even with the secret; nor one that only claims to come from there."""
    from nbmlops.surfaces.mlflow_app.identity import _TrustedProxy
    from nbmlops.surfaces.mlflow_app.options import ServerOptions

    options = ServerOptions(authentication="proxy", artifacts="x", proxies=("10.0.0.0/24",))
    proxy = _TrustedProxy(options, PROXY_SECRET)
    headers = {
        "x-nbmlops-proxy-secret": [PROXY_SECRET],
        "x-forwarded-user": ["grace"],
        "x-forwarded-for": ["10.0.0.7"],
    }
    assert asyncio.run(proxy(headers, "10.0.0.7")) is not None
    for address in ("10.0.1.7", "127.0.0.1", "", "not an address"):
        assert asyncio.run(proxy(headers, address)) is None
    twice = headers | {"x-forwarded-user": ["grace", "ada"]}
    assert asyncio.run(proxy(twice, "10.0.0.7")) is None


def test_nobody_gets_a_second_name_or_anothers_password(gate: LiveGate) -> None:
    """With either, or with a role of their own making, an author could sign off their own model."""
    eve = ("eve", PEOPLE["eve"])
    account = {"username": "eve2", "password": "eve2-password-1"}
    role = {"name": f"validator_{next(gate.names)}", "workspace": "default"}
    made = gate.request("POST", "/api/3.0/mlflow/roles/create", role).json()["role"]["id"]
    given = {"username": "eve", "role_id": made}
    for verb, path, body in (
        ("POST", "/api/2.0/mlflow/users/create", account),
        ("POST", "/ajax-api/2.0/mlflow/users/create", account),
        ("POST", "//api/2.0/mlflow/users/create", account),
        ("PATCH", "/api/2.0/mlflow/users/update-password", {**account, "username": "grace"}),
        ("PATCH", "/api/2.0/mlflow/users/update-admin", {"username": "eve", "is_admin": True}),
        ("POST", "/api/3.0/mlflow/roles/create", {**role, "name": "owner"}),
        ("POST", "/api/3.0/mlflow/roles/assign", given),
    ):
        answer = gate.request(verb, path, body, eve)
        assert answer.status_code in (403, 404, 405), (path, answer.text)
    assert gate.api("/server", auth=("eve2", account["password"])).status_code == 401
    assert gate.api("/server", auth=("grace", PEOPLE["grace"])).status_code == 200
    assert gate.api("/server", auth=eve).json()["user"]["roles"] == []
    assert gate.request("POST", "/api/3.0/mlflow/roles/assign", given).status_code == 200
    # As an administrator is told them: the server remembers for a minute whom it let in.
    told = gate.request("GET", "/api/3.0/mlflow/users/roles/list?username=eve").text
    assert role["name"] in told
