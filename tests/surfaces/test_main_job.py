"""The main job, run once for real; each step is seen through MLflow's and the ledger's own APIs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from nbmlops.records import (
    Executed,
    Promoted,
    RefusalRecorded,
    Registered,
    Scheduled,
    SignedOff,
    Submitted,
    decode,
    digest,
)
from nbmlops.settings import load_settings
from nbmlops.surfaces.main_job import Story
from nbmlops.workspace import Workspace

EXAMPLES = Path(__file__).parents[2] / "example_notebooks"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS_", "MLFLOW_"))}


class Demo:
    """What the demo left behind: its own story, its workspace, and a plain MLflow client."""

    def __init__(self, root: Path, told: str) -> None:
        self.root = root
        self.story = decode(told, Story)
        self.settings = load_settings(root, {})
        self.workspace = Workspace(self.settings)
        self.client = MlflowClient(
            tracking_uri=self.settings.tracking_uri, registry_uri=self.settings.registry_uri
        )
        self.facts = [entry.fact for entry in self.workspace.audit_log()]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`nbmlops demo` in a folder of its own, as a user would run it."""
    root = tmp_path_factory.mktemp("demo") / "examples"
    shutil.copytree(
        EXAMPLES, root, ignore=shutil.ignore_patterns(".nbmlops", "*.promoted.ipynb", ".ipynb*")
    )
    command = [sys.executable, "-m", "nbmlops", "demo", str(root), "--json"]
    done = subprocess.run(
        command,
        env=CLEAN,
        cwd=root.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return Demo(root, done.stdout)


def test_1_each_training_cell_became_an_mlflow_run(demo: Demo) -> None:
    """Two runs, with data, parameters, metrics, cell and model; no other nbmlops call in sight."""
    notebook = nbformat.read(demo.root / "01_track.ipynb", as_version=4)
    calls = [c.source for c in notebook.cells if c.cell_type == "code" and "nbmlops" in c.source]
    assert calls[0] == "%load_ext nbmlops\n%track"
    # What compares the runs afterwards asks nothing of the cells that train.
    assert all("nbmlops.compare_runs(" in call for call in calls[1:])

    assert [r.cell.cell_id for r in demo.story.runs] == ["baseline", "boosting"]
    for run in demo.story.runs:
        stored = demo.client.get_run(run.mlflow_run_id or "")
        tags = stored.data.tags
        assert tags["nbmlops.kind"] == "training"
        assert tags["nbmlops.notebook"] == "01_track.ipynb"
        assert tags["nbmlops.cell_id"] == run.cell.cell_id
        assert tags["nbmlops.cell_digest"] == run.cell.source_digest
        assert len(tags["nbmlops.data_digest"]) == 64
        assert {m.split("_X_")[0] for m in stored.data.metrics} >= {"roc_auc_score"}
        assert stored.data.params
        roles = {
            tag.value
            for item in stored.inputs.dataset_inputs
            for tag in item.tags
            if tag.key == "mlflow.data.context"
        }
        assert roles
        assert run.mlflow_model_uri
        assert ".fit(X_train, y_train)" in run.cell.source
    learning_rates = [
        p.value for r in demo.story.runs for p in r.parameters if p.name.endswith("learning_rate")
    ]
    assert 0.05 in learning_rates
    baseline, boosting = demo.story.runs
    assert baseline.data_digest == boosting.data_digest


def test_2_the_better_run_was_promoted_after_a_clean_run_agreed(demo: Demo) -> None:
    """The bundle lies under its content digest, with a parameters cell, and verifies."""
    promotion = demo.story.promotion
    assert promotion.run_id == demo.story.runs[1].id
    assert promotion.parameters == {"month": 7, "late_after": 15}
    assert promotion.clean_run.agrees
    assert promotion.clean_run.data_agrees
    assert any("roc_auc" in m.name for m in promotion.clean_run.metrics)
    assert promotion.clean_run.run_id != promotion.run_id

    bundle = demo.settings.bundles / promotion.bundle.digest
    paths = {f.path for f in promotion.bundle.files}
    assert {"notebook.ipynb", "requirements.txt", "model/MLmodel"} <= paths
    assert digest(promotion.bundle.files) == promotion.bundle.digest
    sealed = nbformat.read(bundle / "notebook.ipynb", as_version=4)
    assert any("parameters" in c.metadata.get("tags", []) for c in sealed.cells)
    assert "scikit-learn==" in (bundle / "requirements.txt").read_text()
    clean = demo.client.get_run(demo.workspace.run(promotion.clean_run.run_id).mlflow_run_id or "")
    assert clean.data.tags["nbmlops.execution_id"].startswith("clean-run-")
    assert [f.promotion for f in demo.facts if isinstance(f, Promoted)] == [promotion]


def test_3_the_scheduler_executed_what_was_due(demo: Demo) -> None:
    """With its parameters, tracked like any cell, and its output notebook kept."""
    schedule, execution = demo.story.schedule, demo.story.execution
    assert (schedule.cron, schedule.timezone) == ("0 6 1 * *", "America/New_York")
    assert execution.schedule_id == schedule.id
    assert execution.outcome == "succeeded"
    assert execution.due
    assert execution.due.day == 1
    assert execution.parameters == {"month": 8}
    assert execution.content_digest == demo.story.promotion.bundle.digest

    output = nbformat.read(demo.root / (execution.output_notebook or ""), as_version=4)
    injected = [
        c.source for c in output.cells if "injected-parameters" in c.metadata.get("tags", [])
    ]
    assert injected == ["# Parameters\nmonth = 8\n"]
    august = demo.client.get_run(demo.workspace.run(execution.run_ids[-1]).mlflow_run_id or "")
    assert august.data.tags["nbmlops.execution_id"] == execution.id
    july = demo.story.runs[1]
    assert august.data.tags["nbmlops.data_digest"] != july.data_digest
    assert [f.schedule for f in demo.facts if isinstance(f, Scheduled)] == [schedule]
    assert [f.execution for f in demo.facts if isinstance(f, Executed)] == [execution]


def test_4_nothing_was_registered_without_a_second_person(demo: Demo) -> None:
    """Refused unsigned, refused to the author, registered once signed, refused once edited."""
    unsigned, own, edited = demo.story.refusals
    assert "1 sign-off is missing by someone other than ada" in unsigned
    assert "ada is the author" in own
    assert "was edited after it was promoted" in edited

    registration, review = demo.story.registration, demo.story.review
    version = demo.client.get_model_version_by_alias("late_arrival", "champion")
    assert str(version.version) == registration.version
    assert version.tags["nbmlops.content_digest"] == demo.story.promotion.bundle.digest
    (sign_off,) = review.sign_offs
    assert sign_off.by.name == "grace"
    assert version.tags["nbmlops.sign_offs"] == digest(sign_off)
    assert Path(version.source.removeprefix("file://")).is_dir()

    kinds = [type(f) for f in demo.facts]
    assert kinds[3:] == [
        Submitted,
        RefusalRecorded,
        RefusalRecorded,
        SignedOff,
        Registered,
        RefusalRecorded,
    ]


def test_4_the_registered_model_predicts(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the registry is a model that loads, on flights from the file."""
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_TRACKING_URI", demo.settings.tracking_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", demo.settings.registry_uri)
    model = mlflow.pyfunc.load_model("models:/late_arrival@champion")
    flights = pd.read_parquet(demo.root / "data" / "flights.parquet").head(50)
    flights["hour"] = flights["sched_dep_time"] // 100
    flights["weekday"] = flights["date"].dt.day_of_week
    numbers = ["distance", "hour", "weekday", "temp", "wind_speed", "precip", "visib"]
    assert len(model.predict(flights[[*numbers, "carrier", "origin", "dest"]])) == 50


def test_4_mlflows_own_client_is_refused_too(demo: Demo) -> None:
    """Another model of the same runs does not get in by another door."""
    with pytest.raises(MlflowException, match="no approved review names it"):
        demo.client.create_registered_model("sneaky")


def test_5_the_audit_holds_and_finds_a_flipped_byte(demo: Demo) -> None:
    """The chain is intact; in the damaged copy the fact with the flipped byte is named."""
    assert demo.story.audit.intact
    assert demo.workspace.audit_verify().intact
    damaged = demo.story.audit_of_damaged_copy
    assert not damaged.intact
    position = [type(f) for f in demo.facts].index(SignedOff) + 1
    assert damaged.broken_sequence == position


def test_the_dossier_tells_of_the_registered_version(demo: Demo) -> None:
    """By version, by alias and by review: the same; an unknown one is one sentence."""
    from nbmlops.errors import NotFound
    from nbmlops.surfaces.reports.sections import sections_of

    registration = demo.story.registration
    version = f"{registration.model_name}/{registration.version}"
    found = demo.workspace.dossier(f"models:/{version}")
    for what in (f"{registration.model_name}@champion", found.review.submission.id):
        assert demo.workspace.dossier(what).review == found.review
    kinds = [type(entry.fact).__name__ for entry in found.facts]
    assert kinds[0] == "Promoted"
    assert {"Submitted", "SignedOff", "Registered"} <= set(kinds)
    assert found.chain.intact
    told = str(sections_of(found))
    assert found.review.submission.content_digest in told
    assert "roc_auc" in told
    for what in ("late_arrival@nobody", "late_arrival/99", "review-none"):
        with pytest.raises(NotFound):
            demo.workspace.dossier(what)


def test_the_doctor_finds_what_the_demo_left_in_order(demo: Demo) -> None:
    """Nothing is broken; the way round that a file owner has is told as open."""
    states = {d.subject: d.state for d in demo.workspace.doctor()}
    assert set(states.values()) == {"ok", "open", "detected"}
    assert states["gate"] == "ok"
    assert [s for s, state in states.items() if state == "open"] == [
        "writing the database directly"
    ]
    assert states["rewriting a fact"] == states["cutting the ledger"] == "detected"
    assert states["ledger"] == states["half-done"] == "ok"


def test_edits_to_a_promoted_notebook_are_not_written_over(demo: Demo) -> None:
    """Promoting the run again would lose them: it is refused, and they are still there."""
    from nbmlops.errors import NotebookError

    path = demo.root / demo.story.promotion.notebook
    before = path.read_text()
    edited = nbformat.read(path, as_version=4)
    edited.cells[-1].source += "\n# a thought"
    nbformat.write(edited, path)
    try:
        with pytest.raises(NotebookError, match=r"--notebook late_arrival\.promoted\.ipynb"):
            demo.workspace.promote(demo.story.promotion.run_id, model_name="late_arrival")
        assert "# a thought" in path.read_text()
        review = demo.workspace.review(demo.story.review.submission.id)
        assert review.status == "stale"
    finally:
        path.write_text(before)


def test_the_reviewers_notebook_shows_the_review(demo: Demo) -> None:
    """The second example runs on what the demo left: the list, the widget, the audit."""
    from nbmlops.records import NotebookJob
    from nbmlops.scheduling.executors.papermill_local import LocalExecutor

    output = demo.root / "reviewed.ipynb"
    LocalExecutor().run(
        NotebookJob(
            notebook=str(demo.root / "02_review.ipynb"),
            output=str(output),
            working_directory=str(demo.root),
        )
    )
    cells = {c.id: c for c in nbformat.read(output, as_version=4).cells if c.cell_type == "code"}
    assert demo.story.review.submission.id in str(cells["reviews"].outputs)
    assert "application/vnd.jupyter.widget-view+json" in cells["widget"].outputs[0].data
    assert cells["audit"].outputs[0].text.startswith("intact")


def test_the_third_example_takes_the_promotion_to_production_again(demo: Demo) -> None:
    """Dry run, submission with a model card, sign-off, registration, and a checked load."""
    from nbmlops.records import NotebookJob
    from nbmlops.scheduling.executors.papermill_local import LocalExecutor

    output = demo.root / "governed.ipynb"
    LocalExecutor().run(
        NotebookJob(
            notebook=str(demo.root / "03_govern.ipynb"),
            output=str(output),
            working_directory=str(demo.root),
            environment={"NBMLOPS_USER": "ada"},
        )
    )
    cells = {c.id: c for c in nbformat.read(output, as_version=4).cells if c.cell_type == "code"}
    assert "missing" in cells["dry-run"].outputs[0].text
    assert "1 sign-off is missing by someone other than ada" in cells["submit"].outputs[0].text
    assert "late_arrival by ada, waiting" in cells["reviews"].outputs[0].text
    assert "Registered late_arrival version 1" in cells["register"].outputs[-1].text
    assert "PyFuncModel" in str(cells["champion"].outputs)
    newest = demo.workspace.reviews()[0].submission
    assert newest.evidence.model_card == {"purpose": "Tell late arrivals in advance."}
    assert newest.evidence.notes == ("Trained on July.",)
