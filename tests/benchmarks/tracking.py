"""Everything that tracking must reach, in one run: ``python tests/benchmarks/tracking.py``."""

from floors import run_parts

if __name__ == "__main__":
    run_parts("tracking_cost", "torch_loop_cost", "tracking_growth")
