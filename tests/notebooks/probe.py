"""Runs inside the notebook's kernel, unseen by the tracker: what the truth's expressions are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["answer"]


def answer(path: str, namespace: dict[str, Any], data: list[str], numbers: list[str]) -> None:
    """Write to `path` the digests of the expressions `data` and the values of `numbers`, as JSON."""
    from nbmlops.data import fingerprint

    told = {
        "digests": {e: fingerprint(eval(e, dict(namespace))).digest for e in data},
        "values": {e: eval(e, dict(namespace)) for e in numbers},
    }
    Path(path).write_text(json.dumps(told, default=float))
