"""What must be true before a model is registered. A pure object that explains itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta

from nbmlops.governance.ledger import History
from nbmlops.governance.policy.counting import Counted, Scale, count, fill_roles
from nbmlops.governance.policy.demands import unmet_demands
from nbmlops.governance.policy.schedules import value_objections
from nbmlops.governance.policy.terms import Demands, Reviewer
from nbmlops.governance.policy.trust import UNSIGNED, same_person, signature_doubt, trusted_keys
from nbmlops.governance.sign_offs import resolution_payload
from nbmlops.records import (
    Envelope,
    Finding,
    Identity,
    Promotion,
    Scalar,
    Schedule,
    SignOff,
    Submission,
    now,
)
from nbmlops.settings import PolicySettings

__all__ = ["Policy"]


class Policy(Demands, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The demands on every model, and who may sign. Every method answers in sentences.

    What stands at the top level holds for models that are in no tier; a tier stands by itself and
    takes over nothing. `identity` says what a sign-off needs to count: ``signed`` by a key that
    `reviewers` names, by a person whom the ``server`` authenticated, or nothing but a name
    (``self-asserted``). `models` maps a model's name, or a pattern such as ``fraud_*``, to its
    tier; the first that fits holds. Once a version is published, only those whom it names as
    `publishers` publish the next.
    """

    version: Annotated[int, Meta(ge=0, description="Goes up by each published change.")] = 0
    identity: Literal["signed", "server", "self-asserted"] = "self-asserted"
    reviewers: dict[str, Reviewer] = {}
    publishers: tuple[str, ...] = ()
    tiers: dict[str, Demands] = {}
    models: dict[str, str] = {}

    @classmethod
    def from_settings(cls, settings: PolicySettings) -> Policy:
        """The policy that nbmlops.toml asks for."""
        return cls(
            sign_offs=settings.sign_offs,
            author_may_sign=settings.author_may_sign,
            minimum_completeness=settings.minimum_completeness,
        )

    def tier_of(self, model_name: str) -> str | None:
        """The tier that a model is in, if it is in one."""
        return next((t for p, t in self.models.items() if fnmatchcase(model_name, p)), None)

    def demands_on(self, model_name: str) -> Demands:
        """What is asked of a model."""
        tier = self.tier_of(model_name)
        return self if tier is None else self.tiers[tier]

    def count(
        self,
        submission: Submission,
        sign_offs: tuple[SignOff, ...],
        history: History | None = None,
        at: datetime | None = None,
        scope: str = "register",
    ) -> Counted:
        """Which of the sign-offs count for `scope` at the instant `at`, and why others do not."""
        return count(self._scale(submission, history or History(), at, scope), sign_offs)

    def doubt(
        self, submission: Submission, sign_off: SignOff, history: History, at: datetime
    ) -> str | None:
        """Why `sign_off` would not count if it were given now, if it would not."""
        scale = self._scale(submission, history, at, "register")
        why = scale.forged(sign_off) or scale.barred(sign_off)
        return f"{sign_off.by.name}'s sign-off would not count: {why}." if why else None

    def missing(
        self,
        submission: Submission,
        sign_offs: tuple[SignOff, ...],
        history: History | None = None,
        at: datetime | None = None,
        scope: str = "register",
    ) -> list[str]:
        """What still stands between `submission` and the registry, or between it and an alias."""
        demands = self.demands_on(submission.model_name)
        counted = self.count(submission, sign_offs, history, at, scope)
        known = history or History()
        sentences = unmet_demands(
            submission, demands, known, lambda finding: self.doubt_settled(finding, known)
        )
        sentences += [
            f"{s.by.name} rejected it" + (f": {s.comment}" if s.comment else ".")
            for s in counted.rejections
        ]
        lacking = self._lacking(submission, counted, demands, scope)
        return sentences + lacking + (list(counted.reasons) if lacking else [])

    def objections(self, submission: Submission, by: Identity) -> list[str]:
        """Why `by` may not sign off `submission`."""
        demands = self.demands_on(submission.model_name)
        if same_person(by.name, submission.author) and not demands.author_may_sign:
            return [
                f"{by.name} is the author of {submission.model_name}; "
                "the sign-off must come from someone else."
            ]
        if self.identity == "signed" and by.name not in self.reviewers:
            return [
                f"{by.name} is no reviewer: the policy names "
                f"{', '.join(sorted(self.reviewers)) or 'nobody'}."
            ]
        return []

    def say_objections(self, submission: Submission, by: Identity) -> list[str]:
        """Why `by`, whom a server knows, has no say on a model: neither finding nor withdrawal.

        Whoever may approve has one, and so have its author and the policy's publishers. Alone on a
        machine a name is a claim, and whoever makes it can write the ledger anyway.
        """
        concerned = (submission.author, *self.publishers)
        if by.asserted_by != "server" or by.name in concerned:
            return []
        return self.objections(submission, by)

    def names_reviewer(self, submission: Submission, by: Identity) -> bool:
        """Whether `by` is among those whom the policy names to review `submission`.

        By name, or by one of the roles that it asks for. Where it names nobody, anybody may sign
        off, and nobody is named.
        """
        if self.objections(submission, by):
            return False
        asked = self.demands_on(submission.model_name).roles
        return by.name in self.reviewers or not self.roles_of(by).isdisjoint(asked)

    def schedule_objections(
        self,
        submission: Submission,
        author: Identity,
        by: Identity,
        approved: Mapping[str, Scalar],
        given: Mapping[str, Scalar],
    ) -> list[str]:
        """Why others need not run what `by` scheduled of an approved notebook of `author`.

        `given` are the values that the schedule sets, in place of those that were `approved`.
        """
        demands = self.demands_on(submission.model_name)
        known = (by.name, by.asserted_by) == (author.name, author.asserted_by)
        if not (
            known
            or by.name in self.publishers
            or self.names_reviewer(submission, by)
            or self.roles_of(by) & set(demands.schedulers)
        ):
            return [
                f"{by.name} may not schedule {submission.model_name} for others: that takes its "
                f"author, a reviewer or publisher of the policy{_or_roles(demands.schedulers)}."
            ]
        return value_objections(demands, approved, given)

    def unschedule_objections(
        self,
        schedule: Schedule,
        promotion: Promotion | None,
        submissions: Iterable[Submission],
        by: Identity,
    ) -> list[str]:
        """Why `by`, whom a server knows, may not end a schedule of a promotion, if they may not.

        `submissions` are the promotion's. Alone on a machine a name is a claim, as elsewhere.
        """
        authors = {schedule.author, promotion.author if promotion else schedule.author}
        demands = self.demands_on(schedule.model_name)
        if (
            by.asserted_by != "server"
            or by.name in {*authors, *self.publishers}
            or any(self.names_reviewer(submission, by) for submission in submissions)
            or self.roles_of(by) & set(demands.schedulers)
        ):
            return []
        return [
            f"{by.name} may not end a schedule of {schedule.model_name}: that takes "
            f"{' or '.join(sorted(authors))}, a reviewer or publisher of the policy"
            f"{_or_roles(demands.schedulers)}."
        ]

    def signature_doubt(
        self, envelope: Envelope | None, payload: bytes, by: Identity, history: History
    ) -> str | None:
        """Why a signature that `by` gives now, or gives not, would not hold."""
        if envelope is None:
            return UNSIGNED if self.identity == "signed" else None
        keys = trusted_keys(self.reviewers, history)
        return signature_doubt(envelope, payload, by.name, keys, history=history)

    def doubt_settled(self, finding: Finding, history: History) -> str | None:
        """Why a finding's resolution does not count, if it has one.

        It opens the gate, so where the policy asks for signatures it takes one of somebody who did
        not make the model.
        """
        resolution = finding.resolution
        if resolution is None or self.identity != "signed":
            return None
        submission = history.submissions.get(finding.review_id)
        if submission is not None and same_person(resolution.by.name, submission.author):
            return f"{resolution.by.name} is the author"
        if resolution.envelope is None:
            return UNSIGNED
        return signature_doubt(
            resolution.envelope,
            resolution_payload(finding, resolution),
            resolution.by.name,
            trusted_keys(self.reviewers, history),
            history=history,
            given=history.settled.get(finding.id),
        )

    def roles_of(self, by: Identity) -> frozenset[str]:
        """A person's roles: the policy's, and those that a server vouches for."""
        return roles_of(by, self.reviewers)

    def alias_objections(self, model_name: str, alias: str, by: Identity) -> list[str]:
        """Why `by` may not move `alias` of a model."""
        aliases = self.demands_on(model_name).aliases
        if not aliases:
            return []
        if alias not in aliases:
            return [
                f"The policy knows no alias {alias!r} of {model_name}; it knows "
                f"{', '.join(sorted(aliases))}."
            ]
        wanted = aliases[alias]
        if wanted and not self.roles_of(by) & set(wanted):
            return [
                f"{by.name} may not move the alias {alias!r} of {model_name}: that takes "
                f"{_either(wanted)}."
            ]
        return []

    def _scale(
        self, submission: Submission, history: History, at: datetime | None, scope: str
    ) -> Scale:
        return Scale(
            submission=submission,
            history=history,
            demands=self.demands_on(submission.model_name),
            identity=self.identity,
            keys=trusted_keys(self.reviewers, history),
            at=at or now(),
            scope=scope,
        )

    def _lacking(
        self, submission: Submission, counted: Counted, demands: Demands, scope: str
    ) -> list[str]:
        who = "" if demands.author_may_sign else f" by someone other than {submission.author}"
        content = submission.content_digest[:12]
        where = f", on content {content}." if content else "."
        sentences = []
        number = demands.sign_offs - len(counted.approvals)
        if number > 0:
            sentences.append(f"{_so_many(number, scope)}{who}{where}")
        people = [roles_of(s.by, self.reviewers) for s in counted.approvals]
        for role, empty in fill_roles(demands.roles, people).items():
            sentences.append(f"{_so_many(empty, scope)} in the role {role!r}{who}{where}")
        return sentences


def _so_many(number: int, scope: str) -> str:
    one = number == 1
    what = "" if scope == "register" else f" that {'allows' if one else 'allow'} {scope}"
    return f"{number} {'sign-off is' if one else 'sign-offs are'} missing{what}"


def roles_of(by: Identity, reviewers: dict[str, Reviewer]) -> frozenset[str]:
    """The roles that the policy gives a person, and those that a server vouches for."""
    named = reviewers[by.name].roles if by.name in reviewers else ()
    return frozenset((*named, *(by.roles if by.asserted_by == "server" else ())))


def _or_roles(roles: Iterable[str]) -> str:
    return f" or {_either(roles)}" if roles else ""


def _either(roles: Iterable[str]) -> str:
    return " or ".join(f"the role {role!r}" for role in roles)
