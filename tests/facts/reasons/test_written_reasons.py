"""Reasons in the words of clinicians."""

import pytest

from cds_service import yaml_source
from cds_service.errors import ContentError
from cds_service.vocabulary import reason_files
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.conftest import FOLDER
from tests.facts.reasons.orders import narrowest, reasons_of, spread, worded
from tests.facts.reasons.written import READ, UNCLEAR


@pytest.mark.parametrize("text", READ)
def test_a_text_states_its_reasons_and_nothing_else(text: str, codes: ReasonCodes):
    reasons = reasons_of(codes, worded(text))
    assert narrowest(reasons, codes) == set(READ[text].split())
    assert reasons.names.complete, reasons.unread
    assert reasons.unread == ()


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_stays_unread_leaves_the_list_incomplete(text: str, codes: ReasonCodes):
    reasons = reasons_of(codes, worded(text))
    assert narrowest(reasons, codes) == set(UNCLEAR[text].split())
    assert not reasons.names.complete
    assert reasons.unread
    assert reasons.given


@pytest.mark.parametrize("text", [*READ, *UNCLEAR])
def test_case_and_spacing_change_nothing(text: str, codes: ReasonCodes):
    shouting = text.isupper() or "ALL" in text
    spaced = reasons_of(codes, worded("  " + text.replace(" ", "  ") + " \n"))
    assert spaced.names == reasons_of(codes, worded(text)).names
    if not shouting:
        assert reasons_of(codes, worded(text.lower())).names == spaced.names


@pytest.mark.parametrize(
    "file", sorted(path.name for path in FOLDER.glob("*.yaml") if not path.name.startswith("words."))
)
def test_every_listed_phrase_states_its_reason(file: str, codes: ReasonCodes):
    block = yaml_source.read((FOLDER / file).read_bytes(), file=file)
    listed = [
        (name, text)
        for name, fields in block.items()
        for phrase in (*fields.get("texts", ()), *fields.get("texts_alone", ()))
        for text in spread(phrase)
    ]
    assert len(listed) > 50
    wrong = [one for one in listed if one[0] not in reasons_of(codes, worded(one[1])).names.values]
    assert wrong == []


def test_the_narrow_reason_brings_the_broad_one(codes: ReasonCodes):
    names = reasons_of(codes, worded("bilious emesis, r/o malrotation")).names.values
    assert names == {"malrotation", "bilious-vomiting"}


def test_a_fever_alone_is_a_reason_but_not_beside_another(codes: ReasonCodes):
    assert reasons_of(codes, worded("fever")).names.values == {"fever-unknown"}
    assert "fever-unknown" not in reasons_of(codes, worded("fever, abdominal pain")).names.values


def test_what_is_past_or_in_the_family_is_kept_apart(codes: ReasonCodes):
    reasons = reasons_of(codes, worded("headache, h/o seizures, FHx kidney stones"))
    assert reasons.names.values == {"headache"}
    assert reasons.histories == {"afebrile-seizure", "suspected-kidney-stone"}


def test_a_past_reason_that_is_also_present_is_no_history(codes: ReasonCodes):
    reasons = reasons_of(codes, worded("h/o headache. Headache today."))
    assert reasons.names.values == {"headache"}
    assert reasons.histories == set()


def test_evidence_quotes_the_clause_and_names_the_order(codes: ReasonCodes):
    evidence = reasons_of(codes, worded("Fever x 2 d; RLQ pain since noon"), authoredOn="2026-03-02").evidence
    assert evidence["right-lower-quadrant-pain"] == ("RLQ pain since noon", "ServiceRequest/order-1", "2026-03-02")
    assert evidence["suspected-appendicitis"].text == "RLQ pain since noon"


def test_a_long_text_is_read_to_a_point_and_never_called_whole(codes: ReasonCodes):
    reasons = reasons_of(codes, worded("headache. " * 10_000))
    assert reasons.names.values == {"headache"}
    assert not reasons.names.complete
    assert reasons.unread == ("the rest of a long text",)


def test_answers_for_short_texts_are_kept_and_bounded(codes: ReasonCodes):
    codes.memory.clear()
    for number in range(2100):
        reasons_of(codes, worded(f"headache {number}"))
    assert 0 < len(codes.memory) <= 2048
    reasons_of(codes, worded("headache " * 100))
    assert not any(len(text) > 500 for text in codes.memory)


def test_unread_parts_are_short_and_few(codes: ReasonCodes):
    text = ", ".join(f"foobaritis{'x' * number} of unheardness in every imaginable place of it" for number in range(20))
    unread = reasons_of(codes, worded(f"headache, {text}")).unread
    assert len(unread) == 5
    assert all(len(one) <= 60 for one in unread)


@pytest.mark.parametrize("half", ["treated: cold", "treated_by: {broken: [cast]}"])
def test_what_a_treated_event_is_and_the_words_for_it_come_together(half: str):
    files = {"a.yaml": f"cold: {{label: Cold}}\nbroken: {{label: Broken, event: true, {half}}}\n".encode()}
    with pytest.raises(ContentError, match="broken has one of treated and treated_by"):
        reason_files.load({**files, "words.yaml": b"fillers: [of]\n"})
