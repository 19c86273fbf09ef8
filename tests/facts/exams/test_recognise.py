"""Recognising the exam of an order from codes, text, details, body sites and notes."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest

from cds_service.facts.exams import Recognised, recognise, recognise_concept
from cds_service.facts.exams.recognise import LONGEST_NAME, MEMORY
from cds_service.facts.exams.said import SILENT, Said, join
from cds_service.facts.exams.wording import speaks_of_earlier, text_says
from cds_service.fhir.resources import CodeableConcept, Coding, ServiceRequest
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import exam

LOINC, SNOMED, CPT = "http://loinc.org", "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt"
RADLEX = "http://radlex.org"


def order(**elements: Any) -> ServiceRequest:
    return msgspec.json.decode(json.dumps({"resourceType": "ServiceRequest", **elements}), type=ServiceRequest)


def coded(*codings: tuple[str, str] | tuple[str, str, str], text: str | None = None) -> dict[str, Any]:
    names = ("system", "code", "display")
    concept: dict[str, Any] = {"coding": [dict(zip(names, coding, strict=False)) for coding in codings]}
    return {**concept, "text": text} if text else concept


def phrase(found: Recognised) -> str:
    return str(found.exam)


class TestEveryCode:
    """Each code of each list names its exam, alone and beside an empty or unknown coding."""

    def test_alone(self, codes: ExamCodes) -> None:
        count = 0
        for system, code, known in codes.items():
            found = recognise_concept(CodeableConcept([Coding(system, code)]), codes)
            whole = known.imaging and known.exam.modality and known.exam.regions
            assert (found.exam is not None) == bool(whole), (system, code)
            if found.exam is not None:
                count += 1
                assert found.exam == known.exam, (system, code)
                assert found.why == f"recognised by code {code}"
        assert count > 5000

    def test_a_local_code_beside_it_changes_nothing(self, codes: ExamCodes) -> None:
        found = recognise_concept(CodeableConcept([Coding("urn:local", "IMG1"), Coding(LOINC, "24725-4")]), codes)
        assert phrase(found) == "CT head"


PATTERNS: list[tuple[str, dict[str, Any], str]] = [
    (
        "CPT alone",
        {"code": coded((CPT, "74178"), text="CT ABD/PELVIS W WO")},
        "CT abdomen+pelvis without and with contrast",
    ),
    ("LOINC as in US Core", {"code": coded((LOINC, "24725-4", "CT Head"), text="CT Head")}, "CT head"),
    (
        "local code with text",
        {"code": coded(("urn:oid:1.2.3.4.5.6", "IMG1702"), text="CT ABDOMEN PELVIS W IV CONTRAST")},
        "CT abdomen+pelvis with contrast",
    ),
    (
        "Australia: SNOMED with body site",
        {
            "code": coded((SNOMED, "303653007", "CT of head"), text="CT head"),
            "bodySite": [coded((SNOMED, "69536005"))],
        },
        "CT head",
    ),
    (
        "Switzerland: modality in code, region in orderDetail",
        {"code": coded((RADLEX, "RID10321", "CT")), "orderDetail": [coded((RADLEX, "RID56", "abdomen"))]},
        "CT abdomen",
    ),
    (
        "Europe: modality in code, exam in note",
        {"code": coded((SNOMED, "77477000", "CT")), "note": [{"text": "CT thorax low dose"}]},
        "CT chest",
    ),
    (
        "more passes in the note",
        {
            "code": coded((CPT, "74177"), text="CT A/P w contrast"),
            "note": [{"text": "please add delayed images through kidneys and non-con first"}],
        },
        "CT abdomen+pelvis with contrast 2 passes",
    ),
    (
        "protocol in orderDetail",
        {
            "code": coded((LOINC, "44115-4", "CT Abdomen and Pelvis")),
            "orderDetail": [{"text": "3 phase renal protocol"}],
        },
        "CT abdomen+pelvis 3 passes",
    ),
    (
        "two codes and a text that disagree",
        {"code": coded((LOINC, "30799-1"), (SNOMED, "169070004"), text="CT angiography chest")},
        "None",
    ),
    ("image import", {"code": {"text": "CT, Image import from others"}}, "None"),
    ("name without contrast", {"code": coded(("urn:local", "x2"), text="CT ABDOMEN-SURVEY")}, "CT abdomen"),
    ("reason elsewhere", {"code": coded((CPT, "70450"))}, "CT head without contrast"),
    ("R5 shape", {"code": {"concept": coded((CPT, "70450"))}}, "None"),
    (
        "Belgium: contrast extension that is not ours to read",
        {"code": coded((SNOMED, "419394006")), "extension": [{"url": "https://x/contrast-use"}]},
        "CT abdomen+pelvis",
    ),
]


@pytest.mark.parametrize(("elements", "expected"), [p[1:] for p in PATTERNS], ids=[p[0] for p in PATTERNS])
def test_how_orders_carry_the_exam(codes: ExamCodes, elements: dict[str, Any], expected: str) -> None:
    assert phrase(recognise(order(**elements), codes)) == expected


@pytest.mark.parametrize(
    ("system", "code", "misused_as"),
    [
        (SNOMED, "241615005", "CT head"),
        (SNOMED, "241615005", "MRI brain"),
        (LOINC, "30799-1", "MRI brain"),
        (LOINC, "30799-1", "CT angiography chest"),
        (LOINC, "79103-8", "CT abdomen and pelvis with contrast"),
        (LOINC, "24627-2", "MRI brain"),
        (SNOMED, "169070004", "ultrasound of the abdomen"),
        (LOINC, "36643-5", "CT chest"),
    ],
)
def test_a_misused_code_is_not_read(codes: ExamCodes, system: str, code: str, misused_as: str) -> None:
    by_text = recognise(order(code=coded((system, code), text=misused_as)), codes)
    by_display = recognise(order(code=coded((system, code, misused_as))), codes)
    assert (by_text.exam, by_display.exam) == (None, None)
    assert "one source says" in by_text.why
    assert by_text.name == misused_as


@pytest.mark.parametrize(
    ("code", "display", "expected"),
    [
        (
            "16333621000119108",
            "Magnetic resonance angiography of pelvis without contrast",
            "MR angiography pelvis without contrast",
        ),
        (
            "16457501000119100",
            "Computed tomography of abdomen and pelvis without contrast",
            "CT abdomen+pelvis without contrast",
        ),
        (
            "16335031000119100",
            "High resolution computed tomography of chest without contrast",
            "CT high-resolution chest without contrast",
        ),
        ("30367100", "", "None"),
        ("30367100", "CT of head", "CT head"),
    ],
)
def test_a_damaged_code_counts_as_unknown(codes: ExamCodes, code: str, display: str, expected: str) -> None:
    found = recognise_concept(CodeableConcept([Coding(SNOMED, code, display or None)]), codes)
    assert phrase(found) == expected
    assert f"code {code} fails its check digit" in found.why


class TestCodeAndText:
    """Text fills what a code leaves open, and is never stronger."""

    @pytest.mark.parametrize(
        ("code", "text", "expected"),
        [
            ((LOINC, "24725-4"), "CT head w/o contrast", "CT head without contrast"),
            ((LOINC, "24725-4"), "Imaging", "CT head"),
            ((LOINC, "44115-4"), "CT A/P triple phase", "CT abdomen+pelvis 3 passes"),
            ((CPT, "74178"), "CT abd/pel w contrast", "CT abdomen+pelvis without and with contrast"),
            ((CPT, "74177"), "CT abd/pel w/wo contrast", "CT abdomen+pelvis without and with contrast"),
            ((CPT, "74177"), "CT abd/pel w/o contrast", "CT abdomen+pelvis"),
            ((CPT, "74177"), "CT abdomen w contrast", "CT abdomen+pelvis with contrast"),
            ((CPT, "74176"), "CT renal stone protocol", "CT abdomen+pelvis without contrast"),
            ((CPT, "70480"), "CT temporal bones wo", "CT temporal-bone without contrast"),
            ((CPT, "70480"), "CT wo contrast", "CT orbit+pituitary+temporal-bone without contrast"),
            ((CPT, "70486"), "CT sinus wo", "CT sinuses without contrast"),
            ((CPT, "73721"), "MRI knee wo", "MR knee without contrast"),
            ((CPT, "73721"), "MRI right leg", "MR lower-limb without contrast"),
            ((LOINC, "79103-8"), "CT abdomen and pelvis", "None"),
            ((LOINC, "24725-4"), "CT sinus", "None"),
            ((CPT, "70480"), "CT head", "None"),
            ((CPT, "70450"), "CT chest wo", "None"),
            ((CPT, "70450"), "MRI brain", "None"),
            ((CPT, "70450"), "CT head or MRI brain", "None"),
            ((CPT, "70450"), "CT head - import from outside hospital", "None"),
            ((CPT, "70450"), "CT head with or without seizure", "CT head without contrast"),
            ((CPT, "70450"), "CT head or skull", "CT head without contrast"),
            ((CPT, "77012"), "CT guided biopsy liver", "CT guidance liver"),
        ],
    )
    def test_together(self, codes: ExamCodes, code: tuple[str, str], text: str, expected: str) -> None:
        assert phrase(recognise(order(code=coded(code, text=text)), codes)) == expected

    @pytest.mark.parametrize(
        ("pair", "expected"),
        [
            (((LOINC, "24725-4"), (SNOMED, "303653007")), "CT head"),
            (((LOINC, "24725-4"), (CPT, "70450")), "CT head without contrast"),
            (((CPT, "70480"), (LOINC, "24725-4")), "None"),
            (((SNOMED, "77477000"), (SNOMED, "69536005")), "CT head"),
            (((CPT, "74176"), (CPT, "74177")), "CT abdomen+pelvis"),
            (((CPT, "74176"), (CPT, "76376")), "None"),
            (((CPT, "74160"), (CPT, "74177")), "None"),
        ],
    )
    def test_two_codes(self, codes: ExamCodes, pair: tuple[tuple[str, str], ...], expected: str) -> None:
        assert phrase(recognise(order(code=coded(*pair)), codes)) == expected

    def test_any_order_of_an_alternative_list_and_one_of_its_parts(self, codes: ExamCodes) -> None:
        orbit, several = (SNOMED, "363654007"), (CPT, "70480")
        assert phrase(recognise(order(code=coded(orbit, several)), codes)) == "CT orbit without contrast"
        assert phrase(recognise(order(code=coded(several, orbit)), codes)) == "CT orbit without contrast"

    def test_a_list_that_is_off_is_read_by_display(self, free_codes: ExamCodes) -> None:
        found = recognise(order(code=coded((CPT, "70450", "CT head w/o contrast"))), free_codes)
        assert phrase(found) == "CT head without contrast"
        assert found.why == "recognised by its text"
        assert recognise(order(code=coded((CPT, "70450"))), free_codes).exam is None

    def test_a_display_of_a_known_code_adds_nothing(self, codes: ExamCodes) -> None:
        found = recognise(order(code=coded((LOINC, "24725-4", "CT head without contrast"))), codes)
        assert phrase(found) == "CT head"


class TestRefinement:
    """Details, body sites and notes, from most to least trusted."""

    @pytest.mark.parametrize(
        ("elements", "expected"),
        [
            ({"orderDetail": [{"text": "without contrast"}]}, "CT abdomen+pelvis without contrast"),
            ({"orderDetail": [{"text": "call results to ward"}]}, "CT abdomen+pelvis"),
            ({"orderDetail": [{"text": "CT head"}]}, "None"),
            ({"orderDetail": [coded((RADLEX, "RID10312"))]}, "None"),
            ({"orderDetail": [{"coding": [{"display": "with IV contrast"}]}]}, "CT abdomen+pelvis with contrast"),
            ({"orderDetail": [{"coding": [{"display": "stealth"}]}]}, "CT planning abdomen+pelvis"),
            ({"bodySite": [coded((SNOMED, "818981001"))]}, "CT abdomen+pelvis"),
            ({"bodySite": [coded((SNOMED, "69536005"))]}, "None"),
            ({"bodySite": [{"text": "head"}]}, "None"),
            ({"bodySite": [{"text": "appendix region"}]}, "CT abdomen+pelvis"),
            ({"bodySite": [{"text": "left side"}, {}]}, "CT abdomen+pelvis"),
            ({"note": [{"text": "no contrast please"}]}, "CT abdomen+pelvis without contrast"),
            ({"note": [{"text": "prior CT without contrast was normal"}]}, "CT abdomen+pelvis"),
            ({"note": [{"text": "concern for head bleed, chest trauma"}]}, "CT abdomen+pelvis"),
            ({"note": [{"text": "MRI brain to follow"}, {}]}, "CT abdomen+pelvis"),
            ({"note": [{"text": "biopsy proven"}]}, "CT abdomen+pelvis"),
        ],
    )
    def test_of_a_ct_of_abdomen_and_pelvis(self, codes: ExamCodes, elements: dict[str, Any], expected: str) -> None:
        assert phrase(recognise(order(code=coded((LOINC, "44115-4")), **elements), codes)) == expected

    def test_a_body_site_names_the_part_of_a_limb(self, codes: ExamCodes) -> None:
        found = recognise(order(code=coded((CPT, "73721")), bodySite=[coded((SNOMED, "72696002"))]), codes)
        assert phrase(found) == "MR knee without contrast"

    def test_a_note_without_modality_tells_no_region(self, codes: ExamCodes) -> None:
        found = recognise(order(code=coded((SNOMED, "77477000")), note=[{"text": "abdominal pain"}]), codes)
        assert found.exam is None
        assert found.why == "no region could be told by code 77477000"

    def test_texts_and_sites_of_a_concept(self, codes: ExamCodes) -> None:
        ct = CodeableConcept([Coding("http://dicom.nema.org/resources/ontology/DCM", "CT")])
        assert phrase(recognise_concept(ct, codes, texts=["HEAD W/O", ""])) == "CT head without contrast"
        site = CodeableConcept([Coding("http://dicom.nema.org/resources/ontology/DCM", "CHEST")])
        assert phrase(recognise_concept(ct, codes, sites=[site])) == "CT chest"
        assert recognise_concept(ct, codes, texts=["HEAD"], sites=[site]).exam is None
        assert phrase(recognise_concept(None, codes, texts=["US abdomen"])) == "US abdomen"


class TestPurpose:
    """What the exam is for, from the exam itself or from words."""

    @pytest.mark.parametrize(
        ("elements", "expected"),
        [
            ({"code": {"text": "CT chest"}}, "diagnostic"),
            ({"code": {"text": "CT chest surveillance"}}, "surveillance"),
            ({"code": {"text": "CT chest"}, "orderDetail": [{"text": "restaging"}]}, "surveillance"),
            ({"code": {"text": "CT chest"}, "note": [{"text": "tumor surveillance"}]}, "surveillance"),
            ({"code": {"text": "CT chest"}, "note": [{"text": "biopsy proven"}]}, "diagnostic"),
            ({"code": {"text": "CT head stealth"}}, "planning"),
            ({"code": coded((CPT, "77014"))}, "planning"),
            ({"code": {"text": "CT guided lung biopsy"}}, "guidance"),
            ({"code": coded((CPT, "77012"))}, "guidance"),
            ({"code": {"text": "CT guided stereotactic biopsy brain planning"}}, "guidance"),
            ({"code": coded((CPT, "74283"))}, "guidance"),
            ({}, "diagnostic"),
        ],
    )
    def test_is_read(self, codes: ExamCodes, elements: dict[str, Any], expected: str) -> None:
        assert recognise(order(**elements), codes).purpose == expected


class TestOddOrders:
    """No shape of an order makes recognition fail."""

    @pytest.mark.parametrize(
        "elements",
        [
            {},
            {"code": None},
            {"code": {}},
            {"code": {"coding": [{}]}},
            {"code": {"coding": []}},
            {"code": {"coding": [{"system": LOINC}]}},
            {"code": {"coding": [{"code": "24725-4"}]}},
            {"code": {"coding": [{"system": "", "code": ""}], "text": ""}},
            {"code": {"text": "\u0000\ud83e\udde0"}},
            {"code": {}, "note": [{}], "bodySite": [{}], "orderDetail": [{}]},
            {"note": [{"text": "CT"}, {"text": "..."}]},
            {"category": [coded((SNOMED, "108252007"))], "code": coded((LOINC, "58410-2", "CBC panel"))},
            {"code": coded((SNOMED, "91251008", "Physical therapy"), text="PT lumbar spine")},
        ],
    )
    def test_is_not_recognised(self, codes: ExamCodes, elements: dict[str, Any]) -> None:
        found = recognise(order(**elements), codes)
        assert found.exam is None
        assert found.evidence == ()
        assert found.why

    def test_empty_entries_in_lists(self, codes: ExamCodes) -> None:
        odd = ServiceRequest(code=CodeableConcept([None, Coding(LOINC, "24725-4")]), note=[None])  # type: ignore[list-item]
        assert phrase(recognise(odd, codes)) == "CT head"
        odd.orderDetail = [None]  # type: ignore[list-item]
        assert phrase(recognise(odd, codes)) == "CT head"

    def test_an_order_not_to_do_it(self, codes: ExamCodes) -> None:
        found = recognise(order(doNotPerform=True, code=coded((LOINC, "24725-4", "CT Head"))), codes)
        assert (found.exam, found.name) == (None, "CT Head")

    def test_its_own_words_are_plain_and_short(self, codes: ExamCodes) -> None:
        assert recognise(order(code={"text": " PT\n eval  neck "}), codes).name == "PT eval neck"
        assert recognise(order(code=coded(("urn:x", "A1"))), codes).name == "A1"
        assert len(recognise(order(code={"text": "neck " * 99}), codes).name) == LONGEST_NAME


class TestAnswer:
    """Name and evidence, as a card shows them."""

    def test_name_and_evidence(self, codes: ExamCodes) -> None:
        found = recognise(order(id="d1", code=coded((CPT, "74177"))), codes)
        assert found.name == "CT abdomen and pelvis with contrast"
        assert [tuple(piece) for piece in found.evidence] == [
            ("Order: CT abdomen and pelvis with contrast", "ServiceRequest/d1", "")
        ]
        assert recognise(order(code=coded((CPT, "74177"))), codes).evidence[0].source == ""

    def test_answers_are_remembered_within_bounds(self, free_codes: ExamCodes) -> None:
        free_codes.memory.clear()
        first = recognise_concept(CodeableConcept(text="CT head"), free_codes)
        assert recognise_concept(CodeableConcept(text="CT head"), free_codes) is first
        for number in range(MEMORY + 10):
            recognise_concept(CodeableConcept(text=f"CT head {number}"), free_codes)
        assert 0 < len(free_codes.memory) <= MEMORY

    def test_recognition_is_fast(self, codes: ExamCodes) -> None:
        concept = CodeableConcept([Coding("urn:x", "1")], "CT ABD/PEL W/WO contrast STAT portable")
        began = time.perf_counter()
        for _ in range(500):
            codes.memory.clear()
            recognise_concept(concept, codes)
        assert (time.perf_counter() - began) / 500 < 5e-3


class TestJoining:
    """How two sources join, apart from any list."""

    def test_silence_adds_nothing(self) -> None:
        said = Said("CT", frozenset({"head"}))
        assert join(said, SILENT) is said
        assert join(SILENT, said) is said

    def test_trouble_stays(self) -> None:
        trouble = Said(trouble="no")
        assert join(trouble, Said("CT")) is trouble
        assert join(Said("CT"), trouble) is trouble

    @pytest.mark.parametrize(
        ("one", "other", "agreed"),
        [
            ("abdomen", "appendix", "abdomen"),
            ("appendix", "abdomen", "appendix"),
            ("appendix", "abdomen+pelvis", "appendix"),
            ("abdomen", "abdomen+pelvis", None),
            ("urinary-tract", "abdomen+pelvis", "urinary-tract"),
            ("liver", "kidney", None),
            ("head", "sinuses", None),
            ("sinuses", "head", None),
            ("head+cervical-spine", "head", "head+cervical-spine"),
            ("head", "head+cervical-spine", None),
            ("lower-limb", "knee", "knee"),
            ("knee", "lower-limb", "knee"),
            ("lumbar-spine", "spine", "lumbar-spine"),
            ("whole-body", "head", "whole-body"),
        ],
    )
    def test_regions(self, one: str, other: str, agreed: str | None) -> None:
        first, second = (Said("CT", frozenset(regions.split("+"))) for regions in (one, other))
        joined = join(first, second)
        assert joined.regions == (frozenset(agreed.split("+")) if agreed else frozenset())
        assert bool(joined.trouble) == (agreed is None)

    def test_contrast(self) -> None:
        def both(one: str | None, other: str | None) -> str | None:
            return join(Said("CT", contrast=one), Said("CT", contrast=other)).contrast

        assert both(None, "with") == "with"
        assert both("with", None) == "with"
        assert both("with", "without") is None
        assert both("with", "without and with") == "without and with"

    def test_more_passes_than_contrast_implies(self) -> None:
        both = "without and with"
        assert Said("CT", contrast=both, more=True).exam().passes == 3
        assert Said("CT", more=True).exam().passes == 2
        assert Said("CT", contrast=both, techniques=frozenset({"angiography"})).exam().passes == 1
        assert Said("US", more=True).exam().passes == 0


class TestWording:
    """Reading text by itself."""

    def test_earlier_exams(self, codes: ExamCodes) -> None:
        assert speaks_of_earlier("H/O VP shunt", codes.words)
        assert speaks_of_earlier("compare with prior", codes.words)
        assert not speaks_of_earlier("please add delays", codes.words)
        assert not speaks_of_earlier("...", codes.words)

    def test_no_known_word_is_silence(self, codes: ExamCodes) -> None:
        assert text_says("please hurry", codes.words) is SILENT

    def test_every_phrase_of_a_code_reads_back(self, codes: ExamCodes) -> None:
        """An exam's own phrase, with plain regions, is read as that exam."""
        for written in (
            "CT abdomen+pelvis with contrast",
            "CT head without and with contrast",
            "US appendix",
            "MR knee",
        ):
            assert text_says(written, codes.words).exam() == exam(written)
