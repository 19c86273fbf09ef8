"""
``cds-service clients test``: why a token is or isn't accepted, step by step.

The steps are those of a call. The token itself, its id and its signature are never printed; a
token that is tested is not used up.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cds_service.clients.checks import CHECKS, REMEDIES, Attempt
from cds_service.clients.clients import Client
from cds_service.clients.doorkeeper import by_issuer, name_of, verify
from cds_service.clients.key_sets import FetchedKeys, RegisteredKeys
from cds_service.clients.opening import key_sources
from cds_service.errors import UnknownCaller
from cds_service.hooks.discovery import WITH_PATIENT_VIEW

_LONGEST = 120
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "header": ("typ", "kid", "crit"),
    "issuer": ("iss", "tenant"),
    "algorithm": ("alg",),
    "jku": ("jku",),
    "times": ("iat", "nbf", "exp"),
    "audience": ("aud",),
}
"""What of the token each step may show: nothing that tells who or which."""


class Step(NamedTuple):
    """One step: its name, whether it was passed, and what was found."""

    name: str
    passed: bool
    found: str


class Service(NamedTuple):
    """What the token is held against: the clients, the public address, and whether a token was used before."""

    clients: Mapping[str, Client]
    public_url: str
    used: Callable[[bytes], bool]


def add_to(commands: Any, run: Callable[..., int]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("clients", help="look into who may call")
    actions = parser.add_subparsers(required=True, metavar="action")
    about = "why a token is or isn't accepted, step by step; exit status 0 when it is, 1 when not"
    test = actions.add_parser("test", help=about, description=about)
    test.add_argument("token", help="the token, or - to read it from standard input, where no history keeps it")
    test.set_defaults(run=run)


def explain(sent: str, service: Service) -> bool:
    """Print every step up to the first that fails; whether the token would be accepted."""
    steps = asyncio.run(_steps(_bare(sys.stdin.read() if sent == "-" else sent), service))
    for step in steps:
        print(f"{step.name:10} {'yes' if step.passed else 'NO ':4} {step.found}".rstrip())
    accepted = all(step.passed for step in steps)
    print("Accepted." if accepted else "Not accepted.")
    return accepted


def _bare(sent: str) -> bytes:
    """The token, with or without the word Bearer before it."""
    words = sent.split()
    if words and words[0].lower() in ("bearer", "authorization:"):
        return _bare(" ".join(words[1:]))
    return " ".join(words).encode("utf-8", "replace")


async def _steps(sent: bytes, service: Service) -> list[Step]:
    addresses = endpoints(service.public_url)
    attempt = Attempt(sent, addresses, time.time(), by_issuer(service.clients.values()))
    steps: list[Step] = []
    for name, check in CHECKS:
        try:
            check(attempt)
        except UnknownCaller as refusal:
            steps.append(Step(name, False, f"{refusal.reason}: {_trouble(name, attempt, refusal)}"))
            return steps
        steps.append(Step(name, True, _found(name, attempt)))
    return [*steps, *await _signed(attempt, service)]


async def _signed(attempt: Attempt, service: Service) -> list[Step]:
    assert attempt.client is not None
    async with key_sources([attempt.client], lambda *_: None) as sources:
        source = sources[attempt.client.id]
        try:
            await verify(attempt, sources)
        except UnknownCaller as refusal:
            return [Step("signature", False, f"{refusal.reason}: {REMEDIES[refusal.reason]}; {_keys(source)}")]
        steps = [Step("signature", True, _keys(source))]
    used = service.used(name_of(attempt))
    return [*steps, Step("first use", not used, REMEDIES["used before"] if used else "")]


def endpoints(public_url: str) -> tuple[str, ...]:
    """
    Every address a token may be for.

    >>> endpoints("https://cds.example")[0]
    'https://cds.example/cds-services'
    """
    offered = public_url + "/cds-services"
    return offered, *(f"{offered}/{name}{end}" for name in WITH_PATIENT_VIEW for end in ("", "/feedback"))


def _found(name: str, attempt: Attempt) -> str:
    found = ", ".join(_given(name, attempt))
    return f"{found} → client {attempt.client.id}" if name == "issuer" and attempt.client else found


def _given(name: str, attempt: Attempt) -> Iterator[str]:
    for member in _SHOWN.get(name, ()):
        part = attempt.token.header if member in attempt.token.header else attempt.token.claims
        if member in part:
            yield f"{member} {_plain(part[member])}"


def _trouble(name: str, attempt: Attempt, refusal: UnknownCaller) -> str:
    """What was given, and what would be right."""
    given = ", ".join(_given(name, attempt))
    right = {
        "issuer": "known are " + (", ".join(attempt.callers) or "none: no client of clients.yaml carries keys"),
        "algorithm": "the client's are " + ", ".join(attempt.trust.algorithms),
        "jku": f"registered is {attempt.trust.jku or 'none'}",
        "audience": "right are " + ", ".join((*attempt.audiences, *sorted(attempt.trust.audiences))),
        "lifetime": f"at most {attempt.trust.lifetime} seconds",
        "expired": f"it is now {_plain(int(attempt.now))}, {attempt.trust.leeway} seconds are forgiven",
        "not yet valid": f"it is now {_plain(int(attempt.now))}, {attempt.trust.leeway} seconds are forgiven",
    }.get(refusal.reason, "")
    return "; ".join(part for part in (given and f"given {given}", REMEDIES[refusal.reason], right) if part)


def _keys(source: Any) -> str:
    if not isinstance(source, RegisteredKeys | FetchedKeys):
        return ""
    where = "at the client's jku" if isinstance(source, FetchedKeys) else "of the client's entry"
    named = ", ".join(_plain(kid) for kid in source.set.keys) or "none"
    left_out = f"; left out: {'; '.join(source.set.left_out)}" if source.set.left_out else ""
    return f"keys {where}: {named}{left_out}"


def _plain(value: Any) -> str:
    """*value* for a terminal: short, printable, a time as one."""
    if type(value) in (int, float) and 1e9 < value < 1e10:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    said = value if isinstance(value, str) else repr(value)
    return "".join(letter if letter.isprintable() else "?" for letter in said[:_LONGEST])
