from pathlib import Path

import pytest

from cds_service import yaml_source
from cds_service.errors import ContentError
from cds_service.vocabulary import reason_files
from cds_service.vocabulary.check_digits import snomed_holds
from cds_service.vocabulary.reason_codes import ICD10, ICD10CM, SNOMED, ReasonCodes

FOLDER = Path(__file__).parents[2] / "rules" / "codes" / "reasons"
SYSTEMS = {"icd10cm": ICD10CM, "icd10": ICD10, "snomed": SNOMED, "snomed_licensed": SNOMED}

A_REASON = "headache: {label: Headache, icd10cm: [R51], texts: [headache]}\n"


def shipped(licences: frozenset[str] = frozenset()) -> ReasonCodes:
    return reason_files.load({path.name: path.read_bytes() for path in FOLDER.glob("*.yaml")}, licences)


@pytest.fixture(scope="module")
def codes() -> ReasonCodes:
    return shipped(frozenset({"snomed"}))


def loaded(text: str, words: str = "") -> ReasonCodes:
    return reason_files.load({"rules/a.yaml": text.encode(), "rules/words.yaml": (words or "fillers: [of]").encode()})


def problems(text: str, words: str = "fillers: [of]") -> list[str]:
    with pytest.raises(ContentError) as caught:
        loaded(text, words)
    return [str(problem) for problem in caught.value.problems]


class TestShipped:
    def test_every_code_is_read_back_as_its_reason(self, codes: ReasonCodes):
        count = 0
        for path in FOLDER.glob("*.yaml"):
            if path.name.startswith("words."):
                continue
            for name, fields in yaml_source.read(path.read_bytes(), file=path.name).items():
                for key, system in SYSTEMS.items():
                    for code in fields.get(key, ()):
                        found = codes.coded(system, code)
                        assert found is not None, code
                        assert any(name in codes.lineage[one] for one in found.names), code
                        count += 1
        assert count > 700

    def test_every_reason_can_be_stated(self, codes: ReasonCodes):
        coded = {name for table in codes.tables.values() for names in table.values() for name in names}
        texts = "\n".join(path.read_text() for path in FOLDER.glob("*.yaml"))
        for name in codes.names - coded:
            below = {other for other in codes.names if name in codes.lineage[other]}
            assert f"\n{name}:" in texts and (below & coded or "texts: [" in texts.split(f"\n{name}:")[1][:400])

    def test_every_label_is_short(self, codes: ReasonCodes):
        assert [reason.label for reason in codes.reasons.values() if not 4 < len(reason.label) <= 60] == []

    def test_narrow_reasons_imply_the_broad_ones(self, codes: ReasonCodes):
        assert codes.lineage["complicated-appendicitis"] == {"complicated-appendicitis", "suspected-appendicitis"}
        assert "sinusitis" in codes.lineage["sinus-surgery-planning"]
        assert codes.lineage["subacute-head-injury"] == {"subacute-head-injury"}

    def test_licensed_snomed_concepts_wait_for_the_licence(self, codes: ReasonCodes):
        assert shipped().coded(SNOMED, "451000119106") is None
        assert codes.coded(SNOMED, "451000119106") == (("minor-head-injury",), ())

    def test_offered_codes_are_whole_codes(self, codes: ReasonCodes):
        offered = [reason for reason in codes.reasons.values() if reason.offer]
        assert len(offered) > 50
        for reason in offered:
            concept = reason.concept
            assert concept is not None
            assert concept["coding"][0]["system"] == ICD10CM
            assert concept["text"] == reason.label
        assert codes.reasons["suspected-physical-abuse"].concept is None

    def test_injuries_are_events_and_what_they_become(self, codes: ReasonCodes):
        assert {"minor-head-injury", "remote-head-injury", "limb-fracture"} <= codes.injuries
        assert "headache" not in codes.injuries and "" not in codes.injuries


