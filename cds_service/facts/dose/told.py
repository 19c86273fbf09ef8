"""
What one account of an exam tells of its dose.

Reference: HL7 Radiation Dose Summary for Diagnostic Procedures 1.0 and the HL7 Europe imaging report, whose components
are DICOM codes (PS3.16). Left out on purpose are numbers that no child received: 113903 and 113911 (alert and
notification level), 113905 and 113913 (forward estimates); and parts of a total: 130745 (subtotal), 113726 and 113727
(fluoroscopy and acquisition).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cds_service.facts.dose.units import ACTIVITY, CTDI, DAP, DLP, EFFECTIVE, POINT, amount
from cds_service.facts.dose.wording import said
from cds_service.fhir.resources import Component, DiagnosticReport, Observation

_TOTALS: Final = {"113813": DLP, "113814": EFFECTIVE, "113722": DAP, "113725": POINT, "113830": CTDI}
"""What stands for the whole exam; CTDIvol differs from pass to pass and is told from its lowest to its highest."""

_ONE: Final = {"113838": DLP, "113839": EFFECTIVE, "122130": DAP, "113507": ACTIVITY}
"""What may be of one event or one agent: it stands for the exam only where there is one."""

_PHANTOM: Final = "113835"
_PHANTOMS: Final = {"113690": 16, "113691": 32}
_SYSTEMS: Final = (None, "", "http://dicom.nema.org/resources/ontology/DCM", "urn:oid:1.2.840.10008.2.16.4", "DCM")


class Told(NamedTuple):
    """
    One account's doses: by measure the values it may mean, lowest and highest.

    ``unclear`` names measures it speaks of without saying one value; ``phantoms`` are those it names, in cm.
    """

    values: dict[str, tuple[float, float]]
    unclear: frozenset[str] = frozenset()
    phantoms: frozenset[int] = frozenset()


NOTHING: Final = Told({})


def of_summary(observation: Observation) -> Told:
    """What a dose summary tells: its components, else its text."""
    components = observation.component or ()
    whole = _values(components, _TOTALS)
    single = _values(components, _ONE)
    values = {what: (min(found), max(found)) for what, found in whole.items()}
    unclear = set()
    for what, found in single.items():
        if what not in values and len(found) == 1:
            values[what] = (found[0], found[0])
        elif what not in values:
            unclear.add(what)
    worded = of_text(observation.valueString or "")
    for what, bounds in worded.values.items():
        if what not in unclear:
            values.setdefault(what, bounds)
    unclear |= worded.unclear - values.keys()
    return Told(values, frozenset(unclear), frozenset(_phantoms(components)))


def of_report(report: DiagnosticReport) -> Told:
    """What a report's conclusion tells; nothing when it reads several studies, since nobody can tell whose it is."""
    studies = {reference.reference for reference in report.imagingStudy or () if reference.reference}
    if len(studies) > 1 or not report.conclusion:
        return NOTHING
    return of_text(report.conclusion)


def of_text(text: str) -> Told:
    """What plain words tell."""
    found = said(text) if text else {}
    values = {what: (one.low, one.high) for what, one in found.items() if one.clear}
    return Told(values, frozenset(found.keys() - values.keys()))


def _values(components: Sequence[Component], wanted: dict[str, str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for component in components:
        for code in _codes(component):
            what = wanted.get(code)
            value = amount(component.valueQuantity, what) if what is not None else None
            if what is not None and value is not None:
                found.setdefault(what, []).append(value)
    return found


def _codes(component: Component) -> Iterable[str]:
    coding = component.code.coding if component.code is not None else None
    return dict.fromkeys(one.code for one in coding or () if one.code and one.system in _SYSTEMS)


def _phantoms(components: Sequence[Component]) -> Iterable[int]:
    for component in components:
        if _PHANTOM in _codes(component) and component.valueCodeableConcept is not None:
            for one in component.valueCodeableConcept.coding or ():
                if one.code in _PHANTOMS:
                    yield _PHANTOMS[one.code]
