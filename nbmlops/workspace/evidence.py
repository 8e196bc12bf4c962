"""The dossier: evidence and attachments, gathered and sealed under one digest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3

from nbmlops.errors import NbmlopsError
from nbmlops.governance import EVIDENCE_FILE, History, gather_evidence
from nbmlops.records import (
    Bundle,
    BundleFile,
    Comparison,
    Evidence,
    Gap,
    Promotion,
    Submission,
    TrackedRun,
    encode,
)
from nbmlops.workspace.attachments import Enclosed, attach, require_own_names
from nbmlops.workspace.champion import compare_with_champion
from nbmlops.workspace.stores import Stores

__all__ = ["evidence_of_run", "gather", "is_current", "seal_dossier"]

ATTACHMENTS = "attachments"


def gather(
    stores: Stores,
    promotion: Promotion,
    *,
    model_card: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    attachments: tuple[BundleFile, ...] = (),
) -> Evidence:
    """The evidence on a promotion as it is now; what cannot be gathered is a gap in it."""
    history = stores.history()
    clean_run = stores.clean_run(promotion)
    champion, gaps = _champion(promotion, clean_run, history)
    return gather_evidence(
        promotion,
        clean_run,
        history.executions_of(promotion.id),
        champion=champion,
        model_card=model_card,
        notes=notes,
        attachments=attachments,
        gaps=gaps,
    )


def seal_dossier(
    stores: Stores,
    promotion: Promotion,
    last: Submission | None,
    enclosed: Enclosed,
) -> tuple[Evidence, Bundle]:
    """Gather the evidence, and seal it in the vault with what people enclose.

    What was attached to the `last` submission is taken over, unless the new has the same name.

    :raises CheckFailed: if something cannot be attached; then nothing is sealed.
    """
    require_own_names(enclosed.attachments)
    folder = stores.vault.staging()
    try:
        (folder / ATTACHMENTS).mkdir()
        _take_over(stores, last, folder / ATTACHMENTS)
        for path in enclosed.attachments:
            # What lies in the vault was brought there by its author's machine, which attached it.
            brought = Path(path).is_relative_to(stores.settings.bundles)
            attach(Path(path), folder / ATTACHMENTS, encoded=brought)
        before = last.evidence if last else None
        evidence = gather(
            stores,
            promotion,
            model_card={**(before.model_card if before else {}), **enclosed.model_card},
            notes=(*(before.notes if before else ()), *enclosed.notes),
            attachments=_attached(folder),
        )
        (folder / EVIDENCE_FILE).write_bytes(encode(evidence))
        return evidence, stores.vault.seal(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_current(submission: Submission, history: History) -> bool:
    """Whether a submission was compared with the champion that stands today."""
    champion = history.champion(submission.model_name)
    seen = submission.evidence.champion
    if champion is None or champion.content_digest == submission.content_digest:
        return True
    return seen is not None and seen.content_digest == champion.content_digest


def evidence_of_run(run: TrackedRun) -> Evidence:
    """What would be shown of a run that is not promoted yet."""
    return Evidence(
        model_class=run.model_class,
        notebook=run.notebook or "",
        code=tuple(cell.source for cell in run.code),
        parameters=run.parameters,
        metrics=run.metrics,
        clean_run=(),
        clean_run_agrees=True,
        inputs=run.inputs,
        gaps=run.gaps,
        completeness=run.completeness,
        run_ids=(run.id,),
        data_digest=run.data_digest,
        environment=run.environment,
    )


def _champion(
    promotion: Promotion, clean_run: TrackedRun, history: History
) -> tuple[Comparison | None, tuple[Gap, ...]]:
    champion = history.champion(promotion.model_name)
    if champion is None or champion.content_digest == promotion.bundle.digest:
        return None, ()
    try:
        return compare_with_champion(
            champion, history.submissions[champion.review_id], clean_run
        ), ()
    except (KeyError, NbmlopsError) as error:
        why = f"version {champion.version} cannot be compared: {error}"
        return None, (Gap(what="comparison with the champion", why=why),)


def _take_over(stores: Stores, last: Submission | None, folder: Path) -> None:
    if last is None or last.dossier is None:
        return
    stores.vault.verify(last.dossier)
    for file in last.evidence.attachments:
        name = Path(file.path).name
        shutil.copyfile(stores.vault.path(last.dossier.digest) / ATTACHMENTS / name, folder / name)


def _attached(folder: Path) -> tuple[BundleFile, ...]:
    return tuple(
        BundleFile(
            path=f"{ATTACHMENTS}/{path.name}",
            digest=blake3(path.read_bytes()).hexdigest(),
            size=path.stat().st_size,
        )
        for path in sorted((folder / ATTACHMENTS).iterdir())
    )
