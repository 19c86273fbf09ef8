"""What an order says besides its reasons: findings that call for care, and other exams."""

import pytest

from cds_service.facts.reasons import Beside, all_beside, beside, told
from cds_service.fhir.resources import Annotation, CodeableConcept, Coding, ServiceRequest
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.readings import UNKNOWN, Evidence, Reading
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.findings.conftest import LISTS
from tests.facts.reasons.orders import icd, narrowest, reasons_of, worded

STATED = Evidence("septic shock", "ServiceRequest/order-1")


@pytest.fixture(scope="module")
def findings() -> FindingCodes:
    from cds_service.vocabulary.finding_codes import load

    return load({f"rules/codes/findings/{path.name}": path.read_bytes() for path in sorted(LISTS.iterdir())})


def order(**elements) -> ServiceRequest:
    return ServiceRequest(id="order-1", **elements)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("RLQ pain, septic shock", "safety.hemodynamic_instability"),
        ("fall, GCS 7", "safety.unstable"),
        ("head injury, GCS 14", "sign.altered_mental_status"),
        ("RLQ pain, h/o appendectomy", "safety.appendix_removed"),
        ("headache, on warfarin", "safety.anticoagulant_use"),
        ("head injury, hemophilia A", "safety.bleeding_disorder"),
        ("back pain with leg weakness", "sign.focal_neuro_deficit"),
        ("pneumonia, intubated", "safety.intubated_or_sedated"),
        ("renal colic, septic", "safety.sepsis"),
    ],
)
def test_a_warning_is_heard(text: str, fact: str, codes: ReasonCodes, findings: FindingCodes):
    assert fact in beside(order(reasonCode=[worded(text)]), codes, findings).signs
    assert fact in beside(order(note=[Annotation(text=text)]), codes, findings).signs


@pytest.mark.parametrize(
    "text",
    ["RLQ pain, no sepsis", "denies leg weakness, back pain", "headache, family history of hemophilia", "GCS 15"],
)
def test_what_is_denied_or_somebody_elses_is_none(text: str, codes: ReasonCodes, findings: FindingCodes):
    assert not beside(order(reasonCode=[worded(text)]), codes, findings).heard()


def test_reason_codes_speak_as_problems_do(codes: ReasonCodes, findings: FindingCodes):
    said = beside(order(reasonCode=[icd("R65.21")]), codes, findings)
    assert "safety.hemodynamic_instability" in said.signs


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("RLQ pain, US equivocal", "US"),
        ("appendix not seen on sono", "US"),
        ("pneumonia, CXR with effusion", "XR"),
        ("ankle injury, x-ray negative", "XR"),
        ("shunt, MRI not possible", "MR"),
        ("V.a. Appendizitis, Sonographie unklar", "US"),
    ],
)
def test_other_exams_are_heard(text: str, modality: str, codes: ReasonCodes, findings: FindingCodes):
    assert set(beside(order(reasonCode=[worded(text)]), codes, findings).exams) == {modality}


def test_the_exams_own_name_is_no_other_exam(codes: ReasonCodes, findings: FindingCodes):
    said = beside(order(code=CodeableConcept(text="CT KUB", coding=[Coding(display="US guided")])), codes, findings)
    assert not said.exams


def test_what_the_order_says_never_makes_a_finding_known(findings: FindingCodes):
    said = Beside(signs={"safety.sepsis": "septic shock"}, facts=findings.findings, source="ServiceRequest/order-1")
    assert said.over("safety.sepsis", UNKNOWN) == Reading(None, (STATED,), suspected=True)
    assert said.over("safety.sepsis", Reading(False)) == Reading(None, (STATED,), suspected=True)
    assert said.over("safety.sepsis", Reading(True)) == Reading(True)
    assert said.over("sign.fever", Reading(False)) == Reading(False)


def test_a_code_of_the_order_counts_more_than_a_recorded_no(codes: ReasonCodes, findings: FindingCodes):
    said = beside(order(reasonCode=[icd("S06.0X1A")]), codes, findings)
    stated = said.over("sign.loss_of_consciousness", Reading(frozenset({"absent"})))
    assert stated.value == {"present"}
    assert said.over("sign.loss_of_consciousness", Reading(frozenset({"suspected"}))).value == {"suspected"}


def test_a_reaction_told_in_words_is_one_of_unknown_degree(codes: ReasonCodes, findings: FindingCodes):
    said = beside(order(reasonCode=[worded("abdominal mass, anaphylaxis to CT contrast")]), codes, findings)
    assert said.over("safety.iodinated_contrast_reaction", UNKNOWN).value == {"unspecified"}


def test_what_is_sensitive_is_no_evidence(codes: ReasonCodes, findings: FindingCodes):
    said = beside(order(reasonCode=[worded("head injury, assaulted by caregiver")]), codes, findings)
    reading = said.over("safety.suspected_physical_abuse", UNKNOWN)
    assert reading.value == {"suspected"}
    assert not reading.evidence


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("cochlear implant", {"safety.cochlear_implant"}),
        ("Spinal magnetically controlled growing rods", {"safety.implant_any"}),
        ("Codman Hakim programmable shunt valve", {"safety.csf_shunt_present"}),
        ("Burkitt lymphoma", {"safety.malignancy_known"}),
        ("Acute lymphoblastic leukemia in remission", {"safety.malignancy_known"}),
        ("Status post kidney transplant", {"safety.immunocompromise", "safety.transplant_recipient"}),
        ("Laparoscopic appendectomy", {"safety.appendix_removed"}),
        ("Traumatic subdural hemorrhage", {"sign.substantial_head_injury", "safety.visit_injury"}),
        ("Family history of leukemia", set()),
        ("Leukemia ruled out", set()),
        ("No cochlear implant", set()),
        ("Unspecified asthma, uncomplicated", set()),
    ],
)
def test_the_name_of_a_problem_speaks_of_findings(text: str, facts: set[str], codes: ReasonCodes):
    assert set(told(text, codes)) == facts


def test_what_one_order_says_of_safety_holds_for_all(codes: ReasonCodes, findings: FindingCodes):
    orders = [
        order(reasonCode=[worded("head injury, vomiting, drowsy")]),
        order(reasonCode=[worded("suspected child abuse")]),
        order(reasonCode=[icd("K35.20")]),
    ]
    said = all_beside(orders, codes, findings)
    assert {"safety.suspected_physical_abuse", "safety.peritonitis"} <= said.heard()
    assert all(name.startswith("safety.") for name in said.heard())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Kopfschmerzen", {"headache"}),
        ("Schädel-Hirn-Trauma", {"minor-head-injury"}),
        ("V.a. Appendizitis", {"suspected-appendicitis"}),
        ("Bauchschmerzen", {"abdominal-pain"}),
        ("Nierenkolik", {"suspected-kidney-stone"}),
        ("céphalées", {"headache"}),
        ("suspicion appendicite", {"suspected-appendicitis"}),
        ("colique néphrétique", {"suspected-kidney-stone"}),
        ("cefalea", {"headache"}),
        ("polmonite", {"suspected-pneumonia"}),
        ("scoliosi", {"scoliosis"}),
    ],
)
def test_the_commonest_reasons_in_three_more_languages(text: str, names: set[str], codes: ReasonCodes):
    assert narrowest(reasons_of(codes, worded(text)), codes) == names
