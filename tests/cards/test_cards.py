"""Every kind of advice, as every kind of client gets it."""

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.cards.render import Issued
from cds_service.cards.template import pattern
from cds_service.cards.values import FIELDS, About, Speech
from cds_service.findings import Advice, Alternative, Citation, Contact, Finding, Indicator, ReasonOffer, Undecided
from cds_service.hooks.response import Card
from cds_service.suggestions.dialects import DIALECTS, dialect
from cds_service.suggestions.orders import Draft
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.readings import Evidence
from tests.cards.speaking import (
    ABOUT,
    CODES,
    FINDINGS,
    MRI,
    ORDER,
    SINGLE,
    TEMPLATES,
    ULTRASOUND,
    WRITER,
    changed,
    write,
)

GOLDEN = Path(__file__).parent / "golden"
DRAFT = Draft(ORDER, "ServiceRequest/draft-1", exam=ABOUT.exam)


def only(findings: list[Finding], profile: str = "generic", **given: Any) -> Issued:
    (issued,) = write(findings, profile, **given).issued
    return issued


def labels(card: Card) -> list[str]:
    return [suggestion.label for suggestion in card.suggestions or ()]


def as_text(card: Card) -> str:
    lines = [f"[{card.indicator}] {card.summary}", "", card.detail or "", ""]
    for suggestion in card.suggestions or ():
        lines.append(f"({card.selectionBehavior}) {suggestion.label}{' *' if suggestion.isRecommended else ''}")
        for action in suggestion.actions:
            what = action.resourceId or (action.resource or {}).get("code")
            lines.append(f"    {action.type}: {action.description} <- {msgspec.json.encode(what).decode()}")
    lines += ["", "Keep it because: " + " / ".join(one.display or "" for one in card.overrideReasons or ())]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("profile", DIALECTS)
@pytest.mark.parametrize("advice", Advice)
def test_golden(advice: Advice, profile: str) -> None:
    """To accept a change on purpose, delete the file, run again, and read what was written."""
    issued = write([FINDINGS[advice]], profile).issued
    shown = as_text(issued[0].card) if issued else "no card\n"
    file = GOLDEN / f"{advice.value}.{profile}.md"
    if not file.exists():
        file.write_text(shown)
        pytest.fail(f"{file.name} was missing and is written; read it and run again")
    assert file.read_text() == shown


@pytest.mark.parametrize("profile", DIALECTS)
@pytest.mark.parametrize("advice", Advice)
def test_every_card_keeps_the_protocol(advice: Advice, profile: str) -> None:
    for issued in write([FINDINGS[advice]], profile).issued:
        keeps_the_protocol(issued.card)


def keeps_the_protocol(card: Card) -> None:
    sent = msgspec.json.decode(msgspec.json.encode(card))
    assert 0 < len(sent["summary"]) < 140
    assert "\n" not in sent["summary"]
    assert sent["indicator"] in {"info", "warning", "critical"}
    assert sent["source"]["label"]
    topic = sent["source"]["topic"]
    assert topic["code"].isascii()
    assert topic["code"].isalnum()
    assert len(topic["code"]) <= 100
    assert topic["system"]
    assert ("suggestions" in sent) == ("selectionBehavior" in sent)
    assert 0 < len(sent.get("suggestions", [0])) <= 3
    ids = [sent["uuid"], *(one["uuid"] for one in sent.get("suggestions", ()))]
    assert len(set(ids)) == len(ids)
    recommended = [one for one in sent.get("suggestions", ()) if one.get("isRecommended")]
    assert len(recommended) <= 1 or sent["selectionBehavior"] == "any"
    assert all(one["code"] and one["system"] and one["display"] for one in sent["overrideReasons"])
    assert no_empty_member(sent)


