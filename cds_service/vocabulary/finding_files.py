"""
Finding files: YAML into facts and the codes that speak about them.

A file holds ``facts``, each with its meaning, kind and codes; a site's file may name a shipped fact
again, without a kind, to add codes, texts and link ids to it. The format is in
``rules/codes/findings/README.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from cds_service.errors import PhraseError, Problem
from cds_service.vocabulary import finding_words as words
from cds_service.vocabulary.facts import Fact, Kind
from cds_service.vocabulary.finding_facts import ALWAYS, ENCOUNTER, FLAG_ANSWERS, FindingFact, Role, Sign, Value
from cds_service.vocabulary.finding_words import remedy
from cds_service.vocabulary.readings import Interval
from cds_service.yaml_source import Block, Items, Text, line_of

T = TypeVar("T")

KINDS: Final = {"flag": Kind.FLAG, "number": Kind.NUMBER, "choice": Kind.CHOICE}
READ: Final = frozenset(("Observation", "QuestionnaireResponse", "Condition", "Encounter"))
RESOURCES: Final = READ | {"Device", "AllergyIntolerance", "MedicationRequest", "Flag", "Procedure"}

_ROLES: Final = {role.value: role for role in Role if role not in (Role.VALUE, Role.AT_SITE)}
_CODES: Final = frozenset(("texts", "link_ids", "value", "answer", "at_site", "words", "except_words", *_ROLES))
_LASTING: Final = ("lasts", "conditions_last", "absent_lasts")
_SWITCHES: Final = ("after_injury", "sensitive", "time_since")
_ENUMS: Final[Mapping[str, frozenset[str]]] = {
    "worse": frozenset(("present", "absent", "low", "high")),
    "take": frozenset(("newest", "lowest", "highest")),
    "from_device": frozenset(("label", "any")),
    "severity": frozenset(("reaction",)),
}
_HEAD: Final = frozenset(("meaning", "kind", "unit", "range", "choices", "answers", "read", "note")) | {
    *("units", "measured", "computed"),
    *_LASTING,
    *_SWITCHES,
    *_ENUMS,
}

TEXT, LINK_ID = "text", "link_id"
"""Stand in for a code system where a text or a form's link id does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code as a file lists it: which fact, in which role, with which value or sites."""

    fact: str
    role: Role
    system: str
    code: Text
    value: Value | Sign | None = None
    sites: Mapping[str, Mapping[str, Value | Sign]] = field(default_factory=dict)


@dataclass(slots=True)
class Drafts:
    """Everything read so far, and every problem."""

    systems: Mapping[str, tuple[str, ...]]
    problems: list[Problem]
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    phrases: list[tuple[str, str, str, Value | Sign]] = field(default_factory=list)
    answers: dict[str, dict[tuple[str, str], Value | Sign]] = field(default_factory=dict)
    excepted: dict[str, list[str]] = field(default_factory=dict)
    file: str = ""

    def wrong(self, node: Any, trouble: str, remedy: str = "") -> None:
        """Note a problem at the line of *node*."""
        self.problems.append(Problem(self.file, line_of(node), trouble, remedy))

    def tried(self, node: Any, read: Callable[..., T], *given: Any) -> T | None:
        """What *read* makes of its arguments; None and a problem when it can't."""
        try:
            return read(*given)
        except PhraseError as error:
            self.wrong(node, *str(error).split("; ", 1))
            return None


def read_file(drafts: Drafts, block: Any) -> None:
    """Add the facts of one file to *drafts*."""
    facts = block.get(Text("facts")) if isinstance(block, Block) else None
    if not isinstance(facts, Block):
        drafts.wrong(block, "a finding file needs facts", "write facts: and one block for each fact")
        return
    for name, fact in facts.items():
        if isinstance(fact, Block):
            _read_fact(drafts, name, fact)
        else:
            drafts.wrong(name, f"{name} must be a block", "give it a meaning and a kind")


