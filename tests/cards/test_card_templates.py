"""Templates: the shipped ones hold what they promise, and a wrong one is refused with file and line."""

import re

import pytest

from cds_service.cards import overrides, template
from cds_service.cards.template import pattern
from cds_service.cards.values import FIELDS
from cds_service.errors import ContentError
from cds_service.findings import Advice, ChangeKind
from tests.cards.speaking import OVERRIDES, ROOT, TEMPLATES

FILES = {f"cards/{path.name}": path.read_bytes() for path in (ROOT / "cards").glob("*.md")}
NAME = "cards/reminder.md"


def refused(content: bytes) -> str:
    with pytest.raises(ContentError) as error:
        template.load(FILES | {NAME: content})
    return str(error.value)


def test_every_kind_of_advice_has_a_card() -> None:
    assert set(TEMPLATES) == set(Advice)


@pytest.mark.parametrize("advice", Advice)
def test_a_card_names_its_rule_and_leaves_the_decision_to_the_clinician(advice: Advice) -> None:
    text = FILES[f"cards/{advice.value}.md"].decode()
    assert "{rule}" in text
    assert "The order can stand" in text
    assert "{sources}" in text
    assert not re.search(r"(?i)must|cancer|malignan|risk|\d\s*%", text)


def test_only_what_can_stand_without_a_button_is_sent_without_one() -> None:
    alone = {advice for advice, one in TEMPLATES.items() if not one.needs_suggestion}
    assert alone == {Advice.ASK, Advice.REMIND, Advice.LOOK_FIRST, Advice.CHILD_SIZE}


def test_suggestions_of_a_shipped_card() -> None:
    kinds = [one.kind for one in TEMPLATES[Advice.NO_IMAGING].suggestions]
    assert kinds == [ChangeKind.REMOVE, ChangeKind.REPLACE]
    assert TEMPLATES[Advice.INSTEAD].behavior == "at-most-one"
    assert TEMPLATES[Advice.INSTEAD].slots == ("alternative", "situation")


def test_patterns_fill_lists_and_leave_literals() -> None:
    made = pattern("{a}: {b}!")
    assert made.names == {"a", "b"}
    assert made.fill({"a": "x", "b": ("y", "z")}.__getitem__, str.upper) == "X: Y; Z!"
    assert pattern("plain").fill(FIELDS.__getitem__) == "plain"  # type: ignore[arg-type]


GOOD = b"""---
slots: {remedy: What to do.}
summary: "{order.name}: {remedy}"
needs_suggestion: false
selectionBehavior: any
suggestions:
  - {for_each: reason, label: "Add {reason}", update: "Add {reason}"}
---
# {rule}
- {evidence}
"""


def test_a_template_with_a_slot_of_its_own() -> None:
    made = template.load(FILES | {NAME: GOOD})[Advice.REMIND]
    assert made.slots == ("remedy",)
    assert made.behavior == "any"
    assert [line.each for line in made.body] == ["", "evidence"]
    assert made.unfilled({"remedy": ""}.__getitem__) == ("remedy",)
    assert made.unfilled({"remedy": "x"}.__getitem__) == ()


