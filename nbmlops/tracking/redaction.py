"""Secrets, hidden before anything is written: recognised by name or by the shape of the value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "HIDDEN",
    "hide_in_output",
    "hide_in_text",
    "hide_value",
    "is_secret_name",
    "literal_secrets",
    "secret_values",
    "without_credentials",
]

HIDDEN = "«redacted»"

_SECRET_NAME = re.compile(
    r"(?:^|_|\b)(?:\w*pass(?:word|wd|phrase)|pwd|secrets?|"
    r"(?:api|access|private|secret|account|storage|signing|encryption)_?key|"
    # Not each `_token`: language models have theirs.
    r"(?:auth|access|api|bearer|refresh|session|id|hf|github|gitlab|slack|bot|jwt|oauth|deploy|npm|"
    r"pypi|telegram|discord|service|private|personal)_?token|^token$|"
    r"credentials?|client_?secret|connection_?string|dsn)(?:$|_|\b)",
    re.IGNORECASE,
)

# Published token formats of the services that people use from notebooks.
_SECRET_VALUE = re.compile(
    r"""(?x)
    \b(?:AKIA|ASIA)[0-9A-Z]{16}\b                                  # AWS access key id
    | \bgh[pousr]_[A-Za-z0-9]{36,}\b | \bgithub_pat_\w{22,}\b      # GitHub
    | \bglpat-[\w-]{20,}                                           # GitLab
    | \bxox[abprs]-[A-Za-z0-9-]{10,}                               # Slack
    # OpenAI, Anthropic; scikit-learn's pages have classes that begin so, in small letters
    | \bsk-(?=(?:[a-z_-]*[A-Z0-9]){3})[A-Za-z0-9_-]{20,}
    | \bhf_[A-Za-z0-9]{30,}\b                                      # Hugging Face
    | \bAIza[0-9A-Za-z_-]{35}                                      # Google API key
    | \bdapi[0-9a-f]{32}\b                                         # Databricks
    | \bpypi-[A-Za-z0-9_-]{50,} | \bnpm_[A-Za-z0-9]{36}\b         # PyPI, npm
    | \b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}                       # Stripe
    | \bya29\.[A-Za-z0-9_-]{20,}                                   # Google OAuth
    | \bhttps://hooks\.slack\.com/services/[A-Za-z0-9/_-]+         # Slack webhook
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+ # JSON web token
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE\ KEY-----|\Z)
    """
)
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s@/'\"]+(?=@)", re.I)
_BEARER = re.compile(r"(?P<head>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{12,}", re.I)
_ASSIGNMENT = re.compile(
    r"""(?P<head>(?P<name>\b[A-Za-z_]\w*)(?P<mid>["']?\]?\s*[=:]\s*))"""
    r"""(?P<value>[rbf]?(?P<quote>"{3}|'{3}|["'])(?:(?!(?P=quote)).)+(?P=quote))"""
)

_URL_QUERY = re.compile(r"(?P<head>[?&](?P<name>[\w.-]+)=)[^&\s'\"#<>]+")
_SIGNATURE = re.compile(r"(?:^|-)sig(?:nature)?$", re.IGNORECASE)  # of an address that opens a blob
_PRINTED = re.compile(
    r"""(?P<name>\b[A-Za-z_][\w-]*)(?P<mid>["']?\s*[=:]\s*["']?)(?P<value>[^\s"',;<>&{}()\[\]]{6,})"""
)
_SHORTEST = 6  # characters of a value that is hidden wherever it turns up


def is_secret_name(name: str) -> bool:
    """Whether a name says that its value is a credential."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return bool(_SECRET_NAME.search(snake))


def hide_in_text(text: str) -> tuple[str, tuple[str, ...]]:
    """Hide what looks like a credential in source or output text.

    Returns the text and one phrase for each thing that was hidden.
    """
    hidden: list[str] = []

    def assignment(match: re.Match[str]) -> str:
        if not is_secret_name(match["name"]):
            return match[0]
        hidden.append(f"the value of {match['name']}")
        return f"{match['head']}{match['quote']}{HIDDEN}{match['quote']}"

    def kept_head(match: re.Match[str]) -> str:
        hidden.append("a password in a URL or header")
        return f"{match['head']}{HIDDEN}"

    def query(match: re.Match[str]) -> str:
        secret = is_secret_name(match["name"]) or _SIGNATURE.search(match["name"])
        return kept_head(match) if secret else match[0]

    def pattern(_match: re.Match[str]) -> str:
        hidden.append("a token")
        return HIDDEN

    text = _ASSIGNMENT.sub(assignment, text)
    text = _URL_PASSWORD.sub(kept_head, text)
    text = _URL_QUERY.sub(query, text)
    text = _BEARER.sub(kept_head, text)
    text = _SECRET_VALUE.sub(pattern, text)
    return text, tuple(dict.fromkeys(hidden))


def hide_value(name: str, value: str) -> tuple[str, bool]:
    """Hide a named value whole if its name or its shape says that it is a credential."""
    if is_secret_name(name.rsplit("__", 1)[-1]) and value not in {"None", "True", "False", ""}:
        return HIDDEN, True
    text, hidden = hide_in_text(value)
    return text, bool(hidden)


def secret_values(*places: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts that stand in `places` under a name that says credential, longest first."""
    found = {
        value
        for place in places
        for name, value in list(place.items())
        if issubclass(type(value), str) and len(value) >= _SHORTEST and is_secret_name(name)
    }
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def literal_secrets(source: str) -> set[str]:
    """The texts that a source writes down under a name that says credential."""
    found = set()
    for match in _ASSIGNMENT.finditer(source):
        value = match["value"].lstrip("rbfRBF").strip(match["quote"][0])
        if is_secret_name(match["name"]) and len(value) >= _SHORTEST:
            found.add(value)
    return found


def hide_in_output(text: str, values: Iterable[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Hide in what was shown: `values` that are known as secrets, and what looks like one.

    Printed text has no quotes to go by, so ``password: abc123`` counts as well.
    """
    hidden: list[str] = []
    for value in values:
        if value in text:
            text = text.replace(value, HIDDEN)
            hidden.append("the value of a variable")

    def printed(match: re.Match[str]) -> str:
        if match["value"].startswith(HIDDEN) or not is_secret_name(match["name"].replace("-", "_")):
            return match[0]
        hidden.append(f"the value of {match['name']}")
        return f"{match['name']}{match['mid']}{HIDDEN}"

    text, found = hide_in_text(text)
    text = _PRINTED.sub(printed, text)
    return text, tuple(dict.fromkeys((*hidden, *found)))


def without_credentials(uri: str) -> str:
    """`uri` without the user and password that may stand before its host."""
    return re.sub(r"(://)[^/@\s]+@", r"\1", uri)
