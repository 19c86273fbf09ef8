"""
Which codes, texts and form questions speak about which finding, in one index.

Lookups are what the reader of a record does thousands of times a call: a dictionary for the code
system, one for the code. ICD-10-CM codes are found by their beginning, the longest listed one first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cds_service import yaml_source
from cds_service.courtesy import unhurried
from cds_service.errors import ContentError, Problem
from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.finding_facts import ALWAYS, Assertion, FindingFact, Role, Sign, Value
from cds_service.vocabulary.finding_files import LINK_ID, TEXT, Drafts, Entry, finding, read_file
from cds_service.vocabulary.finding_words import remedy, sign
from cds_service.yaml_source import Block, Text

SYSTEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "loinc": ("http://loinc.org", "https://loinc.org", "http://loinc.org/", "urn:oid:2.16.840.1.113883.6.1"),
    "snomed": ("http://snomed.info/sct", "https://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96"),
    "icd10cm": (
        "http://hl7.org/fhir/sid/icd-10-cm",
        "https://hl7.org/fhir/sid/icd-10-cm",
        "urn:oid:2.16.840.1.113883.6.90",
    ),
    "rxnorm": ("http://www.nlm.nih.gov/research/umls/rxnorm", "urn:oid:2.16.840.1.113883.6.88"),
    "ncit": ("urn:oid:2.16.840.1.113883.3.26.1.1", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"),
    "dcm": ("http://dicom.nema.org/resources/ontology/DCM", "urn:oid:1.2.840.10008.2.16.4"),
    "interpretation": (
        "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
        "http://hl7.org/fhir/v2/0078",
        "http://terminology.hl7.org/CodeSystem/v2-0078",
    ),
}
"""Short names of code systems, and every address a record may write for each."""

_UNREAD: Final = frozenset((Role.SUPPORTING, Role.LOOKALIKE))
_HINTS: Final = frozenset((Role.PROXY, Role.HISTORY))
_LETTERED: Final = "STVWXY"
_FIRST_VISIT: Final = "ABC"
_KEPT: Final = 20_000
LONGEST_TEXT: Final = 120

Assertions = tuple[Assertion, ...]
Find = Callable[[str], Assertions | None]


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """
    A text as it is compared: its beginning in small letters, single spaces, no question mark.

    >>> plain("Loss of  Consciousness?")
    'loss of consciousness'
    """
    return " ".join(text[:longest].lower().split()).rstrip("?:. ")


class Beginnings:
    """Codes found by how they begin: for every fact the longest listed beginning counts."""

    def __init__(self) -> None:
        self._listed: dict[str, list[Assertion]] = {}
        self._found: dict[str, Assertions] = {}

    def add(self, code: str, assertion: Assertion) -> None:
        """List one beginning."""
        self._listed.setdefault(code.replace(".", "").upper(), []).append(assertion)

    def find(self, code: str) -> Assertions | None:
        """
        What *code* says; follow-up codes of an injury say nothing about today.

        The seventh character of injuries and their causes tells the first visit (A, B, C) from later ones.
        """
        found = self._found.get(code)
        if found is None:
            found = self._search(code.replace(".", "").upper())
            if len(self._found) < _KEPT:
                self._found[code] = found
        return found

    def _search(self, code: str) -> Assertions:
        best: dict[str, list[Assertion]] = {}
        for end in range(1, min(len(code), 8) + 1):
            for name, group in _by_fact(self._listed.get(code[:end], ())).items():
                best[name] = group
        found = [one for group in best.values() for one in group if one.role not in _UNREAD]
        if code[:1] in _LETTERED and len(code) == 7 and code[6] not in _FIRST_VISIT:
            found = [one for one in found if one.role is not Role.ONSET and one.fact.conditions_last == ALWAYS]
        return tuple(found)


def _by_fact(assertions: Iterable[Assertion]) -> dict[str, list[Assertion]]:
    groups: dict[str, list[Assertion]] = {}
    for one in assertions:
        groups.setdefault(one.fact.name, []).append(one)
    return groups


@dataclass(frozen=True, slots=True)
class GeneralAnswers:
    """Answers that mean the same for every question, by code and by text."""

    coded: Mapping[str, Mapping[str, Sign]] = field(default_factory=dict)
    said: Mapping[str, Sign] = field(default_factory=dict)
    not_found: frozenset[str] = frozenset()
    """Codes that stand where a reason for missing data is expected, and say: looked for, not found."""
    statements: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Questions, by system, whose coded answer is a finding by itself."""


@dataclass(frozen=True, slots=True)
class FindingCodes:
    """
    The index of every finding.

    ``find`` maps a code system's address to a lookup of its codes; ``texts`` and ``link_ids`` are found
    as ``plain`` writes them; ``phrases`` are looked for inside free text, by resource type;
    ``from_device`` are the facts that every device speaks about, ``injury`` the one that tells its time.
    """

    facts: Mapping[str, Fact]
    findings: Mapping[str, FindingFact]
    find: Mapping[str, Find]
    texts: Mapping[str, Assertions]
    link_ids: Mapping[str, Assertions]
    phrases: Mapping[str, tuple[tuple[str, FindingFact, Value | Sign], ...]]
    general: GeneralAnswers
    from_device: Mapping[str, FindingFact] = field(default_factory=dict)
    injury: FindingFact | None = None
    read_only: frozenset[str] = field(init=False)
    """The facts that are only read, never computed from others."""
    computed: Mapping[str, frozenset[str]] = field(init=False)
    """The facts computed from others, with those others."""

    def __post_init__(self) -> None:
        read_only = frozenset(name for name, fact in self.findings.items() if fact.computed is None)
        computed = {name: fact.computed for name, fact in self.findings.items() if fact.computed is not None}
        parts = {name: frozenset((*made.sum, *made.product, *made.over)) for name, made in computed.items()}
        object.__setattr__(self, "read_only", read_only)
        object.__setattr__(self, "computed", parts)

    def says(self, system: str, code: str) -> Assertions:
        """What a code says, for people and tests: nothing when it is not listed."""
        find = self.find.get(system)
        return (find(code) if find is not None else None) or ()


