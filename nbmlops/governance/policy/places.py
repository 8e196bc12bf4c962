"""Where in a policy's text something is wrong: its line, and each key on the way there. No I/O."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from nbmlops.governance.policy.policy import Policy

__all__ = ["error_told"]

_PATH = re.compile(r" - at (?:`key` in )?`\$(?P<steps>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `(?P<key>[^`]*)`")

Step = str | int


def error_told(data: Any, root: yaml.Node | None, error: msgspec.ValidationError) -> str:
    """What `error` says of `data`, with the line in the text that `root` was composed from."""
    message = str(error)
    found = _PATH.search(message)
    steps = _exact(data, found["steps"], message) if found else []
    unknown = _UNKNOWN.search(message)
    if unknown:
        steps.append(unknown["key"])
    told = _PATH.sub("", message)
    line = _line(root, steps)
    where = ".".join(str(step) for step in steps)
    if line is None or not where:
        return told
    return f"line {line}, {where}: {told}"


def _exact(data: Any, spelled: str, message: str) -> list[Step]:
    """The steps of a path; msgspec leaves out under which key of a mapping it went on."""
    steps: list[Step] = []
    for found in _STEP.finditer(spelled):
        if found["key"] is not None:
            steps.append(found["key"])
        elif found["index"] != "...":
            steps.append(int(found["index"]))
        else:
            fits = (k for k in _at(data, steps) if _fails_alone(data, [*steps, k], message))
            steps.append(next(fits, "..."))
    return steps


def _fails_alone(data: Any, steps: list[Step], message: str) -> bool:
    """Whether `data` fails the same way with nothing else beside what `steps` lead to."""
    try:
        msgspec.convert(_only(data, steps), Policy)
    except msgspec.ValidationError as error:
        return str(error) == message
    return False


def _only(data: Any, steps: list[Step]) -> Any:
    if not steps:
        return data
    first, rest = steps[0], steps[1:]
    if isinstance(first, int):  # a list's places are counted, so the others stay
        return [*data[:first], _only(data[first], rest), *data[first + 1 :]]
    return {first: _only(data[first], rest)}


def _at(data: Any, steps: list[Step]) -> Any:
    for step in steps:
        data = data[step]
    return data


def _line(node: yaml.Node | None, steps: list[Step]) -> int | None:
    """The line, from 1, of what `steps` lead to, or of the last step that is there."""
    line = None
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(step)]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
