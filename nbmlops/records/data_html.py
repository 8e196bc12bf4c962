"""Fingerprints and differences as a notebook shows them, in the colours of its theme."""

from __future__ import annotations

from html import escape

from nbmlops.records.data import ColumnFingerprint, DataDiff, Fingerprint

__all__ = ["diff_html", "fingerprint_html"]

_MOST_COLUMNS = 30
_FAINT = "color:var(--jp-ui-font-color2, GrayText)"
_LEFT = "text-align:left;padding:1px 12px 1px 0;vertical-align:top;white-space:nowrap"


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
    mark, kind = ("=", "success") if diff.identical else ("≠", "warn")
    colour = f"var(--jp-{kind}-color1, {'#2e7d32' if diff.identical else '#b26a00'})"
    extent = ""
    if diff.old_rows is not None and diff.new_rows is not None:
        same = diff.old_rows == diff.new_rows
        rows = f"{diff.new_rows:,}" if same else f"{diff.old_rows:,} → {diff.new_rows:,}"
        noun = "row" if same and diff.new_rows == 1 else "rows"
        extent = f'<span style="{_FAINT}"> · {rows} {noun}</span>'
    lines = "".join(
        f'<tr><th style="{_LEFT};{_FAINT};font-weight:normal">{escape(what)}</th>'
        f'<td style="text-align:left;padding:1px 0">{escape(line)}</td></tr>'
        for what, line in diff.told()
    )
    return _box(
        colour,
        f'<div>{escape(diff.old)} <strong style="color:{colour}">{mark}</strong>'
        f" {escape(diff.new)}{extent}</div>",
        _table(lines),
    )


def _columns(of: Fingerprint) -> str:
    lines = [_line(column, of) for column in of.columns[:_MOST_COLUMNS]]
    if (more := len(of.columns) - _MOST_COLUMNS) > 0:
        lines.append(f'<tr><td colspan="4" style="{_LEFT};{_FAINT}">and {more:,} more</td></tr>')
    return _table("".join(lines))


def _line(column: ColumnFingerprint, of: Fingerprint) -> str:
    values = "values" if of.kind != "table" else "without a name"
    name = column.name or ("index" if column.index else values)
    nulls = f"{column.nulls:,} missing" if column.nulls else ""
    told = [f"{key} {_short(value)}" for key, value in column.summary.items()]
    cells = [column.type, nulls, ", ".join(told)]
    return (
        f'<tr><td style="{_LEFT}">{escape(_short(name))}</td>'
        + "".join(f'<td style="{_LEFT};{_FAINT}">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
    )


def _short(value: object) -> str:
    text = f"{value:,.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _table(lines: str) -> str:
    return (
        '<table style="border-collapse:collapse;margin:4px 0 0;color:inherit;'
        f'font-size:inherit">{lines}</table>'
    )


def _box(colour: str, *parts: str) -> str:
    return (
        '<div class="nbmlops-data" style="font-family:var(--jp-ui-font-family, sans-serif);'
        "font-size:var(--jp-ui-font-size1, 13px);line-height:1.5;max-width:60em;"
        "color:var(--jp-ui-font-color1, inherit);background:transparent;"
        f'border-left:4px solid {colour};padding:4px 0 4px 12px;overflow-wrap:anywhere">'
        f"{''.join(parts)}</div>"
    )
