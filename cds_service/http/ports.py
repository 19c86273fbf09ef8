"""What the HTTP rim needs from the rest of the service, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cds_service.clients.clients import Client
from cds_service.hooks.feedback import FeedbackItem
from cds_service.hooks.request import HookRequest
from cds_service.outbound import Deadline

if TYPE_CHECKING:
    from cds_service.library import Status
    from cds_service.transparency.pages import Page


class Advisor(Protocol):
    """Turns a call into the JSON of its answer."""

    async def advise(self, client: Client, request: HookRequest, deadline: Deadline) -> bytes:
        """
        The body of the 200 answer, made before *deadline*.

        Raises RequestError (MissingPatient, NotReady) when the caller must be told so.
        """
        ...  # pragma: no cover


class Viewer(Advisor, Protocol):
    """Shows what there is when a chart is opened."""

    def picture(self, name: str) -> bytes | None:
        """The picture a link of ours leads to, as SVG; None when there is none, or none any more."""
        ...  # pragma: no cover


class Door(Protocol):
    """Knows callers by their tokens."""

    async def admit(self, sent: bytes, audience: str) -> Client:
        """The client whose token *sent* is, for the endpoint at *audience*; else UnknownCaller."""
        ...  # pragma: no cover


class RulePages(Protocol):
    """What each rule tells of itself."""

    def find(self, rule: str, *, readable: bool) -> Page | None:
        """The page, or else the data, of a rule; of all rules for ""; None when there is no such rule."""
        ...  # pragma: no cover


class FeedbackStore(Protocol):
    """Keeps what clinicians did with cards."""

    async def record_feedback(self, client: str, items: Sequence[FeedbackItem]) -> None:
        """Store the *items* the client of that id sent, durably, before returning; else StorageError."""
        ...  # pragma: no cover


class Counted(Protocol):
    """Content that can say how much of everything it holds."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rules of each kind, cards, codes there are."""
        ...  # pragma: no cover


class Library(Protocol):
    """The rules, cards and code lists in force, as far as HTTP shows them."""

    @property
    def status(self) -> Status:
        """What is in force and why the last edit, if refused, was refused."""
        ...  # pragma: no cover

    @property
    def ready(self) -> bool:
        """Whether any content is in force."""
        ...  # pragma: no cover

    @property
    def content(self) -> Counted:
        """The content in force; NotReady when there is none."""
        ...  # pragma: no cover

    async def watch(self, seconds: float, busy: Callable[[], bool]) -> None:
        """Look for edits every so often until cancelled."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running service is made of; put together once at start."""

    advisor: Advisor
    feedback: FeedbackStore
    library: Library
    clients: Mapping[str, Client]
    viewer: Viewer | None = None
    circuits: Callable[[], Mapping[str, str]] = dict
    """By name of each FHIR server, whether it is asked (closed), left alone (open) or tried."""
    door: Door | None = None
    rules: RulePages | None = None
