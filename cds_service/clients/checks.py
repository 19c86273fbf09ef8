"""
What is asked of a token, one question after the other.

The same list serves a call and ``cds-service clients test``, so the explanation cannot
differ from the decision. Each check raises UnknownCaller with a reason of ``REMEDIES``, or
passes. None of them touches the network; the signature and the use of the token's id come
after them, in ``doorkeeper``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeGuard

from cds_service.clients.algorithms import ALGORITHMS
from cds_service.clients.clients import Client
from cds_service.clients.keys import LONGEST_KID
from cds_service.clients.tokens import NotToken, Token, read_token
from cds_service.clients.trust import Trust
from cds_service.errors import UnknownCaller

LONGEST_JTI = 256
MOST_AUDIENCES = 20
_LATEST = 1e11
"""No clock shows a later second."""

_NOTHING = Token({}, {}, b"", b"")
_NOBODY = Trust(issuer="", algorithms=())
_BROUGHT_KEYS = ("jwk", "x5c", "x5u")

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "no token": "send the header Authorization: Bearer, a space, and the token",
        "two tokens": "send one Authorization header",
        "scheme": "send the header Authorization: Bearer, a space, and the token",
        "size": "send a token of at most 8192 characters",
        "form": "send header, claims and signature in base64url without padding, header and claims as JSON objects",
        "duplicate name": "name each member of header and claims once",
        "type": "set typ to JWT in the header",
        "critical header": "leave crit out of the header",
        "key in the header": "leave jwk, x5c and x5u out of the header; keys are registered in clients.yaml",
        "algorithm": "sign with one of the algorithms of the client's entry; none and HS* never are",
        "issuer": "set iss to the issuer of a client in clients.yaml, letter for letter",
        "tenant": "set tenant to that of the client's entry",
        "jku": "leave jku out of the header, or set it to the address registered for the client",
        "kid": "name the key in the header's kid",
        "time": "give exp and iat, and nbf where there is one, as plain numbers of seconds since 1970",
        "expired": "send a new token; if it is new, compare the clocks",
        "not yet valid": "compare the clocks: nbf or iat lie in the future",
        "lifetime": "let exp be at most the client's lifetime after iat",
        "audience": "set aud to the address called, as in CDS_PUBLIC_URL, or to one of the client's audiences",
        "jti": f"give each token an id of its own in jti, a text of at most {LONGEST_JTI} characters",
        "keys unreachable": "see that the client's jku answers with its JWK set",
        "unknown key": "publish the key under the kid the token names, or name another; see which keys are left out",
        "signature": "sign with the private key that belongs to the published one",
        "issued before the start": "send a new token; the machine went down and uses before that may be forgotten",
        "used before": "send each token once",
        "fault": "look for the fault in the service's log",
    }
)
"""Every reason for a refusal, and what would be right."""


@dataclass(slots=True)
class Attempt:
    """A token on its way through the checks: what was sent, where to, when, and what is known of it so far."""

    sent: bytes
    audiences: Collection[str]
    now: float
    callers: Mapping[str, Sequence[Client]]
    token: Token = _NOTHING
    client: Client | None = None
    trust: Trust = _NOBODY

    def refuse(self, reason: str) -> UnknownCaller:
        """The refusal for *reason*, with the client it claims to be from as far as that is known."""
        return UnknownCaller(reason, self.client.id if self.client else "")


Check = Callable[[Attempt], None]


def _form(attempt: Attempt) -> None:
    try:
        attempt.token = read_token(attempt.sent)
    except NotToken as error:
        raise attempt.refuse(str(error)) from None


def _header(attempt: Attempt) -> None:
    header = attempt.token.header
    if header.get("typ") not in ("JWT", "jwt"):
        raise attempt.refuse("type")
    if "crit" in header or "b64" in header:
        raise attempt.refuse("critical header")
    if any(name in header for name in _BROUGHT_KEYS):
        raise attempt.refuse("key in the header")
    if not _text(header.get("kid"), LONGEST_KID):
        raise attempt.refuse("kid")


def _issuer(attempt: Attempt) -> None:
    claims = attempt.token.claims
    issuer, tenant = claims.get("iss"), claims.get("tenant")
    known = attempt.callers.get(issuer, ()) if isinstance(issuer, str) else ()
    if not known:
        raise attempt.refuse("issuer")
    for client in known:
        if client.trust is not None and (not client.trust.tenant or client.trust.tenant == tenant):
            attempt.client, attempt.trust = client, client.trust
            return
    raise attempt.refuse("tenant")


def _algorithm(attempt: Attempt) -> None:
    algorithm = attempt.token.header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in attempt.trust.algorithms or algorithm not in ALGORITHMS:
        raise attempt.refuse("algorithm")


def _jku(attempt: Attempt) -> None:
    header = attempt.token.header
    if "jku" in header and (not attempt.trust.jku or header["jku"] != attempt.trust.jku):
        raise attempt.refuse("jku")


def _times(attempt: Attempt) -> None:
    claims, trust = attempt.token.claims, attempt.trust
    ends, issued = claims.get("exp"), claims.get("iat")
    begins = claims.get("nbf", issued)
    if not (_moment(ends) and _moment(issued) and _moment(begins)):
        raise attempt.refuse("time")
    if ends <= attempt.now - trust.leeway:
        raise attempt.refuse("expired")
    if max(begins, issued) > attempt.now + trust.leeway:
        raise attempt.refuse("not yet valid")
    if not 0 < ends - issued <= trust.lifetime:
        raise attempt.refuse("lifetime")


def _audience(attempt: Attempt) -> None:
    given = attempt.token.claims.get("aud")
    named = given if isinstance(given, list) else [given]
    if len(named) > MOST_AUDIENCES or not all(isinstance(one, str) for one in named):
        raise attempt.refuse("audience")
    if not any(one in attempt.audiences or one in attempt.trust.audiences for one in named):
        raise attempt.refuse("audience")


def _jti(attempt: Attempt) -> None:
    if not _text(attempt.token.claims.get("jti"), LONGEST_JTI):
        raise attempt.refuse("jti")


CHECKS: Sequence[tuple[str, Check]] = (
    ("form", _form),
    ("header", _header),
    ("issuer", _issuer),
    ("algorithm", _algorithm),
    ("jku", _jku),
    ("times", _times),
    ("audience", _audience),
    ("jti", _jti),
)
"""What is asked, in order: from what costs nothing to what needs a key."""


def _text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _moment(value: Any) -> TypeGuard[float]:
    """Whether *value* is a number some clock could show; true and false are none."""
    return type(value) in (int, float) and 0 < value < _LATEST
