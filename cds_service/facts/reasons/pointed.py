"""The Condition or Observation an order points to as its reason, and what of it states one."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

from cds_service.fhir.records import Records
from cds_service.fhir.resources import CodeableConcept, Condition, Observation, Reference
from cds_service.vocabulary.readings import Evidence

_WRONG: Final = frozenset(("refuted", "entered-in-error"))
_OVER: Final = frozenset(("inactive", "remission", "resolved"))
_NOT_MADE: Final = frozenset(("entered-in-error", "cancelled"))

T = TypeVar("T", Condition, Observation)
NegativeAnswers = frozenset[tuple[str, str]]


class Pointed(NamedTuple):
    """What a record states: the first of its concepts that is understood; ``past`` when it says that it is over."""

    where: Evidence
    concepts: tuple[CodeableConcept, ...] = ()
    past: bool = False


def pointed(reference: Reference, records: Records, negative: NegativeAnswers) -> Pointed | None:
    """
    What the record behind *reference* states, or None when we do not have that record.

    Records that were a mistake, and findings answered with no, state nothing.
    """
    kind, _, name = _target(reference)
    if kind in ("Condition", "") and (condition := _found(records, Condition, name)):
        return _condition(condition)
    if kind in ("Observation", "") and (observation := _found(records, Observation, name)):
        return _observation(observation, negative)
    return None


def _target(reference: Reference) -> tuple[str, str, str]:
    """
    Type and id of a relative, absolute or versioned reference; the type may be empty.

    >>> _target(Reference(reference="https://ehr.example/fhir/Condition/7/_history/2"))
    ('Condition', '/', '7')
    >>> _target(Reference(reference="urn:uuid:8c0f2c4e"))
    ('', '/', '8c0f2c4e')
    """
    path = (reference.reference or "").partition("/_history/")[0]
    if path.startswith(("urn:uuid:", "urn:oid:")):
        return reference.type or "", "/", path.rpartition(":")[2]
    if path.startswith("#"):
        return reference.type or "", "/", ""
    before, slash, name = path.rpartition("/")
    return before.rpartition("/")[2] or reference.type or "", slash or "/", name


def _found(records: Records, kind: type[T], name: str) -> T | None:
    if not name:
        return None
    return next((one for one in records.read(kind).items if one.id == name), None)


def _condition(condition: Condition) -> Pointed:
    where = Evidence("", f"Condition/{condition.id}", condition.onsetDateTime or condition.recordedDate or "")
    if _codes(condition.verificationStatus) & _WRONG or condition.code is None:
        return Pointed(where)
    return Pointed(where, (condition.code,), past=bool(_codes(condition.clinicalStatus) & _OVER))


def _observation(seen: Observation, negative: NegativeAnswers) -> Pointed:
    where = Evidence("", f"Observation/{seen.id}", seen.effectiveDateTime or seen.issued or "")
    answers = [seen.valueCodeableConcept, *(seen.interpretation or ())]
    said_no = seen.valueBoolean is False or any(_answers(answer) & negative for answer in answers)
    if said_no or seen.status in _NOT_MADE or seen.dataAbsentReason is not None:
        return Pointed(where)
    worded = CodeableConcept(text=seen.valueString) if seen.valueString else None
    return Pointed(where, tuple(one for one in (seen.valueCodeableConcept, worded, seen.code) if one is not None))


def _codes(concept: CodeableConcept | None) -> frozenset[str]:
    return frozenset(one.code for one in (concept.coding if concept else None) or () if one and one.code)


def _answers(concept: CodeableConcept | None) -> frozenset[tuple[str, str]]:
    codings = (concept.coding if concept else None) or ()
    return frozenset((one.system, one.code) for one in codings if one and one.system and one.code)