class TestLookup:
    @pytest.mark.parametrize(
        ("code", "names"),
        [
            ("R10.31", ("right-lower-quadrant-pain",)),
            ("R10.9", ("abdominal-pain",)),
            ("R1031", ("right-lower-quadrant-pain",)),
            (" r10.31 ", ("right-lower-quadrant-pain",)),
            ("K35.80", ("suspected-appendicitis",)),
            ("K35.33", ("complicated-appendicitis",)),
            ("R56.01", ("complex-febrile-seizure",)),
            ("R56.9", ("afebrile-seizure",)),
            ("G40.019", ("focal-seizure", "refractory-epilepsy")),
            ("G43.909", ("primary-headache",)),
            ("J86.0", ("bronchopleural-fistula",)),
            ("J86.9", ("complicated-pneumonia-effusion",)),
            ("N13.70", ("vesicoureteral-reflux",)),
            ("N13.30", ("vur-hydronephrosis",)),
            ("L03.213", ("orbital-cellulitis",)),
            ("F07.81", ("subacute-head-injury",)),
        ],
    )
    def test_the_longest_prefix_wins(self, code, names, codes: ReasonCodes):
        found = codes.coded(ICD10CM, code)
        assert found is not None
        assert set(found.names) == set(names)
        assert found.earlier == ()

    @pytest.mark.parametrize("code", ["L03.211", "R1", "R", "", ".", "Z99.9", None, "S", "21522001"])
    def test_unknown_codes(self, code, codes: ReasonCodes):
        assert codes.coded(ICD10CM, code) is None

    @pytest.mark.parametrize(
        "system",
        [
            "urn:oid:2.16.840.1.113883.6.90",
            "http://hl7.org/fhir/sid/icd-10-cm/",
            "https://hl7.org/fhir/sid/icd-10-cm",
            "HTTP://hl7.org/fhir/sid/ICD-10-CM|2026",
        ],
    )
    def test_other_addresses_of_a_system(self, system, codes: ReasonCodes):
        assert codes.coded(system, "R51.9") == (("headache",), ())

    @pytest.mark.parametrize("system", ["http://snomed.info/sct/731000124108", "urn:oid:2.16.840.1.113883.6.96"])
    def test_addresses_of_snomed_editions(self, system, codes: ReasonCodes):
        assert codes.coded(system, "25064002") == (("headache",), ())
        assert codes.coded(system, "25064003") is None

    @pytest.mark.parametrize("system", [None, "", "http://hl7.org/fhir/sid/icd-9-cm", "urn:local", "icd"])
    def test_other_systems_say_nothing(self, system, codes: ReasonCodes):
        assert codes.coded(system, "R51.9") is None

    @pytest.mark.parametrize(
        ("code", "names", "earlier"),
        [
            ("S52.501A", ("limb-fracture-known",), ()),
            ("S52.501B", ("limb-fracture-known",), ()),
            ("S52.501C", ("limb-fracture-known",), ()),
            ("S52.501D", (), ("limb-fracture-known",)),
            ("S52.501K", (), ("limb-fracture-known",)),
            ("S52.501S", (), ("limb-fracture-known",)),
            ("S52.501", ("limb-fracture-known",), ()),
            ("S02.11D", ("severe-head-injury",), ()),
            ("S02.11DD", ("subacute-head-injury",), ()),
            ("S06.0X0S", ("remote-head-injury",), ()),
            ("V43.52XD", (), ("major-trauma",)),
            ("M41.129", ("idiopathic-scoliosis",), ()),
        ],
    )
    def test_the_seventh_character_of_injuries(self, code, names, earlier, codes: ReasonCodes):
        assert codes.coded(ICD10CM, code) == (names, earlier)

    def test_the_seventh_character_of_other_chapters_says_nothing_about_a_reason(self):
        codes = loaded("a: {label: A bone, icd10cm: [M84]}")
        assert codes.coded(ICD10CM, "M84.50XD") == (("a",), ())

    def test_who_codes_have_no_seventh_character_and_prefixes_of_their_own(self, codes: ReasonCodes):
        assert codes.coded(ICD10, "S52.501D") == (("limb-fracture-known",), ())
        assert codes.coded(ICD10, "G41.9") == (("status-epilepticus",), ())
        assert codes.coded(ICD10CM, "G41.9") is None


