"""How tests are shared out between two workers: what shares a server or a kernel stays together."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
TOGETHER = {"end_to_end", "governance"}
"""Folders whose files share servers that are started once."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.relative_to(ROOT)
        group = path.parts[0] if path.parts[0] in TOGETHER else path.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
