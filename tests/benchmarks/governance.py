"""Everything that governance must reach, in one run: ``python tests/benchmarks/governance.py``."""

from floors import run_parts

if __name__ == "__main__":
    run_parts("gate", "sealing", "ledger", "history")
