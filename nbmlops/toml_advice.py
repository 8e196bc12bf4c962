"""What is probably wrong with a TOML file that cannot be used, in a sentence. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

__all__ = ["key_advice", "syntax_advice"]


def syntax_advice(text: str, reason: str) -> str:
    """What to do about TOML's `reason` not to read `text`, by the line that it names."""
    found = re.search(r"at line (\d+)", reason)
    lines = text.rstrip().splitlines()
    # Without a number the text has ended too early.
    line = lines[min(int(found[1]), len(lines)) - 1 if found else -1].strip()
    if "overwrite" in reason or "twice" in reason or "already" in reason:
        return f"It says {line!r} a second time; remove one."
    if line.startswith("["):
        return f"The table's name {line!r} is not closed; write it as [name]."
    key, separator, value = (part.strip() for part in line.partition("="))
    if not separator:
        return f"Each line says key = value; {line!r} does not." if line else ""
    if "\\" in value:
        return f"A backslash means something else in it; write {key} = '…', between single quotes."
    if value[:1] not in ("'", '"', "[", "{") and not re.fullmatch(r"[\d.+_-]+", value):
        return (
            f'Text stands between quotes: {key} = "{value}".'
            if value
            else f"{key} has no value; give it one, or remove the line."
        )
    return f"Perhaps a quote or a bracket is not closed in {line!r}."


def key_advice(reason: str, tables: Mapping[str, Sequence[str]]) -> str:
    """What to do about a key that does not fit; `tables` maps each table to its keys."""
    if unknown := re.search(r"unknown field `([^`]*)`", reason):
        key = unknown[1]
        home = next((t for t, keys in tables.items() if t and key in keys), None)
        if home and "$." not in reason:
            return f"{key} belongs under [{home}]."
        table = re.search(r"\$\.(\w+)", reason)
        known = tables.get(table[1] if table else "", ())
        near = get_close_matches(key, known, n=1)
        return f"Perhaps {near[0]} is meant." if near else f"Known are {', '.join(known)}."
    if found := re.search(r"Expected `array`, got `object` - at `\$\.(\w+)`", reason):
        return f"It is a list of tables: write [[{found[1]}]]."
    if found := re.search(r"Expected `(\w+)[^`]*`, got `(\w+)` - at `\$\.([\w.]+)`", reason):
        wanted = {"str": "text between quotes", "int": "a whole number", "float": "a number"}
        wanted |= {"bool": "true or false", "array": "a list in brackets"}
        return f"{found[3]} is {wanted.get(found[1], found[1])}."
    return "Correct that key, or remove it."
