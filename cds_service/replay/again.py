"""One decision judged again under a content: each order, what was said then, and what would be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cds_service.content import Content
from cds_service.errors import PhraseError
from cds_service.facts.recorded import RecordedFacts
from cds_service.findings import Verdict
from cds_service.noting import verdict
from cds_service.rules.judge import judge
from cds_service.storage.reading import Kept
from cds_service.vocabulary.exams import exam

Said = Mapping[str, Any]
"""One rule's verdict, as decisions keep it."""

_VERSION = "version"


class Order(NamedTuple):
    """One order judged again; ``judged`` is None when its facts are no longer kept. ``left`` nobody read then."""

    exam: str
    then: Sequence[Said]
    judged: Sequence[Verdict] | None
    left: frozenset[str] = frozenset()

    @property
    def now(self) -> list[Said]:
        """What would be said."""
        return [verdict(one) for one in self.judged or ()]

    def differences(self) -> Iterator[tuple[str, Said | None, Said | None]]:
        """Each rule that says something else, with what it said and would say; None where it said nothing."""
        if self.judged is None:
            return
        then, now = ({str(one["rule"]): one for one in said} for said in (self.then, self.now))
        for rule in dict.fromkeys((*then, *now)):
            if _matter(then.get(rule)) != _matter(now.get(rule)):
                yield rule, then.get(rule), now.get(rule)


def judged_again(kept: Kept, content: Content) -> list[Order]:
    """The orders of a decision, judged by *content* on the facts of then."""
    return [_order(order, kept.facts.get(order.get("facts", "")), content) for order in kept.orders]


def _order(order: Mapping[str, Any], facts: Mapping[str, Any] | None, content: Content) -> Order:
    then = order["verdicts"]
    if facts is None:
        return Order(order["exam"], then, None)
    try:
        ordered = exam(order["exam"])
    except PhraseError:
        return Order(order["exam"], then, None)
    read = RecordedFacts(facts, ordered, content.definitions)
    return Order(order["exam"], then, judge(ordered, read, content.rules).verdicts, read.left)


def _matter(said: Said | None) -> dict[str, Any] | None:
    """What of a verdict makes a difference to anybody; a rule that does not apply says nothing."""
    if said is None or said["outcome"] in ("out", "silent"):
        return None
    return {name: value for name, value in said.items() if name not in (_VERSION, "unknown")}
