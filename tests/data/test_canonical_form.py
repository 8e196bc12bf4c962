"""The canonical form nb1 holds still, and is what docs/fingerprints.md says."""

from __future__ import annotations

import datetime
import decimal
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from blake3 import blake3

from nbmlops.data import fingerprint, multiset_digest

PAGE = Path(__file__).parents[2] / "docs" / "fingerprints.md"


def n8(count: int) -> bytes:
    return struct.pack("<Q", count)


def field(data: bytes) -> bytes:
    return n8(len(data)) + data


def column(kind: str, rows: int, *runs: bytes) -> bytes:
    digests = b"".join(blake3(run).digest() for run in runs)
    return blake3(b"nb1 column" + field(kind.encode()) + n8(rows) + field(b"") + digests).digest()


def whole(kind: str, extent: bytes, *entries: tuple[bytes, bytes]) -> str:
    body = b"".join(field(label) + digest for label, digest in entries)
    return blake3(b"nb1 " + kind.encode() + field(extent) + body).hexdigest()


def test_the_page_can_be_implemented_again() -> None:
    """The two worked examples, built from the page's words alone, give the page's digests."""
    run = bytes.fromhex("000000000000f03f000000000000f87f")
    array = whole("array", n8(2), (b"cs", column("float64", 2, run)))
    city = column("string", 2, bytes.fromhex("04000000ffffffff") + b"Rome")
    count = column("int64", 2, struct.pack("<qq", 1, 2))
    table = whole("table", n8(2), (b"cscity", city), (b"csn", count))
    assert re.findall(r"^# ([0-9a-f]{64})$", PAGE.read_text(), re.MULTILINE) == [array, table]
    assert fingerprint(np.array([1.0, np.nan])).digest == array
    frame = pd.DataFrame({"city": ["Rome", None], "n": [1, 2]})
    assert fingerprint(frame).digest == table


def test_a_long_column_is_a_tree_of_runs() -> None:
    values = np.arange(150_000)
    runs = [values[at : at + 65_536].tobytes() for at in range(0, 150_000, 65_536)]
    found = fingerprint(values)
    assert found.columns[0].digest == column("int64", 150_000, *runs).hex()
    assert found.columns[0].chunk_digests() == tuple(blake3(run).digest() for run in runs)
    assert fingerprint(values[:65_536]).columns[0].chunks == ""


GOLDEN: dict[str, tuple[Any, str]] = {
    "bools": (
        pd.Series([True, None, False], dtype="boolean"),
        "1fc6d5cc1bf2b642c715903f7185c8d4cd911651c2241f24509cf4660a7764d4",
    ),
    "categories": (
        pd.Series(pd.Categorical(["b", "a", None, "b"])),
        "426a85503d29fdf2b01c3d1fd14ff0f16edd359893b18676f47375dc37a71bd3",
    ),
    "ordered": (
        pd.Series(pd.Categorical(["b"], ["a", "b"], ordered=True)),
        "093103eb8c05f7a2891aed7731d15688d2a6f6a3e9faa455bde20d9e147c1cca",
    ),
    "days": (
        pa.array([datetime.date(2020, 1, 1), None]),
        "8bae335f220e4d51c1b261de3659c8867cc17888bf3b4e912df53702a1c75941",
    ),
    "decimals": (
        pa.array([decimal.Decimal("1.50"), None]),
        "ebfcfa6376660194a03bbf1dedeb9c66c35f6b24a19d53e7f04e2eea5fa74756",
    ),
    "instants": (
        pd.Series(pd.to_datetime(["2020-01-01", None]).astype("datetime64[us]")),
        "2a6e6b87ae74f43be7dc0ad68ae051fed87f00b7131e857225e4573efb765f27",
    ),
    "lists": (
        pa.array([[1, 2], None, []]),
        "d1f2a2a2244fd600a64b19dc98b73926a32e7782a8fc12d6ec799652e9526df8",
    ),
    "mapping": (
        {"b": [1], "a": "x"},
        "3ff78ea761a0d68ba3ae9a33b597ac76c131e873879d079883f3fc88326f697a",
    ),
    "objects": (
        [1, "a", None, 2.5, b"x", (1,), {"k": 2**70}],
        "4331c6174f9247c738f9735b466d3707020cc78c2781d95ac20f1416ad9d69b9",
    ),
    "structs": (
        pa.array([{"a": 1}, None]),
        "5f7623e85a218eb0623b10b193b2cf01e295ef081054a148c561d5b101147a7a",
    ),
    "zone": (
        pa.array([0], pa.timestamp("us", "Europe/Rome")),
        "e98c9bbee5ca389ab01e29c980115603a6766f03a43ead546062584d0bd03b20",
    ),
}


@pytest.mark.parametrize("what", GOLDEN)
def test_digests_hold_from_release_to_release(what: str) -> None:
    obj, digest = GOLDEN[what]
    assert fingerprint(obj).digest == digest


def test_the_order_free_digest_holds_from_release_to_release() -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", None]})
    assert (
        multiset_digest(frame) == "561d62c4bd723be34094aba64d2effa493148d73c8d0de2180218d69b5e116b5"
    )


