"""Where an order's reasons may stand: codes, texts, records, notes."""

import pytest

from cds_service.facts.reasons import recognise_reasons
from cds_service.fhir.records import given
from cds_service.fhir.resources import (
    Annotation,
    CodeableConcept,
    Coding,
    Condition,
    Identifier,
    Observation,
    Reference,
    ServiceRequest,
)
from cds_service.vocabulary.reason_codes import ICD10, SNOMED, ReasonCodes
from tests.facts.reasons.orders import NOTHING, icd, narrowest, reasons_of, worded


def status(code: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(code=code)])


def pointing(codes: ReasonCodes, to: str | Reference, *resources, **more):
    reference = Reference(reference=to) if isinstance(to, str) else to
    return reasons_of(codes, records=given("child", *resources), reasonReference=[reference], **more)


class TestNothingGiven:
    @pytest.mark.parametrize(
        "concepts",
        [
            None,
            [],
            [CodeableConcept()],
            [CodeableConcept(coding=[])],
            [CodeableConcept(coding=[Coding()])],
            [CodeableConcept(coding=[Coding(system="http://snomed.info/sct")], text="  ")],
            [None],
        ],
    )
    def test_empty_reasons_are_none(self, concepts, codes: ReasonCodes):
        reasons = recognise_reasons(ServiceRequest(reasonCode=concepts), NOTHING, codes)
        assert not reasons.given
        assert reasons.names[:2] == (frozenset(), False)
        assert reasons.unread == ()

    @pytest.mark.parametrize("reference", [None, Reference()])
    def test_empty_references_are_none(self, reference, codes: ReasonCodes):
        reasons = recognise_reasons(ServiceRequest(reasonReference=[reference]), NOTHING, codes)
        assert not reasons.given


