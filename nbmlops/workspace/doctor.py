"""What works in this set-up and what does not, each found by trying it."""

from __future__ import annotations

import os
from collections.abc import Callable

from nbmlops.errors import NbmlopsError, Refused
from nbmlops.records import Diagnosis, new_id
from nbmlops.settings import without_password
from nbmlops.workspace.repair import half_done
from nbmlops.workspace.stores import Stores
from nbmlops.workspace.ways_round import try_ways_round

__all__ = ["diagnose"]


def diagnose(stores: Stores, repair: bool = False) -> list[Diagnosis]:
    """Probe each part; a probe that fails becomes a finding and never stops the others."""
    parts: list[tuple[str, Callable[[Stores], list[Diagnosis]]]] = [
        ("project", _one(_project)),
        ("kernel", _one(_kernel)),
        ("panel", _one(_panel)),
        ("journal", _one(_journal)),
        ("MLflow", _one(_mlflow)),
        ("ledger", _one(_ledger)),
        ("gate", _one(_gate)),
        ("half-done", lambda s: _half_done(s, repair)),
        ("way round the gate", try_ways_round),
    ]
    return [found for subject, part in parts for found in _probe(subject, part, stores)]


def _one(probe: Callable[[Stores], Diagnosis]) -> Callable[[Stores], list[Diagnosis]]:
    return lambda stores: [probe(stores)]


def _probe(
    subject: str, probe: Callable[[Stores], list[Diagnosis]], stores: Stores
) -> list[Diagnosis]:
    try:
        return probe(stores)
    except (NbmlopsError, OSError) as error:
        return [Diagnosis(subject=subject, state="broken", finding=str(error))]


def _half_done(stores: Stores, repair: bool) -> list[Diagnosis]:
    if stores.server is not None:
        return []  # only whoever runs the server may mend it
    found = half_done(stores, repair, stores.me)
    if found:
        return found
    return [Diagnosis(subject="half-done", state="ok", finding="Nothing was left half-done.")]


def _project(stores: Stores) -> Diagnosis:
    try:
        who = stores.runner
    except NbmlopsError:  # told below, where MLflow is tried
        who = stores.me
    told = f"{who.name} ({', '.join((f'{who.asserted_by}-asserted', *who.roles))})"
    return Diagnosis(subject="project", state="ok", finding=f"{stores.settings.root}, as {told}")


def _kernel(_: Stores) -> Diagnosis:
    from jupyter_client.kernelspec import KernelSpecManager

    kernels = sorted(KernelSpecManager().find_kernel_specs())
    if kernels:
        return Diagnosis(subject="kernel", state="ok", finding=", ".join(kernels))
    return Diagnosis(
        subject="kernel",
        state="broken",
        finding="No Jupyter kernel is installed, so no notebook can run.",
        advice="pip install ipykernel",
    )


def _panel(_: Stores) -> Diagnosis:
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    wanted = {
        "lab extension": [f"{p}/nbmlops/package.json" for p in jupyter_path("labextensions")],
        "server extension": [
            f"{p}/jupyter_server_config.d/nbmlops.json" for p in jupyter_config_path()
        ],
    }
    lacking = [name for name, paths in wanted.items() if not any(map(os.path.exists, paths))]
    if lacking:
        return Diagnosis(
            subject="panel",
            state="broken",
            finding=f"The {' and the '.join(lacking)} is not installed where Jupyter looks.",
            advice="pip install --force-reinstall --no-deps nbmlops",
        )
    return Diagnosis(subject="panel", state="ok", finding="lab and server extension are installed")


def _journal(stores: Stores) -> Diagnosis:
    runs = stores.journal.runs()
    waiting = sum(run.mlflow_run_id is None for run in runs)
    if waiting:
        return Diagnosis(
            subject="journal",
            state="open",
            finding=f"{waiting} of {len(runs)} runs have not reached MLflow yet.",
            advice="nbmlops sync",
        )
    return Diagnosis(subject="journal", state="ok", finding=f"{len(runs)} runs, all delivered")


def _mlflow(stores: Stores) -> Diagnosis:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    uri = stores.settings.tracking_uri
    try:
        MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
    except MlflowException as error:
        return Diagnosis(
            subject="MLflow",
            state="broken",
            finding=f"{without_password(uri)} does not answer: {error.message}",
            advice="Start the server, or correct MLFLOW_TRACKING_URI or tracking_uri in "
            "nbmlops.toml. Runs wait in the journal meanwhile.",
        )
    return Diagnosis(subject="MLflow", state="ok", finding=f"{without_password(uri)} answers")


def _ledger(stores: Stores) -> Diagnosis:
    report = stores.ledger.verify()
    if not report.intact:
        return Diagnosis(
            subject="ledger",
            state="broken",
            finding=report.reason or "The chain is broken.",
            advice="Compare it with a copy kept elsewhere: nbmlops audit log --json.",
        )
    return Diagnosis(
        subject="ledger", state="ok", finding=f"{report.facts} facts, chain intact; tamper-evident"
    )


def _gate(stores: Stores) -> Diagnosis:
    where = without_password(stores.settings.registry_uri)
    name = new_id("doctor-probe")
    source = (stores.settings.home / "doctor-probe").as_uri()
    try:
        version = stores.registry.register(name, source, run_id=None, tags={}, alias="probe")
    except Refused:
        return Diagnosis(
            subject="gate",
            state="ok",
            finding=f"{where} refused a model that nobody signed off",
        )
    stores.registry.remove_model(name)
    return Diagnosis(
        subject="gate",
        state="open",
        finding=f"{where} let an unsigned model in (version {version}).",
        advice="Register through a registry whose URI begins with nbmlops+.",
    )
