"""How one column lies against another: appended to, cut, slid, or changed in place.

A run of 65,536 rows is compared by its digest, from the record alone; a run that starts elsewhere
is hashed again where the data is in hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nbmlops.data.canonical import CHUNK_ROWS, column_digest
from nbmlops.data.columns import Column
from nbmlops.records.data import ColumnFingerprint

__all__ = [
    "Move",
    "Pair",
    "appended",
    "changed_ranges",
    "changed_runs",
    "cut",
    "dropped",
    "in_hand",
    "is_whole",
    "same_extras",
]

# So many places where the new first row stands in the old data are tried, and no more.
_CANDIDATES = 64


@dataclass(slots=True)
class Pair:
    """A column in both: its two records, row counts, data (where in hand) and places."""

    old: ColumnFingerprint
    new: ColumnFingerprint
    rows: tuple[int, int]
    sources: tuple[Column | None, Column | None]
    places: tuple[int, int]

    @property
    def name(self) -> str:
        """The column's name."""
        return self.new.name


@dataclass(slots=True)
class Move:
    """What happened to the rows of most columns, and the columns that it does not explain.

    `what` names the field of the diff, `rows` counts; `reordered`: those left changed places.
    """

    what: str
    rows: int
    changed: list[Pair]
    also: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reordered: bool = False


def in_hand(pairs: Sequence[Pair]) -> tuple[list[Column], list[Column]] | None:
    """The old columns and the new ones, where the data of every pair is in hand."""
    olds = [pair.sources[0] for pair in pairs if pair.sources[0] is not None]
    news = [pair.sources[1] for pair in pairs if pair.sources[1] is not None]
    return (olds, news) if len(olds) == len(news) == len(pairs) else None


def same_extras(olds: list[Column], news: list[Column]) -> bool:
    """Whether what is hashed beside the values, as the order of categories, is the same."""
    return all(old.extra == new.extra for old, new in zip(olds, news, strict=True))


def is_whole(pairs: list[Pair]) -> bool:
    """Whether both have the same number of rows, so that row can be held against row."""
    return all(pair.rows[0] == pair.rows[1] for pair in pairs)


def appended(pairs: list[Pair]) -> Move | None:
    """Rows added at the end: the old column is a prefix of the new one."""
    old_rows, new_rows = pairs[0].rows
    if not 0 < old_rows < new_rows:
        return None
    return _prefix_move(pairs, "appended", new_rows - old_rows, 0)


def cut(pairs: list[Pair]) -> Move | None:
    """Rows taken off the end: the new column is a prefix of the old one."""
    old_rows, new_rows = pairs[0].rows
    if not 0 < new_rows < old_rows:
        return None
    return _prefix_move(pairs, "cut", old_rows - new_rows, 1)


def _prefix_move(pairs: list[Pair], what: str, rows: int, short: int) -> Move | None:
    found = [(pair, _is_prefix(pair, short)) for pair in pairs]
    held = [answer for _, answer in found if answer is not False]
    if not held:
        return None
    notes: tuple[str, ...] = ()
    if None in held:
        rest = pairs[0].rows[short] % CHUNK_ROWS
        notes = (f"The last {rest:,} rows they share were not in hand and are taken on trust.",)
    return Move(what, rows, [pair for pair, answer in found if answer is False], notes=notes)


def _is_prefix(pair: Pair, short: int) -> bool | None:
    """Whether side `short` is a prefix of the other; None where only its full runs are known."""
    records = (pair.old, pair.new)
    rows = pair.rows[short]
    full = rows // CHUNK_ROWS
    ours = records[short].chunk_digests()
    theirs = records[1 - short].chunk_digests()
    old, new = pair.sources
    if old is not None and new is not None and old.extra != new.extra:
        return False
    if len(ours) >= full and len(theirs) >= full:
        if ours[:full] != theirs[:full]:
            return False
        if full and rows % CHUNK_ROWS == 0:
            return True
    source = pair.sources[1 - short]
    if source is None:
        return _begins_so(records[short], rows, theirs)
    return _beginning(source, rows, theirs) == records[short].digest


def _begins_so(record: ColumnFingerprint, rows: int, theirs: Sequence[bytes]) -> bool | None:
    """The same from the records alone, where they do not tell by the runs of both."""
    if theirs and rows == CHUNK_ROWS:
        # A record does not repeat the digest of its only run, which here is the other's first.
        if column_digest(record.type, rows, theirs[0]).hex() == record.digest:
            return True
        return None if record.type.endswith(", ordered>") else False
    return None if rows >= CHUNK_ROWS else False


def _beginning(source: Column, rows: int, theirs: Sequence[bytes]) -> str:
    """The digest of a column's first rows."""
    full = rows // CHUNK_ROWS
    digests = list(theirs[:full])
    if len(digests) < full:
        places = range(0, full * CHUNK_ROWS, CHUNK_ROWS)
        digests = [source.chunk(at, at + CHUNK_ROWS).digest for at in places]
    if rows % CHUNK_ROWS:
        digests.append(source.chunk(full * CHUNK_ROWS, rows).digest)
    return column_digest(source.type, rows, b"".join(digests), source.extra).hex()


