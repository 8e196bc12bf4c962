"""Everything that governance must reach, in one run: ``python tests/benchmarks/governance.py``.

Each part runs in a process of its own, so that one's memory is not another's; the status is 1 if any
missed a floor.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARTS = ("gate", "sealing", "ledger", "history")


def main() -> None:
    missed = []
    for number, part in enumerate(PARTS, start=1):
        print(f"\n[{number}/{len(PARTS)}] {part}", flush=True)
        done = subprocess.run([sys.executable, Path(__file__).with_name(f"{part}.py")], check=False)
        missed += [part] if done.returncode else []
    sys.exit(f"\nFloors were missed in: {', '.join(missed)}." if missed else 0)


if __name__ == "__main__":
    main()
