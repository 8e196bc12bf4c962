"""WHAT data was it, exactly, and what changed since?

Importing this room loads no data library: a reader loads one only for an object that came from it.
"""

from __future__ import annotations

from nbmlops.data.comparison import compare
from nbmlops.data.fingerprints import fingerprint, multiset_digest

__all__ = ["compare", "fingerprint", "multiset_digest"]
