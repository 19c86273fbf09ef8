"""What a state is set in: everything allowed and nothing urgent; and the facts of one order there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cds_service.content import Content
from cds_service.enumeration.states import World
from cds_service.facts.exams import Recognised
from cds_service.facts.order import extra_region, passes
from cds_service.rules.given import NOW, order_facts
from cds_service.rules.judge import WithDefinitions
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.facts import STATIC
from cds_service.vocabulary.readings import Age, Facts, Names, Priors, Reading

_TODAY = NOW.date()
_NINE_YEARS_AGO = _TODAY - timedelta(days=9 * 365 + 3)
CALM: Mapping[str, Reading] = {
    "patient.age": Reading(Age(_NINE_YEARS_AGO, _NINE_YEARS_AGO, _TODAY, _TODAY)),
    "order.priority": Reading(frozenset({"routine"})),
    "order.reason_given": Reading(frozenset({"yes"})),
    "setting.emergency": Reading(False),
    "setting.inpatient": Reading(False),
    "setting.ultrasound_available": Reading(True),
    "setting.mri_available": Reading(True),
    "setting.fast_mri_available": Reading(True),
    "setting.contrast_ultrasound_available": Reading(True),
    "sign.open_fontanelle": Reading(True),
    "history.same_exam": Reading(Priors((), True, NOW)),
    "history.pending_same_exam": Reading(Priors((), True, NOW)),
}
"""Where most advice is given: nothing forbids any exam."""


def world_of(content: Content) -> World:
    """What states of this content are made from."""
    direct = content.rules.broader
    lineage = {name: _lineage(name, direct) for name in content.reasons.reasons}
    read = frozenset(content.findings.facts) | STATIC.keys()
    regions = {name: one.regions for name, one in content.reasons.reasons.items()}
    return World(content.rules, content.facts, lineage, content.definitions, regions, read)


def _lineage(name: str, direct: Mapping[str, Sequence[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(direct.get(name, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(direct.get(one, ()))
    return frozenset(found)


def facts_of(order: Exam, given: Mapping[str, Reading], world: World) -> Facts:
    """The facts of *order* for a child of whom *given* is known."""
    names = given["order.reason"].value or Names(frozenset(), False)
    recognised = Recognised(order, str(order))
    more = {"order.extra_region": extra_region(recognised, names, world.regions), "order.passes": passes(order)}
    return WithDefinitions({**given, **order_facts(order), **more}, world.definitions)
