"""
Whose record a resource belongs to.

One call is about one patient. A resource counts only when it names that patient; naming
another, or nobody, never does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any

from cds_service.fhir.resources import (
    AllergyIntolerance,
    Device,
    Identifier,
    Patient,
    Reference,
    Resource,
)


class Standing(Enum):
    """How a resource stands to the patient of this call."""

    OWN = "own"
    FOREIGN = "foreign"  # it names another patient
    UNCLEAR = "unclear"  # it names nobody, or somebody we cannot tell


SubjectOf = Callable[[Resource], Reference | None]

_SAME_PERSON = frozenset({"replaces", "replaced-by"})
_BY_PATIENT = (Device, AllergyIntolerance)
_PATIENT: SubjectOf = attrgetter("patient")
_SUBJECT: SubjectOf = attrgetter("subject")


def subject_of(kind: type[Resource]) -> SubjectOf:
    """What reads the element of *kind* that names its patient."""
    return _PATIENT if kind in _BY_PATIENT else _SUBJECT


class Subject:
    """
    Tells for each reference whether it means this call's patient.

    The Patient resource adds the ids of records merged with this one and the patient's identifiers; it is
    read only when a reference needs it. With a *base*, absolute references must lie on that server.
    """

    __slots__ = ("_base", "_known", "_patient", "_patient_id", "_plain")

    def __init__(self, patient_id: str, patient: Callable[[], Patient | None], *, base: str | None = None) -> None:
        self._patient_id = patient_id
        self._patient = patient
        self._base = base
        self._plain = f"Patient/{patient_id}"
        self._known = {self._plain: Standing.OWN}

    def owns(self, kind: type[Resource], items: Sequence[Any]) -> bool:
        """
        Whether each of *items* names the patient in the plainest way, ``Patient/id``, as almost all do.

        One comparison a resource, for histories of thousands; no answer for those named in another element.
        """
        if kind in _BY_PATIENT:
            return not items
        plain = self._plain
        for one in items:
            subject = one.subject
            if subject is None or subject.reference != plain:
                return False
        return True

    def standing(self, reference: Reference | None) -> Standing:
        """How a resource whose subject is *reference* stands to the patient."""
        if reference is None:
            return Standing.UNCLEAR
        text = reference.reference
        if not text:
            return self._by_identifier(reference.identifier)
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._by_address(text)
        return known

    def _by_address(self, text: str) -> Standing:
        if text.startswith("urn:uuid:"):
            return self._by_id(text[len("urn:uuid:") :], otherwise=Standing.UNCLEAR)
        path = text.partition("/_history/")[0]
        server, named, tail = path.rpartition("Patient/")
        if not named or not tail or "/" in tail or (server and not self._on_server(server)):
            return Standing.UNCLEAR
        return self._by_id(tail, otherwise=Standing.FOREIGN)

    def _on_server(self, server: str) -> bool:
        if not server.endswith("/") or "://" not in server:
            return False
        return self._base is None or server.rstrip("/") == self._base.rstrip("/")

    def _by_id(self, patient_id: str, *, otherwise: Standing) -> Standing:
        if patient_id == self._patient_id:
            return Standing.OWN
        return Standing.OWN if patient_id in self._merged_ids() else otherwise

    def _by_identifier(self, identifier: Identifier | None) -> Standing:
        patient = self._patient() if identifier is not None else None
        if identifier is None or patient is None or not identifier.value or not identifier.system:
            return Standing.UNCLEAR
        wanted = (identifier.system, identifier.value)
        own = any((one.system, one.value) == wanted for one in patient.identifier or ())
        return Standing.OWN if own else Standing.UNCLEAR

    def _merged_ids(self) -> set[str]:
        """Ids of other records of the same person, merged into this one or holding it now."""
        patient = self._patient()
        links = (patient.link or ()) if patient is not None else ()
        references = (link.other.reference for link in links if link.type in _SAME_PERSON and link.other is not None)
        return {text.rpartition("Patient/")[2] for text in references if text and "Patient/" in text}
