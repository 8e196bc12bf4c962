"""Which policy is in force: the published one, once there is any. No I/O."""

from __future__ import annotations

from nbmlops.errors import SettingsError
from nbmlops.governance.ledger import History
from nbmlops.governance.policy.file import read_policy
from nbmlops.governance.policy.policy import Policy
from nbmlops.governance.policy.trust import trusted_keys
from nbmlops.governance.sign_offs import endorse, signed_exactly
from nbmlops.records import PublishedPolicy, digest_bytes

__all__ = [
    "policy_in_force",
    "publication_objection",
    "publication_payload",
    "published_policies",
    "require_unchanged",
]


def policy_in_force(drafted: Policy, history: History) -> Policy:
    """The newest published policy; as long as none is published, the `drafted` one.

    So editing the file changes nothing before it is published, and publishing is on the ledger.
    """
    published = published_policies(history)
    return read_policy(published[-1].text) if published else drafted


def published_policies(history: History) -> list[PublishedPolicy]:
    """The publications that count, oldest first.

    A later one counts if its version is higher, and if one of the publishers whom the policy before
    it names has signed it, where that names any.
    """
    valid: list[PublishedPolicy] = []
    for given, candidate in history.policies:
        if digest_bytes(candidate.text.encode()) != candidate.digest:
            continue
        if valid and not _may_follow(candidate, valid[-1], history, given):
            continue
        valid.append(candidate)
    return valid


def publication_payload(version: int, text: str) -> bytes:
    """What a publisher signs."""
    return endorse("policy", f"policy version {version}", text)


def require_unchanged(text: str, policy: Policy, history: History) -> None:
    """:raises SettingsError: if `policy`, read from `text`, is published with another text."""
    for published in published_policies(history):
        if published.version == policy.version and published.text != text:
            raise SettingsError(
                f"Version {policy.version} of the policy was published on "
                f"{published.at:%Y-%m-%d %H:%M} and cannot change. Restore the file, or make it "
                f"version {policy.version + 1} and publish that: nbmlops policy publish."
            )


def publication_objection(
    candidate: PublishedPolicy, history: History, drafted: Policy
) -> str | None:
    """Why `candidate` may not be published behind what is, if it may not.

    Whoever runs a server publishes there by hand; of its clients it takes a policy only with the
    signature of a publisher whom the one in force names, be that only `drafted`.
    """
    published = published_policies(history)
    before = read_policy(published[-1].text) if published else drafted
    if candidate.by.asserted_by == "server" and not before.publishers:
        return (
            f"{candidate.by.name} may not publish a policy here: the one in force names no "
            "publishers. Whoever runs the server publishes it there: nbmlops policy publish."
        )
    if not published:
        from_client = candidate.by.asserted_by == "server"
        trusted = not from_client or _signed_by_publisher(candidate, before, history)
        return None if trusted else _must_sign(before, "the policy in force")
    last = published[-1]
    if candidate.version <= last.version:
        return (
            f"Version {last.version} of the policy is published already; make this version "
            f"{last.version + 1}."
        )
    if _may_follow(candidate, last, history):
        return None
    return _must_sign(before, f"Version {last.version} of the policy")


def _must_sign(before: Policy, told: str) -> str:
    return (
        f"{told} asks that {' or '.join(before.publishers)} signs the next: nbmlops policy publish "
        "--key."
    )


def _may_follow(
    candidate: PublishedPolicy, last: PublishedPolicy, history: History, given: int | None = None
) -> bool:
    if candidate.version <= last.version:
        return False
    before = read_policy(last.text)
    return not before.publishers or _signed_by_publisher(candidate, before, history, given)


def _signed_by_publisher(
    candidate: PublishedPolicy, before: Policy, history: History, given: int | None = None
) -> bool:
    """Whether a publisher signed it; `given` is where it stands on the ledger, if it does.

    What a key signed before it was rotated stays.
    """
    keys = trusted_keys(before.reviewers, history)
    return candidate.envelope is not None and any(
        key.owner in before.publishers
        and (key.retired is None or (given is not None and given <= key.retired))
        and identifier not in history.revocations
        and signed_exactly(
            candidate.envelope, publication_payload(candidate.version, candidate.text), key.text
        )
        for identifier, key in keys.items()
    )
