"""The line behind a magic, read: its arguments, without the quotes that IPython leaves on them."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import parse_argstring

__all__ = ["pair", "parse", "unquoted"]


def parse(magic: Any, line: str) -> Any:
    """The arguments that `line` gives to `magic`.

    :raises UsageError: one sentence, if it does not take them.
    """
    try:
        return parse_argstring(magic, line)
    except UsageError:
        name = magic.__name__
        raise UsageError(
            f"%{name} does not take {line!r}. See %{name}? for what it does."
        ) from None


def unquoted(text: str) -> str:
    """`text` without the quotes around it."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def pair(text: str, option: str, form: str) -> tuple[str, str]:
    """The two sides of ``name=value``.

    :raises UsageError: naming the `option` and the `form` that it takes, if it is none.
    """
    name, separator, value = unquoted(text).partition("=")
    if not separator or not name.strip():
        raise UsageError(f"{option} takes {form}, not {text!r}.")
    return name.strip(), unquoted(value)
