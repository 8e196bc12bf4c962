"""How fast fingerprints are and what memory they take: one table, measured in one run.

Each speed is a ratio to a yardstick, run in turns with it; the best of both are compared, for
whatever else the machine does can only slow them. Memory is what a fingerprint adds to the peak of a
process of its own. The exit status is 1 if a floor is missed. ``--quick`` takes a tenth of the
data; ``--only WORD`` the lines that hold the word.

    python tests/benchmarks/fingerprint.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from blake3 import blake3

import nbmlops

sys.path.insert(0, str(Path(__file__).parent))

from fingerprint_data import arrow_buffers, built, drained, feature_table, mixed, numeric, words

GIGABYTE = 1_000_000_000
AUTO = blake3.AUTO


@dataclass
class Line:
    """One ratio against its floor; `seconds` are ours, `extra` is memory in megabytes."""

    what: str
    ratio: float
    floor: float
    seconds: float | None = None
    extra: float | None = None

    @property
    def holds(self) -> bool:
        return self.ratio >= self.floor


def speed(
    what: str, floor: float, obj: Any, theirs: Callable[[], Any], times: int = 9
) -> Iterator[Line]:
    """The yardstick's best time over ours, run in turns after one warm-up."""
    if skipped(what):
        return
    best = [float("inf"), float("inf")]
    for turn in range(times + 1):
        for at, run in enumerate((lambda: nbmlops.fingerprint(obj), theirs)):
            start = time.perf_counter()
            run()
            if turn:
                best[at] = min(best[at], time.perf_counter() - start)
    yield Line(what, best[1] / best[0], floor, best[0])


