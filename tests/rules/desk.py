"""A small vocabulary and small rules, enough to try every path of the rules package."""

from datetime import date
from types import SimpleNamespace

from cds_service.findings import Citation
from cds_service.rules.given import NOW, order_facts
from cds_service.rules.judge import WithDefinitions, judge
from cds_service.rules.metadata import Desk
from cds_service.rules.ruleset import build, parse
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.facts import STATIC, Fact, Kind
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import Age, Interval, Names, Priors, Reading

FACTS = {
    **STATIC,
    "sign.fever": Fact("sign.fever", Kind.FLAG, "Fever."),
    "score.belly": Fact("score.belly", Kind.NUMBER, "A score.", unit="points"),
    "sign.severity": Fact("sign.severity", Kind.CHOICE, "How bad.", choices=frozenset({"mild", "severe"})),
    "safety.shaky": Fact("safety.shaky", Kind.FLAG, "Unstable."),
}
REASONS = frozenset({"belly-ache", "sore-head", "other-thing", "bad-belly"})
FACTS["order.reason"] = FACTS["order.reason"]._replace(choices=REASONS)
BROADER = {"bad-belly": ("belly-ache",), "belly-ache": (), "sore-head": (), "other-thing": ()}
SOURCES = {name: Citation(name, f"The {name} guideline", "2020") for name in ("guide", "other-guide")}

COMMON = """
kind: {kind}
title: {title}
status: active
version: 1
effective: {{from: 2020-01-01, to: null}}
review: {{last: 2026-01-01, due: 2030-01-01, by: Nobody}}
rationale: Because.
sources: [guide]
changes: [{{version: 1, on: 2026-01-01, by: Nobody, change: First.}}]
"""

BELLY = (
    COMMON.format(kind="appropriateness", title="Belly ache")
    + """
id: belly
thresholds:
  covered: {value: 18 years, allowed: [16 years, 21 years], meaning: Younger patients are covered.}
  low: {value: 3 points, allowed: [2 points, 4 points], meaning: Low risk up to here.}
  high: {value: 7 points, allowed: [6 points, 8 points], meaning: High risk from here.}
applies_to: {order.reason: belly-ache, patient.age: {below: covered}}
unless:
  - {because: It is a bad belly., order.reason: bad-belly}
variants:
  - id: low
    situation: Low risk
    when: {score.belly: {at_most: low}}
    source: guide
    no_imaging: At low risk no imaging is needed now.
    ratings: {usually not appropriate: [US abdomen, CT abdomen+pelvis with contrast, CT abdomen+pelvis without and with contrast]}
  - id: middle
    situation: Middle risk
    when: {score.belly: {above: low, below: high}}
    source: guide
    ratings:
      usually appropriate: [US abdomen, US right-lower-quadrant]
      may be appropriate: [CT abdomen+pelvis with contrast, MR abdomen+pelvis without contrast]
      usually not appropriate: [CT abdomen+pelvis without and with contrast]
  - id: high
    situation: High risk
    when: {score.belly: {at_least: high}}
    source: guide
    ratings:
      may be appropriate: [US abdomen, CT abdomen+pelvis with contrast]
      usually not appropriate: [CT abdomen+pelvis without and with contrast]
  - id: after-ultrasound
    situation: Ultrasound did not settle it
    follows: history.abdominal_ultrasound
    source: guide
    ratings:
      usually appropriate: [CT abdomen+pelvis with contrast, MR abdomen+pelvis without contrast]
      may be appropriate: [US abdomen]
      usually not appropriate: [CT abdomen+pelvis without and with contrast]
if_unknown: ask
questions: {score.belly: What is the belly score?}
card: {override_reasons: [clinical-judgement]}
examples:
  - name: Nothing else known
    order: CT abdomen+pelvis with contrast
    facts: {order.reason: [belly-ache], patient.age: 9 years, history.abdominal_ultrasound: none, history.any: none}
    expect: info
    offers: [US right-lower-quadrant]
"""
)

HEAD = (
    COMMON.format(kind="appropriateness", title="Sore head")
    + """
id: head
applies_to: {order.reason: sore-head}
variants:
  - id: feverish
    situation: Fever with it
    when: {sign.fever: present}
    source: guide
    ratings:
      usually appropriate: [MR head without contrast]
      may be appropriate: [CT head without contrast]
      usually not appropriate: [CT head without and with contrast]
  - id: plain
    situation: No fever
    when: {sign.fever: absent}
    source: guide
    no_imaging: No imaging is needed.
    ratings: {usually not appropriate: [MR head without contrast, CT head without contrast]}
if_unknown: ask
card: {override_reasons: [clinical-judgement]}
examples:
  - {name: Fever, order: CT head without contrast, facts: {order.reason: sore-head, sign.fever: present, history.any: none}, expect: info}
"""
)

