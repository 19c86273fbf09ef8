"""
The appropriateness rating written on an order, as the Argonaut imaging guide (draft, 2019) has it.

The guide knows three ratings. "May be appropriate" becomes ``appropriate``: a criterion applies, so it is not
``no-criteria-apply``, and it does not speak against the exam, so it is not ``not-appropriate``; the words beside the
code keep the difference. An exam a source prefers is ``appropriate``. An exam nobody rated is ``no-criteria-apply``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from cds_service.hooks.response import Action
from cds_service.suggestions.orders import Draft

RATING: Final = "http://fhir.org/argonaut/Extension/pama-rating"
_SYSTEM: Final = "http://fhir.org/argonaut/CodeSystem/pama-rating"
_CODES: Final = {
    "usually appropriate": "appropriate",
    "preferred": "appropriate",
    "may be appropriate": "appropriate",
    "may be appropriate (disagreement)": "appropriate",
    "usually not appropriate": "not-appropriate",
}


def rated(order: dict[str, Any], rating: str, *, mechanism: str) -> dict[str, Any]:
    """
    *order* with *rating* and the id of this consultation written on it, in place of earlier ones.

    ``mechanism`` is the code of the qualified decision support mechanism, or a word saying there is none.

    >>> extensions = rated({"extension": [{"url": "urn:own"}]}, "may be appropriate", mechanism="none")["extension"]
    >>> [extension["url"].rpartition("/")[2] for extension in extensions]
    ['urn:own', 'pama-rating', 'pama-rating-qcdsm-consulted', 'pama-rating-consult-id']
    >>> extensions[1]["valueCodeableConcept"]["coding"][0]["code"]
    'appropriate'
    """
    own = [one for one in order.get("extension", ()) if not str(one.get("url", "")).startswith(RATING)]
    coding = {"system": _SYSTEM, "code": _CODES.get(rating, "no-criteria-apply")}
    concept: dict[str, Any] = {"coding": [coding]}
    if rating in _CODES:
        concept["text"] = rating[:1].upper() + rating[1:]
    ours: list[dict[str, Any]] = [
        {"url": RATING, "valueCodeableConcept": concept},
        {"url": f"{RATING}-qcdsm-consulted", "valueString": mechanism},
        {"url": f"{RATING}-consult-id", "valueUri": f"urn:uuid:{uuid4()}"},
    ]
    return dict(order, extension=own + ours)


def rate_as_ordered(draft: Draft, rating: str, *, mechanism: str) -> Action | None:
    """
    The system action that writes *rating* on the order as it stands and changes nothing else.

    None when there is no rating, since the guide forbids it then, or nothing can be aimed at the order.
    """
    order = draft.as_ordered()
    if rating not in _CODES or order is None:
        return None
    rated_order = rated(order, rating, mechanism=mechanism)
    return Action(type="update", description="Record the appropriateness rating on the order", resource=rated_order)


def in_both_places(actions: Sequence[Action]) -> dict[str, Any]:
    """
    The members of a hook response that carry system actions.

    The standard puts them at the top; the guide, and the public sandbox, look for them under ``extension``.
    """
    return {"systemActions": list(actions), "extension": {"systemActions": list(actions)}} if actions else {}
