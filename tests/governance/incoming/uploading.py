"""One file that two people bring into the vault, and the clock of what they left."""

from __future__ import annotations

import os
import time
from pathlib import Path

from nbmlops.governance import Incoming
from nbmlops.records import Bundle, BundleFile, Identity, digest, digest_bytes

ADA, EVE = Identity(name="ada"), Identity(name="eve")
A_DAY_AGO = time.time() - 25 * 3600


def bundle_of(**files: bytes) -> Bundle:
    listed = tuple(
        BundleFile(path=name, digest=digest_bytes(data), size=len(data))
        for name, data in files.items()
    )
    return Bundle(digest=digest(listed), files=listed)


BUNDLE = bundle_of(model=b"sealed")


def bring(incoming: Incoming, data: bytes = b"sealed", by: Identity = ADA) -> Path:
    """One whole file; the folder that is being filled."""
    with incoming.receiving(BUNDLE.digest, by) as (part, folder):
        folder.mkdir(exist_ok=True)
        part.write_bytes(data)
        os.replace(part, folder / "model")
    return folder.parent


def grow_old(folder: Path) -> None:
    os.utime(folder / "lock", (A_DAY_AGO, A_DAY_AGO))
