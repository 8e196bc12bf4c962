"""What the gate costs: the same requests at `nbmlops server` and at `mlflow server`, in one run.

Run it with ``python tests/benchmarks/gate.py``; it fails below the floors. Rounds alternate between
the two servers, so that whatever else the machine does weighs on both; ratios are of medians.
Registering is what it takes until the alias stands: at plain MLflow three requests on a logged model,
at ours one request on an approved review.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from floors import Floors, seconds

sys.path.insert(0, str(Path(__file__).parents[1] / "governance"))

from live_gate import ADMIN, LiveGate, _wait_until_it_answers, free_port, live_gate

API = "/api/2.0/mlflow"
RATIO = 1.05
REGISTER_RATIO = 1.3


@contextmanager
def plain_server(root: Path, *, users: bool = False) -> Iterator[str]:
    """MLflow's own server, as its documentation starts it, with one worker like ours.

    With `users` it asks for MLflow's basic authentication.
    """
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS", "MLFLOW"))}
    clean["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [
        sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{root}/mlflow.db",
        "--artifacts-destination", str(root / "artifacts"),
    ]  # fmt: skip
    if users:
        command += ["--app-name", "basic-auth"]
        (root / "auth.ini").write_text(
            f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{root}/users.db\n"
            f"admin_username = {ADMIN[0]}\nadmin_password = {ADMIN[1]}\n"
        )
        clean |= {
            "MLFLOW_AUTH_CONFIG_PATH": str(root / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this benchmark alone",
        }
    log = root / "plain.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=root, env=clean, stdout=stream, stderr=stream)
    try:
        _wait_until_it_answers(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """One connection to one server, as a client keeps it."""

    def __init__(self, address: str, login: tuple[str, str] | None = None) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.auth = login

    def ask(self, verb: str, path: str, body: object = None) -> dict[str, object]:
        answer = self.session.request(verb, self.address + path, json=body, timeout=120)
        assert answer.ok, answer.text
        return answer.json() if answer.text else {}

    def new_run(self) -> str:
        made = self.ask("POST", f"{API}/runs/create", {"experiment_id": "0", "start_time": 1})
        return str(made["run"]["info"]["run_id"])  # type: ignore[index] # MLflow's own answer


def ratio(gated: Callable[[], object], plain: Callable[[], object], rounds: int) -> float:
    """How many times longer, by the medians of alternating rounds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(seconds(gated))
        times[1].append(seconds(plain))
    return statistics.median(times[0]) / statistics.median(times[1])


def steady(gated: Client, plain: Client, rounds: int, floors: Floors, how: str = "") -> None:
    """Reads and metrics."""
    runs = {c.address: c.new_run() for c in (gated, plain)}

    def read(client: Client) -> None:
        client.ask("GET", f"{API}/runs/get?run_id={runs[client.address]}")

    def search(client: Client) -> None:
        client.ask("POST", f"{API}/runs/search", {"experiment_ids": ["0"], "max_results": 10})

    def metric(client: Client) -> None:
        body = {"run_id": runs[client.address], "key": "m", "value": 1.0, "timestamp": 1, "step": 0}
        client.ask("POST", f"{API}/runs/log-metric", body)

    for what, action in (("reading", read), ("searching", search), ("logging a metric", metric)):
        for client in (gated, plain):
            for _ in range(20):
                action(client)
        took = ratio(lambda a=action: a(gated), lambda a=action: a(plain), rounds)
        floors.at_most(f"{what}{how}, times the ungated server", took, RATIO)


def registering(gate: LiveGate, plain: Client, megabytes: int, rounds: int) -> float:
    """Approved reviews of models of that size, against logged models of any."""
    bundle = gate.seal(f"{megabytes} megabytes", weight=megabytes << 20)
    reviews = []
    for _ in range(rounds):
        reviews.append(gate.submit(bundle=bundle))
        gate.approve(reviews[-1])
    names = iter(range(1_000_000))
    ours = Client(gate.address)

    def gated() -> None:
        path = f"/nbmlops/api/reviews/{reviews.pop().id}/registration"
        ours.ask("POST", path, {"alias": "champion"})

    sources = []
    for _ in range(rounds):
        run = plain.new_run()
        sources.append((run, f"mlflow-artifacts:/0/{run}/artifacts/model"))

    def vanilla() -> None:
        name = f"model_{megabytes}_{next(names)}"
        run, source = sources.pop()
        plain.ask("POST", f"{API}/registered-models/create", {"name": name})
        body = {"name": name, "source": source, "run_id": run}
        plain.ask("POST", f"{API}/model-versions/create", body)
        alias = {"name": name, "alias": "champion", "version": "1"}
        plain.ask("POST", f"{API}/registered-models/alias", alias)

    return ratio(gated, vanilla, rounds)


def _projects(folder: Path) -> tuple[Path, Path]:
    """Where our server runs and where MLflow's does."""
    ours, theirs = folder / "ours", folder / "theirs"
    for root in (ours, theirs):
        (root / ".nbmlops").mkdir(parents=True)
    (ours / "nbmlops.toml").write_text("")
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--registrations", type=int, default=30)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 256, 1024])
    options = parser.parse_args()
    floors = Floors()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        ours, theirs = _projects(Path(folder, "alone"))
        with live_gate(ours) as gate, plain_server(theirs) as address:
            plain = Client(address)
            steady(Client(gate.address), plain, options.rounds, floors)
            for size in options.megabytes:
                took = registering(gate, plain, size, options.registrations)
                floors.at_most(f"registering {size} MB, times vanilla", took, REGISTER_RATIO)
        ours, theirs = _projects(Path(folder, "team"))
        with (
            live_gate(ours, "--auth", "basic") as gate,
            plain_server(theirs, users=True) as address,
        ):
            clients = Client(gate.address, ADMIN), Client(address, ADMIN)
            steady(*clients, options.rounds // 4, floors, " as a user of a team")
    floors.end()


if __name__ == "__main__":
    main()
