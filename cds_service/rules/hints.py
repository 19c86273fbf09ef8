"""
What a block hangs on, read off its text: which findings and which reasons could make it hold.

All lines of a block must hold. A line that asks only about findings and reasons cannot hold
for a child of whom none of these findings is recorded and whose order names none of these
reasons; the rule need not be asked then. Anything else a line asks makes it open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cds_service.rules.criteria import GROUPS
from cds_service.yaml_source import Block, Text

_FINDINGS = ("sign.", "safety.", "score.", "exam.")
REASON = "order.reason"


class Hint(NamedTuple):
    """What one line hangs on. ``open`` when something else could make it hold too."""

    findings: frozenset[str]
    reasons: frozenset[str]
    open: bool


Hints = tuple[Hint, ...]
_NOTHING = Hint(frozenset(), frozenset(), False)
_OPEN = Hint(frozenset(), frozenset(), True)


def hints(block: Any, made: Mapping[str, Hint], skip: Iterable[str] = ()) -> Hints:
    """
    One hint for each line of *block* that is not open; *made* are those of defined facts.

    >>> from cds_service.yaml_source import read
    >>> hints(read("order.modality: CT\\nany: [{sign.fever: present}, {order.reason: a}]", file="x"), {})
    (Hint(findings=frozenset({'sign.fever'}), reasons=frozenset({'a'}), open=False),)
    """
    if not isinstance(block, Block):
        return ()
    lines = (_line(key, wanted, made) for key, wanted in block.items() if key not in skip)
    return tuple(line for line in lines if not line.open)


def could_hold(lines: Hints, recorded: frozenset[str] | set[str], reasons: frozenset[str]) -> bool:
    """Whether a block with these hints could hold; it is asked only then."""
    return all(not recorded.isdisjoint(line.findings) or not reasons.isdisjoint(line.reasons) for line in lines)


def _line(key: Text, wanted: Any, made: Mapping[str, Hint]) -> Hint:
    if key == "none":
        return _OPEN
    if key in GROUPS:
        return _join(_block(block, made) for block in (wanted if isinstance(wanted, list) else ()))
    if key == REASON:
        words = wanted if isinstance(wanted, list) else [wanted]
        return Hint(frozenset(), frozenset(map(str, words)), False)
    if key in made:
        return made[key]
    return Hint(frozenset({str(key)}), frozenset(), False) if key.startswith(_FINDINGS) else _OPEN


def _block(block: Any, made: Mapping[str, Hint]) -> Hint:
    """A block inside a group holds only if each of its lines does: its most telling line will do."""
    lines = hints(block, made)
    return min(lines, key=lambda line: len(line.findings) + len(line.reasons)) if lines else _OPEN


def _join(parts: Iterable[Hint]) -> Hint:
    joined = _NOTHING
    for part in parts:
        joined = Hint(joined.findings | part.findings, joined.reasons | part.reasons, joined.open or part.open)
    return joined


def of_definitions(blocks: Iterable[Any]) -> dict[str, Hint]:
    """The hints of defined facts, from the YAML of their definitions; open where one leads back to itself."""
    bodies = {str(one.get(Text("fact"))): one for one in blocks if isinstance(one, Block)}
    unsettled = dict.fromkeys(bodies, _OPEN)
    made: dict[str, Hint] = {}

    def settle(fact: str, above: frozenset[str]) -> None:
        for name in _names(bodies[fact]) & bodies.keys() - above:
            settle(name, above | {name})
        made[fact] = _defined(
            fact, bodies[fact], {**unsettled, **made, fact: Hint(frozenset({fact}), frozenset(), False)}
        )

    for fact in bodies:
        if fact not in made:
            settle(fact, frozenset({fact}))
    return made


def _names(node: Any) -> set[str]:
    """Every key in a block and below it."""
    if isinstance(node, Block):
        return {str(key) for key in node}.union(*(_names(value) for value in node.values()))
    return set().union(*(_names(one) for one in node)) if isinstance(node, list) else set()


def _defined(fact: str, body: Block, made: Mapping[str, Hint]) -> Hint:
    values = body.get(Text("values"))
    blocks = [one.get(Text("when")) for one in values] if isinstance(values, list) else [body.get(Text("when"))]
    own = Hint(frozenset({fact}), frozenset(), False)
    return _join([own, *(_all_of(block, made) for block in blocks)])


def _all_of(block: Any, made: Mapping[str, Hint]) -> Hint:
    """Everything a block asks: a defined choice is known by any of it, whether the block holds or not."""
    if not isinstance(block, Block):
        return _OPEN
    return _join(
        _join(_all_of(one, made) for one in wanted)
        if key in GROUPS and isinstance(wanted, list)
        else _line(key, wanted, made)
        for key, wanted in block.items()
    )