def within(what: str, seconds: float, obj: Any) -> Iterator[Line]:
    """A time limit over our median time."""
    if skipped(what):
        return
    spent = []
    for _ in range(300):
        start = time.perf_counter()
        nbmlops.fingerprint(obj)
        spent.append(time.perf_counter() - start)
    median = sorted(spent)[len(spent) // 2]
    yield Line(what, seconds / median, 1, median)


def raw(buffers: list[Any]) -> Callable[[], Any]:
    """Plain BLAKE3 on all cores over the same bytes."""
    return lambda: [blake3(buffer, max_threads=AUTO).digest() for buffer in buffers]


def frames(scale: float) -> Iterator[Line]:
    gigabyte = int(GIGABYTE * scale)
    frame, buffers = numeric(gigabyte // 8 // 40, 40)
    yield from speed("numeric frame, 40 columns / raw BLAKE3", 0.8, frame, raw(buffers))
    frame, buffers = numeric(gigabyte // 8 // 50_000, 50_000)
    yield from speed("50,000 columns wide / raw BLAKE3", 0.4, frame, raw(buffers))
    # As whoever adds column after column has it, and other libraries: each column in its own
    # memory, which only opening takes half of the time. Raw BLAKE3 still has them in one piece.
    columns = {name: frame[name].to_numpy().copy() for name in frame}
    wide = pd.DataFrame(columns, copy=False)
    yield from speed("50,000 columns apart, pandas / raw BLAKE3", 0.2, wide, raw(buffers), 3)
    table = pa.table(columns)
    yield from speed("50,000 columns apart, Arrow / raw BLAKE3", 0.15, table, raw(buffers), 3)
    del wide, table, columns
    frame, buffers = numeric(int(10_000_000 * scale), 12)
    yield from speed("10,000,000 rows long / raw BLAKE3", 0.4, frame, raw(buffers))
    del frame, buffers
    text = words(int(8_000_000 * scale)).to_frame("text")
    yield from speed("text, Arrow-backed / raw BLAKE3", 0.5, text, raw(arrow_buffers(text["text"])))
    yield from speed("10,000,000 rows long and narrow / raw BLAKE3", 0.4, *_narrow(scale))


def _narrow(scale: float) -> tuple[Any, Callable[[], Any]]:
    frame, buffers = numeric(int(10_000_000 * scale), 1)
    return frame, raw(buffers)


def objects(scale: float) -> Iterator[Line]:
    rows = int(1_000_000 * scale)
    rng = np.random.default_rng(0)
    columns = {
        "text": [f"v{n}" for n in rng.integers(0, 10**9, rows)],
        "text and None": [None if n % 9 == 0 else f"v{n}" for n in range(rows)],
        "int": list(range(rows)),
        "int and text": [n if n % 3 else f"{n}" for n in range(rows)],
        "int, text, float and None": [(n, f"{n}", n / 7, None)[n % 4] for n in range(rows)],
    }
    for kind, values in columns.items():
        frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})
        what = f"object column of {kind} / joblib.hash"
        yield from speed(what, 5, frame, lambda of=frame: joblib.hash(of), 3)


def tables(scale: float) -> Iterator[Line]:
    # Others read each value of a number once, as BLAKE3 does, so no digest can be twenty times as
    # fast on numbers alone: how far ahead one is depends on how much of a frame is text.
    for what, frame, floor in (
        ("mixed", mixed(int(2_300_000 * scale)), 20),
        ("feature table,", feature_table(int(1_500_000 * scale)), 15),
    ):
        named = f"{what} {frame.memory_usage().sum() / 1e6:.0f} MB"
        yield from speed(
            f"{named} / joblib.hash", floor, frame, lambda of=frame: joblib.hash(of), 7
        )

        def hashed(of: pd.DataFrame = frame) -> object:
            return pd.util.hash_pandas_object(of).sum()

        yield from speed(f"{named} / hash_pandas_object", floor, frame, hashed, 7)
    each = mixed(100)[["value", "gaps", "count", "flag", "when", "region", "review", "name"]]
    yield from within("0.5 ms / 100 rows of 8 kinds of column", 0.0005, each)
    yield from within("1 ms / 100 rows of 19 columns", 0.001, feature_table(100))
    yield from within("0.5 ms / 100 rows of 10 numbers", 0.0005, numeric(100, 10)[0])


def files(scale: float) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        frame, _ = numeric(int(GIGABYTE * scale) // 8 // 20, 20)
        parquet, table = Path(folder, "data.parquet"), Path(folder, "data.csv")
        frame.to_parquet(parquet)
        head, _, body = frame.iloc[:2000].to_csv(index=False).partition("\n")
        with table.open("w") as out:
            out.write(head + "\n")
            for _ in range(int(parquet.stat().st_size / len(body))):
                out.write(body)
        for path in (parquet, table):

            def mapped(path: Path = path) -> None:
                blake3(max_threads=AUTO).update_mmap(path).digest()

            yield from speed(f"{path.suffix} file / mapped BLAKE3", 0.8, path, mapped, 5)


def memory(scale: float) -> Iterator[Line]:
    """Peak extra memory, each in a process of its own; the ratio is of 64 MB to what it took."""
    for what in built(scale):
        if skipped(what):
            continue
        script = [sys.executable, __file__, "--memory", what, "--scale", str(scale)]
        told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        size, extra = map(float, told.split())
        yield Line(f"64 MB / extra memory, {size:.0f} MB {what}", 64 / extra, 1, extra=extra)


def measure(what: str, scale: float) -> tuple[float, float]:
    """How many megabytes it is, and how many its fingerprint adds to this process's peak."""
    nbmlops.fingerprint(mixed(100))
    with tempfile.TemporaryDirectory() as folder:
        obj, again = built(scale)[what](Path(folder))
        # What a library loads at its first use is no cost of this object.
        nbmlops.fingerprint(again)
        # The peak while the data was built must not hide the peak while it is hashed.
        pa.default_memory_pool().release_unused()
        Path("/proc/self/clear_refs").write_text("5")
        if what in drained:
            # What an engine takes to compute its rows is the engine's.
            drained[what](obj)
        before = peak()
        found = nbmlops.fingerprint(obj)
        return found.nbytes / 1e6, max(0.1, peak() - before)


def peak() -> float:
    """Most memory so far, in megabytes; pages of mapped files are the system's, and not counted."""
    told = dict(
        row.split(":", 1)
        for row in Path("/proc/self/status").read_text().splitlines()
        if ":" in row
    )
    kilobytes = {key: int(told[key].split()[0]) for key in ("VmHWM", "RssFile")}
    return (kilobytes["VmHWM"] - kilobytes["RssFile"]) / 1000


shown = {"only": ""}


def skipped(what: str) -> bool:
    return shown["only"] not in what


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--only", default="", help="lines that hold this word")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=float, default=1.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        print(*measure(given.memory, given.scale))
        return 0
    shown["only"] = given.only
    scale = 0.1 if given.quick else given.scale
    missed = 0
    print(f"{'what':<58}{'ratio':>8}{'floor':>7}  {'met':<7}{'seconds':>9}{'extra MB':>10}")
    with suppress(BrokenPipeError):
        for part in (frames, objects, tables, files, memory):
            for each in part(scale):
                missed += not each.holds
                met = "yes" if each.holds else "MISSED"
                seconds = "" if each.seconds is None else f"{each.seconds:.4f}"
                extra = "" if each.extra is None else f"{each.extra:.1f}"
                row = f"{each.what:<58}{each.ratio:>8.2f}{each.floor:>7}  {met:<7}"
                print(f"{row}{seconds:>9}{extra:>10}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
