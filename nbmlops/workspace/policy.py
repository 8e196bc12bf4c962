"""The policy's file: checked, and published for good."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nbmlops.errors import SettingsError
from nbmlops.governance import (
    POLICY_FILE,
    Policy,
    SigningKey,
    drafted_policy,
    installed_checks,
    publication_objection,
    publication_payload,
    published_policies,
    read_policy,
    require_unchanged,
    sign,
    starter_policy,
)
from nbmlops.governance import policy_text as read_text
from nbmlops.records import Identity, PolicyPublished, PublishedPolicy, digest_bytes
from nbmlops.workspace.review import refuse
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = ["check_policy", "prepare_publication", "publish", "published", "write_policy"]


def write_policy(stores: Stores) -> Path:
    """Write a policy to begin with, which asks for what holds without one; where it is.

    :raises SettingsError: if there is one already, or it cannot be written.
    """
    path = stores.settings.root / POLICY_FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter_policy(stores.settings.policy))
    except FileExistsError as error:
        raise SettingsError(
            f"There is a policy {path} already, and it stays as it is. `nbmlops policy check` says "
            "whether it can be kept."
        ) from error
    except OSError as error:
        raise SettingsError(f"The policy {path} cannot be written: {error.strerror}.") from error
    return path


def check_policy(stores: Stores, path: Path | None) -> Policy:
    """The policy that a file states, if it can be kept here.

    :raises SettingsError: if it cannot, naming file, key and why.
    """
    file = path or stores.settings.root / POLICY_FILE
    policy = read_policy(_text(file), str(file))
    require_unchanged(_text(file), policy, stores.history())
    known = installed_checks()
    for demands in (policy, *policy.tiers.values()):
        for name in demands.checks:
            if name not in known:
                raise SettingsError(
                    f"The policy {file} asks for the check {name!r}, which is not installed here "
                    f"(entry point group nbmlops.checks: {', '.join(known) or 'none'})."
                )
    return policy


def prepare_publication(stores: Stores, key: SigningKey | None) -> PublishedPolicy:
    """The project's policy as it would be published, signed with `key` where there is one."""
    text = _text(stores.settings.root / POLICY_FILE)
    policy = check_policy(stores, None)
    payload = publication_payload(policy.version, text)
    return PublishedPolicy(
        version=policy.version,
        digest=digest_bytes(text.encode()),
        text=text,
        by=stores.me,
        at=stores.clock(),
        envelope=sign(payload, key) if key else None,
    )


@one_at_a_time
def publish(stores: Stores, policy: PublishedPolicy, by: Identity) -> PublishedPolicy:
    """Put a policy in force; publishing the same again changes nothing.

    Its text is read last: that takes long, and anybody may send one.

    :raises SettingsError: if it is no policy, or says another version than was signed.
    """
    history = stores.history()
    for earlier in published_policies(history):
        if earlier.text == policy.text:
            return earlier
    candidate = msgspec.structs.replace(
        policy, digest=digest_bytes(policy.text.encode()), by=by, at=stores.clock()
    )
    version = f"version {candidate.version}"
    objection = publication_objection(candidate, history, drafted_policy(stores.settings))
    if objection:
        raise refuse(stores, "publish-policy", version, by, [objection])
    stated = read_policy(policy.text).version
    if stated != candidate.version:
        raise SettingsError(f"The policy says that it is version {stated}, not {version}.")
    stores.append(PolicyPublished(policy=candidate), by.name)
    return candidate


def published(stores: Stores) -> list[PublishedPolicy]:
    """The versions that were published, oldest first; the last is in force."""
    return published_policies(stores.history())


def _text(path: Path) -> str:
    text = read_text(path)
    if text is None:
        raise SettingsError(
            f"There is no policy {path}. `nbmlops policy init` writes one to begin with; "
            "`nbmlops policy schema` helps an editor to go on with it."
        )
    return text
