"""What a server says about a search beside its results, or in their place."""

from __future__ import annotations

from cds_service.fhir.resources import Issue, OperationOutcome

_WITHHELD = frozenset(
    {
        "conflict",
        "exception",
        "expired",
        "forbidden",
        "incomplete",
        "lock-error",
        "login",
        "no-store",
        "security",
        "throttled",
        "timeout",
        "too-costly",
        "transient",
        "unknown",
    }
)
"""
Issue types that say data was not given, however mild their severity.

``suppressed`` is not among them: some servers put it on every search as a standing notice.
"""
_HARMLESS = frozenset({"warning", "information", "success"})


def is_failure(outcome: OperationOutcome) -> bool:
    """
    Whether an outcome among search results means that results are missing.

    Servers also use outcomes to say that nothing was found, which is not a failure.

    >>> is_failure(OperationOutcome(issue=[Issue(severity="warning", code="processing")]))
    False
    >>> is_failure(OperationOutcome(issue=[Issue(severity="error", code="processing")]))
    True
    """
    issues = outcome.issue
    return not issues or any(map(_matters, issues))


def _matters(issue: Issue) -> bool:
    return issue.severity not in _HARMLESS or issue.code in _WITHHELD
