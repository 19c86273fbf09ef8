"""
Reads how a client proves who it is from its entry in ``clients.yaml``.

Keys stand in a file of the site's folder, or in the entry itself, or at a registered address.
A key of the site's own that could never be used is an error; the same key at a client's
address is only left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cds_service.clients.algorithms import ALGORITHMS, RECOMMENDED
from cds_service.clients.keys import NotKeys, read_keys
from cds_service.clients.report import Report
from cds_service.clients.trust import LEEWAY, LIFETIME, MOST_LEEWAY, MOST_LIFETIME, Trust
from cds_service.errors import PhraseError
from cds_service.settings import base_url
from cds_service.vocabulary.quantities import span
from cds_service.yaml_source import Block, Items, Text, line_of

MEMBERS = ("issuer", "jku", "keys", "audiences", "algorithms", "tenant", "leeway", "lifetime")
"""What an entry may say of its tokens."""

LONGEST = 1_024
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:@/-]*)?")


def read_trust(name: Text, entry: Block, report: Report, folder: Path | None) -> Trust | None:
    """What *entry* says of its tokens; None when it says nothing. Files are looked for in *folder*."""
    if not any(member in entry for member in MEMBERS):
        return None
    reader = _Reader(entry, report)
    issuer = reader.text("issuer")
    if not issuer:
        report(name.line, f"{name!s} has no issuer", "give the iss of its tokens, letter for letter")
    jku, keys = reader.address("jku"), reader.keys(folder)
    if not (Text("jku") in entry or Text("keys") in entry):
        report(name.line, f"{name!s} has no keys", "give jku, the https address of its JWK set, or keys")
    return Trust(
        issuer=issuer,
        jku=jku,
        keys=keys,
        audiences=frozenset(reader.texts("audiences")),
        algorithms=reader.algorithms(),
        tenant=reader.text("tenant"),
        leeway=reader.seconds("leeway", LEEWAY, most=MOST_LEEWAY),
        lifetime=reader.seconds("lifetime", LIFETIME, most=MOST_LIFETIME),
    )


class _Reader:
    """Reads members of one entry; what is wrong is reported and counts as not said."""

    def __init__(self, entry: Block, report: Report) -> None:
        self._entry = entry
        self._report = report

    def _given(self, member: str) -> Any:
        return self._entry.get(Text(member))

    def _wrong(self, member: str, at: Any, trouble: str, remedy: str) -> None:
        own = next((name.line for name in self._entry if name == member), self._entry.line)
        self._report(line_of(at, own), trouble, remedy)

    def text(self, member: str) -> str:
        given = self._given(member)
        if Text(member) not in self._entry:
            return ""
        if not _plain(given):
            self._wrong(member, given, f"{member} is not a text", "write it in one line, as the tokens carry it")
            return ""
        return str(given)

    def texts(self, member: str) -> tuple[str, ...]:
        given = self._given(member)
        if Text(member) not in self._entry:
            return ()
        if not isinstance(given, Items) or not all(_plain(one) for one in given):
            self._wrong(member, given, f"{member} is not a list of texts", "put each after a hyphen")
            return ()
        return tuple(map(str, given))

    def address(self, member: str) -> str:
        given = self.text(member)
        try:
            fine = not given or bool(base_url(given) and _ADDRESS.fullmatch(given))
        except ValueError:
            fine = False
        if not fine:
            shown = "what was given (not shown)" if "@" in given else given
            remedy = "give the https address without user, query or fragment"
            self._wrong(member, self._given(member), f"{member}: {shown} cannot be called", remedy)
        return given if fine else ""

    def algorithms(self) -> tuple[str, ...]:
        given = self.texts("algorithms")
        for one in given:
            if one not in ALGORITHMS:
                trouble = f"{one} is not an algorithm that may be used"
                self._wrong("algorithms", self._given("algorithms"), trouble, f"use some of {', '.join(ALGORITHMS)}")
        return given or RECOMMENDED

    def seconds(self, member: str, default: int, *, most: int) -> int:
        given = self._given(member)
        if Text(member) not in self._entry:
            return default
        try:
            seconds = span(given if isinstance(given, Text) else "").rough_seconds
        except PhraseError:
            seconds = -1
        least = 0 if member == "leeway" else 1
        if not least <= seconds <= most:
            said = given if isinstance(given, Text) else "what was given"
            remedy = f"give at most {most} seconds, as in 30 seconds or 5 minutes"
            self._wrong(member, given, f"{member}: {said} is not right", remedy)
            return default
        return seconds

    def keys(self, folder: Path | None) -> bytes:
        """The client's own JWK set as JSON; empty when its keys are elsewhere."""
        given = self._given("keys")
        if Text("keys") not in self._entry:
            return b""
        if isinstance(given, Items):
            source = msgspec.json.encode({"keys": _without_lines(given)})
        elif isinstance(given, Text):
            source = _file(folder, given)
        else:
            source = b""
        if not source:
            self._wrong("keys", given, "keys cannot be read", "name a file in the site's folder, or list the keys here")
            return b""
        return self._usable(source, given)

    def _usable(self, source: bytes, given: Any) -> bytes:
        try:
            found = read_keys(source)
        except NotKeys as error:
            self._wrong("keys", given, f"keys: {error}", 'give a JWK set: {"keys": [...]}')
            return b""
        for trouble in found.left_out:
            self._wrong("keys", given, f"keys: {trouble}", "publish public signing keys with a kid only")
        if not found.keys and not found.left_out:
            self._wrong("keys", given, "keys: there is none", "give at least one")
        return source


def _file(folder: Path | None, name: str) -> bytes:
    """A file below *folder*; empty when there is none, or it leads elsewhere."""
    if folder is None:
        return b""
    try:
        path = (folder / name).resolve()
        return path.read_bytes() if path.is_relative_to(folder.resolve()) and path.is_file() else b""
    except (OSError, ValueError):
        return b""


def _plain(value: Any) -> bool:
    return isinstance(value, Text) and 0 < len(value) <= LONGEST and value.isprintable()


def _without_lines(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _without_lines(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_lines(one) for one in value]
    return str(value) if isinstance(value, str) else value
