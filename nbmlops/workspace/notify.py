"""Telling people what happened: each fact that somebody subscribed to, once it stands."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

from nbmlops.errors import NbmlopsError, SettingsError
from nbmlops.governance import kind_of, subject_of, tell
from nbmlops.records import Executed, Fact, LedgerEntry
from nbmlops.scheduling import Outbox, Standing
from nbmlops.settings import NotifySettings
from nbmlops.workspace.stores import Stores

__all__ = ["notify_due", "notify_soon", "problems"]

FAILED = "failed"
"""What ``on`` calls an execution that did not succeed."""


def notify_due(
    stores: Stores,
    at: datetime,
    *,
    since: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Tell every subscriber what came since; how many messages were sent.

    A fact is told at least once: after a crash between sending and noting it, twice. What a service
    does not take is tried again later, and keeps what comes behind it waiting, in order. Whoever
    subscribes anew hears of what comes behind fact `since` (default: the last one).
    """
    sent = 0
    outbox = _outbox(stores)
    with outbox.alone() as mine:
        for subscription in stores.settings.notify if mine else ():
            begin = stores.history().sequence if since is None else since
            standing = outbox.read().get(_key(subscription), Standing(begin))
            for after, count in _tell(stores, subscription, standing, at, environ):
                sent += count
                outbox.save(_key(subscription), after)
    return sent


def notify_soon(stores: Stores, sequence: int) -> None:
    """Tell of fact `sequence` beside what goes on; what fails is left to the scheduler."""
    if stores.settings.notify:
        threading.Thread(
            target=notify_due, args=(stores, stores.clock()), kwargs={"since": sequence - 1}
        ).start()


def _tell(
    stores: Stores,
    subscription: NotifySettings,
    standing: Standing,
    at: datetime,
    environ: Mapping[str, str],
) -> Iterator[tuple[Standing, int]]:
    """Tell one subscriber fact by fact; yields each standing to be kept, and messages sent."""
    if not standing.is_due(at):
        return
    for entry in stores.ledger.entries(after=standing.told):
        count = 0
        if _is_wanted(entry.fact, subscription):
            try:
                count = _send(stores, subscription, entry, environ)
            except NbmlopsError as error:
                yield standing.after_failure(at, str(error)), 0
                return
        standing = standing.after_success(entry.sequence)
        if count:
            yield standing, count
    yield standing, 0


def problems(stores: Stores) -> list[str]:
    """Why messages are waiting, a sentence for each subscriber that could not be told."""
    wanted = {_key(subscription) for subscription in stores.settings.notify}
    return [
        f"Messages wait since fact {standing.told}: {standing.problem}"
        for key, standing in _outbox(stores).read().items()
        if key in wanted and standing.problem
    ]


def _outbox(stores: Stores) -> Outbox:
    return Outbox(stores.settings.home / "outbox.json")


def _key(subscription: NotifySettings) -> str:
    # The address may hold a password: only its digest is written.
    text = "\0".join((subscription.to, *subscription.on))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_wanted(fact: Fact, subscription: NotifySettings) -> bool:
    if isinstance(fact, Executed) and fact.execution.outcome == "failed":
        return FAILED in subscription.on or kind_of(fact) in subscription.on
    return kind_of(fact) in subscription.on


def _send(
    stores: Stores, subscription: NotifySettings, entry: LedgerEntry, environ: Mapping[str, str]
) -> int:
    """Send one message; 0 where the address asks for somebody who is not there."""
    subject = subject_of(entry.fact)
    submission = stores.history().submissions.get(subject)
    address = _address(subscription.to, environ)
    people = {"author": submission.author if submission else "", "actor": entry.actor}
    for role, name in people.items():
        if f"{{{role}}}" in address and not name:
            return 0
        address = address.replace(f"{{{role}}}", quote(name, safe=""))
    about = f"{submission.model_name} ({subject})" if submission else subject
    look = f"\n\nLook at it: nbmlops review {subject}" if submission else ""
    body = f"{tell(entry.fact)}\n\nBy {entry.actor}, {entry.at:%Y-%m-%d %H:%M} UTC.{look}"
    stores.notifier.send(address, f"{kind_of(entry.fact)}: {about}"[:200], body)
    return 1


def _address(to: str, environ: Mapping[str, str]) -> str:
    if not to.startswith("env:"):
        return to
    name = to.removeprefix("env:")
    if not environ.get(name):
        raise SettingsError(f"The environment variable {name}, named under [[notify]], is not set.")
    return environ[name]
