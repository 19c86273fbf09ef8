"""
Every error this service raises.

    ServiceError
    ├── ContentError            rules, cards or code lists are wrong; carries every problem found
    ├── PhraseError             an exam phrase or a quantity cannot be read
    ├── SettingsError           the environment or a configuration file is wrong
    ├── RequestError            the caller's request cannot be served; carries an HTTP status
    │   ├── MalformedRequest    400
    │   ├── UnknownCaller       401
    │   ├── UnknownService      404
    │   ├── RequestTooSlow      408
    │   ├── MissingPatient      412
    │   ├── RequestTooLarge     413
    │   ├── NotJson             415
    │   ├── TooManyCalls        429
    │   └── NotReady            503
    │       └── Busy            503
    ├── OutboundError           something we asked for did not come; ``reason`` is one word
    └── StorageError            a record could not be stored durably
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class ServiceError(Exception):
    """The root of every error this service raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file: where, what, and the likely remedy."""

    file: str
    line: int
    trouble: str
    remedy: str = ""

    def __str__(self) -> str:
        """
        Say the problem in one line.

        >>> str(Problem("rules/a.yaml", 3, "patient.aeg is not a fact", "did you mean patient.age?"))
        'rules/a.yaml:3: patient.aeg is not a fact; did you mean patient.age?'
        """
        said = f"{self.file}:{self.line}: {self.trouble}"
        return f"{said}; {self.remedy}" if self.remedy else said


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """
    The remedy for a *word* that is not among the *known* ones: the nearest of them, else what to do *otherwise*.

    >>> nearest("actve", ["active", "draft"]), nearest("on", ["active", "draft"], "use active, draft")
    ('did you mean active?', 'use active, draft')
    """
    near = get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


class ContentError(ServiceError):
    """Content is wrong; ``problems`` holds every problem that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class PhraseError(ServiceError):
    """A phrase cannot be read; the message says which word and what was meant."""


class SettingsError(ServiceError):
    """A setting or configuration file is wrong; the message names it."""


class RequestError(ServiceError):
    """The request cannot be served. ``status`` is the HTTP status, ``code`` the OperationOutcome issue type."""

    status = 400
    code = "invalid"


class MalformedRequest(RequestError):
    """The request breaks the specification; the message names the member."""


class UnknownCaller(RequestError):
    """The caller does not prove who it is; ``reason`` and the ``client`` it claims to be are for the log only."""

    status = 401
    code = "login"

    def __init__(self, reason: str, client: str = "") -> None:
        self.reason = reason
        self.client = client
        super().__init__("The caller is not known.")


class UnknownService(RequestError):
    """There is no service of that id."""

    status = 404
    code = "not-found"


class RequestTooSlow(RequestError):
    """The body did not arrive in time."""

    status = 408
    code = "timeout"


class MissingPatient(RequestError):
    """The Patient came neither with the request nor from the FHIR server."""

    status = 412
    code = "incomplete"


class RequestTooLarge(RequestError):
    """The body is larger than we read."""

    status = 413
    code = "too-long"


class NotJson(RequestError):
    """The body says of itself that it is not plain JSON."""

    status = 415
    code = "not-supported"


class TooManyCalls(RequestError):
    """This client sends more calls than it may."""

    status = 429
    code = "throttled"


class NotReady(RequestError):
    """There is no content in force yet, or no room for another request."""

    status = 503
    code = "transient"


class Busy(NotReady):
    """There is no room for another request now; ``full`` is one word for what is full."""

    def __init__(self, full: str, said: str) -> None:
        self.full = full
        super().__init__(said)


class OutboundError(ServiceError):
    """A resource could not be fetched; ``reason`` is one word that may be logged."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class StorageError(ServiceError):
    """A record could not be stored durably."""
