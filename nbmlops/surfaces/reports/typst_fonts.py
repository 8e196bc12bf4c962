"""Which characters no font of this machine can draw: a PDF shows an empty box for each."""

from __future__ import annotations

import re

__all__ = ["undrawable"]

_NOBODYS = "\U0010fffd"
"""A character that is nobody's, so its glyph is the empty box."""
_BETWEEN = "|"
_EACH_BELOW = b"""\
#set page(width: auto, height: auto)
#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))
#stack(..sys.inputs.text.codepoints().map(c => text(c)))
"""
_GLYPH = re.compile(rb'<use[^>]*href="#(\w+)"')


def undrawable(text: str) -> list[str]:
    """The characters of `text` for which there is no glyph, each once, in their order.

    The typesetter does not say so; but it draws the same box for each of them.
    """
    import typst

    asked = [c for c in dict.fromkeys(text) if not c.isascii() and c.isprintable()]
    if not asked:
        return []
    drawn = typst.compile(
        _EACH_BELOW,
        format="svg",
        sys_inputs={"text": _BETWEEN.join((_BETWEEN, _NOBODYS, *asked))},
    )
    glyphs = _GLYPH.findall(drawn if isinstance(drawn, bytes) else b"".join(drawn or ()))
    drawings: list[list[bytes]] = [[]]
    for glyph in glyphs[1:]:
        if glyph == glyphs[0]:
            drawings.append([])
        else:
            drawings[-1].append(glyph)
    box, *others = drawings[1:]
    return [c for c, drawing in zip(asked, others, strict=True) if drawing == box]
