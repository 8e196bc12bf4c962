"""The form, written again from docs/fingerprints.md alone, gives the same digests, type by type."""

from __future__ import annotations

import datetime
import struct
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from blake3 import blake3

from nbmlops.data import fingerprint, multiset_digest

NO_LABEL = b"co\xc0"
NAN = struct.pack("<Q", 0x7FF8 << 48)
pack = msgspec.msgpack.encode


def h(data: bytes) -> bytes:
    return blake3(data).digest()


def n8(count: int) -> bytes:
    return struct.pack("<Q", count)


def field(data: bytes) -> bytes:
    return n8(len(data)) + data


def named(kind: str, rows: int, digests: bytes, extra: bytes = b"") -> bytes:
    return h(b"nb1 column" + field(kind.encode()) + n8(rows) + field(extra) + digests)


def column(kind: str, rows: int, *runs: bytes, extra: bytes = b"") -> bytes:
    return named(kind, rows, b"".join(map(h, runs)), extra)


def whole(kind: str, extent: tuple[int, ...], *entries: tuple[bytes, bytes]) -> str:
    body = b"".join(field(label) + digest for label, digest in entries)
    return blake3(b"nb1 " + kind.encode() + field(b"".join(map(n8, extent))) + body).hexdigest()


def bits(*valid: int) -> bytes:
    return bytes([sum(bit << at for at, bit in enumerate(valid))])


def whole_numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def texts(*values: str | None) -> bytes:
    spelled = [None if value is None else value.encode() for value in values]
    lengths = [2**32 - 1 if each is None else len(each) for each in spelled]
    return struct.pack(f"<{len(lengths)}I", *lengths) + b"".join(filter(None, spelled))


