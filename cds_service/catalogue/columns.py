"""Which column of a hospital's table holds what, in the spellings hospitals use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from cds_service.errors import Problem

SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "code": (
        "code", "exam code", "exam id", "examination code", "procedure code", "procedure id", "proc code", "proc id",
        "order code", "orderable code", "orderable id", "service code", "item code", "item id", "study code",
        "imaging code", "local code", "internal code", "eap id", "mnemonic", "leistungscode",
        "untersuchungscode", "leistungsnummer", "code examen",
        "code acte", "codice esame", "codice prestazione", "codice", "nummer", "kürzel", "id",
        "procedure",
    ),
    "name": (
        "name", "exam name", "exam", "examination name", "procedure name", "proc name", "order name",
        "orderable name", "service name", "item name", "study name", "display name", "long name", "full name",
        "display", "description", "exam description", "procedure description", "proc description",
        "order description", "study description", "long description", "bezeichnung", "untersuchung", "leistung",
        "libellé", "désignation", "intitulé", "descrizione", "denominazione", "esame", "title", "text",
    ),
    "loinc": ("loinc", "loinc code", "loinc num", "loinc number", "loinc id"),
    "cpt": ("cpt", "cpt code", "cpt4", "cpt 4", "cpt number", "cpt hcpcs", "hcpcs", "hcpcs code", "cpt code s"),
}  # fmt: skip
"""Header names by what the column holds, the most telling first."""

REQUIRED: Final = ("code", "name")


def plain(header: str) -> str:
    """
    A header without case, punctuation and doubled blanks.

    >>> plain(" Exam_Code "), plain("CPT/HCPCS")
    ('exam code', 'cpt hcpcs')
    """
    return " ".join(re.findall(r"[^\W_]+", header.casefold()))


def find(headers: Sequence[str], chosen: Mapping[str, str]) -> dict[str, int]:
    """
    The place of each column; *chosen* names headers that were picked by hand.

    >>> find(["Procedure ID", "Description", "CPT Code"], {})
    {'code': 0, 'name': 1, 'cpt': 2}
    """
    places = {plain(header): place for place, header in reversed(list(enumerate(headers)))}
    found = {}
    for part, spellings in SPELLINGS.items():
        wanted = (plain(chosen[part]),) if part in chosen else spellings
        place = next((places[spelling] for spelling in wanted if spelling in places), None)
        if place is not None:
            found[part] = place
    return found


def missing(headers: Sequence[str], chosen: Mapping[str, str], at: tuple[str, int]) -> list[Problem]:
    """What is wrong with the header line at *at*, a file and its line."""
    found = find(headers, chosen)
    there = ", ".join(repr(header) for header in headers if header.strip()) or "none"
    problems = []
    for part in (*REQUIRED, *(part for part in chosen if part not in REQUIRED)):
        if part in found:
            continue
        if part in chosen:
            problems.append(Problem(*at, f"there is no column {chosen[part]!r}", f"the columns are {there}"))
        else:
            known = ", ".join(spelling.capitalize() for spelling in SPELLINGS[part][:4])
            trouble = f"no column holds the exam's {part} ({known}, …); the columns are {there}"
            problems.append(Problem(*at, trouble, f"rename one, or say which: --column {part}='…'"))
    return problems
