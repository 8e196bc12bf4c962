"""What a reviewer needs to see of a promotion. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from nbmlops.records import (
    BundleFile,
    Comparison,
    Evidence,
    Execution,
    Gap,
    Promotion,
    TrackedRun,
)

__all__ = ["gather_evidence"]


def gather_evidence(
    promotion: Promotion,
    clean_run: TrackedRun,
    executions: tuple[Execution, ...],
    *,
    champion: Comparison | None = None,
    model_card: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    attachments: tuple[BundleFile, ...] = (),
    gaps: tuple[Gap, ...] = (),
) -> Evidence:
    """The evidence on `promotion`, whose clean run left the record `clean_run`.

    `champion` is the comparison with it, `gaps` is what could not be gathered.
    """
    if not model_card:
        gaps = (*gaps, Gap(what="model card", why="it was submitted without one"))
    return Evidence(
        model_class=clean_run.model_class,
        notebook=promotion.notebook,
        code=tuple(cell.source for cell in clean_run.code),
        parameters=clean_run.parameters,
        metrics=clean_run.metrics,
        clean_run=promotion.clean_run.metrics,
        clean_run_agrees=promotion.clean_run.agrees,
        inputs=clean_run.inputs,
        gaps=(*promotion.gaps, *gaps),
        completeness=clean_run.completeness,
        executions=tuple(execution.id for execution in executions),
        run_ids=tuple(dict.fromkeys((promotion.run_id, clean_run.id))),
        data_digest=clean_run.data_digest,
        environment=clean_run.environment,
        files=promotion.bundle.files,
        champion=champion,
        model_card=dict(model_card or {}),
        notes=notes,
        attachments=attachments,
    )
