"""The decision table, row by row."""

import pytest

from cds_service.findings import Outcome
from cds_service.rules.given import NOW
from cds_service.rules.judge import judge, judge_anew
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import Prior, Priors, Reading
from tests.rules.desk import ALL, COMMON, PASSES, child, rules_of, says

BELLY = rules_of("belly")
HEAD = rules_of("head")
CT = "CT abdomen+pelvis with contrast"
MR = "MR abdomen+pelvis without contrast"


def ultrasound(ago="5 hours", **more):
    moment = span(ago).before(NOW)
    return Reading(Priors((Prior(exam("US abdomen"), moment, moment, **more),), True, NOW))


def test_usually_appropriate_in_a_met_situation_is_silence():
    assert says(BELLY, history__abdominal_ultrasound=ultrasound()) is None


def test_nothing_else_known_offers_ultrasound_at_info():
    said = says(BELLY)
    assert (said.advice, said.indicator) == ("INSTEAD", "info")
    assert said.exams[0] == "US right-lower-quadrant"


def test_mri_is_never_offered_while_the_situation_is_a_guess():
    assert not [one for one in says(BELLY).exams if one.startswith("MR")]


def test_wrong_everywhere_warns_and_offers_one_pass_and_ultrasound():
    said = says(BELLY, "CT abdomen+pelvis without and with contrast", score__belly=5)
    assert (said.advice, said.indicator) == ("INSTEAD", "warning")
    assert "US right-lower-quadrant" in said.exams
    assert CT in said.exams


def test_a_met_situation_where_nothing_is_needed_cancels():
    said = says(BELLY, score__belly=2)
    assert (said.advice, said.indicator, said.finding.cancel) == ("NO_IMAGING", "warning", True)
    assert said.finding.because == "At low risk no imaging is needed now."


@pytest.mark.parametrize(("score", "advice"), [(3, "NO_IMAGING"), (4, "INSTEAD"), (6, "INSTEAD"), (7, None)])
def test_both_sides_of_each_threshold(score, advice):
    said = says(BELLY, score__belly=score)
    assert (said.advice if said else None) == advice


def test_a_score_known_only_as_a_range_over_two_situations_is_not_one_of_them():
    said = says(BELLY, score__belly=(2, 5))
    assert said.advice == "INSTEAD"
    assert said.indicator == "info"


def test_an_unread_history_asks_instead_of_offering():
    unread = Reading()
    said = says(BELLY, history__abdominal_ultrasound=unread, history__any=unread, score__belly=5)
    assert said.advice == "ASK"
    assert not said.exams


def test_asking_is_kept_out_of_emergencies():
    unread = Reading()
    facts = {"history__abdominal_ultrasound": unread, "history__any": unread, "score__belly": 5}
    assert says(BELLY, setting__emergency=True, **facts) is None
    assert says(BELLY, order__priority="stat", **facts) is None


def test_headache_style_topic_asks_when_nothing_is_known():
    said = says(HEAD, "CT head without contrast", reasons=("sore-head",))
    assert said.advice == "ASK"
    assert [one.question for one in said.finding.undecided] == ["Fever with it", "No fever"]
    assert said.finding.undecided[1].means == "No imaging is needed."


def test_mri_is_offered_once_the_situation_is_known():
    said = says(HEAD, "CT head without contrast", reasons=("sore-head",), sign__fever=True)
    assert (said.advice, said.exams) == ("INSTEAD", ["MR head without contrast"])


def test_an_exam_the_guideline_does_not_rate_is_silence():
    assert says(BELLY, "NM bone-scan abdomen", score__belly=5) is None


def test_an_exception_keeps_the_topic_silent():
    assert says(BELLY, reasons=("belly-ache", "bad-belly")) is None


def test_a_reason_not_understood_softens_warnings():
    order = "CT abdomen+pelvis without and with contrast"
    assert says(BELLY, order, score__belly=5).indicator == "warning"
    assert says(BELLY, order, score__belly=5, complete=False).indicator == "info"


