"""How fast fingerprints are, as ratios measured in one run of this script.

Each line pairs the fingerprint with its yardstick, run in turns; a ratio is of the two medians of
one and the same run, so that a busy machine slows both. Exit status 1 if a floor is missed.
``--quick`` uses a tenth of the data.
"""

from __future__ import annotations

import argparse
import csv
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from blake3 import blake3

import nbmlops

GIGABYTE = 1_000_000_000


@dataclass
class Line:
    """One ratio against its floor; `seconds` are ours."""

    what: str
    ratio: float
    floor: float
    seconds: float
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.ratio >= self.floor


def paired(ours: Callable[[], Any], theirs: Callable[[], Any], times: int) -> tuple[float, float]:
    """Median seconds of each, run in turns after one warm-up."""
    ours(), theirs()
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for run, into in zip((ours, theirs), spent, strict=True):
            start = time.perf_counter()
            run()
            into.append(time.perf_counter() - start)
    return statistics.median(spent[0]), statistics.median(spent[1])


def raw(buffers: list[Any]) -> Callable[[], Any]:
    """Plain BLAKE3 on all cores over the same bytes."""

    def run() -> None:
        for buffer in buffers:
            blake3(buffer, max_threads=blake3.AUTO).digest()

    return run


def line(
    what: str, floor: float, obj: Any, theirs: Callable[[], Any], times: int = 7, detail: str = ""
) -> Line:
    ours, other = paired(lambda: nbmlops.fingerprint(obj), theirs, times)
    return Line(what, other / ours, floor, ours, detail)