class TestCodes:
    def test_a_code_names_its_reason_with_evidence(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("R10.31", display="Right lower quadrant pain"))
        assert reasons.names[:2] == ({"right-lower-quadrant-pain", "suspected-appendicitis"}, True)
        assert reasons.evidence["suspected-appendicitis"].text == "Right lower quadrant pain (R10.31)"
        assert reasons.given

    def test_a_code_without_display_shows_our_label(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R51.9")).evidence["headache"].text == "Headache (R51.9)"

    def test_several_codes_are_all_kept(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R51.9"), icd("K59.00")).names[:2] == ({"headache", "constipation"}, True)

    def test_several_codings_of_one_concept_are_all_kept(self, codes: ReasonCodes):
        concept = CodeableConcept(coding=[Coding(system=SNOMED, code="21522001"), *(icd("R10.31").coding or ())])
        assert narrowest(reasons_of(codes, concept), codes) == {"abdominal-pain", "right-lower-quadrant-pain"}

    def test_an_unknown_code_leaves_the_list_incomplete(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("K02.9"))
        assert reasons.names[:2] == (frozenset(), False)
        assert reasons.unread == ("code K02.9",)

    def test_an_unknown_code_beside_a_known_reason_leaves_the_list_incomplete(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R51.9"), icd("K02.9")).names[:2] == ({"headache"}, False)

    @pytest.mark.parametrize("code", ["Z88.0", "E66.9", "F90.9", "L20.9", "J06.9"])
    def test_a_code_that_asks_for_no_image_leaves_the_list_complete(self, codes: ReasonCodes, code: str):
        assert reasons_of(codes, icd("K59.00"), icd(code)).names == ({"constipation"}, True, False, False)
        assert reasons_of(codes, icd(code)).names[:2] == (frozenset(), False)

    def test_a_code_of_a_finding_is_told_beside_the_reason(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("K59.00"), icd("D72.829")).names == ({"constipation"}, True, True, False)

    def test_the_text_beside_a_code_that_asks_for_no_image_is_read(self, codes: ReasonCodes):
        concept = CodeableConcept(coding=icd("Z88.0").coding, text="r/o brain tumor")
        assert not reasons_of(codes, icd("K59.00"), concept).names.complete

    def test_the_code_of_an_accident_asks_what_is_hurt(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("S09.90XA"), icd("W18.30XA"), icd("Y93.66")).names.complete
        assert not reasons_of(codes, icd("R51.9"), icd("W18.30XA")).names.complete
        assert not reasons_of(codes, icd("R51.9"), icd("Y93.66")).names.complete

    def test_a_fever_is_no_reason_of_its_own_beside_a_febrile_seizure(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R56.00"), icd("R50.9")).names == reasons_of(codes, icd("R56.00")).names
        assert "fever-unknown" in reasons_of(codes, icd("R51.9"), icd("R50.9")).names.values

    def test_the_pain_of_an_injured_joint_is_no_reason_of_its_own(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("S93.401A"), icd("M25.571")).names[:2] == ({"limb-fracture"}, True)

    @pytest.mark.parametrize("text", ["obesity", "leukocytosis", "fall on playground"])
    def test_a_reason_that_tells_of_a_finding_only_is_read_as_beside_the_other(self, codes: ReasonCodes, text: str):
        assert reasons_of(codes, icd("S09.90XA"), worded(text)).names.complete
        assert not reasons_of(codes, worded(text)).names.complete

    def test_the_display_of_an_unknown_code_is_read(self, codes: ReasonCodes):
        concept = CodeableConcept(coding=[Coding(system="urn:local", code="77", display="Kidney stone")])
        assert reasons_of(codes, concept).names[:2] == ({"suspected-kidney-stone"}, True)

    def test_the_text_goes_before_displays_and_a_mute_text_leaves_them_to_speak(self, codes: ReasonCodes):
        local = [Coding(system="urn:local", code="77", display="Kidney stone")]
        assert reasons_of(codes, CodeableConcept(coding=local, text="headache")).names.values == {"headache"}
        mute = reasons_of(codes, CodeableConcept(coding=local, text="see note"))
        assert mute.names.values == {"suspected-kidney-stone"}

    def test_the_same_code_string_in_another_system_is_another_code(self, codes: ReasonCodes):
        concept = CodeableConcept(coding=[Coding(system="http://hl7.org/fhir/sid/icd-9-cm", code="R51.9")])
        assert reasons_of(codes, concept).names[:2] == (frozenset(), False)

    @pytest.mark.parametrize(
        ("code", "names", "histories"),
        [
            ("S09.90XA", {"minor-head-injury"}, set()),
            ("S09.90XD", {"subacute-head-injury"}, set()),
            ("S09.90XS", {"remote-head-injury"}, set()),
            ("S06.5X0S", {"remote-head-injury"}, set()),
        ],
    )
    def test_the_seventh_character_says_how_fresh_a_head_injury_is(self, code, names, histories, codes: ReasonCodes):
        reasons = reasons_of(codes, icd(code))
        assert (reasons.names.values, reasons.histories) == (names, histories)
        assert reasons.names.complete

    def test_another_injury_seen_again_is_history_and_leaves_the_list_incomplete(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("S52.501D"))
        assert reasons.names[:2] == (frozenset(), False)
        assert reasons.histories == {"limb-fracture-known"}

    def test_who_codes_have_their_own_system(self, codes: ReasonCodes):
        concept = CodeableConcept(coding=[Coding(system=ICD10, code="G41.0")])
        assert narrowest(reasons_of(codes, concept), codes) == {"status-epilepticus"}


class TestCodeAndText:
    def test_a_text_may_narrow_its_code(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("R10.9", "RLQ pain, r/o appendicitis"))
        assert narrowest(reasons, codes) == {"abdominal-pain", "right-lower-quadrant-pain"}
        assert reasons.names.complete

    def test_code_and_text_about_different_things_are_unclear(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("R51.9", "ankle sprain; kidney stone"))
        assert {"headache", "suspected-kidney-stone"} <= reasons.names.values
        assert not reasons.names.complete

    def test_a_text_that_repeats_the_display_is_not_read_again(self, codes: ReasonCodes):
        title = "Fracture of vault of skull, initial encounter for closed fracture"
        assert reasons_of(codes, icd("S02.0XXA", title, title)).names[:2] == ({"severe-head-injury"}, True)

    def test_words_beside_a_code_may_be_its_own_in_other_words(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R51.9", "cranial discomfort, unspecified")).names[:2] == ({"headache"}, True)

    def test_what_the_text_asks_for_beside_a_code_must_be_understood(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("R51.9", "headache r/o Chiari"))
        assert reasons.names[:2] == ({"headache"}, False)
        assert reasons.unread == ("Chiari",)

    def test_a_reason_without_regions_goes_with_any_code(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R51.9", "lymphoma")).names.complete

    def test_fever_beside_a_code_is_a_finding(self, codes: ReasonCodes):
        assert reasons_of(codes, icd("R10.31", "fever")).names.values == {
            "right-lower-quadrant-pain",
            "suspected-appendicitis",
        }


class TestAccidents:
    def test_a_fall_beside_another_reason_leaves_open_what_is_hurt(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("R51.9"), worded("fell from bed"))
        assert reasons.names[:2] == ({"headache"}, False)

    def test_a_coded_injury_says_what_is_hurt(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("S09.90XA", "fell from bed"))
        assert reasons.names[:2] == ({"minor-head-injury"}, True)

    def test_a_denied_accident_is_none(self, codes: ReasonCodes):
        assert reasons_of(codes, worded("headache, no trauma")).names[:2] == ({"headache"}, True)


class TestRecords:
    HEADACHE = Condition(id="c1", code=icd("R51.9"), recordedDate="2026-01-05")

    @pytest.mark.parametrize(
        "reference",
        [
            "Condition/c1",
            "https://ehr.example/fhir/R4/Condition/c1",
            "Condition/c1/_history/3",
            "urn:uuid:c1",
            Reference(reference="c1", type="Condition"),
        ],
    )
    def test_the_condition_behind_a_reference_is_the_reason(self, reference, codes: ReasonCodes):
        reasons = pointing(codes, reference, self.HEADACHE)
        assert reasons.names[:2] == ({"headache"}, True)
        assert reasons.evidence["headache"] == ("Headache (R51.9)", "Condition/c1", "2026-01-05")

    @pytest.mark.parametrize(
        "reference",
        ["Condition/other", "#c1", "Patient/c1", Reference(identifier=Identifier(value="c1")), "Observation/c1"],
    )
    def test_a_record_we_do_not_have_stays_unread(self, reference, codes: ReasonCodes):
        reasons = pointing(codes, reference, self.HEADACHE)
        assert reasons.given
        assert reasons.names[:2] == (frozenset(), False)

    def test_the_display_of_a_missing_record_is_read_but_not_relied_on(self, codes: ReasonCodes):
        reasons = pointing(codes, Reference(reference="Condition/x", display="Migraine"))
        assert reasons.names[:2] == ({"primary-headache", "headache"}, False)
        assert reasons.unread == ("Migraine",)

    @pytest.mark.parametrize("verified", ["refuted", "entered-in-error"])
    def test_a_refuted_condition_states_nothing(self, verified, codes: ReasonCodes):
        wrong = Condition(id="c1", code=icd("R51.9"), verificationStatus=status(verified))
        assert pointing(codes, "Condition/c1", wrong).names[:2] == (frozenset(), False)

    @pytest.mark.parametrize("verified", ["unconfirmed", "provisional", "differential", "confirmed"])
    def test_a_suspected_condition_is_the_reason(self, verified, codes: ReasonCodes):
        suspected = Condition(id="c1", code=icd("K37"), verificationStatus=status(verified))
        assert pointing(codes, "Condition/c1", suspected).names[:2] == ({"suspected-appendicitis"}, True)

    @pytest.mark.parametrize("clinical", ["resolved", "inactive", "remission"])
    def test_a_condition_that_is_over_is_history(self, clinical, codes: ReasonCodes):
        over = Condition(id="c1", code=icd("R51.9"), clinicalStatus=status(clinical))
        reasons = pointing(codes, "Condition/c1", over)
        assert reasons.names[:2] == (frozenset(), False)
        assert reasons.histories == {"headache"}

    def test_a_cancer_that_is_over_is_followed_up(self, codes: ReasonCodes):
        over = Condition(id="c1", code=icd("C64.1"), clinicalStatus=status("remission"))
        reasons = pointing(codes, "Condition/c1", over)
        assert reasons.names[:2] == ({"cancer-surveillance"}, True)
        worded_only = Condition(id="c1", code=worded("Wilms tumor"), clinicalStatus=status("remission"))
        assert pointing(codes, "Condition/c1", worded_only).names.values == {"cancer-surveillance"}

    def test_a_condition_without_code_states_nothing(self, codes: ReasonCodes):
        assert not pointing(codes, "Condition/c1", Condition(id="c1")).names.complete

    def test_a_condition_in_words_only_is_read(self, codes: ReasonCodes):
        condition = Condition(id="c1", code=worded("kidney stone"))
        assert pointing(codes, "Condition/c1", condition).names.values == {"suspected-kidney-stone"}

    def test_a_condition_that_is_not_understood_stays_unread(self, codes: ReasonCodes):
        assert pointing(codes, "Condition/c1", Condition(id="c1", code=worded("caries"))).unread == ("caries",)
        assert pointing(codes, "Condition/c1", Condition(id="c1", code=icd("K02.9"))).unread == ("Condition/c1",)

    LIMP = CodeableConcept(coding=[Coding(system=SNOMED, code="16973004")])

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"valueBoolean": True},
            {"valueCodeableConcept": worded("Yes")},
            {"interpretation": [CodeableConcept(coding=[Coding(system="x", code="NEG")])]},
        ],
    )
    def test_an_observation_is_the_reason(self, value, codes: ReasonCodes):
        seen = Observation(id="o1", status="final", code=self.LIMP, effectiveDateTime="2026-03-01", **value)
        reasons = pointing(codes, "Observation/o1", seen)
        assert reasons.names[:2] == ({"limp-hip"}, True)
        assert reasons.evidence["limp-hip"].on == "2026-03-01"

    @pytest.mark.parametrize(
        "value",
        [
            {"valueBoolean": False},
            {"valueCodeableConcept": CodeableConcept(coding=[Coding(system=SNOMED, code="2667000")])},
            {"status": "entered-in-error"},
            {"dataAbsentReason": worded("not asked")},
        ],
    )
    def test_an_observation_answered_with_no_states_nothing(self, value, codes: ReasonCodes):
        seen = Observation(id="o1", code=self.LIMP, **value)
        reasons = pointing(codes, "Observation/o1", seen)
        assert reasons.names[:2] == (frozenset(), False)

    @pytest.mark.parametrize("value", [{"valueString": "abdominal pain"}, {"valueCodeableConcept": icd("R10.9")}])
    def test_a_chief_complaint_is_read_from_its_answer(self, value, codes: ReasonCodes):
        asked = CodeableConcept(coding=[Coding(system="http://loinc.org", code="8661-1", display="Chief complaint")])
        reasons = pointing(codes, "urn:uuid:o1", Observation(id="o1", code=asked, **value))
        assert reasons.names[:2] == ({"abdominal-pain"}, True)


class TestNotes:
    def test_a_note_is_read_when_nothing_else_is_given(self, codes: ReasonCodes):
        reasons = reasons_of(codes, note=[Annotation(), Annotation(text="RLQ pain"), None])
        assert reasons.given
        assert narrowest(reasons, codes) == {"right-lower-quadrant-pain"}

    def test_another_reason_in_a_note_leaves_the_list_incomplete(self, codes: ReasonCodes):
        reasons = reasons_of(codes, worded("headache"), note=[Annotation(text="RLQ pain")])
        assert "headache" in reasons.names.values
        assert not reasons.names.complete
        assert reasons.unread == ("RLQ pain",)

    def test_a_note_that_says_the_same_changes_nothing(self, codes: ReasonCodes):
        note = [Annotation(text="RLQ pain for two days, call mother"), None]
        assert reasons_of(codes, icd("R10.31"), note=note).names.complete

    def test_an_accident_told_in_a_note_leaves_open_what_is_hurt(self, codes: ReasonCodes):
        reasons = reasons_of(codes, icd("R10.31"), note=[Annotation(text="fell off bike today")])
        assert not reasons.names.complete

    def test_a_text_that_denies_what_its_code_says_takes_it_back(self, codes: ReasonCodes):
        coded = icd("R10.31", display="Right lower quadrant pain")
        reasons = reasons_of(codes, CodeableConcept(coding=coded.coding, text="no RLQ pain; r/o pancreatitis"))
        assert narrowest(reasons, codes) == {"biliary-pancreatic"}
        assert not reasons.names.complete

    def test_a_note_that_names_no_reason_gives_none(self, codes: ReasonCodes):
        reasons = reasons_of(codes, note=[Annotation(text="Please call mother, wheelchair")])
        assert not reasons.given
        assert reasons.unread == ()

    def test_a_note_with_more_than_reasons_is_incomplete(self, codes: ReasonCodes):
        assert reasons_of(codes, note=[Annotation(text="Seizure. Bring wheelchair")]).names[:2] == (
            {"afebrile-seizure"},
            False,
        )


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("head injury", False),
        ("head injury, acting normally, no vomiting, helmeted", False),
        ("head injury, mother had vomiting", False),
        ("head injury, vomiting", True),
        ("head injury, vomiting twice", True),
        ("head injury, irritable", True),
        ("migraine, photophobia", False),
        ("migraine, wakes from sleep", True),
        ("bronchiolitis, crackles", True),
        ("ankle sprain wobblified", True),
    ],
)
def test_what_is_told_beside_the_reasons(text: str, more: bool, codes: ReasonCodes):
    assert reasons_of(codes, worded(text)).names.more is more


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("pneumonia", False),
        ("pneumonia, wobblified", False),
        ("pneumonia, r/o wobblification", True),
        ("pneumonia, wobblification?", True),
        ("pneumonia, mass", True),
        ("pneumonia, portal hypertension", True),
        ("pneumonia, no mass", False),
    ],
)
def test_a_question_that_was_not_understood(text: str, asked: bool, codes: ReasonCodes):
    names = reasons_of(codes, worded(text)).names
    assert names.asked is asked
    assert not (asked and names.complete)
