"""A judgement said again is the judgement that would be made."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.findings import Basis
from cds_service.rules import judge as judging
from cds_service.rules.asking import Watched
from cds_service.rules.given import NOW
from cds_service.rules.judge import evidence, judge, judge_anew, with_evidence
from cds_service.rules.replay import Replay
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.readings import Evidence, GivenFacts, Names, Prior, Priors, Reading
from tests.rules.desk import ALL, child, rules_of

RULES = rules_of(*ALL)
CT = "CT abdomen+pelvis with contrast"
ORDERS = (
    CT,
    "CT abdomen+pelvis without and with contrast",
    "CT chest+abdomen+pelvis with contrast",
    "CT head without contrast",
    "CT head without and with contrast",
    "US abdomen",
)


def prior(phrase, hours, certain=True, result=""):
    moment = NOW - timedelta(hours=hours)
    return Prior(exam(phrase), moment, moment, certain, result=result, evidence=(Evidence(f"{phrase} {hours}"),))


PRIORS = st.builds(
    lambda items, complete: Reading(Priors(tuple(items), complete, NOW)),
    st.lists(
        st.builds(prior, st.sampled_from(["US abdomen", CT]), st.sampled_from([1, 47, 49, 9000]), st.booleans()),
        max_size=2,
    ),
    st.booleans(),
)
FLAGS = st.builds(
    lambda value, suspected, text: Reading(value, (Evidence(text),), suspected and value is None),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.sampled_from(["seen", "told"]),
)
FACTS = st.fixed_dictionaries(
    {
        "reasons": st.frozensets(st.sampled_from(["belly-ache", "sore-head", "other-thing", "bad-belly"]), max_size=3),
        "complete": st.booleans(),
        "age": st.sampled_from(["9 years", "10 years", "17 years", "18 years", "19 years"]),
        "sign__fever": FLAGS,
        "safety__shaky": FLAGS,
        "score__belly": st.sampled_from([None, 2, 3, 3.5, 4, 7, 8, (2, 5), (4, 6)]),
        "history__any": PRIORS,
        "history__abdominal_ultrasound": PRIORS,
        "order__extra_region": st.sampled_from([Reading(), Reading(Names(frozenset({"chest"})))]),
        "setting__emergency": FLAGS,
    }
)


def recorded(facts, seen):
    facts.recorded = frozenset(seen) if seen is not None else None
    return facts


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ORDERS),
            FACTS,
            st.sampled_from([None, ("safety.shaky", "sign.fever", "score.belly", "sign.severity")]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_saying_again_is_judging_anew(calls):
    for order, facts, seen in calls:
        said = judge(exam(order), recorded(child(order, **facts), seen), RULES)
        again = judge(exam(order), recorded(child(order, **facts), seen), RULES)
        fresh = recorded(child(order, **facts), seen)
        assert said == again == with_evidence(judge_anew(exam(order), fresh, RULES), fresh)


def fresh_only(monkeypatch):
    """How many orders are judged from here on rather than remembered."""
    judged = []
    monkeypatch.setattr(judging, "judge_anew", lambda *a, **k: judged.append(a) or judge_anew(*a, **k))
    return judged


def test_what_no_rule_can_tell_apart_is_judged_once(monkeypatch):
    rules, judged = rules_of("belly", "safe-adult", "safe-done"), fresh_only(monkeypatch)
    one = judge(exam(CT), child(age="9 years", score__belly=5), rules)
    other = judge(exam(CT), child(age="10 years", score__belly=4, history__any=Reading(Priors((), True, NOW))), rules)
    assert (one, len(judged)) == (other, 1)


def test_what_a_rule_can_tell_apart_is_judged_by_itself(monkeypatch):
    rules, judged = rules_of("belly", "safe-adult", "safe-done"), fresh_only(monkeypatch)
    for facts in ({}, {"age": "18 years"}, {"score__belly": 2}, {"complete": False}, {"score__belly": (2, 5)}):
        judge(exam(CT), child(**facts), rules)
    judge(exam("CT abdomen+pelvis without and with contrast"), child(), rules)
    assert len(judged) == 6


def test_earlier_exams_are_told_apart_by_what_is_asked_of_them(monkeypatch):
    rules, judged = rules_of("belly", "safe-done"), fresh_only(monkeypatch)
    said = [
        judge(exam(CT), child(history__any=Reading(Priors((prior("US abdomen", hours),), True, NOW))), rules)
        for hours in (1, 47, 49, 90)
    ]
    assert len(judged) == 2
    assert said[0].findings == said[1].findings != said[2].findings == said[3].findings


def test_a_remembered_judgement_tells_this_child_s_evidence():
    rules = rules_of("belly")
    for text in ("Score 5 in March", "Score 5 in May"):
        reading = child(score__belly=5)["score.belly"]
        facts = child(score__belly=Reading(reading.value, (Evidence(text),)))
        assert judge(exam(CT), facts, rules).findings[0].evidence == (Evidence(text),)


def test_every_verdict_is_told_though_some_are_remembered():
    rules = rules_of("belly", "head")
    judge(exam(CT), child(), rules)
    assert {one.rule for one in judge(exam(CT), child(), rules, want_all=True).verdicts} == {"belly", "head"}
    assert {one.rule for one in judge(exam(CT), child(), rules).verdicts} == {"belly"}


def test_a_silent_order_is_remembered_too(monkeypatch):
    rules, judged = rules_of("belly"), fresh_only(monkeypatch)
    assert [judge(exam(CT), child(reasons=()), rules).verdicts for _ in range(2)] == [(), ()]
    assert len(judged) == 1


def test_each_exam_of_the_history_is_evidence_where_the_history_is_the_matter():
    items = tuple(prior(CT, hours) for hours in (1, 2, 3, 4))
    facts = GivenFacts({"history.any": Reading(Priors(items), (Evidence("first"), *items[0].evidence))})
    assert [one.text for one in evidence(Basis(("history.any",), 5, each_prior=True), facts)] == [
        f"{CT} 1",
        f"{CT} 2",
        f"{CT} 3",
        f"{CT} 4",
        "first",
    ]
    assert evidence(Basis(("history.any", "sign.fever"), 1), facts) == (Evidence("first"),)


def asked_of(facts, *names):
    watched = Replay().watched(facts)
    for name in names:
        assert watched[name] is facts[name]
    return watched


def test_facts_read_whole_that_are_to_be_asked_about_are_not_remembered():
    replay, order = Replay(), exam(CT)
    facts = child(score__belly=5)
    for name, lost in (("patient.age", True), ("history.any", True), ("score.belly", True), ("sign.fever", False)):
        watched = asked_of(facts, name)
        assert watched.lost is lost
        replay.keep(order, watched, name)
    assert replay.find(order, facts) == "sign.fever"


def test_nothing_asked_is_nothing_to_remember():
    replay = Replay()
    replay.keep(exam(CT), asked_of(child()), "judged")
    assert replay.find(exam(CT), child()) is None


def test_suspected_and_unknown_are_different_answers():
    replay, order = Replay(), exam(CT)
    replay.keep(order, asked_of(child(sign__fever=Reading(None)), "sign.fever"), "unknown")
    replay.keep(order, asked_of(child(sign__fever=Reading(None, suspected=True)), "sign.fever"), "suspected")
    assert replay.find(order, child(sign__fever=Reading(None, suspected=True))) == "suspected"
    assert replay.find(order, child()) == "unknown"
    assert replay.find(order, child(sign__fever=True)) is None


def test_only_what_rules_make_something_of_counts_as_recorded():
    replay, order = Replay(frozenset({"safety.shaky"})), exam(CT)
    watched = replay.watched(recorded(child(), {"sign.fever"}))
    assert watched.recorded == frozenset()
    replay.keep(order, watched, "calm")
    assert replay.find(order, recorded(child(), {"sign.severity"})) == "calm"
    assert replay.find(order, recorded(child(), {"safety.shaky"})) is None
    assert replay.find(order, recorded(child(), None)) is None


def test_memory_is_bounded_and_begins_anew():
    replay, order = Replay(room=2), exam(CT)
    for value in (True, False, None):
        replay.keep(order, asked_of(child(sign__fever=value), "sign.fever"), str(value))
    assert [replay.find(order, child(sign__fever=value)) for value in (True, False, None)] == [None, None, "None"]


def test_a_question_is_asked_once_and_by_its_first_answer():
    watched = Watched(child(sign__fever=True), lambda facts: facts.recorded)
    assert watched["sign.fever"].value is watched["sign.fever"].value is True
    assert watched.asked == {"sign.fever": True}