def test_a_reason_without_a_topic_softens_warnings():
    order = "CT abdomen+pelvis without and with contrast"
    assert says(BELLY, order, score__belly=5, reasons=("belly-ache", "other-thing")).indicator == "info"


def test_appropriate_for_any_of_its_reasons_is_silence():
    both = rules_of("belly", second=_second())
    assert says(both, reasons=("belly-ache", "sore-head"), score__belly=5) is None


def _second():
    from tests.rules.desk import HEAD as text

    return (
        text.replace("id: head", "id: second")
        .replace(
            "usually appropriate: [MR head without contrast]",
            "usually appropriate: [MR head without contrast, CT abdomen+pelvis with contrast]",
        )
        .replace("when: {sign.fever: present}", "when: {patient.sex: [male, female]}")
        .replace("when: {sign.fever: absent}", "when: {patient.sex: female}")
        .replace("sign.fever: present, ", "patient.sex: male, ")
        .replace("applies_to: {order.reason: sore-head}", "applies_to: {order.reason: sore-head}")
    )


MASS = """
id: mass
applies_to: {order.reason: bad-belly}
variants:
  - id: only
    situation: A mass
    source: guide
    ratings:
      usually appropriate: [MR abdomen+pelvis without contrast]
      may be appropriate: [US chest]
      usually not appropriate: [US abdomen, US right-lower-quadrant, CT abdomen+pelvis with contrast,
        CT abdomen+pelvis without and with contrast]
card: {override_reasons: []}
examples: [{name: Nothing, order: XR chest, facts: {order.reason: bad-belly}, expect: silence}]
"""
BOTH_REASONS = ("belly-ache", "bad-belly")


def two_topics():
    belly = ALL["belly"].replace("unless:\n  - {because: It is a bad belly., order.reason: bad-belly}\n", "")
    return rules_of(belly=belly, passes=PASSES, mass=COMMON.format(kind="appropriateness", title="Mass") + MASS)


def test_what_one_reason_rules_out_is_not_offered_for_the_other():
    said = says(two_topics(), "CT abdomen+pelvis without and with contrast", reasons=BOTH_REASONS, score__belly=5)
    assert not {"US right-lower-quadrant", "US abdomen", "CT abdomen+pelvis with contrast"} & {
        str(one.exam) for one in (said.finding.alternatives if said else ())
    }
    alone = says(two_topics(), "CT abdomen+pelvis without and with contrast", score__belly=5)
    assert alone.exams[0] in ("US right-lower-quadrant", "US abdomen")


def test_a_phase_ruled_out_by_one_situation_is_not_offered():
    judged = judge(
        exam("CT abdomen+pelvis without and with contrast"),
        child("CT abdomen+pelvis without and with contrast", reasons=BOTH_REASONS, score__belly=5),
        two_topics(),
    )
    offered = {str(one.exam) for finding in judged.findings for one in finding.alternatives}
    assert "CT abdomen+pelvis with contrast" not in offered


GRAVER = (
    COMMON.format(kind="appropriateness", title="Sore head")
    + """
id: graver
applies_to: {order.reason: sore-head}
variants:
  - id: lasting
    situation: It lasts
    yields_to: [feverish]
    when: {sign.severity: mild}
    source: guide
    ratings: {usually appropriate: [CT head without contrast], usually not appropriate: [CT head with contrast]}
  - id: feverish
    situation: Fever with it
    when: {sign.fever: present}
    source: guide
    ratings: {usually appropriate: [CT head with contrast], usually not appropriate: [CT head without contrast]}
card: {override_reasons: []}
examples: [{name: Nothing, order: XR chest, facts: {order.reason: sore-head}, expect: silence}]
"""
)


def test_a_situation_yields_to_a_graver_one_that_is_known_to_hold():
    graver, plain = rules_of(graver=GRAVER), "CT head without contrast"
    mild = {"reasons": ("sore-head",), "sign__severity": "mild"}
    assert says(graver, plain, **mild) is None
    assert says(graver, plain, **mild, sign__fever=False) is None
    assert says(graver, plain, **mild, sign__fever=True).exams == ["CT head with contrast"]
    assert says(graver, "CT head with contrast", **mild, sign__fever=True) is None


