"""What the gate costs: the same requests at `nbmlops server` and at `mlflow server`, in one run.

Run it with ``python tests/benchmarks/gate.py``; it fails below the floors. Rounds alternate between
the two servers, so that whatever else the machine does weighs on both; ratios are of medians.
Registering is what it takes until the alias stands: at plain MLflow three requests on a logged model,
at ours one request on an approved review. Sealing is held against BLAKE3 over a copy of the files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from blake3 import blake3

sys.path.insert(0, str(Path(__file__).parents[1] / "governance"))

from live_gate import LiveGate, _wait_until_it_answers, free_port, live_gate

from nbmlops.governance import Vault
from nbmlops.records import Submission

API = "/api/2.0/mlflow"
RATIO = 1.05
REGISTER_RATIO = 1.3
SEAL_RATIO = 0.8


@contextmanager
def plain_server(root: Path) -> Iterator[str]:
    """MLflow's own server, as its documentation starts it, with one worker like ours."""
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS", "MLFLOW"))}
    clean["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [
        sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{root}/mlflow.db",
        "--artifacts-destination", str(root / "artifacts"),
    ]  # fmt: skip
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

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()

    def ask(self, verb: str, path: str, body: object = None) -> dict[str, object]:
        answer = self.session.request(verb, self.address + path, json=body, timeout=120)
        assert answer.ok, answer.text
        return answer.json() if answer.text else {}

    def new_run(self) -> str:
        made = self.ask("POST", f"{API}/runs/create", {"experiment_id": "0", "start_time": 1})
        return str(made["run"]["info"]["run_id"])  # type: ignore[index] # MLflow's own answer


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def ratio(gated: Callable[[], object], plain: Callable[[], object], rounds: int) -> float:
    """How many times longer, by the medians of alternating rounds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(seconds(gated))
        times[1].append(seconds(plain))
    return statistics.median(times[0]) / statistics.median(times[1])


def steady(gated: Client, plain: Client, rounds: int) -> dict[str, float]:
    """Reads and metrics."""
    runs = {c.address: c.new_run() for c in (gated, plain)}

    def read(client: Client) -> None:
        client.ask("GET", f"{API}/runs/get?run_id={runs[client.address]}")

    def search(client: Client) -> None:
        client.ask("POST", f"{API}/runs/search", {"experiment_ids": ["0"], "max_results": 10})

    def metric(client: Client) -> None:
        body = {"run_id": runs[client.address], "key": "m", "value": 1.0, "timestamp": 1, "step": 0}
        client.ask("POST", f"{API}/runs/log-metric", body)

    found = {}
    for action in (read, search, metric):
        for client in (gated, plain):
            for _ in range(20):
                action(client)
        found[f"{action.__name__}_ratio"] = ratio(
            lambda a=action: a(gated), lambda a=action: a(plain), rounds
        )
    return found


def registering(gate: LiveGate, plain: Client, megabytes: int, rounds: int) -> float:
    """Approved reviews of a model of that size, against logged models of any."""
    reviews = iter([approved(gate, megabytes, n == 0) for n in range(rounds)])
    names = iter(range(1_000_000))
    ours = Client(gate.address)

    def gated() -> None:
        path = f"/nbmlops/api/reviews/{next(reviews).id}/registration"
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


def approved(gate: LiveGate, megabytes: int, big: bool) -> Submission:
    """An approved review; only the first of a round's is big, for the disk's sake."""
    submission = gate.submit(weight=megabytes << 20 if big or megabytes <= 1 else 0)
    gate.approve(submission)
    return submission


def sealing(megabytes: int) -> float:
    """How fast the vault seals, as a share of how fast BLAKE3 alone reads a copy; best of three."""
    raw: list[float] = []
    sealed: list[float] = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        source = Path(folder) / "source"
        source.mkdir()
        for number in range(5):
            (source / f"{number}.bin").write_bytes(os.urandom((megabytes << 20) // 5))

        def read() -> None:
            for file in sorted(source.iterdir()):
                hasher = blake3(max_threads=blake3.AUTO)
                hasher.update_mmap(file)
                hasher.digest()

        for attempt in range(3):
            vault = Vault(Path(folder) / f"vault-{attempt}")
            staging = vault.staging()
            shutil.copytree(source, staging, dirs_exist_ok=True)
            raw.append(seconds(read))
            sealed.append(seconds(lambda v=vault, s=staging: v.seal(s)))
            shutil.rmtree(Path(folder) / f"vault-{attempt}")
    return min(raw) / min(sealed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--registrations", type=int, default=30)
    parser.add_argument("--megabytes", type=int, default=1024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        for root in (ours, theirs):
            (root / ".nbmlops").mkdir(parents=True)
        (ours / "nbmlops.toml").write_text("")
        with live_gate(ours) as gate, plain_server(theirs) as address:
            plain = Client(address)
            found = steady(Client(gate.address), plain, options.rounds)
            for size in (1, options.megabytes):
                key = f"register_{size}_megabytes_ratio"
                found[key] = registering(gate, plain, size, options.registrations)
            big = gate.submit(weight=options.megabytes << 20)
            gate.approve(big)
            found["register_the_big_one_seconds"] = seconds(lambda: gate.register(big))
    found["seal_of_raw_blake3"] = sealing(options.megabytes)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=2))
    assert all(found[f"{name}_ratio"] <= RATIO for name in ("read", "search", "metric"))
    registered = {k: v for k, v in found.items() if k.startswith("register_") and "ratio" in k}
    assert all(value <= REGISTER_RATIO for value in registered.values()), registered
    assert found["seal_of_raw_blake3"] >= SEAL_RATIO


if __name__ == "__main__":
    main()
