"""What a crash left half-done, named and mended: `nbmlops doctor --repair`.

A registration writes in this order: the model's name, the version, the alias, the fact. Whatever
it was cut between, the registry and the ledger together tell what it was going to be.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from nbmlops.governance import RegisteredVersion, acting, alias_move_of
from nbmlops.records import AliasMoved, Diagnosis, Identity
from nbmlops.workspace.registration import record_registration
from nbmlops.workspace.review import review
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = ["half_done"]

_DAY = 24 * 3600.0  # seconds after which nobody is still filling a folder


@one_at_a_time
def half_done(stores: Stores, mend: bool, by: Identity) -> list[Diagnosis]:
    """Everything that is half-done, and with `mend`, what became of it."""
    versions = stores.registry.versions()
    unrecorded = list(_unrecorded(stores, versions, mend, by))
    if mend and unrecorded:
        versions = stores.registry.versions()  # what was mended may have moved aliases
    return [
        *unrecorded,
        *_untold_aliases(stores, versions, mend, by),
        *_empty_models(stores, mend),
        *_left_folders(stores, mend),
    ]


def _unrecorded(
    stores: Stores, versions: Iterable[RegisteredVersion], mend: bool, by: Identity
) -> Iterator[Diagnosis]:
    """Versions that no fact tells of: the alias may lack too."""
    for version in versions:
        if stores.history().registration(version.model_name, version.version):
            continue
        label = f"{version.model_name} version {version.version}"
        found = f"{label} is in the registry, and the ledger does not tell of it."
        current = review(stores, version.review_id)
        if current.missing:
            yield Diagnosis(
                subject="registration",
                state="broken",
                finding=f"{found} Its review lacks something: {' '.join(current.missing)}",
                advice=f"nbmlops withdraw {version.review_id} --reason 'registered by half'",
            )
            continue
        yield _told(mend, found, "It was recorded.", partial(_record, stores, version, by))


def _record(stores: Stores, version: RegisteredVersion, by: Identity) -> None:
    current = review(stores, version.review_id)
    alias = version.aliases[0] if version.aliases else version.first_alias
    if alias is not None and not version.aliases:
        with acting(by):
            stores.registry.move_alias(version.model_name, alias, version.version)
    record_registration(stores, current, version.version, alias, by)


def _untold_aliases(
    stores: Stores, versions: Iterable[RegisteredVersion], mend: bool, by: Identity
) -> Iterator[Diagnosis]:
    """Aliases of registered versions that no fact moved there, or that a withdrawal left."""
    for version in versions:
        history = stores.history()
        if history.registration(version.model_name, version.version) is None:
            continue
        for alias in version.aliases:
            told = history.alias_moves.get((version.model_name, alias))
            if told is not None and told.version == version.version:
                continue
            found = (
                f"The alias {alias} of {version.model_name} stands at version {version.version}, "
                "and the ledger does not tell of it."
            )
            if review(stores, version.review_id).missing:
                action = partial(_take_off, stores, version, alias, by)
                yield _told(mend, found, "It was removed: its review lacks something.", action)
            else:
                action = partial(_tell_of, stores, version, alias, by)
                yield _told(mend, found, "It was recorded.", action)


def _take_off(stores: Stores, version: RegisteredVersion, alias: str, by: Identity) -> None:
    with acting(by):
        stores.registry.remove_alias(version.model_name, alias)


def _tell_of(stores: Stores, version: RegisteredVersion, alias: str, by: Identity) -> None:
    submission = stores.history().submissions[version.review_id]
    move = alias_move_of(submission, alias, version.version, by, stores.clock())
    stores.append(AliasMoved(move=move), by.name)


def _empty_models(stores: Stores, mend: bool) -> Iterator[Diagnosis]:
    for name in stores.registry.empty_models():
        yield _told(
            mend,
            f"The registry has the name {name}, and no version of it.",
            "The name was removed.",
            partial(stores.registry.remove_model, name),
        )


def _left_folders(stores: Stores, mend: bool) -> Iterator[Diagnosis]:
    """Folders in the vault that somebody was filling when they stopped."""
    bundles = stores.settings.bundles
    left = [f for f in bundles.glob(".staging-*") if time.time() - f.stat().st_mtime > _DAY]
    for folder in left:
        told = f"{folder} was being filled more than a day ago, and was never sealed."
        yield _told(mend, told, "It was removed.", partial(shutil.rmtree, folder))
    incoming = stores.incoming
    for folder in incoming.left():
        told = f"{folder} was being brought here, and nobody went on with it."
        yield _told(mend, told, "It was removed.", incoming.sweep)


def _told(mend: bool, found: str, mended: str, action: Callable[[], object]) -> Diagnosis:
    if not mend:
        return Diagnosis(
            subject="half-done", state="broken", finding=found, advice="nbmlops doctor --repair"
        )
    action()
    return Diagnosis(subject="half-done", state="ok", finding=f"{found} {mended}")
