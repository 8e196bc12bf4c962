"""How tests are shared out between two workers: what shares a server or a kernel stays together."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/governance/",)
"""Folders whose files share servers that are started once."""


class ByServer(LoadScopeScheduling):
    """Hands out whole files in their order, and whole folders where servers are shared."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    return ByServer(config, log)
