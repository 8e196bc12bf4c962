"""A schedule that a client records, turned against whoever runs the scheduler."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
from live_gate import PEOPLE, LiveGate

from nbmlops.records import NotebookJob, Promoted, Schedule, Scheduled, now, to_plain
from nbmlops.settings import load_settings
from nbmlops.testing import make_promotion
from nbmlops.workspace import Workspace


class Witness:
    """An executor that runs nothing and remembers what it was to run."""

    def __init__(self) -> None:
        self.notebooks: list[str] = []

    def run(self, job: NotebookJob, on_progress: object = None) -> None:
        self.notebooks.append(job.notebook)


def test_a_schedule_runs_only_what_was_approved_or_is_ones_own(
    gate: LiveGate, tmp_path: Path
) -> None:
    """Eve's notebook never runs as ada; ada's own does, and anybody's that reviewers approved."""
    approved = gate.approved()
    evil, own = (
        make_promotion(id=f"{name}-{approved.id}", model_name=name, bundle=gate.seal(name))
        for name in ("evil", "own")
    )
    schedules = {}
    for name, sender, promotion_id in (
        ("evil", "eve", evil.id),
        ("borrowed", "ada", evil.id),
        ("pushed", "eve", own.id),
        ("own", "ada", own.id),
        ("approved", "eve", approved.promotion_id),
    ):
        schedules[name] = Schedule(
            id=f"schedule-{name}-{approved.id}",
            promotion_id=promotion_id,
            model_name=name,
            cron="* * * * *",
            timezone="UTC",
            parameters={},
            author="ada",
            at=now() - timedelta(hours=1),
        )
        facts = [to_plain(Scheduled(schedule=schedules[name]))]
        if name in ("evil", "own"):
            facts.insert(0, to_plain(Promoted(promotion={"evil": evil, "own": own}[name])))
        told = gate.api("/facts", {"facts": facts}, auth=(sender, PEOPLE[sender]))
        assert told.status_code == 200, told.text
    witness = Witness()
    settings = msgspec.structs.replace(
        load_settings(tmp_path, {"NBMLOPS_USER": "ada"}), vault_uri=str(gate.home / "bundles")
    )
    workspace = Workspace(settings, ledger=gate.ledger, executor=witness)
    workspace.stores.vault = gate.vault
    served = {e.schedule_id: e for e in workspace.scheduler().run_due()}
    for name in ("evil", "borrowed", "pushed"):
        refused = served[schedules[name].id]
        assert refused.outcome == "failed"
        assert "no review approves it" in str(refused.error)
    for name in ("own", "approved"):
        assert served[schedules[name].id].outcome == "succeeded", served[schedules[name].id].error
    assert not [n for n in witness.notebooks if evil.bundle.digest in n]
    assert sum(own.bundle.digest in n for n in witness.notebooks) == 1
