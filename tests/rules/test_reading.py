"""What a rule file may get wrong, and what is said about it."""

import pytest

from cds_service.errors import ContentError
from tests.rules.desk import ADULT, BELLY, HEAD, PASSES, WIDTH, rules_of


def trouble(**texts):
    with pytest.raises(ContentError) as caught:
        rules_of(**texts)
    return [str(problem) for problem in caught.value.problems]


def changed(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (BELLY, "patient.age: {below", "patient.aeg: {below", "patient.aeg is not a fact; did you mean patient.age?"),
        (BELLY, "{below: covered}", "{beneath: covered}", "beneath is not a comparison of patient.age"),
        (BELLY, "{below: covered}", "{below: cover}", "cover is not a threshold of this rule"),
        (BELLY, "{below: covered}", "covered", "patient.age is compared with a threshold"),
        (BELLY, "order.reason: belly-ache", "order.reason: belly-ace", "did you mean belly-ache?"),
        (BELLY, "US right-lower-quadrant]", "US right-lower-quadrent]", "did you mean right-lower-quadrant?"),
        (BELLY, "US right-lower-quadrant]", "USS abdomen]", "is not a modality"),
        (BELLY, "source: guide\n    no_imaging", "source: gide\n    no_imaging", "gide is not a source"),
        (BELLY, "sources: [guide]", "sources: [nobody]", "nobody is not a source"),
        (BELLY, "sources: [guide]", "sources: []", "a rule needs sources"),
        (BELLY, "if_unknown: ask", "if_unknown: maybe", "maybe is not a value of if_unknown"),
        (BELLY, "if_unknown: ask", "if_unkown: ask", "if_unkown is not a field of a rule; did you mean if_unknown?"),
        (BELLY, "id: belly\n", "id: tummy\n", "the id tummy is not the file's name"),
        (BELLY, "value: 18 years", "value: 23 years", "outside its allowed range 16 years to 21 years"),
        (BELLY, "value: 3 points", "value: 3 kg", "score.belly is counted in points"),
        (BELLY, "value: 18 years", "value: eighteen", "'eighteen' is not an amount"),
        (BELLY, "score.belly: {at_most: low}", "score.belly: {}", "score.belly is compared with a threshold"),
        (BELLY, "    when: {score.belly: {at_least: high}}\n", "", "threshold high is still used"),
        (BELLY, "id: middle", "id: low", "variant low stands here twice"),
        (BELLY, "expect: info", "expect: warning", "example 'Nothing else known': expected warning, got info"),
        (BELLY, "offers: [US right-lower-quadrant]", "never_offers: [US right-lower-quadrant]", "must never be offered"),
        (BELLY, "override_reasons: [clinical-judgement]", "override_reasons: [whim]", "whim is not an override reason"),
        (BELLY, "from: 2020-01-01", "from: soon", "soon is not a date"),
        (BELLY, "kind: appropriateness", "kind: appropriatness", "did you mean appropriateness?"),
        (BELLY, "situation: Low risk", "situation: ''", "situation must be a text"),
        (BELLY, "questions: {score.belly:", "questions: {score.tummy:", "score.tummy is not a fact"),
        (BELLY, "patient.age: 9 years", "patient.age: nine", "nine is not a value of patient.age"),
        (BELLY, "applies_to: {order.reason: belly-ache, ", "applies_to: {", "a topic applies to reasons"),
        (BELLY, "usually appropriate: [US abdomen,", "usually appropriate: [CT abdomen+pelvis with contrast,", "is rated twice"),
        (HEAD, "when: {sign.fever: present}", "when: {sign.fever: yes}", "sign.fever is either present or absent"),
        (HEAD, "when: {sign.fever: present}", "when: {any: []}", "any needs a list of blocks"),
        (HEAD, "when: {sign.fever: present}", "when: {sign.severity: awful}", "awful is not a value of sign.severity"),
        (HEAD, "when: {sign.fever: present}", "when: {history.head_ct: {result: odd}}", "odd is not a result"),
        (HEAD, "when: {sign.fever: present}", "when: {history.head_ct: often}", "none, some, or within a time"),
        (PASSES, "advice: fewer-passes", "advice: fewer-phases", "did you mean fewer-passes?"),
        (PASSES, "indicator: warning", "indicator: urgent", "urgent is not a value of indicator"),
        (PASSES, "because: One is enough., ", "", "card needs because"),
        (PASSES, "expect: warning, offers: [CT abdomen+pelvis with contrast]", "expect: unknown", "expected unknown, got warning"),
        (WIDTH, "offers: [CT abdomen+pelvis with contrast]", "offers: [US abdomen]", "expected the offer US abdomen"),
        (ADULT, "silence: all", "silence: everything", "everything is not advice"),
        (ADULT, "expect: silences", "expect: nothing", "expected nothing, got silences"),
        (ADULT, "because: Not a child, or the age is not known.", "because: [1]", "because must be a text"),
    ],
)  # fmt: skip
def test_trouble_is_named_with_file_line_and_remedy(text, old, new, said):
    if said == "threshold high is still used":
        text, old, new, said = BELLY, "above: low, below: high", "above: low", "threshold low is not used"
        text = changed(text, "when: {score.belly: {at_most: low}}", "when: {score.belly: {below: high}}")
        new = "above: high"
    name = next(line.split()[1] for line in text.splitlines() if line.startswith("id:"))
    found = trouble(**{name: changed(text, old, new)})
    assert any(said in one for one in found), found
    assert all(one.startswith("rules/") and one.split(":")[1].isdigit() for one in found)


