"""What this service offers: the answer of ``GET /cds-services``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

VERSION = "2.0.1"
"""The version of CDS Hooks spoken here."""

ORDER_SIGN = "pediatric-imaging-order-sign"
ORDER_SELECT = "pediatric-imaging-order-select"

PATIENT_VIEW = "pediatric-imaging-patient-view"

HOOKS: Mapping[str, str] = MappingProxyType({ORDER_SIGN: "order-sign", ORDER_SELECT: "order-select"})
"""Service id → the one hook it is for."""

WITH_PATIENT_VIEW: Mapping[str, str] = MappingProxyType({**HOOKS, PATIENT_VIEW: "patient-view"})
"""The same where the site switches on what is shown when a chart is opened."""

USAGE_REQUIREMENTS = (
    "Orders are FHIR R4 ServiceRequests. Without the Patient, prefetched or readable from fhirServer, there is no"
    " advice; with less of the record, less advice."
)

_WORDS = {
    ORDER_SIGN: (
        "Children's imaging, before signing",
        "For each imaging order of a child about to be signed: a safer or more fitting exam, a smaller one, a study"
        " that exists already, or silence.",
    ),
    ORDER_SELECT: (
        "Children's imaging, while ordering",
        "For each imaging order of a child just selected: a safer or more fitting exam, a smaller one, a study that"
        " exists already, or silence.",
    ),
    PATIENT_VIEW: (
        "Children's imaging so far",
        "When a child's chart is opened: the earlier imaging exams found in the record, or silence.",
    ),
}


class Service(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One service in the discovery answer, field for field."""

    hook: str
    id: str
    title: str
    description: str
    version: str
    usageRequirements: str
    prefetch: dict[str, str] = {}


class Discovery(msgspec.Struct):
    """The discovery answer."""

    services: list[Service]


def discovery(templates: Mapping[str, str], viewed: Mapping[str, str] | None = None) -> Discovery:
    """
    The services, each asking for *templates*; both ask for the same, so that a site types them in once.

    Where the imaging so far is shown when a chart is opened, that service asks for *viewed*.

    >>> [service.hook for service in discovery({}).services]
    ['order-sign', 'order-select']
    """
    services = [_service(id_, hook, templates) for id_, hook in HOOKS.items()]
    if viewed is not None:
        services.append(_service(PATIENT_VIEW, WITH_PATIENT_VIEW[PATIENT_VIEW], viewed))
    return Discovery(services)


def _service(id_: str, hook: str, templates: Mapping[str, str]) -> Service:
    title, description = _WORDS[id_]
    return Service(
        hook=hook,
        id=id_,
        title=title,
        description=description,
        version=VERSION,
        usageRequirements=USAGE_REQUIREMENTS,
        prefetch=dict(templates),
    )