def dropped(pairs: list[Pair]) -> Move | None:
    """Rows taken off the front, and perhaps off the end or added there: a window that slid."""
    old_rows, new_rows = pairs[0].rows
    if not old_rows or not new_rows:
        return None
    best: Move | None = None
    for offset in _offsets(pairs):
        shared = min(old_rows - offset, new_rows)
        told = [(pair, _slides(pair, offset, shared)) for pair in pairs]
        if any(answer is False for _, answer in told):
            continue
        notes: tuple[str, ...] = ()
        if any(answer is None for _, answer in told):
            notes = ("Not every row they share was in hand; the rest is taken on trust.",)
        also = {"appended": new_rows - shared, "cut": old_rows - offset - shared}
        also = {what: rows for what, rows in also.items() if rows}
        move = Move("dropped", offset, [], also, notes)
        if not notes:
            return move
        best = best or move
    return best


def _offsets(pairs: list[Pair]) -> Iterator[int]:
    """Places in the old data where the new may begin, the likeliest first."""
    old_rows, new_rows = pairs[0].rows
    tried = set()
    if old_rows > new_rows:
        tried.add(old_rows - new_rows)
        yield old_rows - new_rows
    for offset in (*_aligned(pairs), *_by_first_row(pairs)):
        if offset not in tried:
            tried.add(offset)
            yield offset


def _aligned(pairs: list[Pair]) -> Iterator[int]:
    """Multiples of 65,536, from the records alone."""
    firsts = [(pair.old.chunk_digests()[:1], pair.new.chunk_digests()[:1]) for pair in pairs]
    if all(one == other for one, other in firsts):
        return  # the front is where it was: nothing slid
    for at, digest in enumerate(pairs[0].old.chunk_digests()):
        first = pairs[0].new.chunk_digests()[:1]
        if at and first and digest == first[0]:
            yield at * CHUNK_ROWS


def _by_first_row(pairs: list[Pair]) -> Iterator[int]:
    """Rows of the old data that equal the new data's first."""
    held = [(old, new) for old, new in (pair.sources for pair in pairs) if old and new]
    if len(held) != len(pairs):
        return
    from nbmlops.data.multiset import cells

    firsts = [cells(new, 0, 1)[0] for _, new in held]
    # The column with the rarest first value is not known; the widest digest space is likely to be.
    lead = max(range(len(held)), key=lambda at: held[at][0].width)
    found = 0
    rows = held[lead][0].rows
    for start in range(0, rows, CHUNK_ROWS):
        named = cells(held[lead][0], start, min(start + CHUNK_ROWS, rows))
        for at, cell in enumerate(named, start):
            if cell != firsts[lead] or at == 0:
                continue
            if all(
                cells(old, at, at + 1)[0] == one for (old, _), one in zip(held, firsts, strict=True)
            ):
                yield at
                found += 1
                if found == _CANDIDATES:
                    return


def _slides(pair: Pair, offset: int, shared: int) -> bool | None:  # noqa: PLR0911 - one return for each case
    """Whether the new column, for `shared` rows, is the old one from `offset` on."""
    old, new = pair.sources
    if old is not None and new is not None:
        return _same_runs(old, new, offset, shared)
    ours, theirs = pair.old.chunk_digests(), pair.new.chunk_digests()
    told = False
    if new is not None:
        for at, digest in enumerate(ours):
            begin = at * CHUNK_ROWS - offset
            stop = min((at + 1) * CHUNK_ROWS, pair.rows[0]) - offset
            if begin >= 0 and stop <= shared:
                told = True
                if new.chunk(begin, stop).digest != digest:
                    return False
        return None if told else False
    if offset % CHUNK_ROWS:
        return False
    for one, other in zip(
        ours[offset // CHUNK_ROWS :], theirs[: shared // CHUNK_ROWS], strict=False
    ):
        told = True
        if one != other:
            return False
    if told and shared % CHUNK_ROWS == 0:
        return True
    return None if told else False


def _same_runs(old: Column, new: Column, offset: int, shared: int) -> bool:
    for start in range(0, shared, CHUNK_ROWS):
        stop = min(start + CHUNK_ROWS, shared)
        if old.chunk(offset + start, offset + stop).digest != new.chunk(start, stop).digest:
            return False
    return True


def changed_ranges(pairs: list[Pair]) -> tuple[tuple[tuple[int, int], ...], dict[str, int]]:
    """Where columns of equal length differ: half-open ranges of rows, and values per column."""
    ranges: set[tuple[int, int]] = set()
    values: dict[str, int] = {}
    for pair in pairs:
        rows = pair.rows[0]
        for start in changed_runs(pair):
            stop = min(start + CHUNK_ROWS, rows)
            old, new = pair.sources
            if old is None or new is None or old.rows != rows or new.rows != rows:
                ranges.add((start, stop))
                continue
            places = _changed_places(old, new, start, stop)
            if places:
                values[pair.name] = values.get(pair.name, 0) + len(places)
                ranges.add((places[0], places[-1] + 1))
    return _merged(sorted(ranges)), values


def changed_runs(pair: Pair) -> list[int]:
    """Where runs start that differ between two columns of equal length, as far as is known."""
    ours, theirs = pair.old.chunk_digests(), pair.new.chunk_digests()
    if not ours or not theirs:
        return [0] if pair.rows[0] <= CHUNK_ROWS else []
    both = zip(ours, theirs, strict=True)
    return [at * CHUNK_ROWS for at, (one, other) in enumerate(both) if one != other]


def _changed_places(old: Column, new: Column, start: int, stop: int) -> list[int]:
    from nbmlops.data.multiset import cells

    both = zip(cells(old, start, stop), cells(new, start, stop), strict=True)
    return [at for at, (one, other) in enumerate(both, start) if one != other]


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, stop in ranges:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)
