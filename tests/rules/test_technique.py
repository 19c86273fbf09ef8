"""Advice on how a right order is carried out: notes, reference levels, whom to ask, and what an alternative asks for."""

from cds_service.errors import ContentError
from cds_service.findings import Activity, Contact
from cds_service.rules.ruleset import build, parse
from cds_service.vocabulary.readings import Evidence, Interval, Reading
from tests.rules.desk import BROADER, COMMON, PASSES, SHAKY, desk, rules_of, says

HEAD = "CT head without contrast"
CHECK = """
id: {id}
thresholds:
  one: {{value: 1 year, meaning: An age.}}
  ten: {{value: 10 years, meaning: An age.}}
applies_to: {{order.modality: CT}}
when: {{order.modality: CT}}
advice: {advice}
{own}
card: {{indicator: info, situation: So it is., because: "Above this:"}}
examples:
  - {{name: Head, order: CT head without contrast, facts: {{order.reason: [other-thing], patient.age: 9 years}}, expect: info}}
"""
LEVELS = COMMON.format(kind="check", title="Level") + CHECK.format(
    id="level",
    advice="child-size",
    own="""
levels:
  - {exam: CT head without contrast, when: {patient.age: {below: one}}, text: little.}
  - {exam: CT head without contrast, when: {patient.age: {at_least: one, below: ten}}, text: more.}
""",
)
NOTE = COMMON.format(kind="check", title="Note") + CHECK.format(
    id="note", advice="technique-note", own="note: Lowest pulse rate.\nask: physicist"
).replace("thresholds:\n  one: {value: 1 year, meaning: An age.}\n  ten: {value: 10 years, meaning: An age.}\n", "")
LIMIT = (
    COMMON.format(kind="safety", title="Limit")
    + """
id: safe-limit
when: {alternative.modality: CT, safety.shaky: present}
effect: {limit: Hold still}
because: It moves.
examples: [{name: Shaky, order: CT head, facts: {alternative.modality: CT, safety.shaky: suspected}, expect: limits}]
"""
)


def of(rules, order=HEAD, **facts):
    return says(rules, order, reasons=("other-thing",), **facts)


def test_a_level_is_that_of_the_age():
    rules = rules_of(level=LEVELS)
    assert of(rules).finding.because == "Above this: more."
    assert of(rules, age="11 months").finding.because == "Above this: little."
    assert of(rules, age="1 year").finding.because == "Above this: more."
    assert of(rules, age="10 years") is None


def test_a_level_is_that_of_the_very_exam_scanned_once():
    rules = rules_of(level=LEVELS)
    for order in ("CT head", "CT head with contrast", "CT head+neck without contrast", "CTA head without contrast"):
        assert of(rules, order) is None, order
    assert of(rules, "CT head without contrast 2 passes") is None
    assert of(rules, HEAD).advice == "CHILD_SIZE"


def test_a_right_order_alone_gets_a_note():
    alone = rules_of(note=NOTE)
    assert of(alone).finding.note == "Lowest pulse rate."
    both = rules_of("passes", note=NOTE, level=LEVELS)
    assert says(both, HEAD, reasons=("sore-head",)).all == ["ADD_NOTE", "CHILD_SIZE"]
    assert says(both, "CT abdomen+pelvis without and with contrast").all == ["FEWER_PASSES"]
    silent = rules_of(passes=PASSES.replace("status: active", "status: silent"), note=NOTE)
    assert "ADD_NOTE" in says(silent, "CT abdomen+pelvis without and with contrast").all


def test_whom_to_ask_is_the_sites_choice():
    contact = Contact("the medical physicist", "X")
    parsed = parse({"rules/note.yaml": NOTE.encode()}, [])
    rules = build(parsed, desk(contacts={"physicist": contact}), broader=BROADER)
    assert of(rules).finding.contact == contact
    assert of(rules_of(note=NOTE)).finding.contact is None


