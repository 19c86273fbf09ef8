"""Devices, allergies, medications and flags."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import RXNORM, Read, concept, told

CHILD = {"reference": "Patient/child"}
NCIT = "urn:oid:2.16.840.1.113883.3.26.1.1"
SAFE, CONDITIONAL, UNSAFE, SILENT = "C106045", "C106046", "C106047", "C113844"


def device(code: str = "", *labels: str, **more: Any) -> dict[str, Any]:
    kind = {"type": concept(code)} if code else {}
    safety = [concept(label, NCIT) for label in labels]
    return {
        "resourceType": "Device",
        "id": "d1",
        "patient": CHILD,
        "status": "active",
        "safety": safety,
        **kind,
        **more,
    }


def named(name: str, **more: Any) -> dict[str, Any]:
    return device(deviceName=[{}, {"name": name}], **more)


def allergy(text: str = "", code: str = "", system: str = "http://snomed.info/sct", **more: Any) -> dict[str, Any]:
    stated = concept(code, system, text or None)
    return {"resourceType": "AllergyIntolerance", "id": "a1", "code": stated, "patient": CHILD, **more}


def medication(text: str = "", code: str = "", dosage: str = "", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(code, RXNORM, text or None),
        "dosageInstruction": [{"text": dosage}, {}],
        **more,
    }


def flag(text: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Flag", "id": "f1", "status": "active", "code": {"text": text}, **more}


@pytest.mark.parametrize(
    ("labels", "label", "implant"),
    [
        ([SAFE], "safe", "unknown"),
        ([CONDITIONAL], "conditional", "suspected"),
        ([UNSAFE], "unsafe", "suspected"),
        ([SILENT], "not stated", "suspected"),
        ([], "unknown", "suspected"),
        (["X"], "unknown", "suspected"),
    ],
)
def test_the_label_of_a_device(labels: list[str], label: str, implant: str, read: Read) -> None:
    findings = read(device("", *labels))
    assert told(findings, "safety.mri_safety_label") == label
    assert told(findings, "safety.implant_any") == implant


def test_the_most_worrying_label_counts_and_one_unsafe_is_enough(read: Read) -> None:
    assert told(read(device("", SAFE), device("", CONDITIONAL)), "safety.mri_safety_label") == "conditional"
    assert told(read(device("", SAFE), device("", UNSAFE)), "safety.mri_safety_label") == "unsafe"


def test_one_device_without_a_label_leaves_all_but_unsafe_unknown(read: Read) -> None:
    assert told(read(device("", SAFE), device()), "safety.mri_safety_label") == "unknown"
    assert told(read(device("", UNSAFE), device()), "safety.mri_safety_label") == "unsafe"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("active", "present"), (None, "present"), ("inactive", "unknown"), ("entered-in-error", "unknown")],
)
def test_a_device_still_in_place(status: str | None, expected: str, read: Read) -> None:
    assert told(read(device("258593008", status=status)), "safety.csf_shunt_present") == expected


def test_a_device_of_nobody_is_no_implant(read: Read) -> None:
    assert told(read(device(patient=None)), "safety.implant_any") == "unknown"


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("Vagus nerve stimulator, model 103", "safety.neurostimulator"),
        ("VNS", "safety.neurostimulator"),
        ("Dual chamber PACEMAKER", "safety.cardiac_pacemaker_or_icd"),
        ("Nucleus cochlear system", "safety.cochlear_implant"),
        ("Double lumen PICC", "safety.central_line"),
        ("Coronary stents", "safety.stent_or_vascular_implant"),
    ],
)
def test_a_name_alone_is_a_suspicion(name: str, fact: str, read: Read) -> None:
    assert told(read(named(name)), fact) == "suspected"


@pytest.mark.parametrize("name", ["Non-existent", "Not a stent", "no vascular stent", ""])
def test_words_inside_words_and_denied_words_do_not_count(name: str, read: Read) -> None:
    assert told(read(named(name)), "safety.stent_or_vascular_implant") == "unknown"


def test_evidence_of_a_device_is_its_own_name(read: Read) -> None:
    found = read(named("Strata valve, programmable"))["safety.programmable_shunt_valve"]
    assert found.evidence == (("Strata valve, programmable: suspected", "Device/d1", ""),)
    assert read(device())["safety.implant_any"].evidence[0].text == "device: suspected"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "unspecified"),
        ({"reaction": [{"severity": "mild"}]}, "mild"),
        ({"reaction": [{"severity": "mild"}, {"severity": "moderate"}]}, "unspecified"),
        ({"reaction": [{"severity": "mild"}, {"severity": "severe"}]}, "severe"),
        ({"criticality": "high"}, "severe"),
        ({"criticality": "low"}, "unspecified"),
        ({"verificationStatus": concept("unconfirmed")}, "unspecified"),
        ({"verificationStatus": concept("entered-in-error")}, "unknown"),
        ({"clinicalStatus": concept("inactive")}, "unknown"),
        ({"clinicalStatus": concept("resolved")}, "unknown"),
    ],
)
@pytest.mark.parametrize(
    "stated", [{"text": "Iodinated contrast"}, {"code": "426722004"}, {"code": "5956", "system": RXNORM}]
)
def test_a_contrast_reaction(stated: dict[str, str], more: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(allergy(**stated, **more)), "safety.iodinated_contrast_reaction") == expected


def test_a_refuted_allergy_denies_only_the_fact_itself(read: Read) -> None:
    refuted = {"verificationStatus": concept("refuted")}
    assert told(read(allergy("contrast allergy", **refuted)), "safety.iodinated_contrast_reaction") == "none"
    assert told(read(allergy("iohexol", **refuted)), "safety.iodinated_contrast_reaction") == "unknown"
    assert told(read(allergy(code="716186003", **refuted)), "safety.iodinated_contrast_reaction") == "unknown"


def test_no_known_allergy_speaks_for_both_and_no_drug_allergy_for_neither(read: Read) -> None:
    for name in ("safety.iodinated_contrast_reaction", "safety.gadolinium_reaction"):
        assert told(read(allergy(code="716186003")), name) == "none"
        assert told(read(allergy(code="409137002")), name) == "unknown"
        assert told(read(), name) == "unknown"


@pytest.mark.parametrize("text", ["Shellfish", "Povidone-iodine", "No IV contrast allergy", "Iodine"])
def test_what_is_not_a_contrast_reaction(text: str, read: Read) -> None:
    assert told(read(allergy(text)), "safety.iodinated_contrast_reaction") == "unknown"


def test_iodine_is_a_lookalike(read: Read) -> None:
    assert told(read(allergy(code="294913003")), "safety.iodinated_contrast_reaction") == "unknown"
    assert told(read(allergy(code="385420005")), "safety.iodinated_contrast_reaction") == "unspecified"
    assert told(read(allergy(code="385420005")), "safety.gadolinium_reaction") == "unknown"


def test_the_substance_of_a_reaction_counts(read: Read) -> None:
    stated = allergy("Unknown agent", reaction=[{"substance": {"text": "Gadobutrol"}, "severity": "severe"}])
    assert told(read(stated), "safety.gadolinium_reaction") == "severe"


def test_an_allergy_to_heparin_is_not_taking_heparin(read: Read) -> None:
    assert told(read(allergy("Heparin", code="5224", system=RXNORM)), "safety.anticoagulant_use") == "unknown"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (medication(code="67108"), "present"),
        (medication("enoxaparin 30 mg/0.3 mL syringe"), "present"),
        (medication("Heparin infusion", status="on-hold"), "present"),
        (medication("warfarin", status="stopped"), "unknown"),
        (medication("warfarin", status="completed"), "unknown"),
        (medication("warfarin", intent="proposal"), "unknown"),
        (medication("amoxicillin"), "unknown"),
        (medication(code="5224", dosage="LOCK the line"), "absent"),
        (medication(), "unknown"),
    ],
)
def test_anticoagulants(order: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(order), "safety.anticoagulant_use") == expected


def test_a_flush_denies_nothing_when_another_drug_or_an_incomplete_list_speaks(read: Read) -> None:
    flush = medication("heparin flush")
    assert told(read(flush, medication("apixaban")), "safety.anticoagulant_use") == "present"
    assert told(read(medication("apixaban"), flush), "safety.anticoagulant_use") == "present"
    assert told(read(flush, complete=False), "safety.anticoagulant_use") == "unknown"


def test_a_drug_that_only_hints(read: Read) -> None:
    assert told(read(medication(code="8782")), "safety.intubated_or_sedated") == "suspected"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Difficult airway", "present"),
        ("ALERT: critical airway, call anesthesia", "present"),
        ("No difficult airway", "unknown"),
        ("Not a known difficult airway", "unknown"),
        ("No isolation. Difficult airway", "present"),
        ("Airway teaching done", "unknown"),
        ("x" * 1900 + " difficult airway", "present"),
    ],
)
def test_flags_are_searched_for_phrases(text: str, expected: str, read: Read) -> None:
    assert told(read(flag(text)), "safety.airway_risk") == expected


def test_flags_in_force_only(read: Read) -> None:
    assert told(read(flag("Difficult airway", status="inactive")), "safety.airway_risk") == "unknown"
    assert told(read(flag("Full trauma activation")), "safety.trauma_activation") == "full"
    assert told(read(flag("Cystic fibrosis")), "safety.cystic_fibrosis") == "present"
    assert told(read({"resourceType": "Flag"}), "safety.airway_risk") == "unknown"