SAME = {
    "every NaN, and null": [
        pd.Series([1.0, np.nan]),
        pd.Series(np.array([0x3FF0000000000000, 0xFFF8000000000123], "u8").view("f8")),
        pd.Series([1.0, None], dtype="Float64"),
        pa.array([1.0, None]),
        pa.array([1.0, float("nan")]),
    ],
    "seconds and milliseconds": [
        np.array([1, "NaT"], "M8[s]"),
        np.array([1000, "NaT"], "M8[ms]"),
    ],
    "ways to say UTC": [
        pa.array([0], pa.timestamp("us", "UTC")),
        pa.array([0], pa.timestamp("us", "+00:00")),
        pd.Series(pd.to_datetime([0], unit="us", utc=True).as_unit("us")),
    ],
    "codes, unused categories": [
        pd.Series(pd.Categorical(["a", "b"])),
        pd.Series(pd.Categorical(["a", "b"], categories=["z", "b", "a"])),
        pa.DictionaryArray.from_arrays(pa.array([1, 2]), pa.array(["q", "a", "b"])),
        pa.DictionaryArray.from_arrays(pa.array([0, 2]), pa.array(["a", "a", "b"])),
    ],
    "text of any storage": [
        pd.Series(["x", None], dtype=object),
        pd.Series(["x", None], dtype="str"),
        pd.Series(["x", None], dtype="string[python]"),
        pa.array(["x", None], pa.large_string()),
        pa.array(["x", None], pa.string_view()),
    ],
    "booleans of any storage": [
        pd.Series([True, False, None], dtype=object),
        pd.Series([True, False, None], dtype="boolean"),
        pa.array([True, False, None]),
    ],
    "decimals of any width": [
        pa.array([decimal.Decimal("1.50")], pa.decimal128(5, 2)),
        pa.array([decimal.Decimal("1.50")], pa.decimal128(30, 2)),
        pa.array([decimal.Decimal("1.50")], pa.decimal256(38, 2)),
        pd.Series([decimal.Decimal("1.50")]),
    ],
    "lists of any storage": [
        pa.array([[1, 2], None], pa.list_(pa.int64())),
        pa.array([[1, 2], None], pa.large_list(pa.int64())),
        pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
        pd.Series([[1, 2], None]),
        pd.Series([np.array([1, 2]), None]),
    ],
    "sparse and dense": [pd.Series([0, 0, 1]), pd.Series([0, 0, 1]).astype("Sparse[int64]")],
    "nullable without nulls": [pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64")],
    "byte order and stride": [
        np.array([[1, 2], [3, 4]], "<i4"),
        np.array([[1, 2], [3, 4]], ">i4"),
        np.asfortranarray(np.array([[1, 2], [3, 4]], "i4")),
        np.array([[1, 0, 2, 0], [3, 0, 4, 0]], "i4")[:, ::2],
    ],
    "a default index, however made": [
        pd.DataFrame({"x": [1, 2]}),
        pd.DataFrame({"x": [1, 2]}, index=[0, 1]),
    ],
}

DIFFERENT = {
    "-0.0 and 0.0": [np.array([0.0]), np.array([-0.0])],
    "widths and signs": [np.array([1], kind) for kind in ("i1", "i2", "i4", "i8", "u1", "u8")],
    "number, bool, text and bytes": [["1"], [b"1"], [1], [1.0], [True]],
    "units and zones": [
        pa.array([0], pa.timestamp("us")),
        pa.array([0], pa.timestamp("ns")),
        pa.array([0], pa.timestamp("us", "UTC")),
        pa.array([0], pa.timestamp("us", "Europe/Rome")),
        pa.array([0], pa.duration("us")),
    ],
    "category and text, ordered and not": [
        pd.Series(["a"]),
        pd.Series(pd.Categorical(["a"])),
        pd.Series(pd.Categorical(["a"], ordered=True)),
        pd.Series(pd.Categorical(["a"], ["b", "a"], ordered=True)),
        pd.Series(pd.Categorical(["a"], ["a", "b"], ordered=True)),
    ],
    "decimals of different scale": [
        pa.array([decimal.Decimal("1.5")]),
        pa.array([decimal.Decimal("1.50")]),
    ],
    "an index, a column and nothing": [
        pd.DataFrame({"x": [1, 2]}),
        pd.DataFrame({"x": [1, 2]}, index=[1, 0]),
        pd.DataFrame({"x": [1, 2]}, index=pd.Index([0, 1], name="x")),
        pd.DataFrame({"k": [1, 0], "x": [1, 2]}),
    ],
    "labels": [
        pd.DataFrame({0: [1]}),
        pd.DataFrame({"0": [1]}),
        pd.DataFrame({(0,): [1]}),
        pd.DataFrame([[1, 1]], columns=["0", "0"]),
    ],
    "shapes": [
        np.zeros(shape) for shape in ((), (1,), (1, 1), (0,), (0, 1), (1, 0), (2, 3), (3, 2))
    ],
    "nesting": [
        pa.array([["a", "b"], []]),
        pa.array([["a"], ["b"]]),
        pa.array([["a", "b"], None]),
        pa.array([["ab"], []]),
    ],
    "whole numbers as objects": [pd.Series([1, 2]), pd.Series([1, 2], dtype=object)],
}


@pytest.mark.parametrize("what", SAME)
def test_containers_do_not_matter(what: str) -> None:
    digests = {fingerprint(obj).digest for obj in SAME[what]}
    assert len(digests) == 1
    assert digests != {""}


@pytest.mark.parametrize("what", DIFFERENT)
def test_content_matters(what: str) -> None:
    digests = [fingerprint(obj).digest for obj in DIFFERENT[what]]
    assert "" not in digests
    assert len(set(digests)) == len(digests)