def numeric(rows: int, columns: int) -> tuple[pd.DataFrame, list[Any]]:
    """Half float64, half int64; the columns' bytes as one buffer each kind."""
    rng = np.random.default_rng(0)
    floats = rng.random((columns - columns // 2, rows))
    whole = rng.integers(-(2**40), 2**40, (columns // 2, rows))
    parts = [
        pd.DataFrame(block.T, columns=[f"{name}{at}" for at in range(len(block))], copy=False)
        for name, block in (("f", floats), ("i", whole))
    ]
    frame = pd.concat(parts, axis=1)
    return frame, [block.reshape(-1).view("u1") for block in (floats, whole) if block.size]


def words(rows: int) -> pd.Series:
    rng = np.random.default_rng(0)
    text = pd.Series(rng.integers(0, 10**12, rows)).astype(str) + " is a review of some length"
    return text.astype("str")


def mixed(rows: int) -> pd.DataFrame:
    """As a feature table is: numbers, times, flags, categories, text and Python objects."""
    rng = np.random.default_rng(0)
    labels = np.array(["north", "south", "east", "west"], dtype=object)
    return pd.DataFrame(
        {
            **{f"f{at}": rng.random(rows) for at in range(6)},
            **{f"i{at}": rng.integers(0, 1000, rows) for at in range(3)},
            "gaps": np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows)),
            "when": pd.date_range("2020", periods=rows, freq="s"),
            "flag": rng.random(rows) < 0.5,
            "region": pd.Categorical(labels[rng.integers(0, 4, rows)]),
            "text": words(rows),
            "object": pd.Series(labels[rng.integers(0, 4, rows)], dtype=object),
        }
    )


def arrow_buffers(series: pd.Series) -> list[Any]:
    array = pa.array(series.array)
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return [buffer for chunk in chunks for buffer in chunk.buffers() if buffer is not None]


def in_memory(scale: float) -> Iterator[Line]:
    gigabyte = int(GIGABYTE * scale)
    frame, buffers = numeric(gigabyte // 8 // 40, 40)
    yield line("numeric frame, 40 columns / raw BLAKE3", 0.8, frame, raw(buffers))
    frame, buffers = numeric(gigabyte // 8 // 50_000, 50_000)
    yield line("50,000 columns wide / raw BLAKE3", 0.4, frame, raw(buffers))
    frame, buffers = numeric(int(10_000_000 * scale), 12)
    yield line("10,000,000 rows long / raw BLAKE3", 0.4, frame, raw(buffers))
    del frame, buffers
    text = words(int(8_000_000 * scale)).to_frame("text")
    yield line("text, Arrow-backed / raw BLAKE3", 0.5, text, raw(arrow_buffers(text["text"])))
    del text
    rng = np.random.default_rng(0)
    rows = int(1_000_000 * scale)
    strings = pd.DataFrame(
        {"x": pd.Series([f"v{n}" for n in rng.integers(0, 10**9, rows)], dtype=object)}
    )
    yield line("object column of text / joblib.hash", 5, strings, lambda: joblib.hash(strings), 3)
    kinds = pd.DataFrame(
        {"x": pd.Series([n if n % 3 else f"{n}" for n in range(rows)], dtype=object)}
    )
    yield line(
        "object column of int and text / joblib.hash", 5, kinds, lambda: joblib.hash(kinds), 3
    )
    frame = mixed(int(1_600_000 * scale))
    size = f"{frame.memory_usage().sum() / 1e6:.0f} MB"
    yield line("mixed frame / joblib.hash", 20, frame, lambda: joblib.hash(frame), 3, size)
    hashed = lambda: pd.util.hash_pandas_object(frame).sum()  # noqa: E731
    yield line("mixed frame / hash_pandas_object", 20, frame, hashed, 3, size)
    small = mixed(100)
    nbmlops.fingerprint(small)
    spent = []
    for _ in range(200):
        start = time.perf_counter()
        nbmlops.fingerprint(small)
        spent.append(time.perf_counter() - start)
    ours = statistics.median(spent)
    yield Line("0.5 ms / 100 rows of the mixed frame", 0.0005 / ours, 1, ours, "15 columns")
    plain = small[[f"f{at}" for at in range(6)] + ["i0", "i1", "i2", "when"]]
    start = time.perf_counter()
    for _ in range(200):
        nbmlops.fingerprint(plain)
    ours = (time.perf_counter() - start) / 200
    yield Line("0.5 ms / 100 rows of numbers", 0.0005 / ours, 1, ours, "10 columns")


def files(scale: float) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        frame, _ = numeric(int(GIGABYTE * scale) // 8 // 20, 20)
        parquet = Path(folder, "data.parquet")
        frame.to_parquet(parquet)
        table = Path(folder, "data.csv")
        head = frame.iloc[:2000].to_csv(index=False)
        with table.open("w") as out:
            out.write(head)
            body = head.partition("\n")[2]
            for _ in range(int(parquet.stat().st_size / len(body))):
                out.write(body)
        for path in (parquet, table):

            def mapped(path: Path = path) -> None:
                blake3(max_threads=blake3.AUTO).update_mmap(path).digest()

            size = f"{path.stat().st_size / 1e6:.0f} MB"
            yield line(f"{path.suffix} file / mapped BLAKE3", 0.8, path, mapped, detail=size)


def memory(scale: float) -> Iterator[Line]:
    """Peak extra memory, each in a process of its own; the ratio is of 64 MB to what it took."""
    for what in ("c_order", "f_order", "strided", "frame", "text", "objects"):
        script = [sys.executable, __file__, "--memory", what, "--scale", str(scale)]
        told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        extra = max(float(told), 0.1)
        yield Line(f"64 MB / extra memory, {what}", 64 / extra, 1, 0.0, f"{extra:.0f} MB")


def measure(what: str, scale: float) -> float:
    """Megabytes that a fingerprint adds to the peak of this process."""
    side = int((GIGABYTE * scale / 8) ** 0.5)
    rng = np.random.default_rng(0)
    built: dict[str, Callable[[], Any]] = {
        "c_order": lambda: rng.random((side, side)),
        "f_order": lambda: np.asfortranarray(rng.random((side, side))),
        "strided": lambda: rng.random((side, side))[::2, ::2],
        "frame": lambda: numeric(int(GIGABYTE * scale) // 8 // 40, 40)[0],
        "text": lambda: words(int(4_000_000 * scale)).to_frame("text"),
        "objects": lambda: pd.Series(np.arange(int(8_000_000 * scale))).astype(object),
    }
    nbmlops.fingerprint(mixed(100))
    obj = built[what]()
    # The peak while the data was built must not hide the peak while it is hashed.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    nbmlops.fingerprint(obj)
    return peak() - before


def peak() -> float:
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith("VmHWM"):
            return int(row.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=float, default=1.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        print(measure(given.memory, given.scale))
        return 0
    scale = 0.1 if given.quick else given.scale
    missed = 0
    out = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    out.writerow(["ratio", "floor", "", "seconds", "what"])
    for part in (in_memory, files, memory):
        for each in part(scale):
            missed += not each.holds
            verdict = "ok" if each.holds else "MISSED"
            row = [f"{each.ratio:.2f}", each.floor, verdict, f"{each.seconds:.4f}"]
            out.writerow([*row, f"{each.what} {each.detail}".strip()])
            sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
