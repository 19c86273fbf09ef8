"""Whatever arrives, reading reasons gives an answer that keeps its promises."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.facts.reasons import clauses, recognise_reasons
from cds_service.fhir.records import given as records_of
from cds_service.fhir.resources import Condition, Observation, ServiceRequest
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.orders import NOTHING, reasons_of, worded
from tests.facts.reasons.written import READ, UNCLEAR

WORDS = st.sampled_from(
    [
        *" ".join((*READ, *UNCLEAR)).split(),
        "no",
        "or",
        ",",
        ".",
        "?",
        "/",
        ":",
        "-",
        "(",
        "r/o",
        "h/o",
        "and",
        "é",
        "<b>",
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join))
MAYBE = st.none() | TEXTS
SYSTEMS = st.none() | st.sampled_from(["http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm", "urn:x"]) | TEXTS
CODES = st.sampled_from(["R51.9", "R51", "S09.90XD", "S", "21522001", "k359", "..", ""]) | MAYBE
CODING = st.none() | st.fixed_dictionaries({}, optional={"system": SYSTEMS, "code": CODES, "display": MAYBE})
CONCEPT = st.none() | st.fixed_dictionaries(
    {}, optional={"coding": st.none() | st.lists(CODING, max_size=3), "text": MAYBE}
)
TARGET = st.sampled_from(["Condition/1", "Observation/1", "urn:uuid:1", "#1", "/", "", "1"]) | MAYBE
REFERENCE = st.none() | st.fixed_dictionaries({}, optional={"reference": TARGET, "type": MAYBE, "display": MAYBE})
ORDER = st.fixed_dictionaries(
    {},
    optional={
        "id": MAYBE,
        "reasonCode": st.none() | st.lists(CONCEPT, max_size=3),
        "reasonReference": st.none() | st.lists(REFERENCE, max_size=3),
        "note": st.none() | st.lists(st.none() | st.fixed_dictionaries({"text": MAYBE}), max_size=2),
    },
)
CONDITION = st.fixed_dictionaries(
    {"id": st.just("1")}, optional={"code": CONCEPT, "clinicalStatus": CONCEPT, "verificationStatus": CONCEPT}
)
OBSERVATION = st.fixed_dictionaries(
    {"id": st.just("1")}, optional={"code": CONCEPT, "valueCodeableConcept": CONCEPT, "valueString": MAYBE}
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items()}
    return [without_nulls(one) for one in value if one is not None] if isinstance(value, list) else value


@QUICK
@given(order=ORDER, condition=CONDITION, observation=OBSERVATION)
def test_any_order_is_answered_and_the_answer_is_consistent(codes: ReasonCodes, order, condition, observation):
    read = msgspec.convert(without_nulls(order), ServiceRequest)
    records = records_of(
        "child",
        msgspec.convert(without_nulls(condition), Condition),
        msgspec.convert(without_nulls(observation), Observation),
    )
    reasons = recognise_reasons(read, records, codes)
    names = reasons.names
    assert names.values <= codes.names
    assert names.values == set(reasons.evidence)
    assert all(codes.lineage[name] <= names.values for name in names.values)
    assert not reasons.histories & names.values
    assert names.complete == (reasons.given and not reasons.unread)
    assert names.values or not names.complete
    assert reasons.given or not reasons.unread
    assert all(len(one) <= 140 for one in reasons.unread)


@QUICK
@given(text=TEXTS)
def test_clauses_of_any_text_are_parts_of_it(text):
    assert all(clause.text for clause in clauses(text))
    assert len(clauses(text)) <= len(text)


@QUICK
@given(text=TEXTS)
def test_a_denied_text_names_nothing(codes: ReasonCodes, text):
    sentence = " ".join(text.replace(".", " ").split())
    if sentence.isalpha() or not sentence:
        denied = reasons_of(codes, worded(f"no evidence of {sentence}"))
        assert not denied.names.values


def test_an_order_of_nothing_is_answered(codes: ReasonCodes):
    assert not recognise_reasons(ServiceRequest(), NOTHING, codes).given
