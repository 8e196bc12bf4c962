"""Arrow's less common types, and arrays with a mask: nothing that is content is left out."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import dateutil.tz
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbmlops.data import fingerprint


def ordered(*categories: str) -> Any:
    """The text "a" as an ordered category."""
    code = pa.array([categories.index("a")])
    return pa.DictionaryArray.from_arrays(code, pa.array(categories), ordered=True)


def tensor(*shape: int) -> Any:
    kind = pa.fixed_shape_tensor(pa.int32(), shape)
    return pa.ExtensionArray.from_storage(kind, pa.array([range(6)], pa.list_(pa.int32(), 6)))


def masked(values: Sequence[Any], kind: Any) -> list[Any]:
    """An array with its first value masked, and without."""
    array = np.array(values, kind)
    return [array, np.ma.MaskedArray(array, np.arange(len(values)) == 0)]


DIFFERENT = {
    "order of categories in lists": [
        pa.ListArray.from_arrays([0, 1], ordered(*names)) for names in ("ab", "ba", "a")
    ],
    "order of categories in structs": [
        pa.StructArray.from_arrays([ordered(*names)], ["x"]) for names in ("ab", "ba", "a")
    ],
    "shapes of tensors": [tensor(2, 3), tensor(3, 2), tensor(6)],
    "masked complex numbers": masked([1 + 1j, 2], "c16"),
    "masked instants": masked([1, 2], "M8[us]"),
    "masked seconds": masked([1, 2], "M8[s]"),
    "masked durations": masked([1, 2], "m8[ns]"),
    "masked objects": masked([1, "a"], object),
    "masked long doubles": masked([1, 2], "longdouble"),
    "masked bytes": masked([b"ab", b"cd"], "V2"),
    "masked text": masked(["ab", "cd"], "U2"),
    "masked flags": masked([True, False], "?"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_no_two_contents_share_a_digest(what: str) -> None:
    digests = [fingerprint(obj).digest for obj in DIFFERENT[what]]
    assert "" not in digests
    assert len(set(digests)) == len(digests)


def test_what_lies_under_a_mask_is_no_content() -> None:
    for kind in ("c16", "M8[us]", "M8[s]", "longdouble", "i2", object):
        hidden = [np.ma.MaskedArray(np.array([n, 2], kind), [True, False]) for n in (1, 9)]
        assert len({fingerprint(array).digest for array in hidden}) == 1
    gap = np.array([np.datetime64("NaT"), np.datetime64(2, "us")], "M8[us]")
    assert fingerprint(masked([1, 2], "M8[us]")[1]).digest == fingerprint(gap).digest


def test_masked_fields_of_records() -> None:
    def record(under: int, *mask: bool) -> Any:
        return np.ma.MaskedArray(np.array([(under, 2.0)], "i4,f8"), [mask])

    digests = [fingerprint(record(1, *mask)).digest for mask in ((True, False), (False, False))]
    assert digests[0] != digests[1]
    assert digests[0] == fingerprint(record(9, True, False)).digest


def test_long_doubles_of_either_byte_order_are_one() -> None:
    values = np.array([1, np.nan], "longdouble")
    swapped = values.astype(values.dtype.newbyteorder())
    assert fingerprint(values).digest == fingerprint(swapped).digest


def test_one_zone_has_one_name_however_it_is_made() -> None:
    naive = pd.Series(pd.to_datetime(["2020-01-01"])).dt.as_unit("us")
    hour = datetime.timedelta(hours=1)
    ways = {
        "fixed": [datetime.timezone(hour), dateutil.tz.tzoffset(None, 3600), "+01:00"],
        "named": ["Europe/Rome", dateutil.tz.gettz("Europe/Rome")],
        "UTC": ["UTC", datetime.UTC, dateutil.tz.tzutc(), "Etc/UTC", "Zulu", "GMT"],
    }
    digests = []
    for zones in ways.values():
        each = [naive.dt.tz_localize(zone) for zone in zones]
        found = {fingerprint(obj).digest for series in each for obj in (series, pa.array(series))}
        assert len(found) == 1
        digests.append(found.pop())
    assert len(set(digests)) == 3


def test_an_empty_ordered_category_is_one_in_pieces_and_whole() -> None:
    kind = pa.dictionary(pa.int8(), pa.string(), ordered=True)
    whole = pa.DictionaryArray.from_arrays(
        pa.array([], pa.int8()), pa.array([], pa.string()), ordered=True
    )
    assert fingerprint(pa.chunked_array([], kind)).digest == fingerprint(whole).digest


SLICED: dict[str, Any] = {
    "map": pa.array([[("a", 1)], None, [("b", None)], []], pa.map_(pa.string(), pa.int64())),
    "list view": pa.array([[1, None], None, [], [3]], pa.list_view(pa.int64())),
    "fixed list": pa.array([[1, 2], None, [3, 4], [5, 6]], pa.list_(pa.int64(), 2)),
    "struct": pa.StructArray.from_arrays(
        [pa.array([1, 2, 3, 4])], ["a"], mask=pa.array([False, True, False, False])
    ),
    "decimal": pa.array([1, None, 2, 3], pa.int64()).cast(pa.decimal128(20, 1)),
    "interval": pa.array([pa.MonthDayNano([1, 2, 3]), None] * 2),
    "category": pa.array(["a", None, "b", "a"]).dictionary_encode(),
}


@pytest.mark.parametrize("what", SLICED)
def test_a_slice_is_its_rows(what: str) -> None:
    array = SLICED[what]
    for start in (1, 2, 3):
        rows = pa.array(array[start:].to_pylist(), array.type)
        cut = pa.chunked_array([array[start : start + 1], array[start + 1 :]])
        expected = fingerprint(rows).digest
        assert fingerprint(array[start:]).digest == expected
        assert fingerprint(cut).digest == expected
