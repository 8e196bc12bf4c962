"""The review's look, and the few pieces that its pages are built from.

Every value that comes from a record goes through :func:`text`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["STYLE", "breakable", "bullets", "details", "digest", "page", "table", "text"]

# JupyterLab's own variables, so that it follows the theme; the fallbacks serve other front ends.
STYLE = """<style>
.nbmlops-review { color: var(--jp-ui-font-color1, inherit); line-height: 1.5; max-width: 860px;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: var(--jp-ui-font-size1, 13px); }
.nbmlops-review h3 { font-size: 1.25em; font-weight: 600; margin: 0 0 2px; }
.nbmlops-review h4 { font-size: 1em; font-weight: 600; margin: 12px 0 4px; }
.nbmlops-review .quiet { color: var(--jp-ui-font-color2, #616161); }
.nbmlops-review code, .nbmlops-review pre {
  font-family: var(--jp-code-font-family, monospace); font-size: 0.95em; background: none;
  color: inherit; padding: 0; }
.nbmlops-review pre { background: var(--jp-layout-color2, #f5f5f5); border-radius: 3px;
  margin: 4px 0; padding: 8px 10px; overflow-x: auto; line-height: 1.35; }
.nbmlops-review table { border-collapse: collapse; margin: 0; }
.nbmlops-review th, .nbmlops-review td { padding: 2px 20px 2px 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; background: none; border: 0; }
.nbmlops-review thead th { color: var(--jp-ui-font-color2, #616161); font-weight: normal;
  border-bottom: 1px solid var(--jp-border-color2, #ddd); }
.nbmlops-review tbody th { font-weight: normal; }
.nbmlops-review td.n, .nbmlops-review th.n { font-variant-numeric: tabular-nums;
  text-align: right; }
.nbmlops-review ul { margin: 0 0 6px; padding-left: 18px; }
.nbmlops-review li { line-height: 1.5; }
.nbmlops-review summary { cursor: pointer; font-weight: 600; margin-top: 10px; }
.nbmlops-review .good { color: var(--jp-success-color0, #2e7d32); }
.nbmlops-review .bad { color: var(--jp-error-color0, #c62828); }
[data-jp-theme-light='false'] .nbmlops-review .good { color: var(--jp-success-color1); }
[data-jp-theme-light='false'] .nbmlops-review .bad { color: var(--jp-error-color1); }
.nbmlops-review .status { border: 1px solid currentcolor; border-radius: 9px; font-size: 0.7em;
  font-weight: normal; margin-left: 8px; padding: 1px 8px; vertical-align: middle; }
.nbmlops-review .added { background: rgb(46 125 50 / 20%); }
.nbmlops-review .removed { background: rgb(198 40 40 / 20%); }
.nbmlops-review pre span { display: block; }
.nbmlops-review .alert { border-left: 3px solid var(--jp-error-color1, #c62828);
  padding: 2px 10px; }
.nbmlops-review .done { border-left: 3px solid var(--jp-success-color1, #2e7d32);
  padding: 2px 10px; }
</style>"""


def details(title: str, body: str) -> str:
    return f"<details><summary>{text(title)}</summary>{body}</details>"


def bullets(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{text(s)}</li>' for s in sentences)}</ul>"


def table(
    names: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: tuple[int, ...] = ()
) -> str:
    """A table of cells that are HTML already, under `names` that are not."""

    def line(tag: str, cells: Iterable[str]) -> str:
        return "".join(
            f'<{tag} class="n">{cell}</{tag}>' if i in numbers else f"<{tag}>{cell}</{tag}>"
            for i, cell in enumerate(cells)
        )

    head = line("th", map(text, names))
    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def digest(digest: str) -> str:
    return f'<code title="{text(digest)}">{text(digest[:12])}</code>'


def text(value: object) -> str:
    return escape(str(value), quote=True)


def breakable(name: str) -> str:
    """A name that may break behind its underscores; elsewhere only where it must."""
    return "_<wbr>".join(map(text, name.split("_")))


def page(*parts: str) -> str:
    return f'<div class="nbmlops-review">{"".join(parts)}</div>'