class TestLoading:
    def test_a_small_list_loads(self):
        codes = loaded(A_REASON)
        assert codes.names == {"headache"}
        assert codes.reasons["headache"].regions == frozenset()

    @pytest.mark.parametrize(
        ("text", "trouble"),
        [
            ("a: {label: A, broder: []}", "rules/a.yaml:1: broder is not a field of a reason; did you mean broader?"),
            ("a: {texts: [x]}", "rules/a.yaml:1: a has no label; write label: and what a clinician would say"),
            ("a: 1", "rules/a.yaml:1: a must be a block; give it a label"),
            ("A_b: {label: A}", "rules/a.yaml:1: A_b is not a name; use lower-case words joined by hyphens"),
            ("a: {label: A, broader: [heart]}", "rules/a.yaml:1: heart is not a reason"),
            ("a: {label: A, past: b}", "rules/a.yaml:1: b is not a reason"),
            ("a: {label: A, broader: x}", "rules/a.yaml:1: broader is a list; write broader: […]"),
            ("a: {label: A, texts: [{}]}", "rules/a.yaml:1: texts holds something that is no text"),
            ("a: {label: A, texts: ['*']}", "rules/a.yaml:1: '*' holds no word"),
            ("a: {label: A, regions: [hed]}", "rules/a.yaml:1: hed is not a region; did you mean head?"),
            ("a: {label: A, event: maybe}", "rules/a.yaml:1: event is true or false"),
            (
                "a: {label: A, icd10cm: [X]}",
                "rules/a.yaml:1: X is no ICD-10 code; write it with its dot, such as R10.31",
            ),
            ("a: {label: A, icd10cm: [R1031]}", "rules/a.yaml:1: R1031 is no ICD-10 code"),
            (
                "a: {label: A, snomed: [25064003]}",
                "rules/a.yaml:1: 25064003 is no SNOMED CT code: its check digit is wrong",
            ),
            ("a: {label: A, offer: R51}", "rules/a.yaml:1: an offer is {code: …, display: …}"),
            ("a: {label: A, offer: {code: R51}}", "rules/a.yaml:1: an offer is {code: …, display: …}"),
            (
                "a: {label: A, offer: {code: R51, display: x}}",
                "rules/a.yaml:1: a offers R51, which is read as no reason",
            ),
            ("a: {label: A, broader: [b]}\nb: {label: B, broader: [a]}", "rules/a.yaml:1: a is broader than itself"),
            ("[a]", "rules/a.yaml:1: a reason file is a block of names"),
            ("\n\na: [x", "rules/a.yaml:"),
            (
                "a: {label: A, icd10cm: [R51]}\nb: {label: B, icd10cm: [R51]}",
                "rules/a.yaml:2: R51 stands in a and b; keep it in one, or link them by broader",
            ),
            (
                "a: {label: A, texts: [sore hip]}\nb: {label: B, texts: ['sore|bad hips']}",
                "rules/a.yaml:2: 'sore hip' of 'sore|bad hips' stands for a and b; keep it in one place",
            ),
        ],
    )
    def test_what_is_wrong_is_told_with_file_and_line(self, text, trouble):
        assert any(one.startswith(trouble) for one in problems(text)), problems(text)

    @pytest.mark.parametrize(
        ("words", "trouble"),
        [
            ("filers: []", "rules/words.yaml:1: filers is not a list of words; did you mean fillers?"),
            (
                "fillers: [headaches]",
                "rules/words.yaml:1: 'headaches' stands for headache and context; keep it in one place",
            ),
            ("same_word: {a: [x], b: [X]}", "rules/words.yaml:1: X stands for two words; one is a"),
            ("same_word: [x]", "rules/words.yaml:1: same_word is a block; write same_word: and one line for each"),
            ("unsure: {pe: 1}", "rules/words.yaml:1: pe must be a block"),
            ("codes_beside: {other: [Z23]}", "rules/words.yaml:1: other is no kind of code; use context, findings"),
            ("codes_beside: {context: [Z2]}", "rules/words.yaml:1: Z2 is no ICD-10 code"),
            ("codes_beside: {context: [R51]}", "rules/words.yaml:1: R51 is a reason; keep it in one place"),
            (
                "unsure: {pe: {mean: {}}}",
                "rules/words.yaml:1: mean is not a field of an unsure word; did you mean means?",
            ),
            ("unsure: {pe: {means: {lung: [x]}}}", "rules/words.yaml:1: lung is not a reason"),
            ("unsure: {pe: {asked: {lung: [x]}}}", "rules/words.yaml:1: lung is not a reason"),
            ("unsure: {pe: {means: {headache: x}}}", "rules/words.yaml:1: headache is a list"),
        ],
    )
    def test_what_is_wrong_with_words(self, words, trouble):
        assert any(one.startswith(trouble) for one in problems(A_REASON, words)), problems(A_REASON, words)

    def test_all_problems_come_at_once_in_order(self):
        found = problems("a: {regions: [hed]}\nb: {label: B, icd10cm: [1]}\n", "filers: []")
        assert [one.split(": ")[0] for one in found] == ["rules/a.yaml:1"] * 2 + [
            "rules/a.yaml:2",
            "rules/words.yaml:1",
        ]

    def test_a_name_twice_tells_where_it_stands_first(self):
        with pytest.raises(ContentError, match=r"b\.yaml:2: headache is named twice; it stands in a\.yaml:1 too"):
            reason_files.load({"a.yaml": A_REASON.encode(), "b.yaml": b"\nheadache: {label: Headache}"})

    def test_the_same_code_in_a_narrower_reason_belongs_to_it(self):
        codes = loaded(A_REASON + "migraine: {label: Migraine, broader: [headache], icd10cm: [R51]}")
        assert codes.coded(ICD10CM, "R51.9") == (("migraine",), ())

    def test_a_site_may_add_words(self):
        site = {"rules/words.yaml": b"fillers: [x]", "site/words.yaml": b"fillers: [y]", "a.yaml": A_REASON.encode()}
        phrases = reason_files.load(site).wording.phrases
        assert phrases.longest(["x"], 0) and phrases.longest(["y"], 0)


def test_check_digits_of_the_shipped_lists_are_tested(codes: ReasonCodes):
    assert all(snomed_holds(code) for code in codes.tables[SNOMED])
