"""How fast the vault seals what was copied into it: ``python tests/benchmarks/sealing.py``.

The yardstick reads an equal copy with multi-threaded BLAKE3, file after file, and then has it
written to the disk (fsync), for sealed content outlives a power cut too. Both begin with a copy of
its own that was written a moment ago, as a model is that MLflow has just handed over. The best of
some rounds counts: another process can only make one slower.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from blake3 import blake3
from floors import Floors, seconds

from nbmlops.governance import Vault

SHARE = 0.8
FILES = 5


def digest(folder: Path) -> None:
    for file in sorted(folder.iterdir()):
        hasher = blake3(max_threads=blake3.AUTO)
        hasher.update_mmap(file)
        hasher.digest()


def flush(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def one_round(source: Path, folder: Path) -> tuple[float, float, float]:
    """Seconds to digest a copy, to flush it, and to seal another."""
    copy = folder / "copy"
    shutil.copytree(source, copy)
    digested, flushed = seconds(lambda: digest(copy)), seconds(lambda: flush(copy))
    vault = Vault(folder / "vault")
    staging = vault.staging()
    shutil.copytree(source, staging, dirs_exist_ok=True)
    return digested, flushed, seconds(lambda: vault.seal(staging))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    floors = Floors()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        source = Path(name) / "source"
        source.mkdir()
        for number in range(FILES):
            (source / f"{number}.bin").write_bytes(os.urandom((options.megabytes << 20) // FILES))
        rounds = []
        for number in range(options.rounds):
            folder = Path(name) / f"round-{number}"
            folder.mkdir()
            rounds.append(one_round(source, folder))
            shutil.rmtree(folder)
    digested, flushed, sealed = (min(column) for column in zip(*rounds, strict=True))
    floors.found("gigabytes a second of BLAKE3 over a copy", options.megabytes / 1024 / digested)
    floors.found("gigabytes a second sealed", options.megabytes / 1024 / sealed)
    floors.at_least("sealing, as a share of the yardstick", (digested + flushed) / sealed, SHARE)
    floors.end()


if __name__ == "__main__":
    main()
