"""A remote MLflow that is away, slow, broken or closed: cells go on, and each record arrives once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nbmlops.records import TrackedRun
from nbmlops.settings import load_settings
from nbmlops.tracking import Journal, MlflowStore, deliver_pending
from nbmlops.tracking.delivery.mlflow_cells import CELL_TAG

from .conftest import CLEAN, Kernel, Reply
from .proxy import Proxy, Weather, between
from .test_delivery import a_run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own server, on SQLite, which also takes the artifacts."""
    home = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}",
         "--artifacts-destination", str(home / "artifacts")],
        # Its jobs are eight more processes, and none of what is asked here.
        env={**CLEAN, "MLFLOW_DISABLE_TELEMETRY": "true",
             "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        MlflowClient(url).search_runs(["0"])  # the first of each kind takes it seconds
        yield url
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; it cannot tell us by itself."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("MLflow's server ended.")


@pytest.fixture(scope="module")
def proxy(server: str) -> Iterator[Proxy]:
    with between(server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def away(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel whose MLflow is behind the proxy, and gone while it starts."""
    project = tmp_path_factory.mktemp("project")
    proxy.weather = "gone"
    kernel = Kernel(
        project,
        NBMLOPS_NOTEBOOK=str(project / "a.ipynb"),
        MLFLOW_TRACKING_URI=proxy.url,
        MLFLOW_HTTP_REQUEST_TIMEOUT="5",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    )
    kernel.start_tracking()
    kernel.trained(
        "from sklearn.linear_model import Ridge\nfrom sklearn.metrics import r2_score\n"
        "X, y = [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]"
    )
    yield kernel
    kernel.close()


def deliver(kernel: Kernel) -> bool:
    """Whether a delivery that somebody waits for brings everything."""
    return kernel.run("%track sync").status == "ok"


def held(server: str, run: TrackedRun) -> list[object]:
    client = MlflowClient(tracking_uri=server)
    experiments = [e.experiment_id for e in client.search_experiments()]
    query = f"tags.`nbmlops.run_id` = '{run.id}'"
    models = client.search_logged_models(experiments, filter_string=query)
    assert len(models) <= 1, "a model was logged twice"
    return list(client.search_runs(experiments, filter_string=query))


def trained(kernel: Kernel, alpha: float) -> tuple[TrackedRun, str]:
    """Train in a cell that must end well; its run, and the card's last line."""
    before = {run.id for run in kernel.runs()}
    # A cell for each: one that was run again would have the run before wait, too, being stale.
    reply = kernel.run(f"model = Ridge(alpha={alpha}).fit(X, y)", cell_id=f"fit-{alpha}")
    assert reply.status == "ok", reply.error
    (run,) = [run for run in kernel.runs() if run.id not in before]
    return run, reply.bundles[-1]["text/plain"].splitlines()[-1]


@pytest.mark.parametrize(
    ("weather", "cells", "why"),
    [
        ("gone", 10, "does not answer"),
        ("fault", 2, "answers with an error"),
        ("hangs", 2, "does not answer"),
        ("refuses", 2, "does not let"),
        ("breaks-off", 2, "does not answer"),
        ("shows-a-page", 2, "answers with an error"),
    ],
)
def test_cells_go_on_and_each_arrives_once_when_mlflow_is_back(
    away: Kernel, proxy: Proxy, server: str, weather: Weather, cells: int, why: str
) -> None:
    """The card says that its record is pending and why; a later metric is not lost."""
    proxy.weather = weather
    runs = [trained(away, alpha=1)[0]]
    assert not deliver(away)
    for alpha in range(2, cells + 1):
        run, last = trained(away, alpha)
        runs.append(run)
        assert why in last.partition("(pending: ")[2].partition(";")[0]
        waiting = len(away.journal.pending())
        assert f"; {waiting} records wait, %track sync tries again)" in last
    reply = away.run("r2_score(y, model.predict(X))")
    assert reply.status == "ok", reply.error
    assert not any(held(server, run) for run in runs)
    proxy.weather = "fine"
    assert deliver(away)
    assert all(len(held(server, run)) == 1 for run in runs)
    assert [m.name for m in away.journal.run(runs[-1].id).metrics] == ["r2_score_X"]
    assert "r2_score_X" in held(server, runs[-1])[0].data.metrics  # type: ignore[attr-defined] # MLflow's own Run
    assert away.journal.pending() == []
    assert away.journal.problems() == {}
    assert away.journal.outage() is None


@pytest.mark.parametrize("weather", ["slow", "says-twice", "loses-answers"])
def test_a_request_that_is_late_doubled_or_unanswered_leaves_one_run(
    away: Kernel, proxy: Proxy, server: str, weather: Weather
) -> None:
    """What the network repeats, or does not say that it has done, MLflow holds once."""
    run, _ = trained(away, alpha=20)
    proxy.weather = weather
    deliver(away)
    proxy.weather = "fine"
    assert deliver(away)
    (mlflow_run,) = held(server, run)
    assert mlflow_run.info.status == "FINISHED"  # type: ignore[attr-defined] # MLflow's own Run
    assert away.journal.run(run.id).mlflow_model_uri


@pytest.mark.parametrize("weather", ["says-twice", "loses-answers"])
def test_the_run_above_a_cell_s_runs_is_made_once(
    away: Kernel, proxy: Proxy, server: str, weather: Weather
) -> None:
    """Also where the request that makes it is doubled, or its answer lost."""
    known = {run.id for run in away.runs()}
    assert away.run("models = [Ridge(alpha=a).fit(X, y) for a in (30, 31)]").status == "ok"
    runs = [run for run in away.runs() if run.id not in known]
    proxy.weather = weather
    deliver(away)
    proxy.weather = "fine"
    assert deliver(away)
    assert [len(held(server, run)) for run in runs] == [1, 1]
    client = MlflowClient(tracking_uri=server)
    experiments = [e.experiment_id for e in client.search_experiments()]
    query = f"tags.`{CELL_TAG}` = '{runs[0].parent_id}'"
    (above,) = client.search_runs(experiments, filter_string=query)
    assert above.info.status == "FINISHED"


def test_the_card_hears_of_its_delivery_and_of_what_makes_it_stale(
    away: Kernel, proxy: Proxy, server: str
) -> None:
    """It says that the run is on its way until MLflow holds it, then where; and "STALE" once it is."""
    proxy.weather = "fine"
    away.run("points, goals = [[1.0], [2.0]], [1.0, 2.0]", cell_id="data")
    reply = away.run("model = Ridge().fit(points, goals)", cell_id="fit-points")
    card = reply.bundles[-1]["text/plain"]
    assert "(on its way to MLflow)" in card
    assert "http" not in card
    page = card_with(away, reply, f"{proxy.url}/#/experiments/")
    run = away.runs()[-1]
    assert f"{proxy.url}/#/experiments/{run.mlflow_experiment_id}/runs/{run.mlflow_run_id}" in page
    assert MlflowClient(server).get_run(str(run.mlflow_run_id)).data.tags["nbmlops.run_id"]
    reply = away.run("points, goals = [[1.0], [3.0]], [1.0, 2.0]", cell_id="data")
    assert "was edited and run again" in card_with(away, reply, "STALE")


def test_a_delivery_to_a_server_prints_nothing(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """MLflow would print each run's address into what a command of ours prints, such as JSON."""
    os.environ.pop("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", None)
    settings = load_settings(tmp_path, {"MLFLOW_TRACKING_URI": server})
    journal = Journal(settings.journal_path)
    journal.record(a_run())
    assert deliver_pending(journal, MlflowStore(settings)) == 1
    assert capsys.readouterr().out == ""
    client = MlflowClient(server)
    theirs = client.create_run(client.search_experiments()[0].experiment_id)
    client.set_terminated(theirs.info.run_id)
    assert "View run" in capsys.readouterr().out  # the control: a user's own run is announced


def card_with(kernel: Kernel, reply: Reply, text: str) -> str:
    """The next state of a card that holds `text`."""
    while not any(text in update["text/plain"] for update in reply.updates):
        heard = kernel.client.get_iopub_msg(timeout=60)
        if heard["msg_type"] == "update_display_data":
            reply.updates.append(heard["content"]["data"])
    return str(next(u["text/plain"] for u in reply.updates if text in u["text/plain"]))
