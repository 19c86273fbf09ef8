"""Code lists: what they say once loaded, and how they say what is wrong with them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cds_service.errors import ContentError, PhraseError
from cds_service.vocabulary.check_digits import loinc_holds, snomed_holds
from cds_service.vocabulary.exam_codes import (
    NOT_AN_EXAM,
    ExamCodes,
    coded_exam,
    coded_modality,
    coded_regions,
    licence_of,
)
from cds_service.vocabulary.exam_words import fold
from cds_service.vocabulary.exams import exam

LISTS = Path(__file__).parents[2] / "rules" / "codes" / "exams"
ALL = frozenset({"cpt", "snomed", "mbs"})
LOINC, SNOMED, CPT = "http://loinc.org", "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt"
DCM, RADLEX = "http://dicom.nema.org/resources/ontology/DCM", "http://www.radlex.org"
HEAD = "system: urn:site\nsource: our catalogue\nreview: {last: 2026-11-23, by: us}\n"


def shipped() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(LISTS.glob("*.yaml"))}


@pytest.fixture(scope="module")
def codes() -> ExamCodes:
    return ExamCodes.load(shipped(), ALL)


def problems(*lists: str) -> list[str]:
    with pytest.raises(ContentError) as raised:
        ExamCodes.load({f"{place}.yaml": text.encode() for place, text in enumerate(lists)})
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("system", "code", "phrase"),
    [
        (LOINC, "24725-4", "CT head"),
        (LOINC, "30799-1", "CT head without contrast"),
        (LOINC, "24727-0", "CT head with contrast"),
        (LOINC, "24726-2", "CT head without and with contrast"),
        (LOINC, "44115-4", "CT abdomen+pelvis"),
        (LOINC, "36813-4", "CT abdomen+pelvis with contrast"),
        (LOINC, "79103-8", "CT abdomen with contrast"),
        (LOINC, "24627-2", "CT chest"),
        (LOINC, "36643-5", "XR chest"),
        (LOINC, "30746-2", "XR chest"),
        (LOINC, "24590-2", "MR head"),
        (LOINC, "24558-9", "US abdomen"),
        (CPT, "74176", "CT abdomen+pelvis without contrast"),
        (CPT, "74177", "CT abdomen+pelvis with contrast"),
        (CPT, "74178", "CT abdomen+pelvis without and with contrast"),
        (CPT, "70450", "CT head without contrast"),
        (CPT, "70486", "CT face+sinuses without contrast"),
        (CPT, "71275", "CTA chest with contrast"),
        (CPT, "72195", "MR pelvis without contrast"),
        (CPT, "74455", "RF cystography urinary-tract"),
        (CPT, "74240", "RF upper-gi"),
        (CPT, "74283", "RF enema guidance colon"),
        (CPT, "76870", "US scrotum"),
        (CPT, "77075", "XR survey whole-body"),
        (CPT, "77072", "XR bone-age hand"),
        (CPT, "78707", "NM renogram kidney"),
        (CPT, "78816", "PET/CT whole-body"),
        (SNOMED, "303653007", "CT head"),
        (SNOMED, "169070004", "CT abdomen"),
        (SNOMED, "241615005", "MR breast"),
        (SNOMED, "399208008", "XR chest"),
        (SNOMED, "40701008", "US echocardiography heart"),
        (SNOMED, "241541005", "CT high-resolution chest"),
        (LOINC, "26107-3", "XR clavicle"),
        (LOINC, "26257-6", "MR knee"),
        (LOINC, "26354-1", "XR bone-age wrist+hand"),
        (LOINC, "36261-6", "MR lower-leg with contrast"),
        (LOINC, "36122-0", "MR arthrography hip"),
        (LOINC, "39500-4", "US doppler upper-limb"),
        (LOINC, "37187-2", "RF arthrography elbow"),
        (LOINC, "37175-7", "XA lower-limb"),
        (LOINC, "24698-3", "XA guidance lower-limb"),
        (LOINC, "44168-3", "US guidance pelvis"),
        (LOINC, "39670-5", "NM other orbit"),
        (CPT, "73092", "XR upper-limb"),
        (CPT, "72220", "XR sacrum"),
        (CPT, "76010", "XR face+neck+chest+abdomen+pelvis"),
        (CPT, "78262", "NM reflux-scan esophagus"),
        (RADLEX, "RPID144", "CT abdomen+pelvis without contrast"),
        (RADLEX, "RPID22", "CT head without contrast"),
        (RADLEX, "RPID7", "CTA head without and with contrast"),
    ],
)
def test_a_code_says_its_exam(codes: ExamCodes, system: str, code: str, phrase: str) -> None:
    coded = codes.get(system, code)
    assert coded is not None
    assert coded.exam == exam(phrase)


def test_angiography_with_and_without_is_not_two_passes(codes: ExamCodes) -> None:
    coded = codes.get(RADLEX, "RPID7")
    assert coded is not None
    assert coded.exam.passes == 1


def test_a_number_that_covers_several_parts_keeps_them_as_alternatives(codes: ExamCodes) -> None:
    coded = codes.get(CPT, "70481")
    assert coded is not None
    assert coded.any_of
    assert coded.exam.regions == {"orbit", "pituitary", "temporal-bone"}


def test_codes_of_modality_and_region_alone(codes: ExamCodes) -> None:
    modality, region = codes.get(RADLEX, "RID10321"), codes.get(SNOMED, "818982008")
    assert modality is not None
    assert region is not None
    assert (modality.exam.modality, modality.exam.regions) == ("CT", frozenset())
    assert (region.exam.modality, region.exam.regions) == ("", frozenset({"abdomen", "pelvis"}))
    assert codes.get(DCM, "CR") == coded_modality("XR")


@pytest.mark.parametrize(("system", "code"), [(CPT, "76376"), (CPT, "76377"), (LOINC, "73569-6"), (DCM, "SR")])
def test_what_exposes_nobody_is_known_as_no_exam(codes: ExamCodes, system: str, code: str) -> None:
    assert codes.get(system, code) is NOT_AN_EXAM


@pytest.mark.parametrize(
    "system",
    [
        "http://loinc.org",
        "https://loinc.org",
        "http://loinc.org/",
        "urn:oid:2.16.840.1.113883.6.1",
        "2.16.840.1.113883.6.1",
        "HTTP://LOINC.ORG",
        " http://loinc.org|2.78",
    ],
)
def test_a_system_is_known_under_all_its_addresses(codes: ExamCodes, system: str) -> None:
    assert codes.get(system, "24725-4") == coded_exam("CT head")


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (None, "24725-4"),
        (LOINC, None),
        ("", ""),
        (LOINC, "24725-5"),
        (CPT, "24725-4"),
        ("urn:nobody", "1"),
        (SNOMED, "30367100"),
    ],
)
def test_nothing_is_guessed(codes: ExamCodes, system: str | None, code: str | None) -> None:
    assert codes.get(system, code) is None


@pytest.mark.parametrize(
    "system",
    ["http://snomed.info/sct/900000000000207008", "http://snomed.info/sct|http://snomed.info/sct/32506021000036107"],
)
def test_an_edition_of_snomed_ct_is_snomed_ct(codes: ExamCodes, system: str) -> None:
    assert codes.get(system, "303653007") == coded_exam("CT head")


def test_blanks_around_a_code_do_no_harm(codes: ExamCodes) -> None:
    assert codes.get(CPT, " 70450 ") == codes.get(CPT, "70450") is not None


def test_every_code_is_counted_once(codes: ExamCodes) -> None:
    assert len(codes) == len(set(codes.items())) > 8600
    assert len(ExamCodes({})) == 0


def test_lists_that_need_a_licence_are_off_until_it_is_stated() -> None:
    free = ExamCodes.load(shipped())
    assert free.get(CPT, "70450") is None
    assert free.get(SNOMED, "169070004") is None
    assert free.get(SNOMED, "303653007") == coded_exam("CT head")
    assert free.get("http://www.health.gov.au/mbs", "56001") is None
    licensed = ExamCodes.load(shipped(), frozenset({"cpt"}))
    assert licensed.get(CPT, "70450") == coded_exam("CT head without contrast")
    assert licensed.get(SNOMED, "169070004") is None


def test_licence_is_read_from_the_head_alone() -> None:
    assert licence_of(b'system: x\nlicence: "snomed"  # site\n') == "snomed"
    assert licence_of(b"system: x\nexams:\n  1: CT head\n") == ""


def test_every_code_passes_its_check_digit(codes: ExamCodes) -> None:
    seen = {LOINC: 0, SNOMED: 0}
    for system, code, _ in codes.items():
        if system in seen:
            seen[system] += 1
            assert (loinc_holds if system == LOINC else snomed_holds)(code), code
    assert seen[LOINC] > 2600
    assert seen[SNOMED] > 1800


def test_no_list_carries_more_than_numbers_and_exam_phrases_of_cpt() -> None:
    text = (LISTS / "cpt.yaml").read_text()
    for line in text.split("exams:")[1].splitlines():
        assert not line.strip().startswith("#"), line


def test_default_lists_load_fast() -> None:
    files = shipped()
    began = time.perf_counter()
    ExamCodes.load(files)
    assert time.perf_counter() - began < 5  # a guard; the bench measures


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("30799-1", True),
        ("24725-4", True),
        ("24725-3", False),
        ("24725", False),
        ("-4", False),
        ("24725-44", False),
        ("²4725-4", False),
        ("", False),
    ],
)
def test_loinc_check_digit(code: str, holds: bool) -> None:
    assert loinc_holds(code) is holds


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("303653007", True),
        ("16333621000119107", True),
        ("16333621000119108", False),
        ("16444991000119100", False),
        ("30367100", False),
        ("12", False),
        ("abc", False),
        ("١٢٣٤٥٦", False),
    ],
)
def test_snomed_check_digit(code: str, holds: bool) -> None:
    assert snomed_holds(code) is holds


class TestSiteLists:
    """A hospital's own list has the same form, and every mistake in it is told at once."""

    def test_it_adds_codes(self) -> None:
        site = HEAD + "exams:\n  IMG1702: CT abdomen+pelvis with contrast\nmodalities:\n  IMG1: MR\n"
        codes = ExamCodes.load({**shipped(), "site.yaml": site.encode()})
        assert codes.get("urn:site", "IMG1702") == coded_exam("CT abdomen+pelvis with contrast")

    def test_a_list_under_another_address_of_a_system_joins_it(self) -> None:
        site = HEAD.replace("urn:site", "urn:oid:2.16.840.1.113883.6.1") + "exams:\n  24725-4: CT head\n"
        codes = ExamCodes.load({"a-site.yaml": site.encode(), **shipped()})
        assert codes.get(LOINC, "24725-4") == coded_exam("CT head")

    def test_contradicting_a_shipped_code_is_an_error(self) -> None:
        site = HEAD.replace("urn:site", LOINC) + "exams:\n  24725-4: CT chest\n"
        with pytest.raises(ContentError, match=r"z-site\.yaml:5: 24725-4 means something else in loinc\.yaml"):
            ExamCodes.load({**shipped(), "z-site.yaml": site.encode()})

    def test_all_mistakes_are_told_with_file_and_line(self) -> None:
        one = HEAD + "exams:\n  A1: CT abdomn\n  A2: {a: b}\nregions:\n  A3: hed\nmodalities:\n  A4: CTX\nexms: {}\n"
        other = HEAD.replace("urn:site", SNOMED) + "exams:\n  30367100: CT head\n"
        assert problems(one, other) == [
            "0.yaml:5: A1: 'abdomn' in 'CT abdomn' is not a region; did you mean abdomen?",
            "0.yaml:6: A2: an exam phrase must follow, such as CT head without contrast",
            "0.yaml:8: A3: 'hed' is not a region; did you mean head?",
            "0.yaml:10: A4: 'CTX' in 'CTX whole-body' is not a modality; did you mean CT?",
            "0.yaml:11: exms is not a part of a code list; did you mean exams?",
            "1.yaml:5: 30367100 fails its check digit; copy the code again from its source",
        ]

    def test_a_code_written_twice(self) -> None:
        assert problems(HEAD + "exams:\n  A1: CT head\n  A1: CT chest\n") == [
            "0.yaml:6: A1 stands here twice; keep one of them"
        ]

    def test_a_code_with_two_meanings_in_two_sections(self) -> None:
        assert problems(HEAD + "exams:\n  A1: CT head\nregions:\n  A1: head\n") == [
            "0.yaml:7: A1 means something else in 0.yaml; keep one of them"
        ]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("[]", "a code list is a block"),
            ("", "a code list is a block"),
            ("system: urn:x\n", "source and review must be stated"),
            ("source: x\nreview: y\n", "system must be stated"),
            (HEAD + "exams: [A1]\n", "exams is a block with one code a line"),
            (HEAD + "not_exams: {A1: x}\n", "not_exams is a list of codes"),
            (HEAD + "not_exams: [true]\n", "a code must be text"),
            (HEAD + "also: urn:y\n", "also is a list of other addresses"),
            (HEAD + "zzzz: 1\n", "zzzz is not a part of a code list"),
            (HEAD + "regions: {A1: qqqq}\n", "see the words of exams in rules/FACTS.md"),
            ("a: [", "check indentation, quotes and brackets"),
        ],
    )
    def test_what_a_list_must_be(self, text: str, told: str) -> None:
        assert told in "\n".join(problems(text))

    def test_one_address_cannot_stand_for_two_systems(self) -> None:
        other = HEAD.replace("urn:site", "urn:other") + "also: [urn:site2]\n"
        assert "urn:site2 already stands for another code system" in problems(HEAD + "also: [urn:site2]\n", other)[0]


