"""
What a rule says of itself to whoever judges it: who made it, with what money, for whom, and where it ends.

``rules/about.yaml`` holds what is so for every rule, or for every rule of a kind; a rule's own block ``about`` says
otherwise. Nothing of it may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cds_service.errors import Problem
from cds_service.rules.fields import Fields
from cds_service.rules.predictive import PREDICTIVE
from cds_service.yaml_source import Text

TEXTS: Final = (
    "developer",
    "funding",
    "intended_use",
    "users",
    "population",
    "role",
    "output",
    "basis",
    "testing",
    "upkeep",
)
LISTS: Final = ("cautions", "limits")
OF_ITS_MAKER: Final = frozenset({"developer", "funding"})
"""What a hospital's own rule must say itself: the shipped words would be untrue of it."""

PERSONAL: Final = (
    "race",
    "ethnicity",
    "language",
    "sexual_orientation",
    "gender_identity",
    "sex",
    "birth_date",
    "social_determinants",
    "health_status",
)
"""Personal attributes whose use is to be told, in the order of 45 CFR 170.315(b)(11)(iv)(A)(5) to (13)."""

SITE: Final = "site/"
_EVERY: Final = "every"


@dataclass(frozen=True, slots=True)
class About:
    """A rule's words about itself."""

    developer: str = ""
    funding: str = ""
    intended_use: str = ""
    users: str = ""
    population: str = ""
    role: str = ""
    output: str = ""
    basis: str = ""
    testing: str = ""
    upkeep: str = ""
    cautions: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    predictive: Mapping[str, str] | None = None


class Shared(NamedTuple):
    """
    What is so for all rules: words by kind of rule, facts by personal attribute, and reviewers who are no clinicians.
    """

    words: Mapping[str, Fields] = {}
    personal: Mapping[str, tuple[str, ...]] = {}
    not_clinicians: frozenset[str] = frozenset()


def read_shared(block: Any, file: str, kinds: Iterable[str], problems: list[Problem]) -> Shared:
    """The shared words of ``rules/about.yaml``; problems are noted."""
    if block is None:
        return Shared()
    fields = Fields(block, file, problems, "about.yaml")
    words = {kind: Fields(fields.block_at(kind), file, problems, kind) for kind in (_EVERY, *kinds)}
    personal = Fields(fields.block_at("personal", required=True), file, problems, "personal")
    for name in PERSONAL:
        if Text(name) not in personal.block:
            personal.wrong(personal.block, f"personal needs {name}", "list the facts that carry it, or []")
    found = Shared(words, {name: personal.words(name) for name in PERSONAL}, frozenset(fields.words("not_clinicians")))
    for one in words.values():
        for name in (*TEXTS, *LISTS):
            one.words(name)
        one.finish()
    personal.finish()
    fields.finish()
    return found


def unknown_carriers(shared: Shared, facts: Iterable[str], file: str) -> list[Problem]:
    """A problem for each personal attribute said to be carried by what is no fact."""
    known = frozenset(facts)
    said = [(one, name) for one, names in shared.personal.items() for name in names if name not in known]
    return [Problem(file, 1, f"{one} is carried by {name}, which is not a fact", "see FACTS.md") for one, name in said]


def read_about(fields: Fields, kind: str, shared: Shared | None) -> About:
    """A rule's own words, completed by the *shared* ones; what neither says is a problem unless that is None."""
    own = Fields(fields.block_at("about"), fields.file, fields.problems, "about")
    said: dict[str, Any] = {name: own.text(name, "") for name in TEXTS} | {name: own.words(name) for name in LISTS}
    predictive = _predictive(own)
    own.finish()
    if shared is not None:
        _complete(said, [shared.words[name] for name in (kind, _EVERY) if name in shared.words], fields.file)
        for name in (name for name, value in said.items() if not value):
            fields.wrong(own.block, f"a rule needs {name}", _remedy(name, fields.file))
    return About(**said, predictive=predictive)


def _predictive(own: Fields) -> Mapping[str, str] | None:
    """What a predictive rule must tell, all of it; None of any other."""
    if own.get("predictive") is None:
        return None
    one = Fields(own.get("predictive"), own.file, own.problems, "predictive")
    said = {name: one.text(name) for name in PREDICTIVE}
    one.finish()
    return said


def _complete(said: dict[str, Any], kept: list[Fields], file: str) -> None:
    """Fill texts that are missing and lengthen lists; *kept* are the shared words, those of the rule's kind first."""
    for name in TEXTS:
        if not said[name] and not (name in OF_ITS_MAKER and file.startswith(SITE)):
            said[name] = next((text for one in kept if (text := one.text(name, ""))), "")
    for name in LISTS:
        said[name] = (*said[name], *(line for one in kept for line in one.words(name)))


def _remedy(name: str, file: str) -> str:
    where = "" if file.startswith(SITE) and name in OF_ITS_MAKER else ", or once for all rules in rules/about.yaml"
    return f"write {name}: … in a block about{where}"
