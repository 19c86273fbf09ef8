"""Concepts that were read before state the same again, about another order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.facts.reasons import recognise_reasons
from cds_service.fhir.resources import CodeableConcept, Coding, ServiceRequest
from cds_service.vocabulary.readings import Evidence
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.orders import NOTHING, icd

SYSTEM = {"icd": "http://hl7.org/fhir/sid/icd-10-cm", "sct": "http://snomed.info/sct"}
WORDS = st.sampled_from([None, "", "R10.31", "S06.0X0A", "S06.0X0D", "headache", "r/o appendicitis", "h/o seizure"])
CONCEPTS = st.none() | st.builds(
    CodeableConcept,
    coding=st.none()
    | st.lists(
        st.none() | st.builds(Coding, system=st.sampled_from([None, "", *SYSTEM.values()]), code=WORDS, display=WORDS),
        max_size=2,
    ),
    text=WORDS,
)


@settings(max_examples=150, deadline=None)
@given(concepts=st.lists(CONCEPTS, min_size=1, max_size=3))
def test_remembered_and_read_anew_are_the_same(concepts, codes: ReasonCodes):
    order = ServiceRequest(id="o", authoredOn="2026-03-02", reasonCode=concepts)
    codes.memory.clear()
    anew = recognise_reasons(order, NOTHING, codes)
    assert recognise_reasons(order, NOTHING, codes) == anew
    # an empty reference takes the way without memory
    assert recognise_reasons(_with_an_empty_reference(order), NOTHING, codes) == anew


def _with_an_empty_reference(order: ServiceRequest) -> ServiceRequest:
    return ServiceRequest(id=order.id, authoredOn=order.authoredOn, reasonCode=order.reasonCode, reasonReference=[None])


def test_where_a_reason_stands_is_of_each_order(codes: ReasonCodes):
    for name in ("a", "b"):
        order = ServiceRequest(id=name, authoredOn=f"2026-03-0{ord(name) - 96}", reasonCode=[icd("R10.31")])
        found = recognise_reasons(order, NOTHING, codes).evidence["suspected-appendicitis"]
        assert found == Evidence(found.text, f"ServiceRequest/{name}", order.authoredOn)


def test_words_at_another_place_are_other_words(codes: ReasonCodes):
    said = [
        recognise_reasons(ServiceRequest(reasonCode=[concept]), NOTHING, codes).names
        for concept in (
            CodeableConcept(coding=[Coding(system=SYSTEM["icd"], code="R10.31")]),
            CodeableConcept(coding=[Coding(system=SYSTEM["sct"], code="R10.31")]),
            CodeableConcept(text="R10.31"),
        )
    ]
    assert said[0].values
    assert not said[1].values and not said[2].values


def test_long_words_are_not_kept(codes: ReasonCodes):
    codes.memory.clear()
    recognise_reasons(ServiceRequest(reasonCode=[CodeableConcept(text="pain " * 200)]), NOTHING, codes)
    assert not codes.memory