@pytest.mark.parametrize(("reader", "phrase"), [(coded_exam, "CT"), (coded_modality, "CT head"), (coded_regions, "CT")])
def test_an_entry_reads_only_its_own_kind_of_phrase(reader: object, phrase: str) -> None:
    with pytest.raises(PhraseError):
        reader(phrase)  # type: ignore[operator]


class TestWords:
    """The table of words is checked as strictly as a code list."""

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("words: []", "words is a block of sections"),
            ("words: {modalty: {}}", "modalty is not a section of words"),
            ("words: {modality: {CTX: [ct]}}", "'CTX' in 'CTX whole-body' is not a modality"),
            ("words: {modality: [ct]}", "a block of meanings with their phrases is needed here"),
            ("words: {region: {hed: [head]}}", "region: hed is not a region"),
            ("words: {region: {head: head}}", "region: a list of phrases is needed here"),
            ("words: {region: {head: [head, Head]}}", "region: 'head' stands here twice"),
            ("words: {region: {head: ['--']}}", "region: a phrase must have words"),
            ("words: {region_of: {CT: {hed: [x]}}}", "hed is not a region"),
            ("words: {technique: {magic: [x]}}", "technique: magic is not one of"),
            ("words: {contrast: {some: [x]}}", "contrast: some is not one of"),
            ("words: {contrast_at_end: {unknown: [x]}}", "contrast_at_end: unknown is not one of"),
            ("words: {passes: {two: [x]}}", "passes: invalid literal"),
            ("words: {purpose: {fun: [x]}}", "purpose: fun is not one of"),
            ("words: {ignored: {a: b}}", "ignored: a list of phrases is needed here"),
        ],
    )
    def test_mistakes_are_told(self, text: str, told: str) -> None:
        assert told in "\n".join(problems(text))

    def test_a_phrase_may_stand_in_two_sections(self) -> None:
        text = b"words: {region: {urinary-tract: [urogram]}, technique: {urography: [urogram]}}"
        meaning = ExamCodes.load({"w.yaml": text}).words.meanings["urogram"]
        assert (meaning.regions, meaning.techniques) == (frozenset({"urinary-tract"}), frozenset({"urography"}))

    def test_every_shipped_phrase_is_found_again(self, codes: ExamCodes) -> None:
        for phrase in codes.words.meanings:
            words = fold(phrase)
            assert " ".join(words) == phrase
            assert codes.words.longest[words[0]] >= len(words)