def test_every_problem_is_told_at_once():
    text = changed(changed(BELLY, "patient.age: {below", "patient.aeg: {below"), "if_unknown: ask", "if_unknown: x")
    assert len(trouble(belly=text)) >= 2


SPARE = "thresholds:\n  spare: {value: 3 days, meaning: Nothing.}\n"
TOLD = changed(
    BELLY,
    "follows: history.abdominal_ultrasound\n",
    "when: {history.abdominal_ultrasound: {result: nondiagnostic}}\n",
).replace("history.any: none", "history.any: {ago: 5 hours, exam: XR knee}")


@pytest.mark.parametrize(
    ("text", "old", "new", "told"),
    [
        # a misspelt fact is no reason to remove the threshold it is compared with
        (BELLY, "patient.age: {below", "patient.aeg: {below", ["patient.aeg is not a fact; did you mean patient.age?"]),
        (BELLY, "patient.age: {below", "patient.age: {beneath", ["beneath is not a comparison of patient.age; use below, at_least"]),
        # nor is an unreadable threshold no threshold
        (BELLY, "value: 18 years", "value: eighteen", ["'eighteen' is not an amount; write a number and a unit, such as 48 hours"]),
        (BELLY, "value: 18 years, allowed: [16 years, 21 years]", "value: 18", ["patient.age is compared with an age, and not with 18; write the threshold as in 18 years"]),
        (BELLY, "{below: covered}", "{below: coverd}", ["coverd is not a threshold of this rule; did you mean covered?"]),
        # what is missing is told once, with its form
        (BELLY, "review: {last: 2026-01-01, due: 2030-01-01, by: Nobody}\n", "", ["a rule needs review; write review: {last: 2026-01-31, due: 2027-01-31, by: Who reviewed it}"]),
        (BELLY, "review: {last: 2026-01-01, due: 2030-01-01, by: Nobody}\n", "review: soon\n", ["review must be a block of keys and values; write review: {last: 2026-01-31, due: 2027-01-31, by: Who reviewed it}"]),
        (BELLY, "review: {last: 2026-01-01", "review: {last: 2031-01-01", ["the next review is due before the last one, on 2030-01-01; correct one of them"]),
        (BELLY, "    source: guide\n    no_imaging", "    no_imaging", ["a variant needs source; add a line source: …"]),
        (BELLY, "sources: [guide]", "sources: [{id: gide, supports: All.}]", ["gide is not a source; did you mean guide?"]),
        (BELLY, "version: 1\n", "version: 7\n", ["no change tells of version 7; add a line with version, on, by and change under changes"]),
        (BELLY, "override_reasons: [clinical-judgement]", "override_reasons: [clinical-judgment]", ["clinical-judgment is not an override reason; did you mean clinical-judgement?"]),
        (BELLY, "questions: {score.belly:", "questions: {score.bely:", ["score.bely is not a fact; did you mean score.belly?"]),
        (BELLY, "thresholds:\n", SPARE, ["threshold spare is not used; remove it"]),
        (TOLD, "thresholds:\n", SPARE, ["threshold spare is not used; remove it"]),
        (BELLY, BELLY, "", ["a rule must be a block of keys and values"]),
    ],
)  # fmt: skip
def test_one_slip_is_told_once_with_its_remedy(text, old, new, told):
    assert [one.split(": ", 1)[1] for one in trouble(belly=changed(text, old, new))] == told


def test_one_id_in_two_files():
    with pytest.raises(ContentError, match="stands in"):
        from cds_service.rules.ruleset import build, parse
        from tests.rules.desk import BROADER, desk

        problems = []
        files = {"rules/a/belly.yaml": BELLY.encode(), "rules/b/belly.yaml": BELLY.encode()}
        build(parse(files, problems), desk(problems=problems), broader=BROADER)


def test_a_file_that_is_not_yaml():
    assert any("rules/belly.yaml" in one for one in trouble_of_bytes(b"id: [unclosed"))


def trouble_of_bytes(source):
    from cds_service.rules.ruleset import parse

    problems = []
    parse({"rules/belly.yaml": source}, problems)
    return [str(problem) for problem in problems]


def test_a_draft_and_a_retired_rule_are_not_judged():
    for status in ("draft", "retired"):
        rules = rules_of(belly=changed(BELLY, "status: active", f"status: {status}"))
        assert not rules.topics
        assert [rule.id for rule in rules.dormant] == ["belly"]


def test_a_rule_not_yet_in_force():
    rules = rules_of(belly=changed(BELLY, "from: 2020-01-01", "from: 2027-01-01"))
    assert not rules.topics


def test_a_rule_no_longer_in_force():
    rules = rules_of(belly=changed(BELLY, "to: null", "to: 2026-01-01"))
    assert not rules.topics


def test_a_threshold_change_known_ahead_keeps_its_date():
    dated = "value: {2020-01-01: 3 points, 2026-03-01: 2 points, 2027-01-01: 4 points}"
    rules = rules_of(belly=changed(BELLY, "value: 3 points", dated))
    assert str(rules.topics[0].thresholds["low"].value) == "2 points"


def test_a_threshold_without_a_value_today():
    assert any(
        "no value is in force today" in one
        for one in trouble(belly=changed(BELLY, "value: 3 points", "value: {2027-01-01: 2 points}"))
    )


def test_a_site_threshold_is_laid_over():
    from cds_service.vocabulary.quantities import quantity

    rules = rules_of("belly", tuned={"belly": {"thresholds": {"low": quantity("2 points")}, "status": "silent"}})
    assert str(rules.topics[0].thresholds["low"].value) == "2 points"
    assert rules.topics[0].status == "silent"


def test_topic_codes_are_letters_and_digits():
    assert rules_of("safe-adult").safety[0].topic_code == "SafeAdult"