PASSES = (
    COMMON.format(kind="check", title="More than one phase")
    + """
id: passes
thresholds:
  two: {value: 2 passes, meaning: More than one pass.}
when: {order.modality: CT, order.passes: {at_least: two}}
unless:
  - {because: A lesion is characterised., order.reason: other-thing}
advice: fewer-passes
alternatives: single-pass
wanted: [{reasons: [belly-ache], contrast: with, source: guide}]
card: {indicator: warning, situation: Two phases., because: One is enough., override_reasons: [clinical-judgement]}
examples:
  - {name: Two, order: CT abdomen+pelvis without and with contrast, facts: {order.reason: belly-ache}, expect: warning, offers: [CT abdomen+pelvis with contrast]}
  - {name: One, order: CT abdomen+pelvis with contrast, but: {}, expect: silence}
"""
)

WIDTH = (
    COMMON.format(kind="check", title="More regions than asked")
    + """
id: width
when: {order.modality: CT, order.extra_region: [chest, head]}
advice: narrower-exam
alternatives: needed-regions
card: {indicator: info, situation: Chest was not asked about., because: Scan the question., override_reasons: []}
examples:
  - {name: Chest too, order: CT chest+abdomen+pelvis with contrast, facts: {order.extra_region: [chest]}, expect: info, offers: [CT abdomen+pelvis with contrast]}
"""
)

ADULT = (
    COMMON.format(kind="safety", title="Adults")
    + """
id: safe-adult
thresholds:
  limit: {value: 18 years, allowed: [18 years, 21 years], meaning: Silent from here.}
when: {patient.age: {at_least: limit}}
unknown: acts
effect: {silence: all}
because: Not a child, or the age is not known.
examples: [{name: Adult, order: CT head, facts: {patient.age: 18 years}, expect: silences}]
"""
)

SHAKY = (
    COMMON.format(kind="safety", title="Unstable")
    + """
id: safe-shaky
when: {safety.shaky: present}
effect: {silence: appropriateness}
because: The child is unstable.
examples: [{name: Shaky, order: CT head, facts: {safety.shaky: suspected}, expect: silences}]
"""
)

DONE = (
    COMMON.format(kind="safety", title="Ultrasound done")
    + """
id: safe-done
thresholds:
  recent: {value: 48 hours, allowed: [6 hours, 7 days], meaning: This recent counts as done.}
when: {alternative.modality: US, alternative.done: {within: recent}}
effect: {remove: [US]}
because: Ultrasound was already done.
examples: [{name: Done, order: CT head, facts: {alternative.modality: US, alternative.done: 5 hours ago}, expect: removes}]
"""
)

ALL = {
    "belly": BELLY,
    "head": HEAD,
    "passes": PASSES,
    "width": WIDTH,
    "safe-adult": ADULT,
    "safe-shaky": SHAKY,
    "safe-done": DONE,
}


def desk(**more):
    return Desk(FACTS, SOURCES, date(2026, 3, 2), [], {}, frozenset({"clinical-judgement"}))._replace(**more)


def rules_of(*names, run_examples=True, tuned=None, **texts):
    """The rules named, of ALL or given as text."""
    wanted = {name: ALL[name] for name in names} | {name.replace("_", "-"): text for name, text in texts.items()}
    problems = []
    parsed = parse({f"rules/{name}.yaml": text.encode() for name, text in wanted.items()}, problems)
    return build(parsed, desk(problems=problems), broader=BROADER, run_examples=run_examples, tuned=tuned)


def child(order="CT abdomen+pelvis with contrast", *, reasons=("belly-ache",), complete=True, age="9 years", **facts):
    """Facts of one child and order; double underscores in names stand for dots."""
    length = span(age)
    born = length.before(NOW).date()
    today = NOW.date()
    given = {
        **order_facts(exam(order)),
        "order.reason": Reading(Names(frozenset(reasons), complete)),
        "patient.age": Reading(Age(born, born, today, today)),
        "history.any": Reading(Priors((), True, NOW)),
        "history.abdominal_ultrasound": Reading(Priors((), True, NOW)),
    }
    for name, value in facts.items():
        given[name.replace("__", ".")] = value if isinstance(value, Reading) else reading(value)
    return WithDefinitions(given, {})


def reading(value):
    if isinstance(value, bool) or value is None:
        return Reading(value)
    if isinstance(value, int | float):
        return Reading(Interval(value, value))
    if isinstance(value, tuple):
        return Reading(Interval(*value))
    return Reading(frozenset({value}))


def says(rules, order="CT abdomen+pelvis with contrast", **facts):
    """What the rules say on an order, as (advice, indicator, exams offered) of the first finding, or None."""
    judged = judge(exam(order), child(order, **facts), rules)
    if not judged.findings:
        return None
    first = judged.findings[0]
    return SimpleNamespace(
        advice=first.advice.name,
        indicator=first.indicator.value,
        exams=[str(one.exam) for one in first.alternatives],
        finding=first,
        all=[finding.advice.name for finding in judged.findings],
    )
