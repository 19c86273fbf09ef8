"""
Threats and faults, row by row, and the test that holds us to each.

``python -m tests.requirements_table`` writes ``tests/REQUIREMENTS.md`` anew. A test counts for
a row when its name says so, wherever it stands: ``test_row_047_…``, ``test_row_47_…``, or
``test_rows_52_53_…`` for each of the rows it lists. A row that no test can hold has its reason
in ``tests/requirements/reasons.yaml``; one with neither is open.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from cds_service.yaml_source import read

HERE = Path(__file__).parent
TABLE = HERE / "REQUIREMENTS.md"
REASONS = HERE / "requirements" / "reasons.yaml"
OPEN = "**open**"
_NAMED = re.compile(r"test_rows?((?:_\d{1,3})+)(?=_|$)")

PARTS: tuple[tuple[str, int], ...] = (
    ("Tokens", 1),
    ("Where we may be sent", 47),
    ("A FHIR server at fault", 60),
    ("A request at fault", 81),
    ("Connections and load", 100),
    ("Rule files", 107),
    ("Storage, start and stop", 120),
    ("Pages, stored text, privacy, time", 128),
)
"""Parts of the table and the row each begins with."""

ROWS: dict[int, str] = {
    1: "No token, another scheme, two tokens, a token in the query",
    2: "Malformed tokens, deep ones too: 401, never 5xx",
    3: "Giant tokens: refused quickly",
    4: "`alg` none in any spelling",
    5: "A public key as HMAC secret",
    6: "HMAC with an empty key, or with `kid` as key",
    7: "`alg` does not fit the key: 401, not 500",
    8: "`alg` that is not configured, or not the key's",
    9: "A symmetric key in a key set",
    10: "An RSA key that is too short",
    11: "A signature cut, flipped, empty or of other encoding; a swapped payload",
    12: "`jku` that is not registered: never asked",
    13: "Tricks with the parsing of `jku`",
    14: "Key or `jku` of another client",
    15: "A key set address that redirects",
    16: "`jku` of another scheme",
    17: "Keys or their addresses in the header",
    18: "`kid` missing, mistyped, unknown or hostile",
    19: "`crit` that we do not know",
    20: "A token for another purpose",
    21: "Names twice in header or claims",
    22: "`aud` of something else",
    23: "`aud` made right by request headers",
    24: "`iss` that is not registered, or only nearly",
    25: "`exp` past",
    26: "`exp` missing or odd",
    27: "A lifetime above the cap",
    28: "`nbf` or `iat` in the future or odd",
    29: "Clocks a few seconds apart: accepted",
    30: "`jti` missing or odd",
    31: "A replay, also under a new signature",
    32: "One token many times at once: once accepted",
    33: "A replay at another endpoint",
    34: "A forged token does not use up a real `jti`",
    35: "A replay after a restart",
    36: "Memory of used tokens is bounded and loses none",
    37: "Key server down or lying, cache cold: refused in time",
    38: "Key server hangs: others are not held up",
    39: "Key server down, key cached: accepted",
    40: "Keys change: new ones accepted, withdrawn ones refused",
    41: "Unknown keys cause few fetches",
    42: "Odd members of a key set",
    43: "Odd paths, methods and headers without token: never 200",
    44: "Feedback without a good token",
    45: "All 401 answers are alike",
    46: "Tokens and payloads in logs: absent",
    47: "`fhirServer` that is not exactly a registered base: no connection, no look-up",
    48: "Spellings of this machine's address",
    49: "Addresses of metadata services, private ranges, multicast",
    50: "User names, backslashes, fragments, queries and control characters in a URL",
    51: "A base that is longer or shorter than the registered one; ways out of it",
    52: "Other schemes",
    53: "No URL at all",
    54: "Names that lead inward or change: connected is what was checked",
    55: "Redirects: not followed, the token not sent on",
    56: "Pages on another host",
    57: "Ids that would change an address",
    58: "Proxies named by the environment: ignored",
    59: "The token goes to the registered base only, in a header, in a GET, and nowhere else",
    60: "Hangs, swallows connections: answered in time, the gap named",
    61: "Headers or body drop by drop, or without end",
    62: "Connections reset, closed, cut short",
    63: "Refusals and faults by status: no storm of retries",
    64: "Empty answers and answers of another shape",
    65: "A sign-in page, as HTML or as JSON",
    66: "Bytes that are no strict JSON, however deep",
    67: "Another resource type, or an outcome with 200",
    68: "Null and foreign entries: a failure, not no data",
    69: "Giant, compressed and header-heavy answers: memory stays",
    70: "Pages without end or in a circle",
    71: "Another patient by read: refused",
    72: "Another patient's row in a search: dropped and said",
    73: "A row that names no patient: never silently used",
    74: "One kind of resource fails: the others still advise",
    75: "Impossible quantities",
    76: "Many patients at once: never mixed",
    77: "Slow for half the callers: the other half is not held up",
    78: "Every resource slow: one budget in all, not one for each",
    79: "The fault ends: good advice again soon",
    80: "Prefetch complete: no call at all",
    81: "Any node dropped, changed, renamed, doubled, wrapped: never 5xx",
    82: "Nesting without end",
    83: "Giant and packed bodies: refused, memory stays",
    84: "Names twice: one meaning",
    85: "Numbers that are none, or have thousands of digits",
    86: "Bytes that are not UTF-8",
    87: "Very many keys or orders: in time",
    88: "Something else than JSON",
    89: "Hostile letters in ids and text",
    90: "Wrong types everywhere, impossible dates",
    91: "Prefetch null, failed or missing",
    92: "Prefetch or orders of another patient: refused",
    93: "Members of vendors: advice unchanged",
    94: "Modifier extensions, loops, odd names",
    95: "The wrong hook, an unknown service",
    96: "Refusals repeat nothing of the request",
    97: "No traces, module names or versions in answers",
    98: "A bad request leaves nothing behind",
    99: "Hostile feedback: refused or stored safely",
    100: "A silent or trickling connection is cut",
    101: "Two hundred half-open requests: others are not held up",
    102: "Clients that never read, or leave half way",
    103: "Request smuggling: one answer, refused",
    104: "Headers without end, garbage, upgrades: still alive",
    105: "A burst: served in time or sent away, alive throughout",
    106: "A hundred thousand requests, a fifth hostile: memory and speed stay",
    107: "Files with errors, cut off, empty, not UTF-8: the last good stays and it is said",
    108: "Unknown fields, wrong types, keys twice: refused whole",
    109: "Two rules of one id",
    110: "Alias bombs, endless nesting, giants: refused in time",
    111: "Tags are never followed",
    112: "What YAML would guess is refused by type",
    113: "Templates with unknown or inner fields; patterns that never end",
    114: "Links out, in a circle or into nothing; pipes; folders: never waited for",
    115: "What editors leave behind: ignored",
    116: "Files vanish or are half written: old or new, never half",
    117: "All files gone: the last good stays and it is said",
    118: "A good change takes effect whole, with a new revision",
    119: "A start with broken rules: not ready, or the last good and it is said",
    120: "Killed while feedback is written: nothing acknowledged lost, nothing doubled",
    121: "The same feedback again: stored once",
    122: "The database locked by somebody else",
    123: "Disk full, at the start too: advice goes on",
    124: "The database damaged or deleted: kept aside, advice goes on",
    125: "PostgreSQL refuses, hangs or is down: advice goes on, feedback is kept",
    126: "Ended under load: what was accepted is finished",
    127: "A cold start: not ready before it is fast and right",
    128: "Admin pages without a good token",
    129: "Requests made by foreign pages; framing",
    130: "Script in stored text: shown, never run",
    131: "Cells a spreadsheet would run",
    132: "Ways to files and inner pages; health tells no secrets",
    133: "Feedback for another client's card",
    134: "Patients in logs; leap days, time zones",
}


def tests() -> dict[int, list[str]]:
    """By row, the tests that hold it, as file and name."""
    held: dict[int, list[str]] = {}
    for file in sorted(HERE.rglob("test_*.py")):
        for name in functions(file):
            for number in rows(name):
                held.setdefault(number, []).append(f"{file.relative_to(HERE).as_posix()}::{name}")
    return held


def rows(name: str) -> list[int]:
    """
    The rows a test names.

    >>> rows("test_rows_052_53_are_refused"), rows("test_row_7_in_2_steps"), rows("test_rowing")
    ([52, 53], [7], [])
    """
    named = _NAMED.match(name)
    return [int(number) for number in named.group(1).split("_")[1:]] if named else []


def functions(file: Path) -> Iterator[str]:
    """Names of the test functions of a Python file, those of classes too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def reasons() -> dict[int, str]:
    """Rows that no test holds, and why."""
    return {int(number): str(why) for number, why in (read(REASONS.read_bytes(), file=REASONS.name) or {}).items()}