def _read_fact(drafts: Drafts, name: Text, block: Block) -> None:
    for key in block:
        if key not in _HEAD and key not in _CODES:
            drafts.wrong(key, f"{key} is not a field of a finding", remedy(key, _HEAD | _CODES))
    if Text("kind") in block:
        if str(name) in drafts.facts:
            drafts.wrong(name, f"{name} is defined twice", "leave out kind to add codes to it")
            return
        drafts.facts[str(name)] = _head(drafts, name, block)
    elif str(name) not in drafts.facts:
        drafts.wrong(name, f"{name} has no kind", "write kind: flag, number or choice; or name a shipped fact")
        return
    _codes(drafts, str(name), block)


def _head(drafts: Drafts, name: Text, block: Block) -> dict[str, Any]:
    kind = KINDS.get(str(block[Text("kind")]))
    if kind is None:
        drafts.wrong(name, f"{block[Text('kind')]} is not a kind", remedy(str(block[Text("kind")]), KINDS))
        kind = Kind.FLAG
    if not block.get(Text("meaning")):
        drafts.wrong(name, f"{name} has no meaning", "say in one sentence what it is")
    head: dict[str, Any] = {
        "kind": kind,
        "choices": tuple(map(str, block.get(Text("choices")) or ())),
        "meaning": str(block.get(Text("meaning")) or ""),
        "unit": str(block.get(Text("unit")) or ""),
        "worse": "present" if kind is Kind.FLAG else "",
    }
    if kind is Kind.CHOICE and not head["choices"]:
        drafts.wrong(name, f"{name} has no choices", "list them, the least worrying first")
    if kind is Kind.NUMBER and Text("range") not in block:
        drafts.wrong(name, f"{name} has no range", "write the smallest and the largest value that can be true")
    for key, node in block.items():
        found = _field(drafts, key, node)
        if found is not None:
            head[str(key)] = found
    head["answers"] = _answers(drafts, head, block.get(Text("answers")))
    head.setdefault("conditions_last", ALWAYS if head.get("lasts") == ALWAYS else ENCOUNTER)
    return head


def _field(drafts: Drafts, key: Text, node: Any) -> Any:
    if key in _LASTING:
        return drafts.tried(key, words.lasting, node)
    if key in _SWITCHES:
        return node is True
    if key in _ENUMS:
        if str(node) in _ENUMS[key]:
            return str(node)
        drafts.wrong(key, f"{node} is not a word for {key}", remedy(str(node), _ENUMS[key]))
    if key == "range":
        return drafts.tried(key, lambda: words.bounds(f"{node[0]} to {node[1]}")) if _pair(node) else None
    if key == "read":
        return _resources(drafts, key, node)
    if key == "measured":
        return drafts.tried(key, words.measured, node)
    if key == "computed":
        return drafts.tried(key, words.computed, node)
    if key == "units" and isinstance(node, Block):
        return {str(unit): drafts.tried(unit, words.number, factor) or 1.0 for unit, factor in node.items()}
    return None


def _pair(node: Any) -> bool:
    return isinstance(node, Items) and len(node) == 2


def _resources(drafts: Drafts, key: Text, node: Any) -> frozenset[str]:
    found = frozenset(map(str, node)) if isinstance(node, Items) else frozenset()
    for unknown in sorted(found - RESOURCES):
        drafts.wrong(key, f"{unknown} is not a resource we read findings from", remedy(unknown, RESOURCES))
    return found


def _answers(drafts: Drafts, head: Mapping[str, Any], node: Any) -> dict[Sign, Value]:
    answers: dict[Sign, Value] = dict(FLAG_ANSWERS) if head["kind"] is Kind.FLAG else {}
    for key, word in node.items() if isinstance(node, Block) else ():
        asked = drafts.tried(key, words.sign, str(key))
        found = drafts.tried(key, words.value, str(word), head["kind"], head["choices"])
        if asked is not None and found is not None and not isinstance(found, Sign):
            answers[asked] = found
    if head["kind"] is Kind.CHOICE and Sign.NO in answers:
        answers.setdefault(Sign.NORMAL, answers[Sign.NO])
    return answers


