"""A client of ``nbmlops server``: its ledger, its reviews and its vault, with MLflow's credentials.

It is a :class:`~nbmlops.governance.Ledger`, so that a workspace whose MLflow is such a server needs
no other: decisions are made over there, and no database password ever reaches a kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

import nbmlops.errors
from nbmlops.errors import NbmlopsError, Refused, StoreUnreachable
from nbmlops.governance.ledger import chain
from nbmlops.records import (
    Bundle,
    ChainReport,
    Fact,
    Identity,
    LedgerEntry,
    Record,
    Registration,
    Request,
    Review,
    SignOff,
    decode,
    encode,
)
from nbmlops.settings import without_password

__all__ = ["API", "MARK", "PAGE", "TeamServer", "find_team_server"]

MARK = "nbmlops-server"
"""A header of every answer: by it a client knows that this is no plain MLflow server."""
API = "/nbmlops/api"
"""Below it are the server's own routes."""
PAGE = 1_000
"""Rows of the ledger in one answer."""
_VERSION = re.compile(rb"\d+\.\d+")

T = TypeVar("T")


class _Told(Record, frozen=True, kw_only=True):
    error: str = ""
    message: str = ""
    missing: tuple[str, ...] = ()


class _Who(Record, frozen=True, kw_only=True):
    version: str
    user: Identity


class TeamServer:
    """The server at `address`, asked in the name of whom MLflow's credentials stand for."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def me(self) -> Identity:
        """Whom the server takes us for."""
        return self._ask("GET", "/server", _Who).user

    def try_request(self, verb: str, path: str, body: Any, *, anonymous: bool = False) -> int:
        """Ask any of the server's routes for once; the answer's status."""
        if anonymous:
            import requests

            return int(requests.request(verb, self.address + path, timeout=30).status_code)
        data = body if body is None or isinstance(body, str) else encode(body)
        headers = {"Content-Type": "application/json"}
        return int(_request(self.address, verb, path, data, headers).status_code)

    # The ledger

    def append(self, fact: Fact, *, actor: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact; the server stamps who and when, whatever is said here."""
        return self.append_all([fact], actor=actor, at=at)[0]

    def append_all(
        self, facts: Iterable[Fact], *, actor: str, at: datetime | None = None
    ) -> list[LedgerEntry]:
        """Add facts that happened together.

        :raises Refused: if one of them is a decision.
        """
        return self._ask("POST", "/facts", list[LedgerEntry], {"facts": list(facts)})

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """The entries behind sequence `after`."""
        return map(chain.open_link, self.links(after))

    def links(self, after: int = 0) -> Iterator[chain.Link]:
        """The rows as the server keeps them, page by page."""
        while page := self._ask("GET", f"/links?after={after}", list[chain.Link]):
            yield from page
            after = page[-1].sequence
            if len(page) < PAGE:
                return

    def verify(self) -> ChainReport:
        """Follow the chain on this side: the server is not taken at its word."""
        return chain.verify(self.links())

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nothing is decided on this side, so nobody need wait."""
        yield

    # Reviews

    def bring(self, bundle: Bundle, folder: Path) -> None:
        """Bring sealed content, which lies in `folder`, into the server's vault."""
        path = f"/bundles/{bundle.digest}"
        size = sum(file.size for file in bundle.files)
        if self._ask("GET", f"{path}?size={size}", dict[str, bool])["sealed"]:
            return
        for file in bundle.files:
            with (folder / file.path).open("rb") as stream:
                self._send("PUT", f"{path}/files/{quote(file.path)}", stream)
        self._ask("POST", path, Bundle, bundle)

    def submit(
        self,
        promotion_id: str,
        attachments: Bundle | None,
        notes: Sequence[str],
        model_card: Mapping[str, str],
    ) -> Review:
        """Lay a promotion, whose content was brought, before reviewers."""
        body = {
            "promotion_id": promotion_id,
            "attachments": attachments,
            "notes": list(notes),
            "model_card": dict(model_card),
        }
        return self._ask("POST", "/reviews", Review, body)

    def reviews(self, waiting: bool) -> list[Review]:
        """All reviews, or those that wait for somebody."""
        return self._ask("GET", f"/reviews?waiting={str(waiting).lower()}", list[Review])

    def review(self, review_id: str) -> Review:
        """One review as it stands."""
        return self._ask("GET", f"/reviews/{_part(review_id)}", Review)

    def sign_off(self, sign_off: SignOff) -> Review:
        """Give a verdict, in the name that the server knows; a signature must be that person's."""
        body = {
            "verdict": sign_off.verdict,
            "comment": sign_off.comment,
            "scopes": sign_off.scopes,
            "expires": sign_off.expires,
            "signed": sign_off if sign_off.envelope else None,
        }
        return self._ask("POST", f"/reviews/{_part(sign_off.review_id)}/sign-offs", Review, body)

    def decide(self, request: Request, kind: type[T]) -> T:
        """Have something decided, in the name that the server knows."""
        return self._ask("POST", "/decisions", kind, {"request": request})

    def register(self, review_id: str, alias: str) -> Registration:
        """Have the review's model registered."""
        path = f"/reviews/{_part(review_id)}/registration"
        return self._ask("POST", path, Registration, {"alias": alias})

    def schedule_objections(self, schedule_id: str) -> list[str]:
        """Why we need not run what somebody scheduled."""
        path = f"/schedules/{_part(schedule_id)}/objections"
        return self._ask("GET", path, list[str])

    def bundle_of(self, name: str, version: str) -> Bundle:
        """What a registered version must be, if it may still be loaded."""
        return self._ask("GET", f"/models/{_part(name)}/versions/{_part(version)}/bundle", Bundle)

    def _ask(self, verb: str, path: str, kind: type[T], body: Any = None) -> T:
        data = None if body is None else encode(body)
        try:
            return decode(self._send(verb, path, data), kind)
        except msgspec.MsgspecError as error:
            raise StoreUnreachable(
                f"{without_password(self.address)} answered what this nbmlops does not understand: "
                f"{error}. Have both of the same version."
            ) from error

    def _send(self, verb: str, path: str, data: Any) -> bytes:
        answer = _request(self.address, verb, API + path, data)
        if answer.status_code < 400:
            return bytes(answer.content)
        raise _as_error(self.address, answer)


