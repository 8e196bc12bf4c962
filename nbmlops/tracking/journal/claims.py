"""What a delivery has asked MLflow to make: noted before the request, and again with the id."""

from __future__ import annotations

import secrets
import sqlite3

import msgspec

__all__ = ["Claim", "claim_in", "note_made_in"]


class Claim(msgspec.Struct, frozen=True):
    """One thing to be made at one MLflow; requests for it bear `token`.

    `begun` says that an earlier delivery may have sent one; `made` is the id, once it is known.
    """

    token: str
    begun: bool
    made: str | None


def claim_in(db: sqlite3.Connection, what: str, where: str) -> Claim:
    """What is noted of making `what` at `where`; a token, if it is the first time."""
    row = db.execute(
        "SELECT token, made FROM claims WHERE what = ? AND place = ?", (what, where)
    ).fetchone()
    if row is not None:
        return Claim(row[0], True, row[1])
    token = secrets.token_hex(16)
    db.execute("INSERT INTO claims (what, place, token) VALUES (?, ?, ?)", (what, where, token))
    return Claim(token, False, None)


def note_made_in(db: sqlite3.Connection, what: str, where: str, made: str) -> None:
    """Note the id of what was made."""
    db.execute("UPDATE claims SET made = ? WHERE what = ? AND place = ?", (made, what, where))
