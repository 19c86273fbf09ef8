"""A reason that exists and isn't shown to us: masked, or in a form the sender could not pass on."""

from __future__ import annotations

import re
from typing import Final

from cds_service.fhir.resources import MISSING, CodeableConcept, Reference

WITHHELD: Final = "a reason that is not shown to us"

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
