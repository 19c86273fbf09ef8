"""
``GET /rules`` and ``GET /rules/{id}``: what each rule tells of itself, as JSON and as pages.

Open to everybody, tokens or not: a clinician follows the link on a card in a browser of her own, and nothing here is
secret or about a patient.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Receive, Scope, Send

from cds_service.errors import NotReady
from cds_service.http.problems import Answer, Header, outcome, problem
from cds_service.http.state import State
from cds_service.transparency.pages import POLICY, Page

NO_RULE: Final = outcome(404, "not-found", "There is no such rule.")
_SUFFIXES: Final = {".json": False, ".html": True}
_KEPT: Final[tuple[Header, ...]] = (
    (b"cache-control", b"public, max-age=60, must-revalidate"),
    (b"vary", b"accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_JSON: Final[tuple[Header, ...]] = ((b"content-type", b"application/json"), *_KEPT)
_HTML: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    *_KEPT,
)


class Rules:
    """The list, or one rule: a page for a browser, JSON for everybody else; ``.html`` and ``.json`` say which."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        headers = dict(scope["headers"])
        name, readable = _wanted(scope["path_params"].get("rule_id", ""), headers.get(b"accept", b""))
        try:
            pages = self._state.ready().rules
            found = pages.find(name, readable=readable) if pages is not None else None
        except NotReady as error:
            await problem(error).send(send)
            return
        await _answer(found, headers.get(b"if-none-match", b""), readable=readable).send(send)


def _wanted(name: str, accept: bytes) -> tuple[str, bool]:
    """
    The rule's id, and whether a page is wanted rather than data.

    >>> _wanted("safe-adult.json", b"text/html"), _wanted("safe-adult", b"text/html,*/*"), _wanted("", b"*/*")
    (('safe-adult', False), ('safe-adult', True), ('', False))
    """
    for suffix, readable in _SUFFIXES.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), readable
    return name, b"text/html" in accept


def _answer(found: Page | None, known: bytes, *, readable: bool) -> Answer:
    if found is None:
        return NO_RULE
    headers = (*(_HTML if readable else _JSON), (b"etag", found.tag.encode()))
    if found.tag.encode() in known:
        return Answer(304, b"", headers)
    return Answer(200, found.body, headers)
