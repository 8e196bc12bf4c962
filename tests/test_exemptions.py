"""What the house lets pass says why, on the same line: ruff's rules, mypy's, and broad excepts."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REASONED = re.compile(r"# (noqa: [A-Z0-9, ]+ - |type: ignore\[[a-z, -]+\] # )\S")
EXEMPTION = re.compile(r"#\s*(noqa|type:\s*ignore)")
BROAD = {"Exception", "BaseException"}


def bare_exemptions(source: str) -> Iterator[int]:
    """The lines that exempt themselves from a rule, or catch anything, and do not say why."""
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for line, comment in comments.items():
        if EXEMPTION.match(comment) and not REASONED.match(comment):
            yield line
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and node.lineno not in comments:
            caught = (
                {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
                if node.type
                else BROAD
            )
            if caught & BROAD:
                yield node.lineno


@pytest.mark.parametrize("room", ["nbmlops", "tests"])
def test_every_exemption_says_why_on_its_line(room: str) -> None:
    """So that whoever removes the reason removes the exemption."""
    bare = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line in bare_exemptions(path.read_text())
    ]
    assert bare == []


@pytest.mark.parametrize(
    "source",
    [
        "import os  # noqa\n",
        "import os  # noqa: F401\n",
        "x: int = ''  # type: ignore\n",
        "x: int = ''  # type: ignore[assignment]\n",
        "try:\n    f()\nexcept Exception:\n    pass\n",
        "try:\n    f()\nexcept (OSError, BaseException):\n    pass\n",
        "try:\n    f()\nexcept:\n    pass\n",
    ],
)
def test_a_bare_one_would_be_seen(source: str) -> None:
    """The control."""
    assert list(bare_exemptions(source))


@pytest.mark.parametrize(
    "source",
    [
        "import os  # noqa: F401 - others import it from here\n",
        "x: int = ''  # type: ignore[assignment] # that is the point\n",
        "try:\n    f()\nexcept Exception:  # noqa: BLE001 - a plug-in's own\n    pass\n",
        "try:\n    f()\nexcept OSError:\n    pass\n",
        "text = '# noqa'\n",
    ],
)
def test_a_reason_beside_it_lets_it_pass(source: str) -> None:
    """And what is no exemption is none."""
    assert not list(bare_exemptions(source))
