"""The addresses of code systems, as senders write them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_OID: Final = re.compile(r"[012](\.\d+)+")
_SNOMED: Final = "http://snomed.info/sct"


@lru_cache(maxsize=512)
def address(system: str) -> str:
    """
    The address of a code system without what differs between senders: case, http or https, version, edition.

    >>> address("https://snomed.info/sct/731000124108|20250301"), address("HTTP://LOINC.org/")
    ('http://snomed.info/sct', 'http://loinc.org')
    >>> address("2.16.840.1.113883.6.1"), address("oid:2.16.840.1.113883.6.1")
    ('urn:oid:2.16.840.1.113883.6.1', 'urn:oid:2.16.840.1.113883.6.1')
    """
    plain = system.strip().partition("|")[0].rstrip("/").lower()
    if plain.startswith("https:"):
        plain = "http:" + plain[6:]
    if plain.startswith(_SNOMED + "/"):
        return _SNOMED
    oid = plain.removeprefix("urn:").removeprefix("oid:")
    return f"urn:oid:{oid}" if _OID.fullmatch(oid) else plain
