"""
What a topic's advice may cost the other reasons of an order.

Each topic advises for its own reasons. Here advice is held back that could take away an image which something else on
the order needs: a reason nobody speaks for, words that were not understood, a finding told beside the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

from cds_service.findings import Advice, Finding, Outcome, Verdict
from cds_service.rules.rule import RuleSet, Topic
from cds_service.rules.stand import Stand
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Names
from cds_service.vocabulary.regions import DIVISIONS, MASKS, mask

_EXCHANGES = frozenset({Advice.INSTEAD, Advice.PREFER})


def spoken_for(named: Names, spoken_of: Iterable[Iterable[str]], broader: Mapping[str, tuple[str, ...]]) -> bool:
    """
    Whether every reason *named* was understood and is one *spoken_of*, a kind of one, or what another of them implies.

    *broader* maps a reason to those it also is.
    """
    if not named.complete:
        return False
    spoken = {reason for reasons in spoken_of for reason in reasons}
    implied = {broad for reason in named.values for broad in broader.get(reason, ())}
    return all(
        reason in spoken or not spoken.isdisjoint(broader.get(reason, ())) or reason in implied
        for reason in named.values
    )


def minded(advised: Sequence[tuple[Stand, Verdict]], order: Exam, named: Names, rules: RuleSet) -> Iterator[Verdict]:
    """What topics *advised*, each where the order stands in it, without what another reason speaks against."""
    spoken = spoken_for(named, [_answered(one) for one, _ in advised if one.judged], rules.broader)
    needless = spoken and not named.more
    exchanged = not named.asked and (spoken or order.ionizing)
    for one, verdict in advised:
        held = _held(verdict, needless=needless, exchanged=exchanged)
        if held.finding is not None and held.finding.advice in (*_EXCHANGES, Advice.NO_IMAGING):
            yield _whole(held, held.finding, _left_out(one.topic, order, named, rules))
        else:
            yield held


def _answered(one: Stand) -> Iterable[str]:
    """The reasons a topic speaks for where the order stands in it: its own, and those that make it this situation."""
    return one.topic.reasons.union(*(one.topic.variants[place].reasons for place in one.judged))


def _held(verdict: Verdict, *, needless: bool, exchanged: bool) -> Verdict:
    """
    The verdict, silent where the order may not be called *needless*, or *exchanged* for another exam.

    Of a reason nobody speaks for, or a finding told beside it, nothing says that it needs no image. An exam without
    radiation may be the very one the other reason asks for, and any exam what a question that was not understood does.
    """
    advice = verdict.finding.advice if verdict.finding is not None else None
    if not ((advice is Advice.NO_IMAGING and not needless) or (advice in _EXCHANGES and not exchanged)):
        return verdict
    return replace(verdict, outcome=Outcome.SILENT, finding=None, why="another reason of the order may need the exam")


def _whole(verdict: Verdict, finding: Finding, left_out: int) -> Verdict:
    """
    The verdict without exams that do not reach what is *left_out*, a mask of regions another reason is about.

    A chest radiograph is no answer to an order for chest and abdomen when the abdomen hurts too.
    """
    if not left_out:
        return verdict
    kept = [one for one in finding.alternatives if one.exam.mask & left_out]
    if len(kept) == len(finding.alternatives) and finding.advice is not Advice.NO_IMAGING:
        return verdict
    if not kept:
        why = "another reason of the order is about a region it covers"
        return replace(verdict, outcome=Outcome.SILENT, finding=None, why=why)
    offered = tuple(replace(one, recommended=place == 0) for place, one in enumerate(kept))
    return replace(verdict, finding=replace(finding, alternatives=offered, because=kept[0].because or finding.because))


def _left_out(topic: Topic, order: Exam, named: Names, rules: RuleSet) -> int:
    """The mask of what the order covers for other reasons than the topic's; 0 where the topic's own is not known."""
    own, others = 0, 0
    for reason in named.values:
        region = mask(rules.regions.get(reason, ()))
        if reason in topic.reasons or not topic.reasons.isdisjoint(rules.broader.get(reason, ())):
            own |= region
        else:
            others |= region
    left_out = others & order.mask & ~own
    if not named.complete:  # what was not understood may be about a division nobody spoke of
        untouched = (MASKS[one] for one in DIVISIONS if not MASKS[one] & ~order.mask and not MASKS[one] & own)
        left_out = reduce(or_, untouched, left_out)
    return left_out if own else 0
