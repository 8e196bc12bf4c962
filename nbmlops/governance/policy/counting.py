"""Which sign-offs count, and why the others do not. No I/O.

Everything is asked anew at each evaluation: a key may have been revoked since, an approval lapsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nbmlops.errors import IntegrityError
from nbmlops.governance.ledger import History
from nbmlops.governance.policy.terms import Demands
from nbmlops.governance.policy.trust import UNSIGNED, TrustedKey, same_person
from nbmlops.governance.sign_offs import (
    Predicate,
    Statement,
    is_signed_by,
    make_statement,
    read_statement,
)
from nbmlops.records import Envelope, Record, SignOff, Submission

__all__ = ["SKEW", "Counted", "Scale", "count", "fill_roles"]

SKEW = timedelta(minutes=5)
"""How far apart two honest clocks may be."""


class Counted(Record, frozen=True, kw_only=True):
    """Sign-offs, weighed; `reasons` says of each that does not count why."""

    approvals: tuple[SignOff, ...]
    rejections: tuple[SignOff, ...]
    reasons: tuple[str, ...]


def count(scale: Scale, sign_offs: Sequence[SignOff]) -> Counted:
    """Weigh `sign_offs`.

    A sign-off that its person never gave (unsigned, tampered with, another's key) is nobody's word,
    so it cannot take back an earlier one. One that was given but lapsed no longer approves; a
    rejection stands all the same.
    """
    submission = scale.submission
    reasons = []
    given = []
    for sign_off in sign_offs:
        if sign_off.content_digest != submission.content_digest:
            continue
        why = scale.forged(sign_off)
        if why:
            reasons.append(f"{sign_off.by.name}'s sign-off does not count: {why}.")
        else:
            given.append(sign_off)
    approvals: list[SignOff] = []
    words = _last_words(submission, tuple(given))
    for word in words:
        if word.verdict == "rejected":
            continue
        twin = next((a for a in approvals if same_person(a.by.name, word.by.name)), None)
        why = f"{twin.by.name} is the same person" if twin else scale.lapsed(word)
        if why:
            reasons.append(f"{word.by.name}'s sign-off does not count: {why}.")
        else:
            approvals.append(word)
    return Counted(
        approvals=tuple(approvals),
        rejections=tuple(w for w in words if w.verdict == "rejected"),
        reasons=tuple(reasons),
    )


def _last_words(submission: Submission, sign_offs: tuple[SignOff, ...]) -> list[SignOff]:
    """Each person's last word on exactly the content of `submission`."""
    latest = {s.by.name: s for s in sign_offs if s.content_digest == submission.content_digest}
    return list(latest.values())


def fill_roles(wanted: Mapping[str, int], people: Sequence[frozenset[str]]) -> dict[str, int]:
    """How many places of each role stay empty when each person fills at most one.

    A largest matching between people and places, by augmenting paths.
    """
    seats = [role for role, number in wanted.items() for _ in range(number)]
    taken: dict[int, int] = {}

    def seat(person: int, tried: set[int]) -> bool:
        for place, role in enumerate(seats):
            if role in people[person] and place not in tried:
                tried.add(place)
                if place not in taken or seat(taken[place], tried):
                    taken[place] = person
                    return True
        return False

    for person in range(len(people)):
        seat(person, set())
    empty: dict[str, int] = {}
    for place, role in enumerate(seats):
        if place not in taken:
            empty[role] = empty.get(role, 0) + 1
    return empty


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a sign-off on `submission` is weighed against, at the instant `at`, for `scope`.

    `identity` is the policy's, `keys` those that it trusts.
    """

    submission: Submission
    history: History
    demands: Demands
    identity: str
    keys: Mapping[str, TrustedKey]
    at: datetime
    scope: str

    def forged(self, sign_off: SignOff) -> str | None:  # noqa: PLR0911 - a sentence a reason
        """Why it is not the word of the person it names, if it is not."""
        if sign_off.envelope is None:
            if self.identity == "signed":
                return UNSIGNED
            if self.identity == "server" and sign_off.by.asserted_by != "server":
                return "its name is self-asserted, and the policy asks that a server vouches for it"
            return None
        named = [s.keyid for s in sign_off.envelope.signatures]
        key = next((self.keys[k] for k in named if k in self.keys), None)
        if key is None:
            return f"key {', '.join(named) or '(none)'} belongs to no reviewer of the policy"
        if key.owner != sign_off.by.name:
            return f"it was signed with the key of {key.owner}"
        if not is_signed_by(sign_off.envelope, key.text):
            return "its statement was changed after it was signed"
        if key.retired is not None and self._given(sign_off) > key.retired:
            return f"key {named[0]} was rotated before; the new key must sign"
        return self._other_statement(sign_off, sign_off.envelope)

    def barred(self, sign_off: SignOff) -> str | None:
        """Why nobody's word could count that was given so, if it could not."""
        if (
            same_person(sign_off.by.name, self.submission.author)
            and not self.demands.author_may_sign
        ):
            return f"{sign_off.by.name} is the author"
        return self._revoked(sign_off) or self._out_of_time(sign_off)

    def lapsed(self, sign_off: SignOff) -> str | None:
        """Why an approval that was given does not count now, if it does not."""
        return self.barred(sign_off) or self._withdrawn(sign_off) or self._out_of_scope(sign_off)

    def _given(self, sign_off: SignOff) -> int:
        return self.history.given.get((sign_off.review_id, sign_off.id), self.history.sequence + 1)

    def _other_statement(self, sign_off: SignOff, envelope: Envelope) -> str | None:
        """Why what was signed is not what the sign-off claims, if it is not."""
        promotion = self.history.promotions.get(self.submission.promotion_id)
        if promotion is None:
            return f"promotion {self.submission.promotion_id} is not on the ledger"
        try:
            signed = read_statement(envelope)
        except IntegrityError as error:
            return str(error).rstrip(".")
        expected = make_statement(sign_off, self.submission, promotion)
        for differs, tell in _DIFFERENCES:
            if differs(signed, expected):
                return tell(signed.predicate, expected.predicate)
        first = self.history.nonces.get(sign_off.nonce, sign_off.id)
        if not sign_off.nonce or first != sign_off.id:
            return f"it replays the nonce of {first}"
        return None

    def _revoked(self, sign_off: SignOff) -> str | None:
        for signature in sign_off.envelope.signatures if sign_off.envelope else ():
            revoked = self.history.revocations.get(signature.keyid)
            if revoked:
                why = f" ({revoked.reason})" if revoked.reason else ""
                return (
                    f"key {signature.keyid} was revoked on {revoked.at:%Y-%m-%d %H:%M} by "
                    f"{revoked.by.name}{why}"
                )
        return None

    def _withdrawn(self, sign_off: SignOff) -> str | None:
        found = self.history.withdrawal(self.submission)
        if found is None or self._given(sign_off) > found[0]:
            return None
        withdrawal = found[1]
        return (
            f"{withdrawal.by.name} withdrew the approval on {withdrawal.at:%Y-%m-%d %H:%M} "
            f"({withdrawal.reason})"
        )

    def _out_of_time(self, sign_off: SignOff) -> str | None:
        dated = f"it is dated {sign_off.at:%Y-%m-%d %H:%M}"
        if sign_off.at > self.at + SKEW:
            return f"{dated}, which is yet to come"
        if sign_off.at < self.submission.at - SKEW:
            return f"{dated}, before what it speaks of was submitted: a clock was set back"
        if sign_off.expires is not None and self.at >= sign_off.expires:
            return f"it expired on {sign_off.expires:%Y-%m-%d %H:%M}"
        days = self.demands.approval_days
        if days is not None and self.at >= sign_off.at + timedelta(days=days):
            return f"it is older than {days:g} days, after which approvals lapse"
        return None

    def _out_of_scope(self, sign_off: SignOff) -> str | None:
        if self.scope not in sign_off.scopes:
            return f"it allows {', '.join(sign_off.scopes) or 'nothing'}, not {self.scope}"
        if sign_off.verdict != "approved with conditions":
            return None
        if sign_off.envelope is not None:
            # Only a signature takes back what a signature said.
            return f"its condition stands until {sign_off.by.name} signs without one"
        for finding in self.history.findings.values():
            met = finding.resolution
            if finding.sign_off_id == sign_off.id and met and met.by.name == sign_off.by.name:
                return None
        return f"its condition is not met yet: {sign_off.comment.rstrip('. ')}"


_Differs = Callable[[Statement, Statement], bool]
_Tells = Callable[[Predicate, Predicate], str]
_DIFFERENCES: tuple[tuple[_Differs, _Tells], ...] = (
    (
        lambda s, e: s.predicate.model_name != e.predicate.model_name,
        lambda s, e: f"it was given for the model {s.model_name!r}, this is {e.model_name!r}",
    ),
    (
        lambda s, e: (
            s.subject != e.subject or s.predicate.content_digest != e.predicate.content_digest
        ),
        lambda s, e: f"it was given for other bytes, content {s.content_digest[:12]}",
    ),
    (
        lambda s, e: s.predicate.reviewer != e.predicate.reviewer,
        lambda s, _: f"its statement names {s.reviewer} as the reviewer",
    ),
    (
        lambda s, e: s.predicate.review_id != e.predicate.review_id,
        lambda s, _: f"it was given in another review, {s.review_id}",
    ),
    (
        lambda s, e: s.predicate.dossier_digest != e.predicate.dossier_digest,
        lambda s, _: f"it was given on other evidence, dossier {s.dossier_digest[:12]}",
    ),
    (
        lambda s, e: s != e,
        lambda s, e: (
            "it differs from what was signed: "
            + ", ".join(
                name.replace("_", " ")
                for name in Predicate.__struct_fields__
                if getattr(s, name) != getattr(e, name)
            )
        ),
    ),
)
"""From the most telling difference to the least."""