def load(files: Mapping[str, bytes]) -> FindingCodes:
    """
    The index of *files* (name → YAML). Raises ContentError with every problem found.

    Shipped files come before a site's, whose facts without a kind add to shipped ones.
    """
    problems: list[Problem] = []
    drafts = Drafts(SYSTEMS, problems)
    general: dict[str, Any] = {}
    for name in sorted((name for name in files if name.endswith((".yaml", ".yml"))), key=_shipped_first):
        drafts.file = name
        try:
            block = yaml_source.read(files[name], file=name)
        except ContentError as error:
            problems.extend(error.problems)
            continue
        if isinstance(block, Block) and Text("answers") in block:
            general.update(_general(drafts, block))
        else:
            read_file(drafts, block)
    findings = {name: finding(name, head, drafts) for name, head in unhurried(drafts.facts.items(), 20)}
    _check(drafts, findings)
    if problems:
        raise ContentError(sorted(problems))
    return _index(findings, drafts, GeneralAnswers(**general))


def _shipped_first(name: str) -> tuple[bool, str]:
    return (not name.startswith("rules/"), name)


def _general(drafts: Drafts, block: Block) -> dict[str, Any]:
    coded: dict[str, dict[str, Sign]] = {}
    said: dict[str, Sign] = {}
    for word, systems in block[Text("answers")].items():
        meant = drafts.tried(word, sign, str(word))
        for system, codes in systems.items() if meant is not None else ():
            for code in codes:
                if system == TEXT:
                    said[str(code)] = meant  # type: ignore[assignment]
                for uri in SYSTEMS.get(system, (system,)):
                    coded.setdefault(uri, {})[str(code)] = meant  # type: ignore[assignment]
    statements = {
        uri: frozenset(map(str, codes))
        for system, codes in (block.get(Text("statements")) or {}).items()
        for uri in SYSTEMS.get(system, (system,))
    }
    return {
        "coded": coded,
        "said": said,
        "statements": statements,
        "not_found": frozenset(map(str, block.get(Text("not_found")) or ())),
    }


def _check(drafts: Drafts, findings: Mapping[str, FindingFact]) -> None:
    for fact in findings.values():
        made = fact.computed
        for part in (*made.sum, *made.product, *made.over) if made is not None else ():
            if part not in findings:
                trouble = f"{fact.name} is computed from {part}, which is not a finding"
                drafts.problems.append(Problem(drafts.file, 1, trouble, remedy(part, findings)))


def _index(findings: Mapping[str, FindingFact], drafts: Drafts, general: GeneralAnswers) -> FindingCodes:
    exact: dict[str, dict[str, list[Assertion]]] = {}
    beginnings = Beginnings()
    for entry in drafts.entries:
        assertion = _assertion(entry, findings[entry.fact])
        if entry.system == "icd10cm":
            beginnings.add(str(entry.code), assertion)
        elif assertion.role not in _UNREAD:
            code = plain(entry.code) if entry.system in (TEXT, LINK_ID) else str(entry.code)
            exact.setdefault(entry.system, {}).setdefault(code, []).append(assertion)
    tables = {
        system: {code: tuple(assertions) for code, assertions in codes.items()} for system, codes in exact.items()
    }
    find: dict[str, Find] = {}
    for system, table in tables.items():
        if system not in (TEXT, LINK_ID):
            find.update((uri, table.get) for uri in SYSTEMS.get(system, (system,)))
    find.update((uri, beginnings.find) for uri in SYSTEMS["icd10cm"])
    phrases: dict[str, list[tuple[str, FindingFact, Value | Sign]]] = {}
    for name, resource, phrase, value in drafts.phrases:
        phrases.setdefault(resource, []).append((phrase, findings[name], value))
    return FindingCodes(
        facts={name: fact.fact for name, fact in findings.items()},
        findings=findings,
        find=find,
        texts=tables.get(TEXT, {}),
        link_ids=tables.get(LINK_ID, {}),
        phrases={resource: tuple(found) for resource, found in phrases.items()},
        general=general,
        injury=next((fact for fact in findings.values() if fact.time_since), None),
        from_device={fact.from_device: fact for fact in findings.values() if fact.from_device},
    )


def _assertion(entry: Entry, fact: FindingFact) -> Assertion:
    role = Role.SUSPECTED if entry.role in _HINTS else entry.role
    if entry.value is Sign.SUSPECTED:
        role = Role.SUSPECTED
    elif entry.value is Sign.UNKNOWN:
        role = Role.UNKNOWN
    value = entry.value if not isinstance(entry.value, Sign) else None
    return Assertion(fact, role, value, entry.sites)
