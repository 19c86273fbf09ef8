"""A reason that exists and isn't shown to us: masked, in an extension, or in a form the sender could not pass on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cds_service.fhir.resources import MISSING, CodeableConcept, Extension, Reference

WITHHELD: Final = "a reason that is not shown to us"
IN_AN_EXTENSION: Final = "a reason in an extension"

_OF_SOMETHING_ELSE: Final = re.compile(r"absent|status|reject|cancel|decline|override")
_ABSENT: Final = b"data-absent-reason"
_EXISTS: Final = re.compile(rb'"(?:masked|not-permitted|unsupported|as-text|temp-unknown|error)"')


def withheld(stated: CodeableConcept | Reference) -> bool:
    """
    Whether *stated* says that a reason exists, in place of the reason (FHIR's data-absent-reason).

    Reasons nobody asked for or nobody knows are none.

    >>> from msgspec import Raw
    >>> url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    >>> masked, unknown = (Raw(f'[{{"url": "{url}", "valueCode": "{code}"}}]') for code in ("masked", "unknown"))
    >>> withheld(CodeableConcept(extension=masked)), withheld(CodeableConcept(extension=unknown))
    (True, False)
    """
    if stated.extension is MISSING:
        return False
    written = bytes(stated.extension)
    return _ABSENT in written and _EXISTS.search(written) is not None


def elsewhere(extensions: Iterable[Extension | None] | None) -> bool:
    """
    Whether an order says in an extension why it is placed, as European orders and those of later releases do.

    >>> elsewhere([Extension(url="http://hl7.org/fhir/5.0/StructureDefinition/extension-ServiceRequest.reason")])
    True
    >>> elsewhere([Extension(url="http://hl7.org/fhir/StructureDefinition/data-absent-reason")]), elsewhere(None)
    (False, False)
    """
    urls = (one.url.rpartition("/")[2].lower() for one in extensions or () if one is not None and one.url)
    return any("reason" in name and not _OF_SOMETHING_ELSE.search(name) for name in urls)
