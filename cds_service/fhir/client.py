"""
Fetching what a client did not send, from the FHIR server it named.

Nothing is fetched unless the server is one registered for this client, byte for byte but for
a closing slash, and the call carries a token. Everything here shares the call's deadline and number of calls;
what does not come is named with the reason, and the rest is still used.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urljoin

import msgspec
from cachetools import TTLCache

from cds_service.errors import MalformedRequest, OutboundError
from cds_service.fhir.bundles import UNREADABLE, Link, decode
from cds_service.fhir.prefetch import (
    KIND_OF,
    MORE_PAGES,
    NOT_READABLE,
    PATIENT,
    REFUSED,
    TEMPLATES,
    absent,
    patient_in,
    records,
)
from cds_service.hooks.request import Authorization, HookRequest
from cds_service.hooks.strict_json import check_density
from cds_service.outbound import Allowance, Deadline, Outbound, inside

NO_ACCESS = "no access"
NO_PATIENT = "no patient"

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")
Cache = TTLCache[tuple[str, ...], bytes]


def new_cache(seconds: float = 10.0, most_bytes: int = 32_000_000) -> Cache:
    """
    A cache of answers, short enough that a finding entered between two calls is not missed for long.

    >>> new_cache(5).ttl
    5
    """
    return TTLCache(maxsize=most_bytes, ttl=seconds, getsizeof=len)


class Access(NamedTuple):
    """What one client may have fetched: its id, its registered FHIR bases, the way out, and a cache."""

    client_id: str
    bases: frozenset[str]
    outbound: Outbound
    cache: Cache


class Fetched(NamedTuple):
    """What came, as JSON by key, and why the rest did not."""

    values: Mapping[str, bytes] = {}
    gaps: Mapping[str, str] = {}


class Page(msgspec.Struct):
    """The outside of one answer; its entries stay bytes."""

    resourceType: str = ""
    entry: list[msgspec.Raw] | None = None
    link: list[Link] | None = None


async def complete(
    request: HookRequest, access: Access, deadline: Deadline, *, needs: Mapping[str, str] = TEMPLATES
) -> Fetched:
    """
    Fetch what *request* lacks of *needs* (templates by key), and the further pages of what it holds.

    A request that lacks nothing causes no call. A missing Patient is fetched first: without the right
    one nothing else is worth asking for.
    """
    wanted = _wanted(request, needs)
    if not wanted:
        return Fetched()
    authorization = _authorized(request, access)
    if authorization is None:
        return Fetched({}, dict.fromkeys(wanted, NO_ACCESS))
    if not _plain_ids(request):
        return Fetched({}, dict.fromkeys(wanted, REFUSED))
    return await _Errand(request, access, authorization, deadline, templates=needs).run(wanted)


def _wanted(request: HookRequest, needs: Collection[str]) -> dict[str, str]:
    """By key, the address to start at: the template of an absent key, the next page of a page that was sent."""
    wanted = dict.fromkeys(absent(request, needs), "")
    patient = request.prefetch.get(PATIENT)
    if PATIENT in needs and patient is not None and _wrong_patient(patient, request.context.patient_id):
        wanted[PATIENT] = ""
    for key, raw in request.prefetch.items():
        if key in needs and key in KIND_OF and key != PATIENT and b'"next"' in raw:
            further = decode(KIND_OF[key], raw).next_page
            if further:
                wanted[key] = further
    return wanted


def _wrong_patient(raw: bytes, patient_id: str) -> bool:
    """Whether the Patient sent cannot be used; an error in its place is the client's last word."""
    return patient_in(raw, patient_id).gap not in ("", REFUSED)


def _authorized(request: HookRequest, access: Access) -> Authorization | None:
    """The token, when it may be used: server registered for this client, bearer, and for this patient."""
    given = request.authorization
    if given is None or _base(request) not in access.bases or given.token_type.lower() != "bearer":
        return None
    return given if given.patient in (None, request.context.patient_id) else None


def _base(request: HookRequest) -> str:
    """The server named, as it is registered: without a closing slash, which some clients send."""
    return (request.fhir_server or "").removesuffix("/")


def _plain_ids(request: HookRequest) -> bool:
    """Whether the ids can stand in an address without meaning anything else there, such as a list."""
    ids = (request.context.patient_id, request.context.encounter_id)
    return all(_PLAIN_ID.fullmatch(one) for one in ids if one)


