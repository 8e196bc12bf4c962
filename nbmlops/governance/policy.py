"""What must be true before a model is registered. A pure object that explains itself."""

from __future__ import annotations

from nbmlops.records import Identity, Record, SignOff, Submission
from nbmlops.settings import PolicySettings

__all__ = ["Policy", "last_words"]


class Policy(Record, frozen=True, kw_only=True):
    """The demands on a submission. Both methods answer in sentences; none means satisfied."""

    sign_offs: int = 1
    author_may_sign: bool = False
    minimum_completeness: float = 0.0

    @classmethod
    def from_settings(cls, settings: PolicySettings) -> Policy:
        """The policy that nbmlops.toml asks for."""
        return cls(
            sign_offs=settings.sign_offs,
            author_may_sign=settings.author_may_sign,
            minimum_completeness=settings.minimum_completeness,
        )

    def missing(self, submission: Submission, sign_offs: tuple[SignOff, ...]) -> list[str]:
        """What still stands between `submission` and the registry."""
        evidence = submission.evidence
        sentences = []
        if not evidence.clean_run_agrees:
            sentences.append("The clean run did not reproduce what was tracked.")
        if evidence.completeness < self.minimum_completeness:
            sentences.append(
                f"The record is {evidence.completeness:.0%} complete; the policy asks for "
                f"{self.minimum_completeness:.0%}."
            )
        latest = last_words(submission, sign_offs)
        sentences += [
            f"{s.by.name} rejected it" + (f": {s.comment}" if s.comment else ".")
            for s in latest
            if s.verdict == "rejected"
        ]
        counted = [
            s
            for s in latest
            if s.verdict == "approved" and (self.author_may_sign or s.by.name != submission.author)
        ]
        lacking = self.sign_offs - len(counted)
        if lacking > 0:
            who = "" if self.author_may_sign else f" by someone other than {submission.author}"
            noun = "sign-off is" if lacking == 1 else "sign-offs are"
            sentences.append(
                f"{lacking} {noun} missing{who}, on content {submission.content_digest[:12]}."
            )
        return sentences

    def objections(self, submission: Submission, by: Identity) -> list[str]:
        """Why `by` may not sign off `submission`."""
        if by.name == submission.author and not self.author_may_sign:
            return [
                f"{by.name} is the author of {submission.model_name}; "
                "the sign-off must come from someone else."
            ]
        return []


def last_words(submission: Submission, sign_offs: tuple[SignOff, ...]) -> list[SignOff]:
    """Each person's last word on exactly the content of `submission`."""
    latest = {s.by.name: s for s in sign_offs if s.content_digest == submission.content_digest}
    return list(latest.values())
