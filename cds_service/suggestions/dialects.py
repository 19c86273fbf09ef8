"""
How each kind of client takes a change: one class a dialect, chosen by the client's profile.

    generic           replace = delete the draft and create the new order, in one suggestion
    epic              one action a suggestion, no update; removing the old order is a suggestion of its own
    update-in-place   replace = update of the draft, rated; for clients of the imaging guide and the public sandbox

All of them build complete, valid orders or nothing; ``notes`` says why something could not be offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from cds_service.findings import Change, ChangeKind
from cds_service.hooks.response import Action, Suggestion
from cds_service.suggestions.orders import Draft
from cds_service.suggestions.pama import rated
from cds_service.vocabulary.order_codes import OrderCode, OrderCodes

UNREGISTERED: Final = "not-registered"
"""What we call ourselves where the guide wants the code of a registered mechanism."""


class Generic:
    """
    The standard's own way. Also what the other dialects start from.

    ``behavior`` overrides the card's selectionBehavior; ``room`` is how many changes fit beside what ``beside`` adds;
    ``cards`` is how many cards one order may get, and only one merges its findings.
    """

    behavior: Literal["any"] | None = None
    room = 3
    cards = 1

    def __init__(
        self, draft: Draft, codes: OrderCodes, *, new_id: Callable[[], str], mechanism: str = UNREGISTERED
    ) -> None:
        self._draft = draft
        self._codes = codes
        self._new_id = new_id
        self._mechanism = mechanism
        self.notes: list[str] = []

    def suggestion(self, change: Change) -> Suggestion | None:
        """The change as this client takes it, or None when it can't be done; ``notes`` then says why."""
        if not self._draft.usable:
            actions = self._refuse("the order is not a ServiceRequest to be done")
        elif change.kind is ChangeKind.REMOVE:
            actions = self._remove(change)
        elif change.kind is ChangeKind.ADD_REASON:
            actions = self._add_reason(change)
        elif change.kind is ChangeKind.ADD_NOTE:
            actions = self._add_note(change)
        elif change.kind is ChangeKind.ASK:
            actions = self._ask(change)
        else:
            actions = self._replace(change)
        if not actions:
            return None
        recommended = True if change.recommended else None
        return Suggestion(label=change.label, uuid=self._new_id(), actions=actions, isRecommended=recommended)

    def beside(self, changes: Sequence[Change]) -> list[Suggestion]:
        """Further suggestions that the offered *changes* need here."""
        del changes
        return []

    def _replace(self, change: Change) -> list[Action]:
        created = self._create(change, self._code(change).concept)
        return [*self._remove(change), *created] if created else []

    def _create(self, change: Change, concept: dict[str, Any] | None, *, intent: str = "") -> list[Action]:
        if change.alternative is None or concept is None:
            return self._refuse(f"no order code for {change.alternative and change.alternative.exam}")
        order = self._draft.created(concept, change.alternative.exam, intent=intent)
        if order is None:
            return self._refuse("what a new order would share with this one is not valid")
        return [Action(type="create", description=change.create, resource=order)]

    def _remove(self, change: Change) -> list[Action]:
        if not self._draft.id:
            return self._refuse("the order has no id to aim at")
        return [Action(type="delete", description=change.delete, resourceId=self._draft.reference)]

    def _add_reason(self, change: Change) -> list[Action]:
        order = self._draft.with_reason(change.offer.concept) if change.offer else None
        return self._update(change, order)

    def _add_note(self, change: Change) -> list[Action]:
        return self._update(change, self._draft.with_note(change.note))

    def _ask(self, change: Change) -> list[Action]:
        message = self._draft.message(change.contact, change.message) if change.contact else None
        if message is None:
            return self._refuse("no message about this order can be written")
        return [Action(type="create", description=change.create, resource=message)]

    def _update(self, change: Change, order: dict[str, Any] | None) -> list[Action]:
        if order is None:
            return self._refuse("the order cannot be sent back changed")
        return [Action(type="update", description=change.update, resource=order)]

    def _code(self, change: Change) -> OrderCode:
        return self._codes[change.alternative.exam] if change.alternative else OrderCode({})

    def _refuse(self, note: str) -> list[Action]:
        self.notes.append(note)
        return []


class Epic(Generic):
    """
    One action a suggestion, chosen freely; its text is the action's description. Orders cannot be updated.

    Codes come from the site's preference list where it names them, and the list's details replace ours. Findings keep
    cards of their own, since an acknowledgement silences the topic it was given on.
    """

    behavior: Literal["any"] | None = "any"
    room = 2
    cards = 2

    def beside(self, changes: Sequence[Change]) -> list[Suggestion]:
        """Removing the order, once, beside what would replace it; never pre-selected."""
        replaced = [change for change in changes if change.kind is ChangeKind.REPLACE]
        if not replaced or any(change.kind is ChangeKind.REMOVE for change in changes):
            return []
        actions = self._remove(replaced[0])
        return [Suggestion(label=replaced[0].delete, uuid=self._new_id(), actions=actions)] if actions else []

    def _replace(self, change: Change) -> list[Action]:
        code = self._code(change)
        return self._create(change, code.picked or (code.concept if code.coded else None), intent="proposal")

    def _add_reason(self, change: Change) -> list[Action]:
        return self._refuse(f"this client takes no update, so no {change.kind.value} can be added")

    def _add_note(self, change: Change) -> list[Action]:
        return self._add_reason(change)

    def _ask(self, change: Change) -> list[Action]:
        return self._refuse("this client creates no messages")


class UpdateInPlace(Generic):
    """Every change of an order is an update of that order, carrying the rating the imaging guide asks for."""

    def _replace(self, change: Change) -> list[Action]:
        code = self._code(change)
        if change.alternative is None or not code.coded:
            return self._refuse(f"no order code for {change.alternative and change.alternative.exam}")
        return self._update(change, self._draft.changed(code.concept, change.alternative.exam))

    def _ask(self, change: Change) -> list[Action]:
        return self._refuse("this client creates no messages")

    def _update(self, change: Change, order: dict[str, Any] | None) -> list[Action]:
        rating = change.alternative.rating if change.alternative else ""
        return super()._update(change, order and rated(order, rating, mechanism=self._mechanism))


DIALECTS: Final[Mapping[str, type[Generic]]] = {
    "generic": Generic,
    "epic": Epic,
    "update-in-place": UpdateInPlace,
}


def dialect(profile: str) -> type[Generic]:
    """The dialect of a client profile; an unknown profile gets the standard's own."""
    return DIALECTS.get(profile, Generic)