def test_windows_line_ends_read_alike() -> None:
    windows = template.load(FILES | {NAME: GOOD.replace(b"\n", b"\r\n")})
    assert windows[Advice.REMIND] == template.load(FILES | {NAME: GOOD})[Advice.REMIND]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"# {rule}", b"# {rul}"), f"{NAME}:9: {{rul}} is not a placeholder; did you mean rule?"),
        ((b"- {evidence}", b"- {evidence"), f"{NAME}:10: a brace is not part of a placeholder"),
        ((b"- {evidence}", b"- {}"), f"{NAME}:10: a brace is not part of a placeholder"),
        ((b"{order.name}: {remedy}", b"{order.name}"), f"{NAME}:2: slot remedy stands nowhere in this card"),
        ((b'summary: "{order.name}: {remedy}"\n', b""), f"{NAME}:2: summary is missing"),
        ((b'"{order.name}: {remedy}"', b"[x]"), f"{NAME}:3: summary is missing"),
        ((b"needs_suggestion: false", b"needs_suggestion: no"), f"{NAME}:4: needs_suggestion is true or false"),
        ((b"Behavior: any", b"Behavior: all"), f"{NAME}:5: selectionBehavior is at-most-one or any"),
        ((b"for_each: reason", b"for_each: raisin"), f"{NAME}:7: for_each is missing or unknown; known: alternative"),
        ((b"- {evidence}", b"- {zzz}"), f"{NAME}:10: {{zzz}} is not a placeholder; known: also, "),
        ((b", update: ", b", updat: "), f"{NAME}:7: updat is not known here; did you mean update?"),
        ((b", update: ", b", zzz: "), f"{NAME}:7: zzz is not known here; known: label, update"),
        ((b"needs_s", b"need_s"), f"{NAME}:4: need_suggestion is not known here"),
        ((b"suggestions:\n  - ", b"suggestions:\n    "), f"{NAME}:7: suggestions has the wrong form"),
        ((b"  - {for_each", b"  - text\n  - {for_each"), f"{NAME}:7: for_each is missing or unknown"),
        ((b"slots: {", b"slots: {{"), f"{NAME}:"),
        ((b"---\nslots", b"slots"), f"{NAME}:1: there is no front matter"),
        ((b"---\n# ", b"# "), f"{NAME}:1: there is no front matter"),
    ],
)
def test_a_wrong_template_is_refused_with_its_line(change: tuple[bytes, bytes], said: str) -> None:
    content = GOOD.replace(*change)
    assert content != GOOD
    told = refused(content)
    assert said in told and "no such template" not in told


@pytest.mark.parametrize(("words", "fits"), [(91, True), (92, False)])
def test_a_summary_leaves_room_for_the_names_in_it(words: int, fits: bool) -> None:
    content = GOOD.replace(b"{order.name}: {remedy}", b"{order.name}" + b"x" * words + b"{remedy}")
    if fits:
        assert template.load(FILES | {NAME: content})
    else:
        said = f"{NAME}:3: the summary's own words take {words} characters, and a card has no room for its names"
        assert refused(content) == f"{said}; say it in 91"


def test_odd_files_are_refused() -> None:
    assert f"{NAME}:2: this is not UTF-8 text" in refused(b"---\n\xff\n---\n")
    assert f"{NAME}:2: the front matter is empty" in refused(b"---\n\n---\nx")


def test_files_that_are_no_advice_and_advice_without_a_file() -> None:
    files = {name: content for name, content in FILES.items() if name != NAME}
    with pytest.raises(ContentError) as error:
        template.load(files | {"cards/reminders.md": b"", "cards/README.md": b"words"})
    assert [str(problem)[:60] for problem in error.value.problems] == [
        "cards/reminder.md:1: there is no such template; every advice"[:60],
        "cards/reminders.md:1: reminders is not a kind of advice; known"[:60],
    ]


def test_override_reasons_follow_the_rule_and_fall_back() -> None:
    assert [one.code for one in OVERRIDES.of(["mri-unavailable", "nobody-knows"])] == ["mri-unavailable"]
    usual = OVERRIDES.of(["nobody-knows"])
    assert [one.code for one in usual] == ["clinical-judgement", "specialist-advised", "does-not-fit"]
    assert all(one.display and one.system for one in OVERRIDES.reasons.values())


def test_a_site_rewords_and_adds_reasons() -> None:
    content = b"default: [a]\nreasons: {a: Because}"
    made = overrides.load(content, file="o.yaml", system="urn:x", site={"a": "Our words", "b": "Ours"})
    assert [(one.code, one.display) for one in made.of(["b", "a"])] == [("b", "Ours"), ("a", "Our words")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"default: [a]", "o.yaml:1: there are no reasons"),
        (b"reasons: {a: x}", "o.yaml:1: there are no reasons"),
        (b"- a", "o.yaml:1: there are no reasons"),
        (b"default: [b]\nreasons: {a: x}", "o.yaml:1: b is not among the reasons"),
        (b"default: [a]\nreasons:\n  a:\n  b: [x]", "o.yaml:3: a has no text"),
    ],
)
def test_wrong_override_reasons_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(ContentError) as error:
        overrides.load(content, file="o.yaml", system="urn:x")
    assert said in str(error.value)
