"""
CDS Hooks 2.0.1, numbered requirement by requirement, and the test that holds us to each.

``python -m tests.protocol_table`` writes ``tests/PROTOCOL.md`` anew. A test counts for a
requirement when its name says so: ``test_r028_…`` in ``test_protocol.py`` or ``test_protocol_cards.py``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE / "PROTOCOL.md"
_NAMED = re.compile(r"_r(\d{3})(?=_)")

PARTS: tuple[tuple[str, int], ...] = (
    ("Transport and JSON", 1),
    ("Discovery", 9),
    ("Prefetch templates", 20),
    ("Being called", 28),
    ("Cards", 45),
    ("Suggestions and actions", 59),
    ("System actions", 70),
    ("Feedback", 73),
    ("Who is calling", 80),
    ("Browsers and staleness", 91),
)
"""Parts of the table and the number each begins with."""

REQUIREMENTS: dict[int, str] = {
    1: "Bodies are JSON both ways",
    2: "TLS for everything that carries real data",
    3: "No member is null or empty unless the text allows it",
    4: "A member without a value is left out",
    5: "No comments or trailing commas",
    6: "`extension` is an object whose names are globally unique",
    7: "Extensions and unknown members are survived",
    8: "Answers come within about 500 ms",
    9: "Discovery is always there, at exactly `/cds-services`, with 200",
    10: "Its body is an object with the array `services`",
    11: "Each service has hook, description and id",
    12: "Each service has a title",
    13: "`prefetch` maps keys to templates; left out when empty",
    14: "`usageRequirements` is a plain sentence",
    15: "`version` is the CDS Hooks version spoken (3.0)",
    16: "`hookVersion` equals the hook definition's (3.0)",
    17: "The pair of id and hook is unique",
    18: "Discovery may answer with other statuses",
    19: "What is supported is documented for people (3.0)",
    20: "A template is a read or a search by type",
    21: "A token holds only the path of a context field or a user token",
    22: "Only the fields a hook marks as tokens are used",
    23: "`context.userId` already holds the type",
    24: "Templates keep to the parameters every client knows",
    25: "FHIRPath in tokens (3.0, trial use)",
    26: "Templates that depend on others (3.0, trial use)",
    27: "Asked for is the minimum necessary",
    28: "Success is 200 with an object that holds `cards`",
    29: "Nothing to say is 200 with `cards: []`",
    30: "Needed data that cannot be had is 412",
    31: "Other 4xx and 5xx are allowed",
    32: "Refusals carry an OperationOutcome (3.0)",
    33: "A retry repeats its `hookInstance`",
    34: "`fhirServer` is https",
    35: "What prefetch lacks is fetched",
    36: "A missing key is unknown, a null is none",
    37: "An OperationOutcome in prefetch is not data, and not asked for again",
    38: "Pages of a prefetched search are followed",
    39: "Prefetch and FHIR access both work",
    40: "The FHIR server is called only with `fhirServer` and `fhirAuthorization`",
    41: "Every FHIR call presents the token",
    42: "The token is never stored, logged or shown",
    43: "`fhirAuthorization` is read as defined",
    44: "Resources of a context are of one FHIR version",
    45: "`summary` has fewer than 140 characters",
    46: "`indicator` is info, warning or critical",
    47: "`source` has a label",
    48: "`source.url` is absolute and about the source",
    49: "`source.icon` is absolute",
    50: "`source.topic` is a Coding",
    51: "`detail` is GitHub Flavored Markdown",
    52: "`uuid` identifies the card",
    53: "Suggestions come with `selectionBehavior`",
    54: "Override reasons have code, system and display",
    55: "Links have label, url and type",
    56: "`appContext` only on SMART links",
    57: "`autolaunchable` is a hint",
    58: "A Coding has code and system",
    59: "A suggestion has a label",
    60: "A suggestion has a uuid",
    61: "More than one recommended suggestion only under `any`",
    62: "Actions of a suggestion belong together",
    63: "`actionSelectionBehavior` only when known to be supported (3.0)",
    64: "An action creates, updates or deletes",
    65: "An action has a description",
    66: "A created resource is complete",
    67: "An updated resource is whole",
    68: "A deletion names `resourceId`",
    69: "Clients may reject an update",
    70: "`systemActions` is left out when empty",
    71: "System actions have a description",
    72: "System actions only where agreed",
    73: "There may be a feedback endpoint",
    74: "Feedback is a batch for several cards and calls",
    75: "An entry names card, outcome, time, suggestions, reason",
    76: "A comment without a reason is fine",
    77: "A card may be reported several times, and late",
    78: "Feedback is answered 200",
    79: "A card that is ignored is never reported",
    80: "Clients are authenticated where data is sensitive",
    81: "The token of the client comes as a Bearer on every call",
    82: "Its header and claims are complete",
    83: "`aud` is the endpoint called",
    84: "Never `none`, never a symmetric algorithm",
    85: "The algorithms accepted are chosen",
    86: "Issuers and key sets are listed",
    87: "Keys are found by `kid`",
    88: "`exp` and `jti` are checked",
    89: "401 says nothing more",
    90: "Mutual TLS may be used",
    91: "Browsers may call: preflight, and headers on errors too",
    92: "The same id under another hook replaces older cards",
    93: "Outdated data is a risk the design addresses",
}

_CLIENT = "A duty of the client."
_MAY = "Allowed, not used."

ELSEWHERE: dict[int, str] = {
    2: "http/test_access.py::test_listening_to_others_needs_clients_with_keys",
    35: "fhir/test_client.py::test_missing_keys_are_fetched_side_by_side_with_the_token",
    37: "fhir/test_client.py::test_error_sent_in_place_of_the_patient_is_not_asked_again",
    38: "fhir/test_client.py::test_next_page_of_what_was_sent_is_fetched",
    39: "fhir/test_client.py::test_complete_prefetch_causes_no_call",
    40: "fhir/test_client.py::test_without_access_nothing_is_called",
    41: "fhir/test_client.py::test_missing_keys_are_fetched_side_by_side_with_the_token",
    80: "http/test_access.py::test_listening_to_others_needs_clients_with_keys",
    81: "requirements/test_token.py::test_row_01_no_token_other_scheme_or_two",
    82: "requirements/test_token.py::test_rows_26_28_time_missing",
    83: "requirements/test_token.py::test_row_22_each_endpoint_has_its_own_audience",
    84: "requirements/test_token.py::test_row_04_alg_none",
    85: "requirements/test_token.py::test_row_08_alg_outside_the_clients_list",
    86: "requirements/test_token_keys.py::test_rows_12_13_jku_that_is_not_the_registered_one",
    87: "requirements/test_token.py::test_row_18_kid_that_is_none",
    88: "requirements/test_token.py::test_row_31_replay",
    89: "requirements/test_token.py::test_row_45_answers_are_the_same",
}
"""Requirements held by a test that stands with the part it tests."""

NOT_TESTED: dict[int, str] = {
    16: "Not sent: the definitions of the hooks disagree about their own versions.",
    18: _MAY,
    19: "A matter of documents; the service call and its limits are in `openapi.yaml`.",
    31: _MAY,
    34: _CLIENT,
    44: _CLIENT,
    49: _MAY,
    56: "No SMART links are offered.",
    57: "No SMART links are offered.",
    69: _CLIENT,
    72: "No system actions unless the site switches them on.",
    79: _CLIENT,
    90: "A matter of the proxy in front.",
    92: _MAY,
    93: "What came byte for byte as before is read as before for two minutes; what was fetched, for seconds.",
}
"""Requirements without a test, and why."""


def tests() -> dict[int, list[str]]:
    """By requirement, the names of the tests in ``test_protocol.py`` and ``test_protocol_cards.py`` that hold it."""
    held: dict[int, list[str]] = {}
    for file in ("test_protocol.py", "test_protocol_cards.py"):
        for name in functions(HERE / file):
            for number in _NAMED.findall(name):
                held.setdefault(int(number), []).append(name)
    return held


def functions(file: Path) -> Iterator[str]:
    """Names of the functions of a Python file."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def table() -> str:
    """The whole of ``PROTOCOL.md``."""
    held = tests()
    lines = [
        "# CDS Hooks 2.0.1: requirement by requirement",
        "",
        "Written by `python -m tests.protocol_table`; a test keeps it current. The numbers are ours, the words short",
        "for the specification's own; (3.0) marks what the next version adds.",
    ]
    for number, words in REQUIREMENTS.items():
        lines += [line for part, first in PARTS if first == number for line in _head(part)]
        lines.append(f"| {number} | {words} | {_how(number, held)} |")
    return "\n".join([*lines, ""])


def _head(part: str) -> list[str]:
    return ["", f"## {part}", "", "| # | Requirement | Held by |", "|---|---|---|"]


def _how(number: int, held: dict[int, list[str]]) -> str:
    named = [f"`{name}`" for name in held.get(number, [])]
    if number in ELSEWHERE:
        named.append(f"`{ELSEWHERE[number]}`")
    return "<br>".join(named) or f"Not tested: {NOT_TESTED[number]}"


if __name__ == "__main__":
    TABLE.write_text(table())
