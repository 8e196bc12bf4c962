"""Fingerprints and differences as a notebook shows them, in the colours of its theme."""

from __future__ import annotations

import re
from html import escape

from nbmlops.records.data import ColumnFingerprint, DataDiff, Fingerprint

__all__ = ["diff_html", "fingerprint_html"]

_MOST_COLUMNS = 30
_FAINT = "color:var(--jp-ui-font-color2, GrayText)"
_LEFT = "text-align:left;padding:1px 16px 1px 0;vertical-align:top;white-space:nowrap"
_NUMBER = f"{_LEFT};text-align:right;font-variant-numeric:tabular-nums"
_HEADS = ("missing", "min", "max", "mean")
"""What has a place of its own in a column's line; anything else stands behind them, named."""
_INSTANT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:\+00:00)?$")
"""A moment as it is recorded; a person reads no fractions, and the column's type says the zone."""


def fingerprint_html(of: Fingerprint) -> str:
    """Digest and size, and a line for each column: its type, what is missing, its range."""
    extent = " × ".join(f"{length:,}" for length in of.extent)
    facts = [of.kind, extent, f"{of.nbytes:,} bytes" if of.nbytes else "", of.reason or ""]
    head = " · ".join(escape(fact) for fact in facts if fact)
    name = f"{escape(of.name)} " if of.name else ""
    digest = (
        f'<code title="{escape(of.digest)}">{escape(of.digest[:16])}</code> ' if of.digest else ""
    )
    colour = "var(--jp-brand-color1, #1976d2)" if of.digest else "var(--jp-warn-color1, #b26a00)"
    return _box(
        colour,
        f'<div>{name}{digest}<span style="{_FAINT}">{head}</span></div>',
        _columns(of) if of.extent != () else "",
    )


def diff_html(diff: DataDiff) -> str:
    """Whether the two are the same, and what differs, each under what it is about."""
    kind = "success" if diff.identical else "warn"
    one = diff.old == diff.new
    words = ("is the same", "changed") if one else ("=", "≠")
    mark = words[not diff.identical]
    colour = f"var(--jp-{kind}-color1, {'#2e7d32' if diff.identical else '#b26a00'})"
    extent = ""
    if diff.old_rows is not None and diff.new_rows is not None:
        same = diff.old_rows == diff.new_rows
        rows = f"{diff.new_rows:,}" if same else f"{diff.old_rows:,} → {diff.new_rows:,}"
        noun = "row" if same and diff.new_rows == 1 else "rows"
        extent = f'<span style="{_FAINT}"> · {rows} {noun}</span>'
    lines = "".join(_sentence(what, line) for what, line in diff.told())
    verdict = f'<strong style="color:{colour}">{mark}</strong>'
    # Beside itself a name says nothing.
    head = f"{escape(diff.old)} {verdict}" + ("" if one else f" {escape(diff.new)}")
    return _box(colour, f"<div>{head}{extent}</div>", _table(lines))


def _sentence(what: str, line: str) -> str:
    about = f'<th style="{_LEFT};{_FAINT};font-weight:normal">{escape(what)}</th>' if what else ""
    return f'<tr>{about}<td style="text-align:left;padding:1px 0">{escape(line)}</td></tr>'


def _columns(of: Fingerprint) -> str:
    shown = of.columns[:_MOST_COLUMNS]
    heads = [head for head in _HEADS if any(_told(column, head) for column in shown)]
    head = "".join(f'<th style="{_NUMBER};{_FAINT};font-weight:normal">{name}</th>'
                   for name in heads)  # fmt: skip
    lines = "".join(_line(column, of, heads) for column in shown)
    if (more := len(of.columns) - _MOST_COLUMNS) > 0:
        lines += f'<tr><td colspan="7" style="{_LEFT};{_FAINT}">and {more:,} more</td></tr>'
    return _table((f"<tr><th></th><th></th>{head}<th></th></tr>" if heads else "") + lines)


def _line(column: ColumnFingerprint, of: Fingerprint, heads: list[str]) -> str:
    values = "values" if of.kind != "table" else "without a name"
    name = column.name or ("index" if column.index else values)
    rest = [f"{k} {_short(v)}" for k, v in column.summary.items() if k not in _HEADS]
    # Text has no least and no greatest: what is known of it takes their room.
    wide = rest and not column.summary.keys() & set(_HEADS)
    numbers = [head for head in heads if head == "missing"] if wide else heads
    room = 1 + len(heads) - len(numbers)
    return (
        f'<tr><td style="{_LEFT}">{escape(_short(name))}</td>'
        f'<td style="{_LEFT};{_FAINT}">{escape(column.type)}</td>'
        + "".join(f'<td style="{_NUMBER}">{escape(_told(column, head))}</td>' for head in numbers)
        + f'<td colspan="{room}" style="{_LEFT};{_FAINT}">{escape(", ".join(rest))}</td></tr>'
    )


def _told(column: ColumnFingerprint, head: str) -> str:
    """What stands under `head` in a column's line; nothing where there is nothing to say."""
    if head == "missing":
        return f"{column.nulls:,}" if column.nulls else ""
    return _short(column.summary[head]) if head in column.summary else ""


def _short(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
    text = _INSTANT.sub(r"\1 \2", str(value)).removesuffix(" 00:00:00")
    return text if len(text) <= 40 else text[:39] + "…"


def _table(lines: str) -> str:
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:4px 0 0;'
        f'color:inherit;font-size:inherit">{lines}</table></div>'
    )


def _box(colour: str, *parts: str) -> str:
    return (
        '<div class="nbmlops-data" style="font-family:var(--jp-ui-font-family, sans-serif);'
        "font-size:var(--jp-ui-font-size1, 13px);line-height:1.5;max-width:60em;"
        "color:var(--jp-ui-font-color1, inherit);background:transparent;"
        f'border-left:4px solid {colour};padding:4px 0 4px 12px;overflow-wrap:anywhere">'
        f"{''.join(parts)}</div>"
    )