def test_what_an_alternative_asks_for_is_told_when_it_is_offered():
    order = "CT abdomen+pelvis without and with contrast"
    rules = rules_of("passes", safe_limit=LIMIT)
    assert says(rules, order, safety__shaky=True).finding.limits == ("Hold still",)
    assert says(rules, order, safety__shaky=False).finding.limits == ()
    assert says(rules, order).finding.limits == ()
    everywhere = LIMIT.replace("alternative.modality: CT, safety", "safety")
    assert says(rules_of("passes", safe_limit=everywhere), order, safety__shaky=True).finding.limits == ("Hold still",)
    nothing_offered = rules_of(note=NOTE, safe_limit=everywhere)
    assert of(nothing_offered, safety__shaky=True).finding.limits == ()


def test_an_alternative_that_was_taken_away_asks_for_nothing():
    removing = SHAKY.replace("silence: appropriateness", "remove: [CT]")
    rules = rules_of("passes", safe_limit=LIMIT, safe_shaky=removing.replace("silences", "removes"))
    assert says(rules, "CT abdomen+pelvis without and with contrast", safety__shaky=True) is None


def problems_of(text):
    try:
        rules_of(level=text)
    except ContentError as error:
        return [str(one) for one in error.problems]
    return []


def test_a_level_that_cannot_be_read_is_refused():
    assert "a level is that of one exam" in " ".join(
        problems_of(
            LEVELS.replace(
                "exam: CT head without contrast, when: {patient.age: {below: one}}, ",
                "when: {patient.age: {below: one}}, ",
            )
        )
    )
    assert "is not a field of a level" in " ".join(
        problems_of(LEVELS.replace("text: little.", "text: little., dose: 3"))
    )
    assert "is not a value of ask" in " ".join(
        problems_of(LEVELS.replace("advice: child-size", "advice: child-size\nask: nurse"))
    )


def test_what_decided_the_level_is_evidence():
    by_age = LEVELS.replace("when: {patient.age: {at_least: one, below: ten}}", "when: {score.belly: {below: five}}")
    by_age = by_age.replace(
        "  ten: {value: 10 years, meaning: An age.}", "  five: {value: 5 points, meaning: A score.}"
    )
    by_age = by_age.replace("patient.age: 9 years}", "patient.age: 9 years, score.belly: 3}")
    scored = Reading(Interval(3, 3), (Evidence("Score 3", "Observation/1"),))
    assert [piece.text for piece in of(rules_of(level=by_age), score__belly=scored).finding.evidence] == ["Score 3"]


ACTIVITY = LEVELS.replace(
    "text: more.", "text: more., activity: {per_kg: [3.7 MBq/kg, 5.55 MBq/kg], least: 37 MBq, most: 148 MBq}"
)


def told(weight):
    facts = {"patient__weight": weight} if weight is not None else {}
    return [piece.text for piece in of(rules_of(level=ACTIVITY), **facts).finding.evidence]


def test_an_activity_is_worked_out_for_this_childs_weight():
    assert told(18) == ["by this weight 67 to 100 MBq"]
    assert told(60) == ["by this weight 148 MBq"]
    assert told((17, 19)) == ["by this weight 63 to 105 MBq"]
    assert told(None) == []


def test_each_child_gets_an_activity_of_its_own_though_the_judgement_is_remembered():
    rules = rules_of(level=ACTIVITY)
    said = [of(rules, patient__weight=weight).finding.evidence[0].text for weight in (18, 20, 18)]
    assert said == ["by this weight 67 to 100 MBq", "by this weight 74 to 111 MBq", "by this weight 67 to 100 MBq"]


def test_an_activity_has_a_floor_and_may_have_a_ceiling():
    assert Activity(9.3, 9.3, 37).of(100, 100) == (930, 930)
    assert Activity(9.3, 9.3, 37, 74).of(3, 100) == (37, 74)


def test_an_activity_that_cannot_be_read_is_refused():
    for wrong, trouble in (
        ("least: 37 mCi", "37 mCi is no activity; write it as in 37 MBq"),
        ("least: much", "much is no activity"),
        ("least: 370 MBq", "this activity is none"),
        ("least: 0 MBq", "0 MBq is no activity"),
    ):
        assert trouble in " ".join(problems_of(ACTIVITY.replace("least: 37 MBq", wrong))), wrong
    assert "this activity is none" in " ".join(problems_of(ACTIVITY.replace("per_kg: [3.7 MBq/kg, 5.55 MBq/kg], ", "")))
