"""
The site's choices, laid over the shipped rules: thresholds inside their allowed range, and a rule's status.

They stand in the hospital's own ``site.yaml``, so an upgrade never touches them. A choice
whose approval has run out lapses: the shipped value counts again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from cds_service.errors import PhraseError, Problem, nearest
from cds_service.findings import Contact
from cds_service.rules.fields import Fields
from cds_service.rules.metadata import CHOICES, ROLES, read_thresholds, within
from cds_service.rules.rule import Choice, Threshold
from cds_service.vocabulary.quantities import Amount, Span, quantity
from cds_service.yaml_source import Block, Text

_SPOKEN = {"radiologist": "the radiologist on call", "physicist": "the medical physicist"}
_WHO = re.compile(r"(Practitioner|PractitionerRole|Organization|Group|CareTeam|HealthcareService)/[A-Za-z0-9.-]{1,64}")
"""Who may receive a request to communicate: http://hl7.org/fhir/R4/communicationrequest.html"""

RESERVED = ("facilities", "override_reasons", "contacts", *CHOICES)
"""Keys of site.yaml that are not rule ids."""

FACILITIES = {
    "ultrasound": "setting.ultrasound_available",
    "mri": "setting.mri_available",
    "fast-mri": "setting.fast_mri_available",
    "contrast-ultrasound": "setting.contrast_ultrasound_available",
}


class Site(NamedTuple):
    """
    A site's choices: tuned rules by id, what the site offers by fact name, and lapsed choices.

    ``choices`` are those between rules of one kind, such as for head injury.
    """

    tuned: Mapping[str, Mapping[str, Any]] = {}
    offers: Mapping[str, bool] = {}
    override_reasons: Mapping[str, str] = {}
    lapsed: tuple[str, ...] = ()
    contacts: Mapping[str, Contact] = {}
    choices: Mapping[str, str] = {}


def read_site(block: Any, file: str, rules: Mapping[str, Block], today: date, problems: list[Problem]) -> Site:
    """The choices of ``site.yaml``; *rules* maps each rule id to its shipped YAML. Problems are noted."""
    if block is None:
        return Site()
    fields = Fields(block, file, problems, "site.yaml")
    tuned: dict[str, Mapping[str, Any]] = {}
    lapsed: list[str] = []
    for name, body in fields.block.items():
        if name in RESERVED:
            continue
        shipped = rules.get(name)
        if shipped is None:
            otherwise = "name a rule, or one of " + ", ".join(RESERVED)
            fields.wrong(name, f"{name} is not a rule", nearest(name, [*rules, *RESERVED], otherwise))
            continue
        choice = _choice(Fields(body, file, problems, f"the choice for {name}"), shipped, today, lapsed, name)
        if choice:
            tuned[str(name)] = choice
    offers = _facilities(fields)
    reasons = {str(key): str(text) for key, text in fields.block_at("override_reasons").items()}
    chosen = {name: fields.text(name, words[0], choices=words) for name, words in CHOICES.items()}
    return Site(tuned, offers, reasons, tuple(lapsed), _contacts(fields), chosen)


def _contacts(fields: Fields) -> dict[str, Contact]:
    found: dict[str, Contact] = {}
    for role, body in fields.block_at("contacts").items():
        one = Fields(body, fields.file, fields.problems, f"the contact {role}")
        name, reference = one.text("name"), one.text("reference", "")
        one.finish()
        if role not in ROLES:
            fields.wrong(role, f"{role} is not a contact a rule asks for", "use " + ", ".join(ROLES))
        elif reference and _WHO.fullmatch(reference) is None:
            one.wrong(one.block, f"{reference} is no one who can be asked", "write it as in PractitionerRole/on-call")
        else:
            found[str(role)] = Contact(_SPOKEN[role], name, reference)
    return found


def _facilities(fields: Fields) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, offered in fields.block_at("facilities").items():
        if name not in FACILITIES:
            fields.wrong(name, f"{name} is not a facility", "use " + ", ".join(FACILITIES))
        elif not isinstance(offered, bool):
            fields.wrong(offered, f"{name} is true or false")
        else:
            found[FACILITIES[name]] = offered
    return found


def _choice(fields: Fields, shipped: Block, today: date, lapsed: list[str], rule: str) -> dict[str, Any]:
    approved = fields.inside("approved", "{by: Imaging Stewardship, on: 2026-01-31, until: 2027-01-31}")
    by, on = approved.text("by"), approved.day("on")
    until = approved.day("until", required=False)
    if on and until and until < on:
        approved.wrong(approved.get("until"), f"the approval ends on {until}, before it began", "correct the day")
    approved.finish()
    choice = Choice(fields.text("reason"), by, str(on or ""), str(until or ""))
    thresholds = _thresholds(fields, shipped, today)
    status = fields.text("status", "", choices=("draft", "silent", "active"))
    if status and shipped.get(Text("kind")) == "safety":
        fields.wrong(fields.get("status"), f"{rule} is a safety rule and always active", "remove the status")
    fields.finish()
    if until is not None and until < today:
        lapsed.append(rule)
        return {}
    found: dict[str, Any] = {"thresholds": thresholds} if thresholds else {}
    found |= {"status": status} if status else {}
    return {**found, "choice": choice} if found else found


def _thresholds(fields: Fields, shipped: Block, today: date) -> dict[str, Span | Amount]:
    known = read_thresholds(Fields(shipped, fields.file, [], "a rule"), today)
    found: dict[str, Span | Amount] = {}
    for name, value in fields.block_at("thresholds").items():
        threshold = known.get(name)
        if threshold is None:
            otherwise = "choose from " + ", ".join(known) if known else "it has none"
            fields.wrong(name, f"{name} is not a threshold of this rule", nearest(name, known, otherwise))
            continue
        if threshold.low is None:
            tunable = [one.name for one in known.values() if one.low is not None]
            remedy = "choose from " + ", ".join(tunable) if tunable else "this rule has none that may"
            fields.wrong(name, f"{name} may not be changed by a site", remedy)
            continue
        amount = _inside(fields, name, value, threshold)
        if amount is not None:
            found[str(name)] = amount
    return found


def _inside(fields: Fields, name: Text, value: Any, threshold: Threshold) -> Span | Amount | None:
    try:
        amount = quantity(str(value))
    except PhraseError as error:
        fields.wrong(name, str(error))
        return None
    low, high = threshold.low, threshold.high
    if low is None or high is None:
        return None
    if type(amount) is not type(low):
        fields.wrong(name, f"{name} is {amount}, which is nothing like {low}", f"choose from {low} to {high}")
        return None
    if not within(amount, low, high):
        fields.wrong(name, f"{name} is {amount}, outside its allowed range", f"choose from {low} to {high}")
        return None
    return amount