def _codes(drafts: Drafts, name: str, block: Block) -> None:
    head = drafts.facts[name]
    for key, system in (("texts", TEXT), ("link_ids", LINK_ID)):
        for text in block.get(Text(key)) or ():
            drafts.entries.append(Entry(name, Role.QUESTION, system, text))
    for key, role in _ROLES.items():
        for system, code in _listed(drafts, block.get(Text(key))):
            drafts.entries.append(Entry(name, role, system, code))
    for key in ("value", "answer"):
        for found, node in _worded(drafts, head, block.get(Text(key))):
            for system, code in _listed(drafts, node):
                if key == "value" or system == LINK_ID:
                    drafts.entries.append(Entry(name, Role.VALUE, system, code, found))
                if system != LINK_ID:
                    drafts.answers.setdefault(name, {})[system, str(code)] = found
    for item in block.get(Text("at_site")) or ():
        _at_site(drafts, name, item)
    for found, node in _worded(drafts, head, block.get(Text("words"))):
        for resource, phrase in _listed(drafts, node, RESOURCES):
            drafts.phrases.append((name, resource, str(phrase).lower(), found))
    drafts.excepted.setdefault(name, []).extend(str(word).lower() for word in block.get(Text("except_words")) or ())


def _worded(drafts: Drafts, head: Mapping[str, Any], node: Any) -> Iterator[tuple[Value | Sign, Any]]:
    for word, inner in node.items() if isinstance(node, Block) else ():
        found = drafts.tried(word, words.value, str(word), head["kind"], head["choices"])
        if found is not None:
            yield found, inner


def _at_site(drafts: Drafts, name: str, item: Any) -> None:
    if not isinstance(item, Block) or set(item) != {"codes", "sites"}:
        drafts.wrong(item, "at_site needs codes and sites", "see the README beside the shipped files")
        return
    sites: dict[str, dict[str, Value | Sign]] = {}
    for found, node in _worded(drafts, drafts.facts[name], item[Text("sites")]):
        for system, code in _listed(drafts, node):
            for uri in drafts.systems.get(system, (system,)):
                sites.setdefault(uri, {})[str(code)] = found
    for system, code in _listed(drafts, item[Text("codes")]):
        drafts.entries.append(Entry(name, Role.AT_SITE, system, code, sites=sites))


def _listed(drafts: Drafts, node: Any, legal: frozenset[str] | None = None) -> Iterator[tuple[str, Text]]:
    """Each code with its system, of a block of systems and lists."""
    if node is None:
        return
    if not isinstance(node, Block):
        drafts.wrong(node, "codes stand below their system", "write for example snomed: [422400008]")
        return
    known = legal or frozenset((TEXT, LINK_ID, *drafts.systems))
    for system, codes in node.items():
        if system not in known and (legal or ":" not in system):
            drafts.wrong(system, f"{system} is not a code system", remedy(system, known) + " or write its address")
        elif not isinstance(codes, Items):
            drafts.wrong(system, f"the codes of {system} must be a list", "write them in brackets")
        else:
            yield from ((str(system), code) for code in codes if isinstance(code, Text))


def finding(name: str, head: Mapping[str, Any], drafts: Drafts) -> FindingFact:
    """The finished fact of its *head* and the answers gathered from all files."""
    coded: dict[str, dict[str, Value | Sign]] = {}
    said: dict[str, Value | Sign] = {choice.replace("-", " "): frozenset((choice,)) for choice in head["choices"]}
    for (system, code), found in drafts.answers.get(name, {}).items():
        if system == TEXT:
            said[code.lower()] = found
        for uri in drafts.systems.get(system, (system,)):
            coded.setdefault(uri, {})[code] = found
    same = ("lasts", "conditions_last", "absent_lasts", "after_injury", "sensitive", "worse", "take", "answers")
    more = ("from_device", "time_since", "units", "measured", "computed", "choices")
    return FindingFact(
        name,
        Fact(name, head["kind"], head["meaning"], unit=head["unit"], choices=frozenset(head["choices"])),
        range=head.get("range") or Interval(0.0, 0.0),
        read=head.get("read") or READ,
        severity=bool(head.get("severity")),
        coded_answers=coded,
        said_answers=said,
        except_words=tuple(drafts.excepted.get(name, ())),
        **{key: head[key] for key in (*same, *more) if key in head},
    )
