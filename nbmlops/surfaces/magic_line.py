"""The line behind a magic, read: its arguments, without the quotes that IPython leaves on them."""

from __future__ import annotations

import shlex
from typing import Any

from IPython.core.error import UsageError

__all__ = ["pair", "parse"]


def parse(magic: Any, line: str) -> Any:
    """The arguments that `line` gives to `magic`, read as a shell reads them.

    :raises UsageError: one sentence, if it does not take them.
    """
    try:
        return magic.parser.parse_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"%{magic.__name__}: a quote in {line!r} is not closed.") from error
    except UsageError as error:
        name = magic.__name__
        what = f"does not take {line!r}" if line.strip() else f"cannot stand alone: {error}"
        raise UsageError(f"%{name} {what}. See %{name}? for what it does.") from None


def pair(text: str, option: str, form: str) -> tuple[str, str]:
    """The two sides of ``name=value``.

    :raises UsageError: naming the `option` and the `form` that it takes, if it is none.
    """
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise UsageError(f"{option} takes {form}, not {text!r}.")
    return name.strip(), value