def no_empty_member(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(no_empty_member(one) for one in value.values())
    if isinstance(value, list):
        return bool(value) and all(no_empty_member(one) for one in value)
    return value is not None and value != ""


def test_which_advice_reaches_which_client() -> None:
    reached = {profile: {a for a in Advice if write([FINDINGS[a]], profile).issued} for profile in DIALECTS}
    assert reached == {
        "generic": set(Advice),
        "epic": set(Advice) - {Advice.ADD_REASON, Advice.ADD_NOTE, Advice.CONSULT},
        "update-in-place": set(Advice) - {Advice.CONSULT},
    }


MERGED = [FINDINGS[advice] for advice in (Advice.REMIND, Advice.ADD_REASON, Advice.FEWER_PASSES, Advice.INSTEAD)]


def test_one_order_gets_one_card_led_by_the_weightiest_finding() -> None:
    issued = only(MERGED)
    card = issued.card
    assert card.summary.endswith("consider ultrasound of the appendix instead")
    assert card.indicator == "warning"
    assert [finding.advice for finding in issued.findings] == [
        Advice.INSTEAD,
        Advice.FEWER_PASSES,
        Advice.ADD_REASON,
        Advice.REMIND,
    ]
    assert card.detail is not None
    assert (
        "- The order scans the abdomen twice. A second pass rarely adds an answer in a child. (two-passes v3)"
        in card.detail
    )
    assert card.source.topic is not None
    assert card.source.topic.code == "suspectedappendicitis"
    keeps_the_protocol(card)


def test_the_single_pass_exam_always_finds_room_among_three() -> None:
    many = changed(
        Advice.INSTEAD,
        alternatives=(ULTRASOUND, MRI, Alternative(exam("US abdomen")), Alternative(exam("US pelvis"))),
    )
    assert labels(only([many, FINDINGS[Advice.FEWER_PASSES]]).card) == [
        "Order ultrasound of the appendix instead",
        "Order MRI abdomen and pelvis without contrast instead",
        "Order CT abdomen and pelvis with contrast instead",
    ]
    within = changed(Advice.INSTEAD, alternatives=(*many.alternatives, SINGLE))
    assert labels(only([within]).card)[-1] == "Order CT abdomen and pelvis with contrast instead"
    once = About("CT abdomen and pelvis with contrast", exam("CT abdomen+pelvis with contrast"))
    assert labels(only([within], about=once).card)[-1] == "Order ultrasound of the abdomen instead"
    assert labels(only([within], about=About("CT of something")).card)[-1] == "Order ultrasound of the abdomen instead"


def test_a_warning_comes_before_weightier_kinds_of_advice() -> None:
    passes = changed(Advice.FEWER_PASSES, indicator=Indicator.WARNING)
    instead = changed(Advice.INSTEAD, indicator=Indicator.INFO)
    issued = only([instead, passes])
    assert issued.findings[0] is passes
    assert issued.card.indicator == "warning"


def test_the_same_change_is_offered_once() -> None:
    card = only([FINDINGS[Advice.FEWER_PASSES], changed(Advice.PREFER, alternatives=(SINGLE,))]).card
    assert labels(card) == ["Order CT abdomen and pelvis with contrast instead"]
    removals = only([FINDINGS[Advice.NO_IMAGING], FINDINGS[Advice.LOOK_FIRST]]).card
    assert len(labels(removals)) == 1


def test_silent_findings_are_not_shown() -> None:
    assert write([changed(Advice.INSTEAD, shown=False)]).issued == ()
    assert write([]).issued == ()
    issued = only([changed(Advice.INSTEAD, shown=False), FINDINGS[Advice.REMIND]])
    assert [finding.rule for finding in issued.findings] == ["settings"]


def test_only_one_suggestion_is_recommended_where_one_can_be_chosen() -> None:
    both = changed(Advice.INSTEAD, alternatives=(ULTRASOUND, Alternative(MRI.exam, recommended=True)))
    assert [one.isRecommended for one in only([both]).card.suggestions or ()] == [True, None]
    (issued,) = write([both], "epic").issued
    assert [one.isRecommended for one in issued.card.suggestions or ()] == [True, True, None]


def test_epic_gets_its_findings_apart_and_at_most_two() -> None:
    first, second = write([*MERGED, FINDINGS[Advice.NARROWER]], "epic").issued
    assert [one.findings[0].advice for one in (first, second)] == [Advice.INSTEAD, Advice.FEWER_PASSES]
    assert len(first.findings) == len(second.findings) == 1
    assert first.card.selectionBehavior == "any"
    assert labels(first.card)[-1] == "Remove the order for CT abdomen and pelvis without and with contrast"
    assert {len(one.actions) for one in first.card.suggestions or ()} == {1}


def test_a_finding_whose_change_cannot_be_made_is_left_out_and_says_so() -> None:
    spoken = changed(Advice.INSTEAD, alternatives=(Alternative(exam("US foot")),))
    written = write([spoken, FINDINGS[Advice.FEWER_PASSES]], "update-in-place")
    assert [finding.advice for finding in written.issued[0].findings] == [Advice.FEWER_PASSES]
    assert written.notes == ("suspected-appendicitis: no change that this client can take",)
    bare = changed(Advice.INSTEAD, alternatives=())
    assert write([bare]).notes == ("suspected-appendicitis: nothing to offer",)
    assert write([changed(Advice.ASK, undecided=())]).notes == ("headache: nothing to say for unknown",)


def test_an_order_without_a_patient_still_gets_reminders_and_questions() -> None:
    lone = {member: value for member, value in ORDER.items() if member not in ("subject", "id")}
    advice = {
        finding.advice
        for issued in [write([one], order=lone).issued for one in FINDINGS.values()]
        for one_issued in issued
        for finding in one_issued.findings
    }
    assert advice == {Advice.ASK, Advice.REMIND, Advice.LOOK_FIRST, Advice.CHILD_SIZE}


def test_nothing_sensitive_is_named() -> None:
    finding = changed(
        Advice.INSTEAD,
        evidence=(Evidence("Suspected child abuse", "Condition/1"), Evidence("Vomiting", "Condition/2", "2026-11-20")),
        undecided=(Undecided("patient.pregnancy", "Is she pregnant?"), Undecided("x", "GCS", "")),
    )
    card = only([finding], about=About("CT head, r/o NAT")).card
    assert card.detail is not None
    assert "- In this chart: Vomiting (20 November 2026)" in card.detail
    assert "- Not known here: GCS" in card.detail
    assert card.summary.startswith("This exam: ")
    assert "abuse" not in as_text(card).lower()
    assert "pregnan" not in as_text(card).lower()


def test_a_sentence_loses_the_clause_that_is_not_said() -> None:
    finding = changed(
        Advice.INSTEAD,
        situation="Minor head injury at very low risk, abuse not suspected",
        title="Suspected abuse",
        alternatives=(Alternative(ULTRASOUND.exam, why="It answers the question."),),
    )
    card = only([finding, changed(Advice.FEWER_PASSES, situation="Pregnancy is possible")]).card
    assert (card.detail or "").startswith("Minor head injury at very low risk. Ultrasound answers")
    assert "(It answers the question, no radiation)" in (card.detail or "")
    assert "\n- A second pass rarely" in (card.detail or "")
    assert card.source.topic is not None
    assert card.source.topic.display is None


def test_radiation_is_named_only_as_what_an_alternative_spares() -> None:
    assert "no radiation" in (only([FINDINGS[Advice.INSTEAD]]).card.detail or "")
    mri = About("MRI head", exam("MR head without contrast"))
    assert "radiation" not in (only([FINDINGS[Advice.INSTEAD]], about=mri).card.detail or "")
    assert "radiation" not in (only([FINDINGS[Advice.FEWER_PASSES]]).card.detail or "")


def test_a_preferred_exam_is_not_called_preferred_twice() -> None:
    finding = changed(Advice.PREFER, alternatives=(Alternative(exam("US urinary-tract"), "preferred"),))
    detail = only([finding]).card.detail or ""
    assert "- Preferred: ultrasound of the kidneys and bladder (no radiation)\n" in detail


def test_dates_and_years_are_not_said_twice() -> None:
    finding = changed(
        Advice.INSTEAD,
        evidence=(Evidence("CT on 18 November 2026", "X/1", "2026-11-18"), Evidence("", "X/2", "2026-11-18")),
        citations=(Citation("a", "ACR (2019)", "2019"), Citation("b", "AAP")),
        reviewed="",
    )
    detail = only([finding]).card.detail or ""
    assert "- In this chart: CT on 18 November 2026\n" in detail
    assert "- Source: ACR (2019); AAP\n" in detail
    assert "_suspected-appendicitis v3. The order can stand" in detail


def test_a_rules_own_slots_and_every_placeholder_have_a_value() -> None:
    speech = Speech(changed(Advice.INSTEAD, fill={"remedy": "ice"}, limits=("Mind.",)), ABOUT, CODES.say, (ULTRASOUND,))
    assert speech.value("remedy") == "ice"
    assert speech.value("nothing") == ""
    for name in set(FIELDS) - {"reason", "also", "note", "contact"}:
        assert speech.value(name), name
    assert speech.value("reason") == ""


def test_the_orders_own_name_is_no_evidence() -> None:
    finding = changed(Advice.INSTEAD, evidence=(Evidence("Order: CT head", "ServiceRequest/1", "2026-11-20"),))
    assert "In this chart" not in (only([finding]).card.detail or "")


def test_what_an_alternative_asks_for_is_told() -> None:
    detail = only([changed(Advice.INSTEAD, limits=("MRI at this age usually needs sedation",))]).card.detail or ""
    assert "- Mind: MRI at this age usually needs sedation.\n" in detail
    assert "Mind" not in (only([FINDINGS[Advice.INSTEAD]]).card.detail or "")


def test_what_else_is_said_begins_as_a_sentence() -> None:
    detail = only([FINDINGS[Advice.INSTEAD], FINDINGS[Advice.REMIND]]).card.detail or ""
    assert "\n- Ask for the child-size protocol. Adult settings" in detail


def test_nobody_is_asked_from_a_critical_card() -> None:
    asking = changed(Advice.LOOK_FIRST, contact=FINDINGS[Advice.CONSULT].contact)
    assert labels(only([asking]).card) == [
        "Remove the order for CT abdomen and pelvis without and with contrast",
        "Ask the radiologist on call (Dr. Example)",
    ]
    urgent = replace(asking, indicator=Indicator.CRITICAL)
    assert len(labels(only([urgent]).card)) == 1
    assert len(labels(only([asking, changed(Advice.REMIND, indicator=Indicator.CRITICAL)]).card)) == 1


def test_a_contact_without_a_name_is_called_by_the_role() -> None:
    nameless = changed(Advice.CONSULT, contact=Contact("the medical physicist", ""))
    assert labels(only([nameless]).card) == ["Ask the medical physicist"]
    assert write([changed(Advice.CONSULT, contact=None)]).issued == ()


def test_two_notes_are_two_changes() -> None:
    other = changed(Advice.ADD_NOTE, note="Collimate.", rule="other")
    assert len(labels(only([FINDINGS[Advice.ADD_NOTE], other]).card)) == 2
    assert len(labels(only([FINDINGS[Advice.ADD_NOTE], changed(Advice.ADD_NOTE, rule="other")]).card)) == 1


def test_without_override_reasons_of_its_own_a_rule_offers_the_usual_ones() -> None:
    card = only([changed(Advice.INSTEAD, override_reasons=())]).card
    assert next(one.code for one in card.overrideReasons or ()) == "clinical-judgement"


@pytest.mark.parametrize(
    ("topic_code", "code"), [("a-b_ü c9", "abc9"), ("", "suspectedappendicitis"), ("x" * 300, "x" * 100)]
)
def test_topic_codes_are_letters_and_digits(topic_code: str, code: str) -> None:
    topic = only([changed(Advice.INSTEAD, topic_code=topic_code)]).card.source.topic
    assert topic is not None
    assert topic.code == code


def test_a_rule_whose_name_has_no_letters_has_no_topic() -> None:
    assert only([changed(Advice.INSTEAD, topic_code="-", rule="-")]).card.source.topic is None


def test_long_names_are_shortened_at_a_word() -> None:
    long = About(
        "CT abdomen and pelvis without and with contrast for the exclusion of many things at once " * 3, ABOUT.exam
    )
    summary = only([FINDINGS[Advice.PREFER]], about=long).card.summary
    assert len(summary) < 140
    assert summary.startswith("CT abdomen and pelvis")
    assert summary.endswith("…: ultrasound of the kidneys and bladder is preferred where it can be done")
    words = changed(Advice.REMIND, situation="word " * 80)
    assert only([words], about=long).card.summary.endswith("word…")


TEXT = st.text(max_size=40) | st.sampled_from(
    ["<img src=x>", "[a](javascript:b)", "\ud800", "\u202eevil", "x" * 400, "![a](//b)", "{rule}", "{order.name"]
)
ALTERNATIVES = st.lists(
    st.builds(
        Alternative,
        exam=st.sampled_from([ULTRASOUND.exam, SINGLE.exam, MRI.exam, exam("US upper-gi"), exam("XR chest")]),
        rating=TEXT,
        why=TEXT,
        recommended=st.booleans(),
    ),
    max_size=4,
).map(tuple)
ANY_FINDING = st.builds(
    Finding,
    rule=TEXT,
    version=TEXT,
    title=TEXT,
    topic_code=TEXT,
    advice=st.sampled_from(Advice),
    indicator=st.sampled_from(Indicator),
    situation=TEXT,
    because=TEXT,
    alternatives=ALTERNATIVES,
    cancel=st.booleans(),
    offers=st.lists(st.builds(ReasonOffer, TEXT, TEXT, st.just({"text": "R"}) | st.just({"text": 3})), max_size=2).map(
        tuple
    ),
    evidence=st.lists(st.builds(Evidence, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    undecided=st.lists(st.builds(Undecided, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    citations=st.lists(st.builds(Citation, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    override_reasons=st.lists(TEXT, max_size=2).map(tuple),
    reviewed=TEXT,
    reviewer=TEXT,
)
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LIVE = {
    "link_open",
    "image",
    "html_inline",
    "html_block",
    "heading_open",
    "code_inline",
    "fence",
    "table_open",
    "s_open",
}


@settings(max_examples=80, deadline=None)
@given(st.lists(ANY_FINDING, max_size=4), TEXT, st.sampled_from(sorted(DIALECTS)))
def test_whatever_is_found_the_cards_are_sound(findings: list[Finding], name: str, profile: str) -> None:
    written = write(findings, profile, about=About(name, ABOUT.exam))
    assert len(written.issued) <= (2 if profile == "epic" else 1)
    for issued in written.issued:
        card = issued.card
        sent = msgspec.json.encode(card).decode()
        assert len(card.summary) < 140
        assert "<img" not in sent
        assert "javascript:" not in sent
        for token in PARSER.parse(card.detail or ""):
            assert not LIVE & {token.type, *(child.type for child in token.children or ())}


def test_a_card_with_three_suggestions_takes_little_time() -> None:
    best = min(_timed() for _ in range(30))
    assert best < 0.02, f"{best * 1e6:.0f} µs"


def _timed() -> float:
    start = time.perf_counter()
    write(MERGED)
    return time.perf_counter() - start


def as_judged(finding: Finding, *evidence: Evidence) -> Finding:
    """The finding as rules hand it over: with one child's evidence, and as it was before."""
    return replace(finding, evidence=evidence, plain=replace(finding, evidence=()))


@pytest.mark.parametrize("profile", DIALECTS)
@given(
    advices=st.lists(st.sampled_from(list(Advice)), min_size=1, max_size=3, unique=True),
    texts=st.lists(
        st.sampled_from(["Fever", "Right lower quadrant pain", "CT at County Hospital", "abuse"]), max_size=2
    ),
    usable=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_what_was_said_before_is_said_again_with_this_child_s_evidence(
    profile: str, advices: list[Advice], texts: list[str], usable: bool
) -> None:
    evidence = [Evidence(text, "Condition/1") for text in texts]
    order = ORDER if usable else {**ORDER, "id": ""}
    judged = [as_judged(FINDINGS[advice], *evidence) for advice in advices]
    for finding in judged:
        object.__setattr__(finding, "plain", _PLAIN.setdefault(finding.advice, finding.plain))
    anew = [replace(finding, plain=None) for finding in judged]
    said, again = (write(findings, profile, order=order) for findings in (judged, anew))
    assert _but_consultation(said.issued) == _but_consultation(again.issued)
    assert said.notes == again.notes


def _but_consultation(issued: tuple[Issued, ...]) -> list[str]:
    return [re.sub("urn:uuid:[0-9a-f-]+", "", msgspec.json.encode(one.card).decode()) for one in issued]


_PLAIN: dict[Advice, Finding | None] = {}


def test_a_card_keeps_nothing_of_the_child_it_was_written_for() -> None:
    first = as_judged(FINDINGS[Advice.INSTEAD], Evidence("Seen by Dr Who"))
    second = replace(first, evidence=())
    assert "Dr Who" in str(only([first]).card.detail)
    assert "Dr Who" not in str(only([second]).card.detail)
    assert "Dr Who" not in repr(WRITER.memory)


def test_what_was_said_is_remembered_within_bounds() -> None:
    WRITER.memory.clear()
    for _ in range(600):
        only([as_judged(FINDINGS[Advice.REMIND])])
    assert 0 < len(WRITER.memory) <= 500
    kept = len(WRITER.memory)
    only([FINDINGS[Advice.REMIND]])
    assert len(WRITER.memory) == kept


def test_a_template_that_says_evidence_elsewhere_is_filled_for_each_child() -> None:
    template = replace(TEMPLATES[Advice.LOOK_FIRST], summary=pattern("{evidence}: look there first"))
    writer = replace(WRITER, templates={**TEMPLATES, Advice.LOOK_FIRST: template}, memory={})
    finding = as_judged(FINDINGS[Advice.LOOK_FIRST], Evidence("CT of Monday"))
    for text in ("CT of Monday", "CT of Friday"):
        told = replace(finding, evidence=(Evidence(text),))
        (issued,) = writer.write([told], ABOUT, dialect("generic")(DRAFT, CODES, new_id=str), new_id=str).issued
        assert issued.card.summary == f"{text}: look there first"
    assert not writer.memory
