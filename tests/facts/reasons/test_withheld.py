"""A masked reason is a reason: there is one, and we cannot read it."""

from typing import Any

import msgspec
import pytest

from cds_service.facts.exams import Recognised
from cds_service.facts.order import order_facts
from cds_service.facts.reasons import recognise_reasons
from cds_service.facts.reasons.withheld import WITHHELD, withheld
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.orders import NOTHING

URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def order(**elements: Any) -> ServiceRequest:
    return msgspec.json.decode(msgspec.json.encode({"resourceType": "ServiceRequest", **elements}), type=ServiceRequest)


def absent(code: str) -> dict[str, Any]:
    return {"extension": [{"url": URL, "valueCode": code}]}


@pytest.mark.parametrize("code", ["masked", "not-permitted", "unsupported", "as-text", "temp-unknown", "error"])
@pytest.mark.parametrize("element", ["reasonCode", "reasonReference"])
def test_a_withheld_reason_is_given_and_unread(element: str, code: str, codes: ReasonCodes):
    reasons = recognise_reasons(order(**{element: [absent(code)]}), NOTHING, codes)
    assert reasons.given
    assert reasons.names[:2] == (frozenset(), False)
    assert reasons.unread == (WITHHELD,)
    facts = order_facts(order(), Recognised(None, "CT"), reasons, reason_regions={})
    assert facts["order.reason_given"].value == {"yes"}


@pytest.mark.parametrize("code", ["unknown", "asked-unknown", "asked-declined", "not-asked", "not-applicable"])
def test_a_reason_nobody_knows_is_none(code: str, codes: ReasonCodes):
    assert not recognise_reasons(order(reasonCode=[absent(code)]), NOTHING, codes).given


def test_beside_a_readable_reason_the_list_is_incomplete(codes: ReasonCodes):
    reasons = recognise_reasons(order(reasonCode=[absent("masked"), {"text": "headache"}]), NOTHING, codes)
    assert reasons.names[:2] == ({"headache"}, False)


def test_masked_and_not_are_remembered_apart(codes: ReasonCodes):
    headache = {"text": "headache, worse in the evening"}
    assert recognise_reasons(order(reasonCode=[headache]), NOTHING, codes).names.complete
    assert not recognise_reasons(order(reasonCode=[{**headache, **absent("masked")}]), NOTHING, codes).names.complete
    assert recognise_reasons(order(reasonCode=[headache]), NOTHING, codes).names.complete


@pytest.mark.parametrize(
    "extension", [[{"url": "http://example.org/masked", "valueCode": "masked"}], {}, "masked", [7]]
)
def test_other_extensions_say_nothing(extension: Any, codes: ReasonCodes):
    reasons = recognise_reasons(order(reasonCode=[{"text": "headache", "extension": extension}]), NOTHING, codes)
    assert reasons.names[:2] == ({"headache"}, True)


def test_a_concept_without_extensions_withholds_nothing():
    assert not withheld(CodeableConcept(text="masked"))