def tagged(tag: str, content: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(1, pack([tag, content]))


OBJECTS = [1, "a", None, 2.5, b"x", (1,), {"k": 2**70, "a": {3, 1}}, datetime.timedelta(0, 1)]
SPELLED = [
    *(1, "a", None, 2.5, b"x", [1]),
    tagged("map", [["a", tagged("set", [1, 3])], ["k", tagged("int", str(2**70))]]),
    tagged("timedelta", "1000000"),
]
LONG = np.arange(70_000.0)
ORDERED = pd.Categorical(["b"], ["a", "b"], ordered=True)

CASES: dict[str, tuple[Any, str]] = {
    "text with nulls": (
        pd.Series(["a", None, "ü"], name="s"),
        whole("column", (3,), (b"css", column("string", 3, texts("a", None, "ü")))),
    ),
    "flags with nulls": (
        pd.Series([True, None, False], dtype="boolean"),
        whole("column", (3,), (NO_LABEL, column("bool", 3, b"\1\0\0" + bits(1, 0, 1)))),
    ),
    "a category": (
        pd.Series(pd.Categorical(["b", "a", None, "b"])),
        whole(
            "column",
            (4,),
            (
                NO_LABEL,
                column("category<string>", 4, struct.pack("<4i", 0, 1, -1, 0) + h(texts("b", "a"))),
            ),
        ),
    ),
    "an ordered category": (
        pd.Series(ORDERED),
        whole(
            "column",
            (1,),
            (
                NO_LABEL,
                column(
                    "category<string, ordered>",
                    1,
                    bytes(4) + h(texts("b")),
                    extra=n8(2) + h(texts("a", "b")),
                ),
            ),
        ),
    ),
    "an ordered category in lists": (
        pa.ListArray.from_arrays([0, 1], pa.array(ORDERED)),
        whole(
            "column",
            (1,),
            (
                NO_LABEL,
                column(
                    "list<category<string, ordered>>",
                    1,
                    struct.pack("<I", 1)
                    + h(h(bytes(4) + h(texts("b"))) + n8(2) + h(texts("a", "b"))),
                ),
            ),
        ),
    ),
    "instants in a zone": (
        pa.array([5, None], pa.timestamp("s", "Europe/Rome")),
        whole(
            "column",
            (2,),
            (NO_LABEL, column("timestamp[ms, Europe/Rome]", 2, whole_numbers(5000, -(2**63)))),
        ),
    ),
    "lists": (
        pa.array([[1, None], None, []]),
        whole(
            "column",
            (3,),
            (
                NO_LABEL,
                column(
                    "list<int64>",
                    3,
                    struct.pack("<3I", 2, 2**32 - 1, 0) + h(whole_numbers(1, 0) + bits(1, 0)),
                ),
            ),
        ),
    ),
    "structs": (
        pa.array([{"a": 1}, None]),
        whole(
            "column",
            (2,),
            (
                NO_LABEL,
                column('struct<"a": int64>', 2, h(whole_numbers(1, 0) + bits(1, 0)) + bits(1, 0)),
            ),
        ),
    ),
    "intervals": (
        pd.Series(pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), None], closed="left")),
        whole(
            "column",
            (2,),
            (
                NO_LABEL,
                column(
                    "interval<float64, left>",
                    2,
                    h(struct.pack("<d", 0) + NAN) + h(struct.pack("<d", 1) + NAN) + bits(1, 0),
                ),
            ),
        ),
    ),
    "decimals": (
        pa.array([1, None]).cast(pa.decimal128(20, 1)),
        whole(
            "column",
            (2,),
            (
                NO_LABEL,
                column("decimal[1]", 2, (10).to_bytes(16, "little") + bytes(16) + bits(1, 0)),
            ),
        ),
    ),
    "objects": (OBJECTS, whole("list", (8,), (b"cs", column("object", 8, pack(SPELLED))))),
    "an array among objects": (
        pd.Series([np.zeros((1, 2), "i4"), 1], dtype=object),
        whole(
            "column",
            (2,),
            (
                NO_LABEL,
                column("object", 2, pack([tagged("array", ["int32", [1, 2], [0, 0]]), 1])),
            ),
        ),
    ),
    "two runs": (
        LONG,
        whole(
            "array",
            (70_000,),
            (b"cs", column("float64", 70_000, LONG[:65_536].tobytes(), LONG[65_536:].tobytes())),
        ),
    ),
    "an array of two dimensions": (
        np.array([[1, 2]], "i2").T,
        whole("array", (2, 1), (b"cs", column("int16", 2, struct.pack("<2h", 1, 2)))),
    ),
    "an index with a name": (
        pd.DataFrame({"x": [1]}, index=pd.Index([7], name="k")),
        whole(
            "table",
            (1,),
            (b"isk", column("int64", 1, whole_numbers(7))),
            (b"csx", column("int64", 1, whole_numbers(1))),
        ),
    ),
    "an index without a name": (
        pd.DataFrame({"x": [1]}, index=[7]),
        whole(
            "table",
            (1,),
            (b"io\xc0", column("int64", 1, whole_numbers(7))),
            (b"csx", column("int64", 1, whole_numbers(1))),
        ),
    ),
    "a mapping": (
        {"b": [1], "a": "x"},
        whole(
            "mapping",
            (2,),
            (b"csa", column("scalar", 1, pack("x"))),
            (
                b"csb",
                named(
                    "list",
                    1,
                    bytes.fromhex(
                        whole("list", (1,), (b"cs", column("int64", 1, whole_numbers(1))))
                    ),
                ),
            ),
        ),
    ),
    "a sparse matrix": (
        scipy.sparse.csr_matrix(np.array([[0, 2.0], [0, 0]])),
        whole(
            "sparse",
            (2, 2),
            (b"cscounts", column("int64", 2, whole_numbers(1, 0))),
            (b"cscolumns", column("int64", 1, whole_numbers(1))),
            (b"csvalues", column("float64", 1, struct.pack("<d", 2))),
        ),
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_the_page_gives_the_digest(what: str) -> None:
    obj, digest = CASES[what]
    assert fingerprint(obj).digest == digest


def test_the_page_gives_the_order_free_digest() -> None:
    rows = [[h(whole_numbers(1)), h(texts("a"))], [h(whole_numbers(2)), h(texts(None))]]

    def add(*parts: bytes) -> bytes:
        total = sum(np.frombuffer(part, "<u8") for part in parts)
        return bytes(np.asarray(total, "<u8").tobytes())

    wide = [blake3(b"".join(row)).digest(length=512) for row in rows]
    expected = whole(
        "rows",
        (2,),
        (b"csx", named("int64", 2, add(rows[0][0], rows[1][0]))),
        (b"csy", named("string", 2, add(rows[0][1], rows[1][1]))),
        (b"", add(*wide)),
    )
    assert multiset_digest(pd.DataFrame({"x": [1, 2], "y": ["a", None]})) == expected