def undone() -> list[int]:
    """Rows with neither test nor reason."""
    return sorted(set(ROWS) - set(tests()) - set(reasons()))


def table() -> str:
    """The whole of ``REQUIREMENTS.md``."""
    held, why = tests(), reasons()
    lines = [
        "# Threats and faults: row by row",
        "",
        "Written by `python -m tests.requirements_table`; a test keeps it current. Each row is a threat or a fault and",
        "what must come of it; beside it stands the test named after it, or the reason why there is none.",
        "",
        f"{len(ROWS)} rows: {len(set(ROWS) & set(held))} held by tests, {len(set(why) - set(held))} explained, "
        f"{len(undone())} open.",
    ]
    for number, words in ROWS.items():
        lines += [line for part, first in PARTS if first == number for line in _head(part)]
        lines.append(f"| {number} | {words} | {_how(number, held, why)} |")
    return "\n".join([*lines, ""])


def _head(part: str) -> list[str]:
    return ["", f"## {part}", "", "| # | Threat or fault | Held by |", "|---|---|---|"]


def _how(number: int, held: dict[int, list[str]], why: dict[int, str]) -> str:
    said = [f"`{name}`" for name in held.get(number, [])]
    if number in why:
        said.append(why[number])
    return "<br>".join(said) or OPEN


if __name__ == "__main__":
    TABLE.write_text(table())
