"""
The order as it came, and the orders made from it.

A created order says again what still holds (whose, why, when) and nothing about the exam it leaves behind. An updated
order is the client's own order, whole, with only the change. Both are checked before anyone sees them; what is
shared by several suggestions is checked once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from cds_service.findings import Contact
from cds_service.suggestions.clean import clean
from cds_service.suggestions.validate import INTENTS, PRIORITIES, concept_faults, faults, fitted, own_id, sendable
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.regions import MASKS

_OCCURRENCE: Final = ("occurrenceDateTime", "occurrencePeriod", "occurrenceTiming")
_COPIED: Final = (
    "basedOn",
    "category",
    "priority",
    "subject",
    "encounter",
    *_OCCURRENCE,
    "requester",
    "reasonCode",
    "reasonReference",
    "insurance",
    "supportingInfo",
    "bodySite",
    "note",
)
_OF_A_MESSAGE: Final = ("subject", "encounter", "requester")
_OF_THE_EXAM: Final = frozenset(
    {"text", "orderDetail", "bodySite", "patientInstruction", "instantiatesCanonical", "instantiatesUri"}
)
_SIDE: Final = re.compile(r"\b(?:(left|lt)|(right|rt)|(bilateral|bilat|both))\b", re.IGNORECASE)
_SIDES: Final = ("Left", "Right", "Left and right")


class Draft:
    """
    One order of the call.

    ``id`` is empty when nothing can be aimed at the order: it has none, or *reference* names something else.
    ``usable`` is False for what is not an order to do something.
    """

    def __init__(self, order: Mapping[str, Any], reference: str, *, exam: Exam | None = None) -> None:
        self._order = order
        self._exam = exam
        given = own_id(order.get("id"))
        self.reference = f"ServiceRequest/{given}"
        self.id = given if reference == self.reference else ""
        self.usable = order.get("resourceType") == "ServiceRequest" and not order.get("doNotPerform")

    def created(self, concept: dict[str, Any], exam: Exam, *, intent: str = "") -> dict[str, Any] | None:
        """A new draft order for *exam*, written as *concept*; None when the order names no patient."""
        if self._copied is None:
            return None
        order = dict(self._copied, code=concept)
        if intent:
            order["intent"] = intent
        if not self._same_place(exam):
            order.pop("bodySite", None)
        return self._sided(order, exam)

    def changed(self, concept: dict[str, Any], exam: Exam) -> dict[str, Any] | None:
        """This order, asking for *exam* instead; what described the old exam goes. None when it isn't valid FHIR."""
        leaves = _OF_THE_EXAM - {"bodySite"} if self._same_place(exam) else _OF_THE_EXAM
        if self._kept is None or not self._faults <= leaves | {"code"}:
            return None
        leaves |= {f"_{member}" for member in leaves}
        kept = {member: value for member, value in self._kept.items() if member not in leaves}
        return self._sided(kept | {"code": concept}, exam)

    def with_reason(self, concept: dict[str, Any]) -> dict[str, Any] | None:
        """This order with one more reason; None when it or the reason isn't valid FHIR."""
        if self._kept is None or self._faults - {"text"} or concept_faults(concept):
            return None
        order = {member: value for member, value in self._kept.items() if member != "text"}
        order["reasonCode"] = [*order.get("reasonCode", ()), concept]
        return order

    def with_note(self, text: str) -> dict[str, Any] | None:
        """This order with one more note; None when it says so already, or isn't valid FHIR."""
        if self._kept is None or self._faults - {"text"}:
            return None
        order = {member: value for member, value in self._kept.items() if member != "text"}
        notes = order.get("note", [])
        said = " ".join(" ".join(str(one.get("text", "")).split()).casefold() for one in notes)
        if not text or text.casefold() in said:
            return None
        order["note"] = [*notes, {"text": text}]
        return order

    def message(self, contact: Contact, text: str) -> dict[str, Any] | None:
        """
        A message to *contact* about the child of this order; None when it would not be valid.

        It does not point at the order, which is a draft that only this client knows.
        """
        copied = self._copied or {}
        recipient = {"reference": contact.reference} if contact.reference else {}
        made: dict[str, Any] = {
            "resourceType": "CommunicationRequest",
            "status": "draft",
            **{member: copied[member] for member in _OF_A_MESSAGE if member in copied},
            "recipient": [recipient | {"display": contact.name or contact.role}],
            "payload": [{"contentString": text}],
        }
        return made if "subject" in made and sendable(made) else None

    def as_ordered(self) -> dict[str, Any] | None:
        """This order, unchanged but without empty members; None when it isn't valid FHIR."""
        return None if self._kept is None or self._faults else dict(self._kept)

    def _same_place(self, exam: Exam) -> bool:
        return self._exam is not None and self._exam.mask == exam.mask

    def _sided(self, order: dict[str, Any], exam: Exam) -> dict[str, Any]:
        """*order* with the side of the limb that only the name of the exam it leaves behind told."""
        if "bodySite" in order or not self._side or not (self._same_place(exam) and exam.mask & MASKS["limb"]):
            return order
        return order | {"bodySite": [{"text": self._side}]}

    @cached_property
    def _side(self) -> str:
        """The one side that the name of the exam tells, empty when it tells none or several."""
        code = self._order.get("code")
        told = code if isinstance(code, dict) else {}
        codings = told.get("coding")
        named = [told.get("text"), *(one.get("display") for one in _blocks(codings))]
        said = {found.lastindex or 0 for name in named if isinstance(name, str) for found in _SIDE.finditer(name)}
        return _SIDES[said.pop() - 1] if len(said) == 1 else ""

    @cached_property
    def _kept(self) -> dict[str, Any] | None:
        try:
            kept: dict[str, Any] | None = clean(dict(self._order)) if self.id and self.usable else None
        except ValueError:
            return None
        return kept

    @cached_property
    def _faults(self) -> frozenset[str]:
        return frozenset(faults(self._kept or {}))

    @cached_property
    def _copied(self) -> dict[str, Any] | None:
        try:
            order = self._shared() if self.usable else {}
        except ValueError:
            return None
        fit, wrong = fitted(order)
        if fit is order and not wrong:
            return order
        gone = {goes for member in wrong for goes in ((member,) if member else _OCCURRENCE)}
        less = clean({member: value for member, value in fit.items() if member not in gone})
        return None if faults(less or {}) else less

    def _shared(self) -> dict[str, Any]:
        intent, priority = self._order.get("intent"), self._order.get("priority")
        order = {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": intent if isinstance(intent, str) and intent in INTENTS else "order",
        }
        members = clean({member: self._order[member] for member in _COPIED if member in self._order}) or {}
        if not (isinstance(priority, str) and priority in PRIORITIES):
            members.pop("priority", None)
        inner = set(_inner_references(members)) if "contained" in self._order else set()
        contained = [clean(one) for one in self._list("contained") if _id(one) in inner]
        return ({"contained": contained} if contained else {}) | order | members

    def _list(self, member: str) -> list[Any]:
        value = self._order.get(member)
        return value if isinstance(value, list) else []


def _blocks(values: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in values if isinstance(one, dict)) if isinstance(values, list) else iter(())


def _id(resource: Any) -> Any:
    given = resource.get("id") if isinstance(resource, dict) else None
    return given if isinstance(given, str) else None


def _inner_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and reference.startswith("#"):
            yield reference[1:]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _inner_references(one)
