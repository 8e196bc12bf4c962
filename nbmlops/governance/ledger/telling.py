"""Every fact as a sentence, and what it is about. No I/O."""

from __future__ import annotations

from nbmlops.records import (
    AliasMoved,
    Executed,
    Fact,
    FindingRaised,
    FindingResolved,
    KeyRevocation,
    KeyRevoked,
    KeyRotated,
    PolicyPublished,
    Promoted,
    RefusalRecorded,
    Registered,
    Resolution,
    Scheduled,
    SignedOff,
    SignOff,
    Submitted,
    Unscheduled,
    Withdrawal,
    Withdrawn,
)

__all__ = ["how_given", "kind_of", "subject_of", "tell"]


def kind_of(fact: Fact) -> str:
    """The fact's tag, such as ``signed-off``."""
    return str(type(fact).__struct_config__.tag)


def subject_of(fact: Fact) -> str:  # noqa: PLR0911 - one line a kind of fact
    """The id of what the fact is about, by which it can be found."""
    match fact:
        case SignedOff(sign_off=sign_off):
            return sign_off.review_id
        case FindingResolved(resolution=resolution):
            return resolution.finding_id
        case Unscheduled(unscheduling=end):
            return end.schedule_id
        case KeyRevoked(revocation=revocation):
            return revocation.key_id
        case KeyRotated(rotation=rotation):
            return rotation.old_key_id
        case PolicyPublished(policy=policy):
            return f"policy {policy.version}"
        case AliasMoved(move=move):
            return move.review_id
        case RefusalRecorded(subject=subject):
            return subject
    (field,) = fact.__struct_fields__
    return str(getattr(fact, field).id)


def tell(fact: Fact) -> str:  # noqa: PLR0911, PLR0912 - one line a kind of fact
    """What happened, in a sentence without its actor and instant."""
    match fact:
        case Promoted(promotion=p):
            agrees = "agreed" if p.clean_run.agrees else "did not agree"
            return (
                f"Promoted {p.model_name}: the clean run {agrees}; content {p.bundle.digest[:12]}."
            )
        case Scheduled(schedule=s):
            return f"Scheduled {s.model_name} at {s.cron} ({s.timezone})."
        case Unscheduled(unscheduling=u):
            why = f": {u.reason}" if u.reason else "."
            return f"Unscheduled {u.schedule_id} of {u.model_name}{why}"
        case Executed(execution=e):
            why = f": {e.error}" if e.error else ""
            return f"Executed {e.promotion_id}; it {e.outcome} in {e.duration:.1f} s{why}."
        case Submitted(submission=s):
            return f"Submitted {s.model_name} for review on content {s.content_digest[:12]}."
        case SignedOff(sign_off=s):
            comment = f": {s.comment}" if s.comment else ""
            return f"{s.verdict.capitalize()} by {s.by.name} ({how_given(s)}){comment}"
        case Registered(registration=r):
            return f"Registered {r.model_name} version {r.version}" + (
                f" as {r.alias}." if r.alias else ", with no alias."
            )
        case RefusalRecorded(verb=verb, subject=subject, by=by, why=why):
            act = verb.replace("-", " ")
            return f"Refused: {by} tried to {act} {subject}. {' '.join(why)}"
        case KeyRevoked(revocation=r):
            return f"Revoked key {r.key_id} ({how_given(r)}): {r.reason}"
        case KeyRotated(rotation=r):
            return f"Key {r.new.id} took over from {r.old_key_id}."
        case PolicyPublished(policy=p):
            return f"Published version {p.version} of the policy, digest {p.digest[:12]}."
        case FindingRaised(finding=f):
            where = f" on cell {f.cell}" if f.cell else f" on {f.metric}" if f.metric else ""
            return f"Raised a finding{where}: {f.text}"
        case FindingResolved(resolution=r):
            return f"Resolved finding {r.finding_id} ({how_given(r)}): {r.note}"
        case AliasMoved(move=m):
            return f"Moved alias {m.alias} of {m.model_name} to version {m.version}."
        case Withdrawn(withdrawal=w):
            version = f" version {w.version}" if w.version else ""
            return f"Withdrew the approval of {w.model_name}{version} ({how_given(w)}): {w.reason}"


def how_given(decision: SignOff | Resolution | Withdrawal | KeyRevocation) -> str:
    """Who vouches for a decision: a key, a server, or nobody but the person's machine."""
    if decision.envelope is not None:
        return f"signed with key {', '.join(s.keyid for s in decision.envelope.signatures)}"
    if decision.by.asserted_by == "server":
        return "server-asserted, unsigned"
    return "self-asserted, unsigned"
