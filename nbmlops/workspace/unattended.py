"""A key's passphrase where nobody can be asked for it."""

from __future__ import annotations

import os

from nbmlops.errors import SettingsError
from nbmlops.governance import SigningKey
from nbmlops.workspace.stores import Stores

__all__ = ["PASSPHRASE", "unlock_unattended"]

PASSPHRASE = "NBMLOPS_PASSPHRASE"  # noqa: S105 - the variable's name, not a passphrase


def unlock_unattended(stores: Stores, key: str) -> SigningKey:
    """Open a key where nobody can be asked for its passphrase.

    :raises SettingsError: if the environment has none, or a wrong one.
    """
    public = stores.keys.find(key)
    passphrase = os.environ.get(PASSPHRASE)
    if not passphrase:
        raise SettingsError(
            f"Key {public.id} is to sign, and nobody is here to be asked for its passphrase: put "
            f"it into {PASSPHRASE}."
        )
    return stores.keys.unlock(public.id, passphrase)
