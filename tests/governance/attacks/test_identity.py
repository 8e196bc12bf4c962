"""In somebody else's name: what a client says about itself never counts."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from live_gate import ADMIN, PEOPLE, LiveGate
from starlette.routing import Mount, Route

from nbmlops.errors import StoreUnreachable
from nbmlops.records import Promoted, SignedOff, encode
from nbmlops.surfaces.mlflow_app.jupyterhub_users import ask_hub
from nbmlops.surfaces.mlflow_app.routes import make_routes
from nbmlops.surfaces.mlflow_app.sealed_readers import Anybody
from nbmlops.surfaces.mlflow_app.uploads import Uploads
from nbmlops.testing import make_promotion, make_sign_off, make_submission
from nbmlops.workspace import Workspace

PROXY_SECRET = "the-proxy-knows"


def hub_user(name: str, groups: list[str], *scopes: str) -> str:
    """What JupyterHub tells of a token; each names its person and opens what its scopes say."""
    names = [f"read:users:name!user={name}", f"read:users:groups!user={name}"]
    told = {"kind": "user", "name": name, "groups": groups, "scopes": [*names, *scopes]}
    return json.dumps(told)


HUB_USERS = {
    "ada-token": hub_user("ada", ["authors"], "access:servers!server=ada/"),
    "grace-token": hub_user("grace", ["validator", "owner"], "access:servers!server=grace/"),
    "made-on-the-page": hub_user("grace", [], "access:servers!user=grace", "servers!user=grace"),
    "administrator": hub_user("boss", [], "access:servers", "admin:users"),
    "grace-at-adas-server": hub_user("grace", ["validator"], "access:servers!server=ada/"),
    "grace-at-a-service": hub_user("grace", ["validator"], "access:services!service=wiki"),
    "grace-at-gracehoppers": hub_user("grace", [], "access:servers!server=gracehopper/"),
    "grace-at-a-longer-name": hub_user("grace", [], "access:servers!server=grace/hopper/"),
    "of-an-old-hub": '{"kind": "user", "name": "grace", "groups": []}',
    "service-token": '{"kind": "service", "name": "cron"}',
}


class _Hub(BaseHTTPRequestHandler):
    """JupyterHub's answer to ``GET /hub/api/user``, as its REST API documents it."""

    def do_GET(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        found = HUB_USERS.get(token) if scheme == "token" and self.path == "/hub/api/user" else None
        self.send_response(502 if token == "lost-on-the-way" else 200 if found else 403)
        self.end_headers()
        self.wfile.write((found or "{}").encode())

    def log_message(self, *_: object) -> None:
        """Keep the tests' output to themselves."""


@pytest.fixture(scope="module")
def hub_gate(start_gate: Callable[..., LiveGate]) -> Iterator[LiveGate]:
    hub = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    api = f"http://127.0.0.1:{hub.server_port}/hub/api"
    yield start_gate(
        "--auth", "jupyterhub", "--hub-api", api,
        environment={"MLFLOW_AUTH_ADMIN_USERNAME": "boss", "MLFLOW_AUTH_ADMIN_PASSWORD": ""},
    )  # fmt: skip
    hub.shutdown()


@pytest.fixture(scope="module")
def proxy_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    return start_gate(
        "--auth", "proxy", "--trusted-proxy", "127.0.0.1/32",
        environment={
            "NBMLOPS_PROXY_SECRET": PROXY_SECRET,
            "MLFLOW_AUTH_ADMIN_USERNAME": "grace",
        },
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


def hub_says(hub_gate: LiveGate, token: str, scheme: str = "Bearer") -> tuple[int, Any]:
    """The server's answer to a token, and what it tells."""
    headers = {"Authorization": f"{scheme} {token}"}
    answer = hub_gate.api("/server", auth=None, headers=headers)
    return answer.status_code, answer.json()


def test_a_token_that_the_hub_gave_to_somebody_else_names_nobody(hub_gate: LiveGate) -> None:
    """A colleague's server that grace opened holds one that tells her name; her own ones count."""
    for held_by_another in (
        "grace-at-adas-server",
        "grace-at-a-service",
        "grace-at-gracehoppers",
        "grace-at-a-longer-name",
        "of-an-old-hub",
    ):
        status, told = hub_says(hub_gate, held_by_another)
        assert status == 401, held_by_another
        assert "your own token of JupyterHub" in told["message"]
    for own, name in (
        ("grace-token", "grace"),
        ("made-on-the-page", "grace"),
        ("administrator", "boss"),
    ):
        status, told = hub_says(hub_gate, own)
        assert (status, told["user"]["name"]) == (200, name)


def test_a_browser_gives_the_hubs_token_as_a_password(hub_gate: LiveGate) -> None:
    """With the name that it belongs to, and no other."""
    answer = hub_gate.request("GET", "/", auth=("grace", "grace-token"))
    assert answer.status_code == 200, answer.text
    for name, token in (("ada", "grace-token"), ("", "grace-token"), ("grace", "a\nb")):
        assert hub_gate.request("GET", "/", auth=(name, token)).status_code == 401
    refused = hub_gate.request("GET", "/", auth=None)
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_a_hub_that_does_not_say_is_told_in_a_sentence(hub_gate: LiveGate) -> None:
    """Nobody is let in meanwhile, and who knows its answer already goes on."""
    assert hub_says(hub_gate, "grace-token")[0] == 200
    status, told = hub_says(hub_gate, "lost-on-the-way")
    assert (status, told["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert told["message"].startswith("JupyterHub does not say who asks")
    with pytest.raises(StoreUnreachable, match="JupyterHub does not say"):
        ask_hub("http://127.0.0.1:9/hub/api", "bearer", "grace-token")


def test_who_administers_is_named_as_the_hub_or_proxy_knows_them(
    hub_gate: LiveGate, proxy_gate: LiveGate
) -> None:
    """Nobody becomes administrator by being called admin there; others are none."""
    at_hub = [{"Authorization": f"Bearer {token}"} for token in ("administrator", "ada-token")]
    for gate, administrator, other in (
        (hub_gate, *at_hub),
        (proxy_gate, proxied("grace"), proxied("admin")),
    ):
        body = {"username": "new", "password": "a-password-of-one"}
        path = "/api/2.0/mlflow/users/create"
        assert gate.request("POST", path, body, None, headers=other).status_code == 403
        assert gate.request("POST", path, body, None, headers=administrator).status_code == 200


def proxied(name: str) -> dict[str, str]:
    """The headers of a request that came through the proxy."""
    return {"X-Nbmlops-Proxy-Secret": PROXY_SECRET, "X-Forwarded-User": name}


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


def test_a_name_from_the_proxy_is_read_as_it_was_written(proxy_gate: LiveGate) -> None:
    """In UTF-8, as proxies write it, and in the Latin-1 of old."""
    for spelt in ("zoé@example.org".encode(), "zoé@example.org".encode("latin-1")):
        headers = proxied("x") | {"X-Forwarded-User": spelt}
        told = proxy_gate.api("/server", auth=None, headers=headers)
        assert told.json()["user"]["name"] == "zoé@example.org"


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
