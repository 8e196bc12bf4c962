"""The server's own routes: the review's verbs, the ledger, and the way into the vault.

Each parses, calls one verb of the workspace in the name of whoever was authenticated, and answers
with a record. Who did it is never read from what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import anyio.to_thread
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nbmlops._version import __version__
from nbmlops.errors import NbmlopsError, Refused, SettingsError, TooLarge
from nbmlops.governance import current_actor, find
from nbmlops.governance.gate.mlflow_team_server import PAGE
from nbmlops.records import (
    CHAMPION,
    DEFAULT_SCOPES,
    Bundle,
    Executed,
    Fact,
    Identity,
    Promoted,
    Record,
    RefusalRecorded,
    Scheduled,
    SignOff,
    Verdict,
    decode,
    encode,
)
from nbmlops.records import Request as Wish
from nbmlops.scheduling import check_schedule
from nbmlops.sizes import size_told
from nbmlops.surfaces.mlflow_app.sealed_readers import SealedRule
from nbmlops.surfaces.mlflow_app.uploads import Uploads
from nbmlops.workspace import Workspace
from nbmlops.workspace.promote import require_model_name

__all__ = ["make_routes"]

_LARGEST_BODY = 32_000_000  # bytes
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_LAST = 2**63 - 1  # a ledger can have no more facts: its databases count no further
T = TypeVar("T")


class _Facts(Record, frozen=True, kw_only=True):
    facts: tuple[Fact, ...]


class _Submit(Record, frozen=True, kw_only=True):
    promotion_id: str
    attachments: Bundle | None = None
    notes: tuple[str, ...] = ()
    model_card: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it for each instance


class _SignOff(Record, frozen=True, kw_only=True):
    verdict: Verdict
    comment: str = ""
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    expires: datetime | None = None
    signed: SignOff | None = None


class _Decide(Record, frozen=True, kw_only=True):
    request: Wish


class _Register(Record, frozen=True, kw_only=True):
    alias: str = CHAMPION


class _Refuse(Record, frozen=True, kw_only=True):
    error: str
    message: str
    missing: tuple[str, ...] = ()


def make_routes(
    workspace: Workspace,
    uploads: Uploads,
    readers: SealedRule,
    let_manage: Callable[[str, str], None] | None = None,
) -> Starlette:
    """The app that is mounted below :data:`~nbmlops.governance.gate.mlflow_team_server.API`.

    `let_manage` hears the name of a new registered model, and who made it.
    """
    stores = workspace.stores

    def who(_: Request, __: bytes) -> Any:
        return {"version": __version__, "user": _actor()}

    def append(_: Request, body: bytes) -> Any:
        facts = _read(body, _Facts).facts
        at = stores.clock()
        stamped = [_stamp(fact, _actor(), at) for fact in facts]
        return stores.ledger.append_all(stamped, actor=_actor().name, at=at)

    def links(request: Request, _: bytes) -> Any:
        after = min(int(request.query_params.get("after", "0")), _LAST)
        found = []
        for link in stores.ledger.links(after):
            found.append(link)
            if len(found) == PAGE:
                break
        return found

    def submit(_: Request, body: bytes) -> Any:
        asked = _read(body, _Submit)
        promotion = find("promotion", asked.promotion_id, stores.history().promotions)
        readers.require(promotion.bundle.digest)
        readers.require_run(stores.clean_run(promotion).mlflow_run_id)
        files = uploads.files(asked.attachments, _actor()) if asked.attachments else []
        return workspace.submit(
            asked.promotion_id, attachments=files, notes=asked.notes, model_card=asked.model_card
        )

    def reviews(request: Request, _: bytes) -> Any:
        return workspace.reviews(request.query_params.get("waiting") == "true")

    def review(request: Request, _: bytes) -> Any:
        return workspace.review(request.path_params["review_id"])

    def sign_off(request: Request, body: bytes) -> Any:
        given = _read(body, _SignOff)
        if given.signed is not None:
            return workspace.give_sign_off(given.signed, _actor())
        return workspace.sign_off(
            request.path_params["review_id"],
            given.verdict,
            given.comment,
            _actor(),
            scopes=given.scopes,
            expires=given.expires,
        )

    def schedule_objections(request: Request, _: bytes) -> Any:
        return workspace.schedule_objections(request.path_params["schedule_id"])

    def decide(_: Request, body: bytes) -> Any:
        return workspace.decide(_read(body, _Decide).request, _actor())

    def register(request: Request, body: bytes) -> Any:
        alias = _read(body, _Register).alias
        submission = find("review", request.path_params["review_id"], stores.history().submissions)
        readers.require(submission.content_digest)
        known = any(
            made.model_name == submission.model_name
            for made in stores.history().registrations.values()
        )
        registration = workspace.register(submission.id, alias, _actor())
        # Who registers the same again has made nothing: reading it is all that they were given.
        if let_manage and registration.version == "1" and not known:
            let_manage(registration.model_name, _actor().name)
        return registration

    def sealed(request: Request, _: bytes) -> Any:
        asked = request.path_params
        bundle = stores.registry.bundle_of(asked["name"], asked["version"])
        readers.require(bundle.digest)
        return bundle

    def has_bundle(request: Request, _: bytes) -> Any:
        size = int(request.query_params.get("size", "0"))
        return {"sealed": uploads.has(request.path_params["digest"], _actor(), size)}

    def seal(request: Request, body: bytes) -> Any:
        return uploads.seal(request.path_params["digest"], _read(body, Bundle), _actor())

    async def upload(request: Request) -> Response:
        return await _answered(
            lambda: uploads.receive(
                request.path_params["digest"],
                request.path_params["path"],
                _actor(),
                request.stream(),
                int(request.headers.get("content-length", "0")),
            )
        )

    return Starlette(
        routes=[
            Route("/server", _endpoint(who)),
            Route("/facts", _endpoint(append), methods=["POST"]),
            Route("/links", _endpoint(links)),
            Route("/reviews", _endpoint(reviews)),
            Route("/reviews", _endpoint(submit), methods=["POST"]),
            Route("/reviews/{review_id}", _endpoint(review)),
            Route("/reviews/{review_id}/sign-offs", _endpoint(sign_off), methods=["POST"]),
            Route("/reviews/{review_id}/registration", _endpoint(register), methods=["POST"]),
            Route("/schedules/{schedule_id}/objections", _endpoint(schedule_objections)),
            Route("/decisions", _endpoint(decide), methods=["POST"]),
            Route("/models/{name:path}/versions/{version}/bundle", _endpoint(sealed)),
            Route("/bundles/{digest}", _endpoint(has_bundle)),
            Route("/bundles/{digest}", _endpoint(seal), methods=["POST"]),
            Route("/bundles/{digest}/files/{path:path}", upload, methods=["PUT"]),
        ]
    )


def _endpoint(verb: Callable[[Request, bytes], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        async def call() -> Any:
            body = await _body(request)
            return await anyio.to_thread.run_sync(verb, request, body)

        return await _answered(call)

    return endpoint


async def _body(request: Request) -> bytes:
    """What was sent, which is held in memory: files come by another way.

    :raises TooLarge: if it is more than any record takes.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise TooLarge(
                f"A request may have {size_told(_LARGEST_BODY)}. Attach large texts as files."
            )
    return bytes(body)