def test_no_imaging_gives_way_to_a_reason_that_needs_an_image():
    assert says(two_topics(), score__belly=1).advice == "NO_IMAGING"
    said = says(two_topics(), reasons=BOTH_REASONS, score__belly=1)
    assert said is None or "NO_IMAGING" not in said.all


def test_second_topic_needs_the_met_variant():
    both = rules_of("belly", second=_second())
    assert says(both, reasons=("belly-ache", "sore-head"), score__belly=5, patient__sex="male") is None


def test_adults_and_unknown_ages_are_out_of_scope():
    rules = rules_of("belly", "safe-adult")
    assert says(rules).advice == "INSTEAD"
    assert says(rules, age="18 years") is None
    assert says(rules, patient__age=Reading()) is None


def test_a_suspected_safety_fact_counts():
    rules = rules_of("belly", "passes", "safe-shaky")
    order = "CT abdomen+pelvis without and with contrast"
    calm = says(rules, order, score__belly=5)
    shaky = says(rules, order, score__belly=5, safety__shaky=Reading(None, suspected=True))
    assert calm.advice == "INSTEAD"
    assert shaky.all == ["FEWER_PASSES"]


def test_an_ultrasound_already_done_is_not_offered_again():
    rules = rules_of("belly", "safe-done")
    done = {"history__any": ultrasound(), "history__abdominal_ultrasound": Reading(Priors((), True, NOW))}
    judged = judge(exam(CT), child(**done, score__belly=5), rules)
    assert not judged.findings
    (verdict,) = judged.verdicts
    assert verdict.outcome is Outcome.SILENCED
    assert any("safe-done" in note for note in verdict.notes)


def test_an_old_ultrasound_does_not_count_as_done():
    rules = rules_of("belly", "safe-done")
    old = {"history__any": ultrasound("3 days"), "history__abdominal_ultrasound": Reading(Priors((), True, NOW))}
    assert says(rules, score__belly=5, **old).exams[0] == "US right-lower-quadrant"


def test_no_imaging_takes_shape_advice_along():
    rules = rules_of("belly", "passes")
    assert says(rules, "CT abdomen+pelvis without and with contrast", score__belly=2).all == ["NO_IMAGING"]


def test_a_wide_and_multiphase_order_gets_one_narrow_pass():
    rules = rules_of("passes", "width")
    wide = "CT chest+abdomen+pelvis without and with contrast"
    from cds_service.vocabulary.readings import Names

    said = says(rules, wide, order__extra_region=Reading(Names(frozenset({"chest"}))))
    assert said.all == ["FEWER_PASSES"]
    assert said.exams == [CT]


def test_a_multiphase_order_is_left_alone_where_nothing_tells_which_pass_answers_it():
    rules = rules_of("passes", "width")
    for reasons in (("sore-head",), ("belly-ache", "sore-head"), ()):
        assert says(rules, "CT abdomen+pelvis without and with contrast", reasons=reasons) is None


def test_single_pass_follows_the_ratings():
    rules = rules_of("head", "passes")
    said = says(rules, "CT head without and with contrast", reasons=("sore-head",), sign__fever=True)
    passes = next(
        f
        for f in judge(
            exam("CT head without and with contrast"),
            child("CT head without and with contrast", reasons=("sore-head",), sign__fever=True),
            rules,
        ).findings
        if f.rule == "passes"
    )
    assert [str(one.exam) for one in passes.alternatives] == ["CT head without contrast"]
    assert said.finding.rule in ("head", "passes")


def test_the_exception_list_keeps_a_check_silent():
    rules = rules_of("passes")
    assert says(rules, "CT liver without and with contrast", reasons=("other-thing",)) is None


def test_want_all_tells_every_rule_and_changes_no_advice():
    rules = rules_of("belly", "head", "passes", "safe-adult")
    facts = child()
    some, every = judge(exam(CT), facts, rules), judge(exam(CT), facts, rules, want_all=True)
    assert some.findings == every.findings
    assert {verdict.rule for verdict in every.verdicts} >= {"belly", "head", "passes"}


