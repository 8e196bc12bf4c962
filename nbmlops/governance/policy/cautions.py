"""What a policy lets through that its reader may not expect: it can be kept, and says little."""

from __future__ import annotations

from collections.abc import Iterator

from nbmlops.governance.policy.policy import Policy

__all__ = ["policy_cautions"]


def policy_cautions(policy: Policy) -> list[str]:
    """What it means, and what to write instead; nothing where no sentence is needed."""
    return list(_cautions(policy))


def _cautions(policy: Policy) -> Iterator[str]:
    if policy.identity == "self-asserted":
        yield (
            "identity: self-asserted counts whatever name is typed, so an author can sign off as "
            "somebody else. Write identity: server where nbmlops server vouches for names (with "
            "--auth), or identity: signed with each reviewer's key under reviewers."
        )
    for tier, demands in {"": policy, **policy.tiers}.items():
        where = f"tiers: {tier}: " if tier else ""
        if not demands.sign_offs and not demands.roles:
            yield (
                f"{where}sign_offs: 0 asks nobody, so an author's model goes in unread. Write "
                f"{where}sign_offs: 1."
            )
        elif demands.author_may_sign:
            yield (
                f"{where}author_may_sign: true counts the author among those who agree. Leave it "
                "out, and somebody else must."
            )
    if policy.identity == "signed" and not policy.publishers:
        yield (
            "There are no publishers, so whoever may write the ledger's database puts a laxer "
            "version in force without a signature. Write publishers: [NAME], of a reviewer with a "
            "key."
        )
