"""A heavy model: sealed, registered and verified when it is loaded, in little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import heavy_model


def test_two_gigabytes_go_the_whole_way(tmp_path: Path, mlflow_database: Path) -> None:
    """And one byte of them that changed, the last, is found."""
    (tmp_path / "nbmlops.toml").write_text("")
    (tmp_path / ".nbmlops").mkdir()
    (tmp_path / ".nbmlops" / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    command = [sys.executable, heavy_model.__file__, str(tmp_path), "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert told[:3] == ["held to little memory", "registered 1", f"loaded {2 << 30}"]
    assert told[3].startswith("refused")
    assert "weights.bin was changed" in told[3]
