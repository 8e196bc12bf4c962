"""What the tests of what is brought are given: an empty vault, and its way in."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.governance import Incoming, Vault
from nbmlops.settings import UploadSettings


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


@pytest.fixture
def incoming(tmp_path: Path, vault: Vault) -> Incoming:
    return Incoming(tmp_path, vault, UploadSettings())