def find_team_server(uri: str) -> TeamServer | None:
    """The server at `uri`, or None if that is no ``nbmlops server``.

    :raises StoreUnreachable: if it does not answer, or a proxy answers in its place: then nobody
        can say whether there is a gate.
    """
    if not uri.startswith(("http://", "https://")):
        return None
    answer = _request(uri.rstrip("/"), "GET", "/version", None, patient=False)
    if MARK in answer.headers:
        return TeamServer(uri)
    if answer.status_code == 404 or (answer.ok and _VERSION.match(answer.content[:20])):
        return None
    told = "a page of its own" if answer.ok else str(answer.status_code)
    raise StoreUnreachable(
        f"{without_password(uri)} answered {told} where MLflow tells its version, so it is not "
        "known whether there is a gate. Set MLFLOW_TRACKING_TOKEN, or the user name and password, "
        "to what a proxy in front of it lets in, or correct tracking_uri."
    )


def _request(
    address: str,
    verb: str,
    path: str,
    data: Any,
    headers: dict[str, str] | None = None,
    *,
    patient: bool = True,
) -> Any:
    """Ask, as long as MLflow's settings say; not `patient`, for somebody waits to hear of it."""
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        return http_request(
            get_default_host_creds(address),
            path,
            verb,
            data=data,
            extra_headers=headers,
            raise_on_status=False,
            **({} if patient else {"max_retries": 1, "timeout": 10}),
        )
    except MlflowException as error:
        raise StoreUnreachable(
            f"{without_password(address)} does not answer. Start it, or correct tracking_uri."
        ) from error


def _as_error(address: str, answer: Any) -> NbmlopsError:
    """The server's error as the class it was, so that each door tells it as its own."""
    try:
        told = decode(answer.content, _Told)
    except msgspec.MsgspecError:
        told = _Told()
    if not told.message:
        return StoreUnreachable(f"{without_password(address)} answered {answer.status_code}.")
    kind = getattr(nbmlops.errors, told.error, None)
    if isinstance(kind, type) and issubclass(kind, Refused):
        return kind(told.message, told.missing)
    if isinstance(kind, type) and issubclass(kind, NbmlopsError):
        return kind(told.message)
    return Refused(told.message) if answer.status_code == 401 else StoreUnreachable(told.message)


def _part(text: str) -> str:
    return quote(text, safe="")
