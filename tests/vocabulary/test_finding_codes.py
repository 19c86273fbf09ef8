"""Finding lists: what a file may say, what is refused with its line, and what the shipped ones hold."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import pytest

from cds_service.errors import ContentError, PhraseError
from cds_service.vocabulary import finding_words as words
from cds_service.vocabulary.facts import STATIC, Kind
from cds_service.vocabulary.finding_codes import SYSTEMS, Beginnings, FindingCodes, load, plain
from cds_service.vocabulary.finding_facts import ALWAYS, ENCOUNTER, Assertion, FindingFact, Role, Sign
from cds_service.vocabulary.readings import Interval

LISTS = Path(__file__).parents[2] / "rules" / "codes" / "findings"
FILES = {f"rules/codes/findings/{path.name}": path.read_bytes() for path in sorted(LISTS.iterdir())}
ICD10CM, SNOMED, LOINC = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct", "http://loinc.org"

FLAG = "facts:\n  sign.x:\n    meaning: X.\n    kind: flag\n"
CHOICE = FLAG.replace("flag", "choice\n    choices: [none, some, 'much more']")
NUMBER = FLAG.replace("flag", "number\n    unit: kg\n    range: [0, 10]")


@pytest.fixture(scope="module")
def shipped() -> FindingCodes:
    return load(FILES)


def one(source: str, *more: str) -> FindingCodes:
    return load({f"rules/{number}.yaml": text.encode() for number, text in enumerate((source, *more))})


def says(codes: FindingCodes, system: str, code: str) -> list[tuple[str, str]]:
    return [(said.fact.name, said.role.value) for said in codes.says(system, code)]


def trouble(source: str, *more: str) -> list[str]:
    with pytest.raises(ContentError) as caught:
        one(source, *more)
    return [str(problem) for problem in caught.value.problems]


# what is shipped


def test_the_shipped_lists_load_and_fast(shipped: FindingCodes) -> None:
    began = time.process_time()
    load(FILES)
    assert time.process_time() - began < 5  # a guard; the bench measures
    assert len(shipped.facts) > 170
    assert set(shipped.facts) == set(shipped.findings)
    assert not set(shipped.facts) & set(STATIC)


def test_every_fact_has_its_kind_spelled_out(shipped: FindingCodes) -> None:
    for name, fact in shipped.facts.items():
        assert fact.name == name
        assert re.fullmatch(r"(sign|score|exam|safety|patient|setting)\.[a-z0-9_]+", name)
        assert fact.meaning.endswith(".")
        assert bool(fact.choices) == (fact.kind is Kind.CHOICE)
        assert bool(fact.unit) == (fact.kind is Kind.NUMBER)


def test_every_choice_is_in_kebab_case(shipped: FindingCodes) -> None:
    for fact in shipped.facts.values():
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", choice) for choice in fact.choices)


def test_no_code_contradicts_itself_within_a_fact(shipped: FindingCodes) -> None:
    for system in (SNOMED, LOINC):
        search = shipped.find[system]
        for code in re.findall(rb"\b\d{5,18}\b|\b\d{3,6}-\d\b", b" ".join(FILES.values())):
            said = search(code.decode()) or ()
            roles = {(one.fact.name, one.role) for one in said}
            for name, role in roles:
                if role is Role.ABSENT:
                    assert (name, Role.PRESENT) not in roles


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("J18.9", []),
        ("E84.11", [("safety.cystic_fibrosis", "present")]),
        ("Q85.01", [("sign.neurocutaneous_disorder", "implied_by"), ("safety.neurofibromatosis_1", "present")]),
        ("R11.0", [("sign.nausea", "present")]),
        ("F50.0", []),
        ("Z14.1", []),
    ],
)
def test_codes_by_their_beginning(code: str, expected: list[tuple[str, str]], shipped: FindingCodes) -> None:
    assert sorted(says(shipped, ICD10CM, code)) == sorted(expected)


@pytest.mark.parametrize("system", ["http://hl7.org/fhir/sid/icd-10", "", "urn:x"])
def test_unknown_systems_say_nothing(system: str, shipped: FindingCodes) -> None:
    assert shipped.says(system, "E84") == ()


def test_every_address_of_a_system_is_known(shipped: FindingCodes) -> None:
    for address in SYSTEMS["snomed"]:
        assert says(shipped, address, "190905008") == [("safety.cystic_fibrosis", "present")]
    for address in SYSTEMS["icd10cm"]:
        assert says(shipped, address, "E840") == [("safety.cystic_fibrosis", "present")]


def test_general_answers(shipped: FindingCodes) -> None:
    general = shipped.general
    assert general.coded[SNOMED]["2667000"] is Sign.NO
    assert general.coded["http://loinc.org/"]["LA33-6"] is Sign.YES
    assert general.said["unable to assess"] is Sign.UNKNOWN
    assert general.not_found == {"8801005", "8801031"}
    assert general.statements[LOINC] == {"11373-8"}


def test_how_long_things_last(shipped: FindingCodes) -> None:
    facts = shipped.findings
    assert (facts["sign.vomiting"].lasts, facts["sign.vomiting"].conditions_last) == (ENCOUNTER, ENCOUNTER)
    assert (facts["safety.cystic_fibrosis"].lasts, facts["safety.cystic_fibrosis"].conditions_last) == (ALWAYS, ALWAYS)
    assert (facts["exam.wbc"].lasts, facts["exam.wbc"].conditions_last) == (86400, ENCOUNTER)
    assert facts["patient.pregnancy"].conditions_last == 42 * 7 * 86400
    assert facts["safety.hemodynamic_instability"].absent_lasts == 3600


# what a file may say


def test_the_longest_beginning_counts_for_each_fact_apart() -> None:
    codes = one(
        FLAG
        + "    present: {icd10cm: [A, B01.2]}\n    lookalike: {icd10cm: [A1]}\n"
        + "  sign.y: {meaning: Y., kind: flag, proxy: {icd10cm: [A10]}}"
    )
    assert says(codes, ICD10CM, "A00") == [("sign.x", "present")]
    assert says(codes, ICD10CM, "A10") == [("sign.y", "suspected")]
    assert says(codes, ICD10CM, "b012") == [("sign.x", "present")]
    assert says(codes, ICD10CM, "B01") == []
    assert says(codes, ICD10CM, "") == []


def test_found_codes_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.vocabulary.finding_codes._KEPT", 1)
    fact = next(iter(one(FLAG).findings.values()))
    beginnings = Beginnings()
    beginnings.add("A1", Assertion(fact, Role.PRESENT))
    first = beginnings.find("A10")
    assert first
    assert beginnings.find("A10") is first
    assert beginnings.find("A11") is not None
    assert len(beginnings._found) == 1


def test_roles_that_are_for_people_are_not_read() -> None:
    codes = one(FLAG + "    supporting: {loinc: ['1-8']}\n    history: {snomed: ['1']}\n    question: {loinc: ['2-6']}")
    assert says(codes, LOINC, "1-8") == []
    assert says(codes, SNOMED, "1") == [("sign.x", "suspected")]
    assert says(codes, LOINC, "2-6") == [("sign.x", "question")]


def test_values_and_answers() -> None:
    codes = one(
        CHOICE
        + "    answers: {'no': none, 'yes': some or much more, suspected: some}\n"
        + "    value: {some: {snomed: ['1'], link_id: [a bit]}, suspected: {snomed: ['3']}, unknown: {snomed: ['4']}}\n"
        + "    answer: {'much more': {loinc: [LA1-2], text: [Lots]}}"
    )
    fact = codes.findings["sign.x"]
    assert fact.answers == {
        Sign.NO: {"none"},
        Sign.NORMAL: {"none"},
        Sign.YES: {"some", "much more"},
        Sign.SUSPECTED: {"some"},
    }
    assert codes.says(SNOMED, "1")[0].value == {"some"}
    assert says(codes, SNOMED, "3") == [("sign.x", "suspected")]
    assert says(codes, SNOMED, "4") == [("sign.x", "unknown")]
    assert says(codes, LOINC, "LA1-2") == []
    assert fact.coded_answers[LOINC] == {"LA1-2": {"much more"}}
    assert fact.said_answers["lots"] == {"much more"}
    assert codes.link_ids["a bit"][0].value == {"some"}


def test_a_site_adds_to_a_shipped_fact() -> None:
    added = (
        "facts: {sign.x: {present: {'urn:site': [ROW-7]}, texts: [Our X?], link_ids: [OUR-X],"
        " words: {present: {Flag: [X-Ray]}}}}"
    )
    codes = load({"site/codes/findings/a.yaml": added.encode(), "rules/codes/findings/z.yaml": FLAG.encode()})
    assert says(codes, "urn:site", "ROW-7") == [("sign.x", "present")]
    assert codes.texts["our x"][0].role is Role.QUESTION
    assert codes.link_ids["our-x"]
    assert codes.phrases["Flag"][0][0] == "x-ray"


def test_a_site_may_bring_a_fact_of_its_own_and_files_of_other_kinds_are_left_alone() -> None:
    codes = load({"site/codes/findings/a.yaml": FLAG.encode(), "rules/codes/findings/README.md": b"# ["})
    assert list(codes.facts) == ["sign.x"]


def test_fields_of_a_fact() -> None:
    codes = one(
        NUMBER
        + "    lasts: 2 days\n    worse: high\n    take: highest\n    sensitive: true\n    after_injury: true\n"
        + "    read: [Device]\n    units: {stone: 6.35}\n"
        + "    computed: {product: [sign.x], over: [sign.x], factor: 2, first: true}\n"
        + "    at_site: [{codes: {snomed: ['9']}, sites: {1 to 2: {snomed: ['8']}}}]\n    except_words: [Flush]"
    )
    fact = codes.findings["sign.x"]
    assert (fact.lasts, fact.conditions_last, fact.worse, fact.take) == (172800, ENCOUNTER, "high", "highest")
    assert fact.sensitive
    assert fact.after_injury
    assert fact.read == {"Device"}
    assert fact.units == {"stone": 6.35}
    assert fact.computed == ((), ("sign.x",), ("sign.x",), 2.0, True)
    assert codes.says(SNOMED, "9")[0].sites[SNOMED] == {"8": Interval(1, 2)}
    assert fact.except_words == ("flush",)
    assert fact.other_than(Interval(0, 1)) is None


# what is refused


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("facts: []", "rules/0.yaml:1: a finding file needs facts; write facts: and one block for each fact"),
        ("title: x", "rules/0.yaml:1: a finding file needs facts; write facts: and one block for each fact"),
        ("- a", "rules/0.yaml:1: a finding file needs facts; write facts: and one block for each fact"),
        ("facts:\n  sign.x: flag", "rules/0.yaml:2: sign.x must be a block; give it a meaning and a kind"),
        (
            "facts:\n  sign.x: {present: {}}",
            "rules/0.yaml:2: sign.x has no kind; write kind: flag, number or choice; or name a shipped fact",
        ),
        (FLAG + "    presnt: {}", "rules/0.yaml:5: presnt is not a field of a finding; did you mean present?"),
        (FLAG.replace("flag", "flga"), "rules/0.yaml:2: flga is not a kind; did you mean flag?"),
        (
            FLAG.replace("meaning: X.", "unit: x"),
            "rules/0.yaml:2: sign.x has no meaning; say in one sentence what it is",
        ),
        (FLAG.replace("flag", "choice"), "rules/0.yaml:2: sign.x has no choices; list them, the least worrying first"),
        (
            FLAG.replace("flag", "number"),
            "rules/0.yaml:2: sign.x has no range; write the smallest and the largest value that can be true",
        ),
        (
            FLAG + "    lasts: forever",
            "rules/0.yaml:5: 'forever' is not an amount; write a number and a unit, such as 48 hours",
        ),
        (
            FLAG + "    take: any",
            "rules/0.yaml:5: any is not a word for take; use one of: highest, lowest, newest",
        ),
        (
            FLAG + "    read: [Observaton]",
            "rules/0.yaml:5: Observaton is not a resource we read findings from; did you mean Observation?",
        ),
        (
            FLAG + "    present: {snomd: ['1']}",
            "rules/0.yaml:5: snomd is not a code system; did you mean snomed? or write its address",
        ),
        (
            FLAG + "    present: {snomed: '1'}",
            "rules/0.yaml:5: the codes of snomed must be a list; write them in brackets",
        ),
        (
            FLAG + "    present: ['1']",
            "rules/0.yaml:5: codes stand below their system; write for example snomed: [422400008]",
        ),
        (
            FLAG + "    answers: {'yeah': present}",
            "rules/0.yaml:5: yeah is not a general answer; use one of: no, normal, suspected, unknown, yes",
        ),
        (
            FLAG + "    answers: {'yes': maybe}",
            "rules/0.yaml:5: maybe is not an answer; use one of: absent, no, present, yes",
        ),
        (
            CHOICE + "    value: {soem: {snomed: ['1']}}",
            "rules/0.yaml:6: soem is not a choice of this fact; did you mean some?",
        ),
        (NUMBER + "    value: {a lot: {snomed: ['1']}}", "rules/0.yaml:7: 'a lot' is not a number"),
        (
            NUMBER + "    value: {5 to 2: {snomed: ['1']}}",
            "rules/0.yaml:7: '5 to 2': the first number is larger than the second",
        ),
        (
            FLAG + "    at_site: [{codes: {}}]",
            "rules/0.yaml:5: at_site needs codes and sites; see the README beside the shipped files",
        ),
        (
            FLAG + "    words: {present: {Flagg: [x]}}",
            "rules/0.yaml:5: Flagg is not a code system; did you mean Flag? or write its address",
        ),
        (
            FLAG + "    measured: {unit: kg}",
            "rules/0.yaml:5: measured needs unit and range, and present or absent as in: at_least 38",
        ),
        (
            FLAG + "    measured: {unit: kg, range: 1 to 2, present: over 3}",
            "rules/0.yaml:5: 'over 3': write at_least or below, and a number",
        ),
        (
            NUMBER + "    computed: {over: [sign.x]}",
            "rules/0.yaml:7: computed needs sum or product, with over, factor and first if wanted",
        ),
        (NUMBER + "    units: {stone: heavy}", "rules/0.yaml:7: 'heavy' is not a number"),
        (
            "answers: {yeah: {}}",
            "rules/0.yaml:1: yeah is not a general answer; use one of: no, normal, suspected, unknown, yes",
        ),
        ("facts: {", "rules/0.yaml"),
    ],
)
def test_trouble_is_told_with_file_line_and_remedy(source: str, expected: str) -> None:
    assert trouble(source)[0].startswith(expected)


def test_every_problem_is_told_at_once() -> None:
    assert len(trouble(FLAG + "    lasts: x\n    take: y", "facts: 1", "facts: {")) == 4


def test_a_fact_defined_twice_or_computed_from_nothing() -> None:
    assert trouble(FLAG, FLAG) == ["rules/1.yaml:2: sign.x is defined twice; leave out kind to add codes to it"]
    made = trouble(NUMBER + "    computed: {sum: [sign.z]}")
    assert made == ["rules/0.yaml:1: sign.x is computed from sign.z, which is not a finding; did you mean sign.x?"]


@pytest.mark.parametrize("text", ["x", "", None, "nan", "inf"])
def test_what_is_not_a_number(text: str | None) -> None:
    with pytest.raises(PhraseError):
        words.number(text)


def test_measured_bounds() -> None:
    found = words.measured({"unit": "wk", "range": "20 to 45", "present": "below 37", "absent": "at_least 37"})
    assert found.present is not None
    assert found.present.high < 37
    assert found.absent == (37, math.inf)


@pytest.mark.parametrize(
    ("text", "expected"), [("Any  Vomiting ?", "any vomiting"), ("GCS:", "gcs"), ("", ""), ("x" * 500, "x" * 120)]
)
def test_texts_are_compared_plainly(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_worry_orders_answers(shipped: FindingCodes) -> None:
    def order(name: str, *values: object) -> bool:
        fact: FindingFact = shipped.findings[name]
        weights = [fact.worry(value) for value in values]  # type: ignore[arg-type]
        return weights == sorted(weights)

    assert order("sign.vomiting", False, None, True)
    assert order("sign.acting_normally_per_parent", True, None, False)
    assert order(
        "sign.hematuria", frozenset({"absent"}), None, frozenset({"microscopic"}), frozenset({"absent", "gross"})
    )
    assert order("score.gcs", Interval(15, 15), Interval(3, 15))
    assert order("exam.crp", Interval(0, 5), Interval(0, 50))
    assert order("exam.wbc", Interval(5, 5), Interval(50, 50))
