"""Check digits of code systems: they tell a damaged code from one we simply do not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cds_service.vocabulary.addresses import address

_VERHOEFF_TIMES: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_SNOMED_LENGTHS: Final = range(6, 19)
_VERHOEFF_FIRST: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _permutations() -> tuple[tuple[int, ...], ...]:
    rows: list[tuple[int, ...]] = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(_VERHOEFF_FIRST[digit] for digit in rows[-1]))
    return tuple(rows)


_VERHOEFF_PLACES: Final = _permutations()


def loinc_holds(code: str) -> bool:
    """
    Whether a LOINC code's last digit fits the others (modulus 10).

    >>> loinc_holds("30799-1"), loinc_holds("30799-2"), loinc_holds("CT head")
    (True, False, False)
    """
    body, dash, check = code.partition("-")
    if not (dash and body.isdecimal() and check.isdecimal() and len(check) == 1 and code.isascii()):
        return False
    total = 0
    for place, digit in enumerate(reversed(body)):
        number = int(digit) * (1 if place % 2 else 2)
        total += sum(divmod(number, 10))
    return (total + int(check)) % 10 == 0


def snomed_holds(code: str) -> bool:
    """
    Whether a SNOMED CT identifier's last digit fits the others (Verhoeff).

    >>> snomed_holds("241615005"), snomed_holds("30367100"), snomed_holds("16457501000119100")
    (True, False, False)
    """
    if not (code.isdecimal() and code.isascii() and len(code) in _SNOMED_LENGTHS):
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = _VERHOEFF_TIMES[check][_VERHOEFF_PLACES[place % 8][int(digit)]]
    return check == 0


CHECKED: Final[Mapping[str, Callable[[str], bool]]] = {
    "http://loinc.org": loinc_holds,
    "http://snomed.info/sct": snomed_holds,
}
"""Code systems whose codes carry a check digit, by their own address."""

_BY_OID: Final = {
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
}


def damaged_code(system: str | None, code: str) -> bool:
    """
    Whether a code fails the check digit of its system.

    >>> damaged_code("http://loinc.org/", "30799-2"), damaged_code("http://loinc.org", "30799-1")
    (True, False)
    >>> damaged_code("urn:nobody", "30799-2")
    False
    """
    plain = address(system or "")
    holds = CHECKED.get(_BY_OID.get(plain, plain))
    return holds is not None and not holds(code.strip())
