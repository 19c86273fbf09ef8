"""Our errors as HTTP answers: status, OperationOutcome, headers, in one place."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

from cds_service.errors import (
    NotReady,
    RequestError,
    RequestTooLarge,
    RequestTooSlow,
    StorageError,
    TooManyCalls,
    UnknownCaller,
)

Header = tuple[bytes, bytes]

RETRY_AFTER = b"2"
_LONGEST = 500
_JSON = (b"content-type", b"application/json")
_FHIR = (b"content-type", b"application/fhir+json")
_CAREFUL: tuple[Header, ...] = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_RETRY: tuple[Header, ...] = ((b"retry-after", RETRY_AFTER),)
_BEARER: tuple[Header, ...] = ((b"www-authenticate", b"Bearer"),)
_CLOSE: tuple[Header, ...] = ((b"connection", b"close"),)

_OF_STATUS = {404: ("not-found", "There is nothing here."), 405: ("not-supported", "This method is not served here.")}


class Answer(NamedTuple):
    """One answer, complete."""

    status: int
    body: bytes
    headers: tuple[Header, ...]

    async def send(self, send: Send) -> None:
        """Send the answer, its length with it."""
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, length]})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(body: bytes, status: int = 200) -> Answer:
    """*body* as a JSON answer that no cache keeps."""
    return Answer(status, body, _JSON_HEADERS)


def picture_answer(drawn: bytes) -> Answer:
    """An SVG that no cache keeps, that loads nothing and tells no other site where it was seen."""
    return Answer(200, drawn, _SVG_HEADERS)


def outcome(status: int, code: str, said: str, more: tuple[Header, ...] = ()) -> Answer:
    """
    An OperationOutcome; *said* is our own sentence, never the caller's.

    >>> outcome(404, "not-found", "There is nothing here.").status
    404
    """
    issue = {"severity": "error", "code": code, "diagnostics": said[:_LONGEST]}
    body = msgspec.json.encode({"resourceType": "OperationOutcome", "issue": [issue]})
    return Answer(status, body, (_FHIR, *_CAREFUL, *more))


def problem(error: RequestError) -> Answer:
    """
    The answer to a request that cannot be served.

    Whoever sent too much or too slowly is cut off: the rest is never read.
    """
    more: tuple[Header, ...] = ()
    if isinstance(error, NotReady | TooManyCalls):
        more = _RETRY
    elif isinstance(error, RequestTooLarge | RequestTooSlow):
        more = _CLOSE
    elif isinstance(error, UnknownCaller):
        more = _BEARER
    return outcome(error.status, error.code, str(error) or (error.__doc__ or ""), more)


def not_stored(_: StorageError | None = None) -> Answer:
    """The answer when feedback could not be kept; the client sends it again."""
    return outcome(503, "transient", "The feedback could not be stored; send it again.", _RETRY)


def fault() -> Answer:
    """The answer to a fault of ours where no advice was asked for; says nothing about itself."""
    return outcome(500, "exception", "The service failed to answer.")


async def of_framework(_: Request, error: Exception) -> Response:
    """Starlette's own refusals (no such path, wrong method) in our words, its headers kept."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, said = _OF_STATUS.get(status, ("processing", "The request cannot be served."))
    answer = outcome(status, code, said)
    response = Response(answer.body, status)
    response.raw_headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    for name, value in (getattr(error, "headers", None) or {}).items():
        response.headers[name] = value
    return response


_JSON_HEADERS: tuple[Header, ...] = (_JSON, *_CAREFUL)
_SVG_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"image/svg+xml"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"referrer-policy", b"no-referrer"),
    *_CAREFUL,
)