def test_no_recognised_exam_no_judgement():
    assert judge(None, child(), BELLY).findings == ()


def test_ratings_are_remembered_by_exam():
    topic = BELLY.topics[0]
    topic.memory.clear()
    judge_anew(exam(CT), child(), BELLY)
    assert exam(CT) in topic.memory


# the exam of the ordered part

BACK = (
    COMMON.format(kind="appropriateness", title="Sore back")
    + """
id: back
applies_to: {order.reason: sore-head}
variants:
  - id: any
    situation: Sore back
    source: guide
    when: {order.reason: sore-head}
    ratings:
      usually appropriate: [XR thoracic-spine, XR lumbar-spine, US neck]
      may be appropriate: [CT thoracic-spine without contrast, CT lumbar-spine without contrast]
if_unknown: silence
card: {override_reasons: [clinical-judgement]}
examples:
  - {name: Sore, order: CT lumbar-spine without contrast, facts: {order.reason: sore-head, history.any: none}, expect: info}
"""
)


def test_only_the_exam_of_the_ordered_part_is_offered_and_other_kinds_stay():
    said = says(rules_of(back=BACK), "CT lumbar-spine without contrast", reasons=("sore-head",))
    assert said.exams == ["XR lumbar-spine", "US neck"]


# children for whom radiation matters more

SENSITIVE = Reading(True)
FIRMER = "Radiation matters more for this child."


def test_a_sensitive_child_is_told_firmer_and_no_louder():
    said = says(BELLY, score__belly=5)
    firm = says(BELLY, score__belly=5, patient__radiation_sensitivity=SENSITIVE)
    assert firm.finding.situation == f"{said.finding.situation} {FIRMER}"
    assert (firm.advice, firm.indicator) == (said.advice, said.indicator)
    assert firm.finding.basis.facts[0] == "patient.radiation_sensitivity"


def test_a_sensitive_child_is_offered_exams_without_radiation_first():
    two_passes = "CT abdomen+pelvis without and with contrast"
    assert says(BELLY, two_passes, score__belly=8).exams[0] == CT
    assert says(BELLY, two_passes, score__belly=8, patient__radiation_sensitivity=SENSITIVE).exams[0] == "US abdomen"


def test_a_sensitive_child_hears_of_an_exam_rated_the_same_that_uses_no_radiation():
    assert says(BELLY, score__belly=8) is None
    said = says(BELLY, score__belly=8, patient__radiation_sensitivity=SENSITIVE)
    assert (said.advice, said.indicator, said.exams) == ("PREFER", "info", ["US right-lower-quadrant"])
    assert said.finding.situation.endswith(FIRMER)
    assert said.finding.because.endswith("is rated the same here and uses no radiation.")


@pytest.mark.parametrize(
    "facts",
    [
        {"setting__emergency": Reading(True)},
        {"order__priority": Reading(frozenset({"stat"}))},
        {"patient__radiation_sensitivity": Reading(None, suspected=True)},
        {"score__belly": Reading()},
        {"safety__shaky": Reading(True)},
    ],
)
def test_a_right_exam_is_not_questioned_in_an_emergency_or_on_guesswork(facts):
    given = {"score__belly": 8, "patient__radiation_sensitivity": SENSITIVE} | facts
    said = says(rules_of("belly", "safe-shaky"), **given)
    assert said is None or said.advice != "PREFER"


def test_no_exam_rated_lower_is_offered_for_want_of_radiation():
    after = {"history__abdominal_ultrasound": ultrasound(), "history__any": ultrasound()}
    said = says(BELLY, score__belly=(2, 8), patient__radiation_sensitivity=SENSITIVE, **after)
    assert said is None or "US abdomen" not in said.exams


def test_an_exam_without_radiation_says_nothing_of_it():
    facts = {"sign__fever": Reading(False), "patient__radiation_sensitivity": SENSITIVE}
    said = says(HEAD, "MR head without contrast", reasons=("sore-head",), **facts)
    assert FIRMER not in said.finding.situation
