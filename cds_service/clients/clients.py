"""
Who may call, as configuration: nothing in a request can add to it.

A client is one CDS client as the hospital sees it: its dialect (profile) and the FHIR
servers it may point us at. Without a ``clients.yaml`` in the site folder there is one,
called ``local``.

Seam: tokens. When callers carry signed tokens, an entry here gains issuer, keys and
audiences, and ``identify`` in ``http/access.py`` finds the entry by them. Until then one
caller can't be told from another, so one entry is the most there may be, and a file
that names an issuer is refused: it would look like a lock and be none.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from cds_service.errors import ContentError, Problem
from cds_service.settings import base_url
from cds_service.yaml_source import Block, Items, Text, line_of, read

Profile = Literal["generic", "epic", "update-in-place"]
PROFILES: tuple[str, ...] = get_args(Profile)
FILE = "clients.yaml"

_PROFILE, _SERVERS = Text("profile"), Text("fhir_servers")
_MEMBERS = (_PROFILE, _SERVERS)
_LATER = ("issuer", "jku", "keys", "audiences")
_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Client:
    """One CDS client. ``fhir_servers`` are the only ones it may name, without a closing slash."""

    id: str
    profile: Profile = "generic"
    fhir_servers: tuple[str, ...] = ()


def load(site: Path | None, fhir_servers: tuple[str, ...] = ()) -> Mapping[str, Client]:
    """
    The clients by id: those of ``clients.yaml`` in *site*, else ``local`` with *fhir_servers*.

    Raises ContentError with every problem of the file.
    """
    file = site / FILE if site else None
    if file is None or not file.is_file():
        return {"local": Client("local", fhir_servers=fhir_servers)}
    return parse(file.read_bytes(), fhir_servers, file=FILE)


def parse(source: bytes, fhir_servers: tuple[str, ...] = (), *, file: str = FILE) -> Mapping[str, Client]:
    """
    The clients in the text of a ``clients.yaml``; *fhir_servers* where an entry names none.

    >>> parse(b"main-hospital: {profile: epic}")["main-hospital"].profile
    'epic'
    """
    document = read(source, file=file)
    problems: list[Problem] = []
    clients: dict[str, Client] = {}
    if not isinstance(document, Block) or not document:
        raise ContentError([Problem(file, line_of(document), "there is no client", "name one, or remove the file")])
    for name, entry in document.items():
        clients[str(name)] = _client(name, entry, fhir_servers, _Report(file, problems))
        if len(clients) > 1:
            trouble = "a second client cannot be told from the first while callers carry no tokens"
            problems.append(Problem(file, name.line, trouble, "run one service for each"))
    if problems:
        raise ContentError(sorted(problems))
    return clients


@dataclass(frozen=True, slots=True)
class _Report:
    """Collects the problems of one file."""

    file: str
    problems: list[Problem]

    def __call__(self, line: int, trouble: str, remedy: str = "") -> None:
        self.problems.append(Problem(self.file, line, trouble, remedy))


def _client(name: Text, entry: Any, fhir_servers: tuple[str, ...], report: _Report) -> Client:
    if not _ID.fullmatch(name):
        report(name.line, f"{name!s} is not a client's name", "use lower-case letters, digits and hyphens")
    if not isinstance(entry, Block):
        report(name.line, f"{name} has no members", f"give {' and '.join(_MEMBERS)}")
        return Client(str(name))
    for member in entry:
        _known(member, report)
    servers = _servers(entry[_SERVERS], report) if _SERVERS in entry else fhir_servers
    return Client(str(name), _profile(entry, report), servers)


def _known(member: Text, report: _Report) -> None:
    if member in _LATER:
        report(member.line, f"{member} is not read yet: callers' tokens are not checked", "remove it")
    elif member not in _MEMBERS:
        near = difflib.get_close_matches(member, _MEMBERS, n=1)
        report(member.line, f"{member} is not a member of a client", f"did you mean {near[0]}?" if near else "")


def _profile(entry: Block, report: _Report) -> Profile:
    given = entry.get(_PROFILE, "generic")
    if given not in PROFILES:
        report(line_of(given, entry.line), f"{given} is not a profile", f"use one of {', '.join(PROFILES)}")
        return "generic"
    return cast("Profile", str(given))


def _servers(given: Any, report: _Report) -> tuple[str, ...]:
    servers: list[str] = []
    if not isinstance(given, Items):
        report(line_of(given), "fhir_servers is not a list", "put each URL after a hyphen")
        return ()
    for server in given:
        try:
            servers.append(base_url(str(server)))
        except ValueError:
            report(line_of(server, given.line), f"{server} is not a FHIR server", "give an https URL")
    return tuple(servers)