def _read(body: bytes, kind: type[T]) -> T:
    """What was sent, as `kind`.

    :raises ValueError: if a time in it has no zone: it comes neither before nor after any other,
        and on the ledger it would be in the way of all who compare.
    """
    found = decode(body, kind)
    waiting = [msgspec.to_builtins(found, builtin_types=(datetime,))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, datetime) and part.tzinfo is None:
            raise ValueError(f"{part.isoformat()} has no time zone; write {part.isoformat()}Z")
        waiting += part.values() if isinstance(part, dict) else ()
        waiting += part if isinstance(part, list | tuple) else ()
    return found


async def _answered(call: Callable[[], Any]) -> Response:
    """The one place where our errors become statuses."""
    try:
        return Response(encode(await call()), media_type="application/json")
    except NbmlopsError as error:
        missing = error.missing if isinstance(error, Refused) else ()
        told = _Refuse(error=type(error).__name__, message=str(error), missing=missing)
        return Response(encode(told), status_code=error.status, media_type="application/json")
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        told = _Refuse(error="BadRequest", message=f"The request cannot be read: {error}.")
        return Response(encode(told), status_code=400, media_type="application/json")


def _actor() -> Identity:
    actor = current_actor()
    assert actor is not None, "authentication lets nobody pass without a name"  # noqa: S101 - a bug
    return actor


def _stamp(fact: Fact, by: Identity, at: datetime) -> Fact:
    """What a client may tell, in its sender's name; decisions are the server's own.

    A schedule begins when the server hears of it, and only one that can be followed.

    :raises Refused: on a fact that only the server puts on the ledger, or an id that is none.
    """
    match fact:
        case Promoted(promotion=promotion):
            _require_id(promotion.id)
            require_model_name(promotion.model_name)
            return Promoted(promotion=msgspec.structs.replace(promotion, author=by.name, by=by))
        case Scheduled(schedule=schedule):
            _require_id(schedule.id)
            try:
                check_schedule(schedule.cron, schedule.timezone)
            except SettingsError as error:
                raise Refused(str(error)) from error
            begun = msgspec.structs.replace(schedule, author=by.name, by=by, at=at)
            return Scheduled(schedule=begun)
        case Executed(execution=execution):
            _require_id(execution.id)
            return Executed(execution=msgspec.structs.replace(execution, actor=by.name))
        case RefusalRecorded():
            return msgspec.structs.replace(fact, by=by.name)
    kind = type(fact).__struct_config__.tag
    raise Refused(
        f"{by.name} may not put {kind!r} on the ledger: the server does that itself, when it has "
        "decided. Use the verbs: submit, sign_off, register."
    )


def _require_id(text: str) -> None:
    """:raises Refused: on an id that would be markup, a path or an option where people read it."""
    if not _ID.fullmatch(text):
        raise Refused(f"{text[:80]!r} is no id: letters, digits, - and _, at most 80.")
