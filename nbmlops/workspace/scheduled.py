"""Which schedules run with whose rights, and who may end one."""

from __future__ import annotations

from nbmlops.errors import Refused
from nbmlops.governance import assemble_review, find
from nbmlops.promotion import NOTEBOOK_FILE, notebook_parameters, read_notebook
from nbmlops.records import (
    Identity,
    Promotion,
    Scalar,
    Schedule,
    Submission,
    Unscheduled,
    UnscheduleRequest,
    Unscheduling,
)
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = ["believed_executors", "schedule_objections", "unschedule"]


def schedule_objections(stores: Stores, schedule_id: str) -> list[str]:
    """Why a schedule must not run with the rights of whoever asks, if it must not.

    A team's ledger takes promotions and schedules from every client. What one promoted and
    scheduled oneself runs. What others did needs the reviewers' approval of that content, and
    where somebody else scheduled it, the policy's word on who may, and with which values. The
    visible notebook is not asked: it is the sealed one that runs.
    """
    history, by = stores.history(), stores.me
    record = find("schedule", schedule_id, history.schedules)
    promotion = history.promotions.get(record.promotion_id)
    if promotion is None:
        return [f"Schedule {record.id} names promotion {record.promotion_id}, which is not there."]
    own = _is(by, record)
    if own and _is(by, promotion):
        return []
    submission = _approved(stores, promotion)
    if submission is None:
        return [
            f"Schedule {record.id} was set by {record.author} for a notebook of "
            f"{promotion.author}, and no review approves it: {by.name}'s scheduler does not run "
            f"it. Have {promotion.id} approved."
        ]
    if own:
        return []
    return [
        f"{by.name}'s scheduler does not run schedule {record.id}. {why}"
        for why in stores.policy.schedule_objections(
            submission,
            _author(promotion),
            _author(record),
            _sealed_parameters(stores, promotion) if record.parameters else {},
            record.parameters,
        )
    ]


def believed_executors(stores: Stores, record: Schedule) -> set[str] | None:
    """Whose word counts that a schedule was served; None if anybody's.

    A server's client could else keep another's schedule from ever running, by telling that it did.
    """
    if record.by is None or record.by.asserted_by == "self":
        return None
    promotion = stores.history().promotions.get(record.promotion_id)
    return {stores.runner.name, record.author, promotion.author if promotion else record.author}


@one_at_a_time
def unschedule(stores: Stores, request: UnscheduleRequest, by: Identity) -> Unscheduling:
    """End a schedule, in the name of whoever may; ended before, it stays as it was ended."""
    history = stores.history()
    record = find("schedule", request.schedule_id, history.schedules)
    if record.id in history.unschedulings:
        return history.unschedulings[record.id]
    promotion = history.promotions.get(record.promotion_id)
    objections = stores.policy.unschedule_objections(
        record,
        promotion,
        [s for s in history.submissions.values() if s.promotion_id == record.promotion_id],
        by,
    )
    if objections:
        refused = Refused(" ".join(objections), tuple(objections))
        raise stores.refuse(refused, "unschedule", record.id, by.name)
    end = Unscheduling(
        schedule_id=record.id,
        model_name=record.model_name,
        by=by,
        at=stores.clock(),
        reason=request.reason.strip(),
    )
    stores.append(Unscheduled(unscheduling=end), by.name)
    return end


def _approved(stores: Stores, promotion: Promotion) -> Submission | None:
    """The submission by which reviewers approved exactly this promotion, if they did."""
    history = stores.history()
    for submission in history.submissions_of(promotion.model_name):
        if (submission.promotion_id, submission.content_digest) == (
            promotion.id,
            promotion.bundle.digest,
        ) and not assemble_review(submission, history, stores.policy, at=stores.clock()).missing:
            return submission
    return None


def _sealed_parameters(stores: Stores, promotion: Promotion) -> dict[str, Scalar]:
    """The values that were approved: of the sealed notebook, not of what a client tells of it."""
    stores.vault.verify(promotion.bundle)
    sealed = stores.vault.path(promotion.bundle.digest) / NOTEBOOK_FILE
    return notebook_parameters(read_notebook(sealed))


def _author(record: Promotion | Schedule) -> Identity:
    return record.by or Identity(name=record.author)


def _is(by: Identity, record: Promotion | Schedule) -> bool:
    """Whether a record is of `by`, and the same vouches for both names."""
    author = _author(record)
    return (by.name, by.asserted_by) == (author.name, author.asserted_by)