class _Errand:
    """Everything one call fetches."""

    def __init__(
        self,
        request: HookRequest,
        access: Access,
        authorization: Authorization,
        deadline: Deadline,
        *,
        templates: Mapping[str, str],
    ) -> None:
        self._request = request
        self._templates = templates
        self._context = request.context
        self._base = _base(request)
        self._access = access
        self._token = authorization.access_token
        token_hash = sha256(self._token.encode("utf-8", "replace")).hexdigest()
        self._cache_key = (access.client_id, self._base, token_hash, self._context.patient_id)
        self._allowance = Allowance(deadline)
        self._values: dict[str, bytes] = {}
        self._gaps: dict[str, str] = {}

    async def run(self, wanted: dict[str, str]) -> Fetched:
        """Fetch the Patient if it is wanted, then everything else side by side."""
        rest = {key: start for key, start in wanted.items() if key != PATIENT}
        if PATIENT in wanted:
            await self._fetch(PATIENT, "")
            if PATIENT not in self._values:
                self._gaps.update(dict.fromkeys(rest, NO_PATIENT))
                rest = {}
        if rest:
            await asyncio.gather(*(self._fetch(key, start) for key, start in rest.items()))
        return Fetched(self._values, self._gaps)

    async def _fetch(self, key: str, start: str) -> None:
        """Fetch one key with all its pages; what came before a failure is kept, and the failure named."""
        pages: list[bytes] = []
        try:
            if start:
                await self._follow(self._address(start), pages)
            else:
                await self._whole(key, pages)
        except OutboundError as error:
            self._gaps[key] = error.reason
        if pages:
            whole = len(pages) == 1 and key not in self._gaps
            self._values[key] = pages[0] if whole else _bound(pages)
        if key == PATIENT and pages:
            self._check_patient()

    async def _whole(self, key: str, pages: list[bytes]) -> None:
        """All pages of an absent key, from the cache when they were fetched a moment ago."""
        address = f"{self._base}/{self._resolved(key)}"
        cache, cache_key = self._access.cache, (*self._cache_key, address)
        known = cache.get(cache_key)
        if known is not None:
            pages.append(known)
            return
        await self._follow(address, pages, kind=KIND_OF[key].__name__)
        pages[:] = [pages[0] if len(pages) == 1 else _bound(pages)]
        if len(pages[0]) <= cache.maxsize and self._is_sound(key, pages[0]):
            cache[cache_key] = pages[0]

    async def _follow(self, address: str, pages: list[bytes], *, kind: str = "Bundle") -> None:
        """Add the page at *address* and those after it to *pages*; stay on this server, never go in circles."""
        seen: set[str] = set()
        while address:
            if address in seen:
                raise OutboundError(MORE_PAGES)
            seen.add(address)
            body = await self._access.outbound.get(address, self._allowance, base=self._base, token=self._token)
            page = _page(body)
            if page.resourceType not in ("Bundle", kind):
                raise OutboundError(REFUSED if page.resourceType == "OperationOutcome" else NOT_READABLE)
            pages.append(body)
            further = next((link for link in page.link or () if link.relation == "next"), None)
            address = self._address(further.url or "") if further is not None else ""

    def _address(self, link: str) -> str:
        """Where a link to the next page leads, when that is on this server."""
        try:
            address = urljoin(self._base + "/", link)
        except ValueError:
            address = ""
        if not link or not inside(self._base, address):
            raise OutboundError(MORE_PAGES)
        return address

    def _is_sound(self, key: str, value: bytes) -> bool:
        """Whether *value* is complete and this patient's: nothing else is kept for the next call."""
        return records(self._request, fetched={key: value}).read(KIND_OF[key]).complete

    def _resolved(self, key: str) -> str:
        return (
            self._templates[key]
            .replace("{{context.patientId}}", self._context.patient_id)
            .replace("{{context.encounterId}}", self._context.encounter_id or "")
        )

    def _check_patient(self) -> None:
        """Drop a Patient that is not the one of this call."""
        gap = patient_in(self._values[PATIENT], self._context.patient_id).gap
        if gap:
            del self._values[PATIENT]
            self._gaps[PATIENT] = gap


def _page(body: bytes) -> Page:
    try:
        check_density(body)
        body.decode("utf-8")  # the parser does not look into what nobody asks for
        return _PAGE(body)
    except (*UNREADABLE, MalformedRequest):
        raise OutboundError(NOT_READABLE) from None


def _bound(pages: list[bytes]) -> bytes:
    """Several pages as one Bundle, their entries untouched."""
    entries = [entry for body in pages for entry in _page(body).entry or ()]
    return msgspec.json.encode({"resourceType": "Bundle", "entry": entries})


_PAGE = msgspec.json.Decoder(Page).decode
