"""A pregnancy the order speaks of."""

import pytest

from cds_service.facts.reasons import beside, with_pregnancy
from cds_service.fhir.resources import Annotation, CodeableConcept, Coding, Reference, ServiceRequest
from cds_service.vocabulary.finding_codes import load as load_findings
from cds_service.vocabulary.readings import UNKNOWN, Evidence, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.orders import icd, worded

NO_FINDINGS = load_findings({})
STATED = Evidence("pregnant", "ServiceRequest/order-1")


def said(codes: ReasonCodes, **elements) -> str:
    evidence = beside(ServiceRequest(id="order-1", **elements), codes, NO_FINDINGS).pregnancy
    return "" if evidence is None else evidence.text


@pytest.mark.parametrize(
    "text",
    [
        "15 yo F, pregnant, RLQ pain",
        "RLQ pain, possible pregnancy",
        "? pregnant",
        "r/o pregnancy, abdominal pain",
        "abdominal pain. Pregnancy test positive.",
        "pelvic pain, hCG positive",
        "pregnancy test pending",
        "headache, pregnnat",
        "missed period, nausea",
    ],
)
def test_a_pregnancy_is_possible(text: str, codes: ReasonCodes):
    assert said(codes, reasonCode=[worded(text)])


@pytest.mark.parametrize(
    "text",
    [
        "RLQ pain, not pregnant",
        "denies pregnancy",
        "pregnancy test negative",
        "upreg neg, pelvic pain",
        "RLQ pain, no concern for pregnancy",
        "h/o pregnancy, headache",
        "mother with pregnancy",
        "pregnancy unlikely",
        "RLQ pain",
        "prenatal hydronephrosis",
        "",
    ],
)
def test_no_pregnancy_is_spoken_of(text: str, codes: ReasonCodes):
    assert not said(codes, reasonCode=[worded(text)])


@pytest.mark.parametrize(
    "elements",
    [
        {"code": CodeableConcept(text="CT abdomen, patient pregnant")},
        {"code": CodeableConcept([Coding("urn:local", "1", "CT abdomen in pregnancy")])},
        {"orderDetail": [CodeableConcept(text="pregnant: shield")]},
        {"reasonCode": [icd("R10.31", text="RLQ pain, pregnant")]},
        {"reasonReference": [Reference(display="Pregnant")]},
        {"note": [Annotation(text="Patient is pregnant.")]},
        {"patientInstruction": "Tell us if you are pregnant"},
    ],
)
def test_wherever_the_order_speaks_of_it(elements, codes: ReasonCodes):
    assert said(codes, **elements)


def test_odd_orders_say_nothing(codes: ReasonCodes):
    odd = {"code": None, "reasonCode": [None], "reasonReference": [None], "note": [None, Annotation()]}
    assert not said(codes, **odd)


def test_evidence_names_the_order(codes: ReasonCodes):
    order = ServiceRequest(id="order-1", authoredOn="2026-03-02", reasonCode=[worded("fall, pregnant")])
    assert beside(order, codes, NO_FINDINGS).pregnancy == ("pregnant", "ServiceRequest/order-1", "2026-03-02")


class TestWithPregnancy:
    """Only towards caution: what is recorded is never made less."""

    def test_a_recorded_pregnancy_stays(self):
        recorded = Reading(frozenset({"pregnant"}))
        assert with_pregnancy(recorded, STATED) is recorded

    @pytest.mark.parametrize("recorded", [UNKNOWN, Reading(frozenset({"not-pregnant"})), Reading(gap="Observation")])
    def test_otherwise_it_is_possible(self, recorded: Reading):
        found = with_pregnancy(recorded, STATED)
        assert found.value == {"possible"}
        assert STATED in found.evidence

    def test_an_order_that_says_nothing_changes_nothing(self):
        assert with_pregnancy(UNKNOWN, None) is UNKNOWN
