"""What to order for an exam: the shipped list, the site's overlay, and the messages when a file is wrong."""

import json
from pathlib import Path

import pytest
from fhir.resources.R4B.codeableconcept import CodeableConcept

from cds_service.errors import ContentError
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.order_codes import OrderCodes, load

FILE = "rules/codes/orders.yaml"
SHIPPED = {FILE: (Path(__file__).parents[2] / FILE).read_bytes()}
LIKELY = """
US abdomen|US appendix|US right-lower-quadrant|US pelvis|US urinary-tract|US head|US chest|US pylorus|US hip|US neck
XR chest|XR abdomen|XR spine|XR cervical-spine|fluoroscopy cystography urinary-tract
MR head without contrast|MR head without and with contrast|MR fast head without contrast
MRA head without contrast|MRV head without contrast|MR spine without contrast|MR abdomen+pelvis without contrast
MR abdomen+pelvis without and with contrast|CT head without contrast|CT head with contrast
CT sinuses without contrast|CT chest with contrast|CT chest without contrast|CT neck with contrast
CT abdomen+pelvis with contrast|CT abdomen+pelvis without contrast|CT abdomen with contrast|CT pelvis with contrast
CT chest+abdomen+pelvis with contrast|CT cervical-spine without contrast|CTA pulmonary-arteries with contrast
"""
WORDS_ONLY = """
US cystography urinary-tract|fluoroscopy upper-gi|MR head+sinuses without and with contrast
CT head+sinuses with contrast
"""


@pytest.fixture(scope="module")
def shipped() -> OrderCodes:
    return load(SHIPPED)


def phrases(text: str) -> list[str]:
    return [phrase.strip() for line in text.split("\n") for phrase in line.split("|") if phrase.strip()]


