"""A small, whole set of content in a folder of its own: quick to load, and there to be broken."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from cds_service.content import Content, build
from cds_service.errors import ContentError
from cds_service.library import Library, Places
from cds_service.settings import shipped
from tests.rules import desk

DAY = date(2026, 3, 2)
FINDINGS = """
title: Small
reviewed: 2026-01-01
facts:
  sign.fever: {meaning: Fever., kind: flag, texts: [fever]}
  score.belly: {meaning: A score., kind: number, unit: points, range: [0, 10], texts: [belly score]}
  sign.severity: {meaning: How bad., kind: choice, choices: [mild, severe], texts: [severity]}
  safety.shaky: {meaning: Unstable., kind: flag, texts: [shaky]}
"""
REASONS = """
belly-ache: {label: Belly ache, regions: [abdomen, pelvis], texts: [belly ache]}
bad-belly: {label: Bad belly, broader: [belly-ache], regions: [abdomen, pelvis], texts: [bad belly]}
sore-head: {label: Sore head, regions: [head], texts: [sore head]}
other-thing: {label: Other thing, texts: [other thing]}
"""
ORDERS = """
system: http://loinc.org
source: LOINC
reviewed: 2026-01-01
orders:
  US right-lower-quadrant: {code: 24548-0, display: US Appendix, say: ultrasound of the right lower quadrant}
  MR head without contrast: {code: 24590-2, display: MR Brain, say: MRI of the head}
  CT abdomen+pelvis with contrast: {code: 36813-4, display: CT, say: CT abdomen and pelvis with contrast}
"""
ABOUT = """
every:
  developer: Us
  funding: None
  intended_use: To try things out
  users: Tests
  population: Small children
  role: It informs
  output: A card
  basis: Fixed rules
  cautions: Not for adults
  limits: It knows little
  testing: Examples
  upkeep: Yearly
not_clinicians: [Nobody]
personal:
  {race: [], ethnicity: [], language: [], sexual_orientation: [], gender_identity: [], sex: patient.sex,
   birth_date: patient.age, social_determinants: [], health_status: []}
"""
BELLY = desk.BELLY.replace(
    "situation: Ultrasound did not settle it", "situation: Ultrasound did not settle it\n    may_overlap: [low]"
)
TEXTS = {
    "rules/sources.yaml": "guide: {cite: The guide, year: 2020}\nother-guide: {cite: Another, year: 2021}\n",
    "rules/about.yaml": ABOUT,
    "rules/codes/findings/small.yaml": FINDINGS,
    "rules/codes/reasons/small.yaml": REASONS,
    "rules/codes/reasons/words.yaml": "fillers: [of]\n",
    "rules/codes/orders.yaml": ORDERS,
    **{f"rules/{name}.yaml": text for name, text in desk.ALL.items()},
    "rules/belly.yaml": BELLY,
}
"""Every file that is not as shipped, by its name."""

OVERRIDES = "rules/override-reasons.yaml"
APPROVED = "{by: Imaging Stewardship, on: 2026-01-01}"


def files(**changes: str | None) -> dict[str, bytes]:
    """The content as names and bytes, with whole texts changed (``belly="…"``); None takes a file away."""
    named = {place(name): text for name, text in changes.items()}
    texts = {**TEXTS, **named}
    cards = {f"cards/{path.name}": path.read_bytes() for path in shipped("cards").glob("*.md")}
    kept = {name: text.encode() for name, text in texts.items() if text is not None}
    return {**cards, OVERRIDES: (shipped("rules") / "override-reasons.yaml").read_bytes(), **kept}


def place(name: str) -> str:
    """
    The file a short name stands for.

    >>> place("belly"), place("site"), place("rules/sources.yaml")
    ('rules/belly.yaml', 'site/site.yaml', 'rules/sources.yaml')
    """
    short = {"site": "site/site.yaml", "sources": "rules/sources.yaml", "orders": "rules/codes/orders.yaml"}
    return name if "/" in name else short.get(name, f"rules/{name.replace('_', '-')}.yaml")


def changed(text: str, old: str, new: str) -> str:
    """*text* with *old*, which it must hold, made *new*."""
    assert old in text
    return text.replace(old, new)


def made(**changes: str | None) -> Content:
    """The content with changes."""
    return build(files(**changes), today=DAY)


def troubles(inspect: Any = None, **changes: str | None) -> list[str]:
    """What is wrong with the content with changes."""
    try:
        build(files(**changes), today=DAY, inspect=inspect)
    except ContentError as error:
        return [str(problem) for problem in error.problems]
    return []


class Folder:
    """The content on disk, and a library that looks at it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said: list[tuple[str, dict[str, object]]] = []
        self.day = DAY
        for name, source in files().items():
            self.write(name, source)
        (root / "site").mkdir()
        self.library = self.another()

    def another(self) -> Library:
        """A library as a new start of the service would make it."""
        places = Places(self.root / "rules", self.root / "cards", self.root / "data", self.root / "site")
        return Library(places, lambda *said: self.said.append(said), lambda: self.day, settling=0)

    def started(self) -> Folder:
        """With its library started."""
        self.library.start()
        return self

    def write(self, name: str, source: str | bytes) -> Path:
        """Write one file whole, as a good editor does: beside it, then in its place."""
        path = self.root / place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.half")
        half.write_bytes(source if isinstance(source, bytes) else source.encode())
        half.replace(path)
        return path

    def edit(self, name: str, old: str, new: str) -> bool:
        """Change a file and look; True when the edit is in force."""
        self.write(name, changed((self.root / place(name)).read_text(), old, new))
        return self.library.look()

    def clear(self, name: str) -> None:
        """Delete everything below a folder, and the folder."""
        shutil.rmtree(self.root / name)

    @property
    def events(self) -> list[str]:
        """What was announced, in words."""
        return [event for event, _ in self.said]

    @property
    def refused(self) -> list[str]:
        """Why the last edit was refused; nothing when it was not."""
        return [str(problem) for problem in self.library.status.problems]
