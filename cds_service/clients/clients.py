"""
Who may call, as configuration: nothing in a request can add to it.

A client is one CDS client as the hospital sees it: its dialect (profile), the FHIR servers it
may point us at, and how it proves who it is. Without a ``clients.yaml`` in the site folder there
is one, called ``local``, who need prove nothing and reaches us from this machine only.

Callers can be told apart only by their tokens. So there is either one entry without keys, or
each entry carries them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from cds_service.clients.report import Report
from cds_service.clients.trust import Trust
from cds_service.clients.trust_file import MEMBERS, read_trust
from cds_service.errors import ContentError, Problem
from cds_service.settings import base_url
from cds_service.yaml_source import Block, Items, Text, line_of, read

Profile = Literal["generic", "epic", "update-in-place"]
PROFILES: tuple[str, ...] = get_args(Profile)
FILE = "clients.yaml"

_PROFILE, _SERVERS = Text("profile"), Text("fhir_servers")
_MEMBERS = (_PROFILE, _SERVERS)
_ALL = (*_MEMBERS, *MEMBERS)
_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Client:
    """
    One CDS client. ``fhir_servers`` are the only ones it may name, without a closing slash.

    Without ``trust`` it need not prove who it is.
    """

    id: str
    profile: Profile = "generic"
    fhir_servers: tuple[str, ...] = ()
    trust: Trust | None = None


def load(site: Path | None, fhir_servers: tuple[str, ...] = ()) -> Mapping[str, Client]:
    """
    The clients by id: those of ``clients.yaml`` in *site*, else ``local`` with *fhir_servers*.

    Raises ContentError with every problem of the file.
    """
    file = site / FILE if site else None
    if file is None or not file.is_file():
        return {"local": Client("local", fhir_servers=fhir_servers)}
    return parse(file.read_bytes(), fhir_servers, folder=site)


def checked(clients: Mapping[str, Client]) -> bool:
    """
    Whether callers have to prove who they are.

    >>> checked({"local": Client("local")})
    False
    """
    return any(client.trust is not None for client in clients.values())


def parse(
    source: bytes, fhir_servers: tuple[str, ...] = (), *, file: str = FILE, folder: Path | None = None
) -> Mapping[str, Client]:
    """
    The clients in the text of a ``clients.yaml``; *fhir_servers* where a single entry names none.

    Key files are looked for in *folder*. Raises ContentError with every problem.

    >>> parse(b"main-hospital: {profile: epic}")["main-hospital"].profile
    'epic'
    """
    document = read(source, file=file)
    problems: list[Problem] = []
    clients: dict[str, Client] = {}
    if not isinstance(document, Block) or not document:
        raise ContentError([Problem(file, line_of(document), "there is no client", "name one, or remove the file")])
    report = Report(file, problems)
    shared = fhir_servers if len(document) == 1 else ()
    for name, entry in document.items():
        clients[str(name)] = _client(name, entry, report, fhir_servers=shared, folder=folder)
    _told_apart(document, clients, report)
    if problems:
        raise ContentError(sorted(problems))
    return clients


def _client(name: Text, entry: Any, report: Report, *, fhir_servers: tuple[str, ...], folder: Path | None) -> Client:
    if not _ID.fullmatch(name):
        report(name.line, f"{name!s} is not a client's name", "use lower-case letters, digits and hyphens")
    if not isinstance(entry, Block):
        report(name.line, f"{name} has no members", f"give {' and '.join(_MEMBERS)}")
        return Client(str(name))
    for member in entry:
        if member not in _ALL:
            report.unknown(member.line, member, _ALL, "a client")
    servers = _servers(entry[_SERVERS], report) if _SERVERS in entry else fhir_servers
    return Client(str(name), _profile(entry, report), servers, read_trust(name, entry, report, folder))


def _told_apart(document: Block, clients: Mapping[str, Client], report: Report) -> None:
    """Report entries whose callers could not be told from those of another."""
    seen: dict[str, list[str]] = {}
    for name in document:
        trust = clients[str(name)].trust
        if trust is None and len(clients) > 1:
            trouble = f"{name!s} has no keys, and of several clients each must carry its own"
            report(name.line, trouble, "give issuer, and jku or keys")
        elif trust is not None and trust.issuer:
            tenants = seen.setdefault(trust.issuer, [])
            if tenants and ("" in (*tenants, trust.tenant) or trust.tenant in tenants):
                trouble = f"{name!s} has the issuer of another client and no tenant that tells them apart"
                report(name.line, trouble, "give each its own tenant")
            tenants.append(trust.tenant)


def _profile(entry: Block, report: Report) -> Profile:
    given = entry.get(_PROFILE, "generic")
    if given not in PROFILES:
        report(line_of(given, entry.line), f"{given} is not a profile", f"use one of {', '.join(PROFILES)}")
        return "generic"
    return cast("Profile", str(given))


def _servers(given: Any, report: Report) -> tuple[str, ...]:
    servers: list[str] = []
    if not isinstance(given, Items):
        report(line_of(given), "fhir_servers is not a list", "put each URL after a hyphen")
        return ()
    for server in given:
        try:
            servers.append(base_url(str(server)))
        except ValueError:
            shown = "what was given (not shown)" if "@" in str(server) else server
            report(line_of(server, given.line), f"{shown} is not a FHIR server", "give an https URL")
    return tuple(servers)