def luhn(code: str) -> int:
    """The check digit LOINC's manual prescribes (modulus 10) for the number before the dash."""
    total = 0
    for place, digit in enumerate(reversed(code)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value // 10 + value % 10
    return -total % 10


@pytest.mark.parametrize("phrase", phrases(LIKELY))
def test_likely_alternatives_have_a_loinc_code(shipped: OrderCodes, phrase: str) -> None:
    code = shipped[exam(phrase)]
    assert code.coded
    assert code.concept["coding"][0]["system"] == "http://loinc.org"


@pytest.mark.parametrize("phrase", phrases(WORDS_ONLY))
def test_exams_without_a_verified_code_are_ordered_in_words(shipped: OrderCodes, phrase: str) -> None:
    assert exam(phrase) in set(shipped)
    assert not shipped[exam(phrase)].coded
    assert set(shipped[exam(phrase)].concept) == {"text"}


def test_every_shipped_code_keeps_its_check_digit_and_is_valid_fhir(shipped: OrderCodes) -> None:
    assert len(shipped) > 250
    for one in shipped:
        CodeableConcept.model_validate(shipped[one].concept)
        for coding in shipped[one].concept.get("coding", []):
            number, check = coding["code"].split("-")
            assert luhn(number) == int(check), coding


def test_one_code_never_stands_for_two_contrasts(shipped: OrderCodes) -> None:
    meant: dict[str, set[object]] = {}
    for one in shipped:
        for coding in shipped[one].concept.get("coding", []):
            meant.setdefault(coding["code"], set()).add((one.modality, one.contrast, one.passes, one.techniques))
    assert {code: kinds for code, kinds in meant.items() if len(kinds) > 1} == {}


def test_names_read_well_in_a_sentence_and_begin_an_order(shipped: OrderCodes) -> None:
    assert shipped.say(exam("US appendix")) == "ultrasound of the appendix"
    assert shipped[exam("US appendix")].concept["text"] == "Ultrasound of the appendix"
    assert shipped.say(exam("CT head with contrast")) == "CT head with contrast"


def test_an_exam_nobody_listed_is_named_plainly(shipped: OrderCodes) -> None:
    strange = exam("US elastography liver")
    assert shipped.say(strange) == "ultrasound elastography liver"
    assert shipped[strange].concept == {"text": "Ultrasound elastography liver"}


SITE = b"""
system: urn:oid:1.2.3
orders:
  US appendix: {code: APP1, display: RLQ sonogram, say: appendix ultrasound}
  US head: {system: urn:com.epic.cdshooks.action.code.system.preference-list-item, code: "991", display: Head US}
  US elastography liver: {say: liver elastography}
"""


def test_a_site_code_comes_before_the_shipped_one() -> None:
    codes = load(SHIPPED, {"orders.yaml": SITE})
    concept = codes[exam("US appendix")].concept
    assert [coding["system"] for coding in concept["coding"]] == ["urn:oid:1.2.3", "http://loinc.org"]
    assert codes.say(exam("US appendix")) == "appendix ultrasound"
    assert codes.say(exam("US elastography liver")) == "liver elastography"


def test_preference_list_codes_stand_apart() -> None:
    code = load(SHIPPED, {"orders.yaml": SITE})[exam("US head")]
    assert [coding["code"] for coding in code.concept["coding"]] == ["24731-2"]
    assert code.picked is not None
    assert [coding["code"] for coding in code.picked["coding"]] == ["991"]
    assert load(SHIPPED)[exam("US head")].picked is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"orders:\n  US apendix: {say: x}", "o.yaml:2: 'apendix' in 'US apendix' is not a region"),
        (b"orders:\n  US head: {code: 1-1, display: x}", "o.yaml:2: the code of US head is not whole"),
        (b"system: s\norders:\n  US head: {code: 1-1}", "o.yaml:3: the code of US head is not whole"),
        (b"orders:\n  US head: {display: x}", "not whole"),
        (b"orders:\n  US head:\n    cod: x", "o.yaml:3: cod is not known here; known: code, display, say, system"),
        (b"orders:\n  US head: {say: [a]}", "say is not text"),
        (b"orders:\n  US head: 24731-2", "has no code and no words"),
        (b"orders:\n  MRI head: {say: x}\n  MR head: {say: y}", "o.yaml:3: MR head names the same exam as MRI head"),
        (b"order:\n  US head: {say: x}", "o.yaml:1: there is no block of orders"),
        (b"foo: x\norders: {}", "foo is not known here"),
        (b"- a", "there is no block of orders"),
        (b"a: [", "o.yaml:1: did not find"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(ContentError) as refused:
        load({"o.yaml": content})
    assert said in str(refused.value)


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(ContentError) as refused:
        load({"b.yaml": b"orders: 1"}, {"a.yaml": b"orders:\n  XX head: {say: x}\n  US hed: {say: x}"})
    assert [(problem.file, problem.line) for problem in refused.value.problems] == [
        ("a.yaml", 2),
        ("a.yaml", 3),
        ("b.yaml", 1),
    ]


def contradicted(orders: str, system: str = "urn:own", **codes: str) -> list[str]:
    """What is wrong with *orders* beside a list of the same hospital that says what its *codes* mean."""
    text = f"system: urn:own\nsource: us\nreview: {{last: 2026-01-01, by: us}}\nexams: {json.dumps(codes)}\n"
    known = ExamCodes.load({"list.yaml": text.encode()})
    made = load({"o.yaml": f"system: {system}\norders:\n{orders}".encode()})
    return [str(problem) for problem in made.contradicted(known)]


@pytest.mark.parametrize(
    ("ordered", "meant", "said"),
    [
        ("US abdomen", "CT head with contrast", "CT head with contrast, not ultrasound of the abdomen"),
        ("MR head without contrast", "CT head without contrast", "CT head without contrast, not MRI head without"),
        ("CT head without contrast", "CT head with contrast", "CT head with contrast, not CT head without contrast"),
        ("CT abdomen with contrast", "CT chest with contrast", "CT chest with contrast, not CT abdomen"),
        (
            "CT abdomen with contrast",
            "CT abdomen+pelvis with contrast",
            "CT abdomen and pelvis with contrast, not CT ab",
        ),
    ],
)
def test_a_code_that_a_list_gives_to_another_exam_would_order_what_no_card_says(ordered, meant, said) -> None:
    line = f"  {ordered}: {{code: A1, display: x}}\n"
    (problem,) = contradicted(line, A1=meant)
    assert problem.startswith(f"o.yaml:3: the code A1 orders {said}")
    assert problem.endswith("; copy the code again from its source")
    assert not contradicted(line, A1=ordered) and not contradicted(line, B1=meant)
    assert not contradicted(line, system="urn:another", A1=meant)


@pytest.mark.parametrize(
    ("ordered", "meant"),
    [
        ("US right-lower-quadrant", "US appendix"),
        ("CT lungs without contrast", "CT chest without contrast"),
        ("MR fast head without contrast", "MR head without contrast"),
        ("CT chest with contrast", "CT chest"),
        ("CT face with contrast", "CT face|head with contrast"),
    ],
)
def test_a_code_for_a_neighbouring_part_may_be_ordered(ordered, meant) -> None:
    assert not contradicted(f"  {ordered}: {{code: A1, display: x}}\n", A1=meant)


def test_one_code_orders_no_two_exams() -> None:
    lines = "  US abdomen: {code: A1, display: x}\n  CT head with contrast: {code: A1, display: y}\n"
    assert contradicted(lines) == [
        "o.yaml:4: the code A1 orders ultrasound of the abdomen, not CT head with contrast; "
        "copy the code again from its source"
    ]


def test_a_damaged_code_is_never_ordered() -> None:
    with pytest.raises(ContentError) as refused:
        load({"o.yaml": b"system: http://loinc.org\norders:\n  US head: {code: 24731-3, display: US Head}"})
    assert str(refused.value).startswith("o.yaml:3: the code 24731-3 of US head fails its check digit; copy")
