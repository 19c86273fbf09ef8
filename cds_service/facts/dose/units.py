"""
Units of dose as records write them: in UCUM, as words, in capitals.

Reference: the HL7 Radiation Dose Summary samples write ``mGy.cm`` and ``mGy.cm2`` as plain text, without a system.
A unit of another dimension is no unit: a dose-area product is not a dose-length product, and mSv is neither.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from cds_service.fhir.resources import Quantity

DLP: Final = "DLP"
CTDI: Final = "CTDIvol"
DAP: Final = "DAP"
POINT: Final = "dose at the reference point"
EFFECTIVE: Final = "effective dose"
ACTIVITY: Final = "activity"

UNIT: Final = {DLP: "mGy·cm", CTDI: "mGy", DAP: "mGy·cm²", POINT: "mGy", EFFECTIVE: "mSv", ACTIVITY: "MBq"}
"""What each measure is kept and told in."""

_GRAY: Final = {"ug": 0.001, "mg": 1.0, "cg": 10.0, "dg": 100.0, "g": 1000.0}
_LENGTH: Final = {f"{prefix}ycm": factor for prefix, factor in _GRAY.items()}
_AREA: Final = {
    **{f"{prefix}ycm2": factor for prefix, factor in _GRAY.items()},
    **{f"{prefix}ym2": factor * 10_000 for prefix, factor in _GRAY.items()},
}
_DOSE: Final = {f"{prefix}y": factor for prefix, factor in _GRAY.items()}
_IN: Final = {
    DLP: _LENGTH,
    CTDI: _DOSE,
    POINT: _DOSE,
    DAP: _AREA,
    EFFECTIVE: {"usv": 0.001, "msv": 1.0, "sv": 1000.0},
    ACTIVITY: {"bq": 1e-6, "kbq": 0.001, "mbq": 1.0, "gbq": 1000.0},
}
_SEPARATORS: Final = str.maketrans(dict.fromkeys(" .*·⋅×^-_()"))
_SIGNS: Final = str.maketrans({"²": "2", "µ": "u", "μ": "u"})
_LONGEST: Final = 16
_MOST: Final = 1e7  # more than seven digits are a slip, and none can be shown


@lru_cache(maxsize=512)
def factor(unit: str, what: str) -> float | None:
    """
    What one *unit* is in the unit *what* is told in; None when it is no unit of it.

    >>> factor("mGy*cm", "DLP"), factor("Gy.cm", "DLP"), factor("uGy.m2", "DAP"), factor("mSv", "DLP")
    (1.0, 1000.0, 10.0, None)

    The prefix tells mega from milli: ``MBq`` is a unit of activity and ``mBq`` is not read.

    >>> factor("MBq", "activity"), factor("mBq", "activity"), factor("MGY.CM", "DLP"), factor("MGy.cm", "DLP")
    (1.0, None, 1.0, None)
    """
    if len(unit) > _LONGEST:
        return None
    plain = unit.translate(_SIGNS).translate(_SEPARATORS)
    mega = plain[:1] == "M" and not plain.isupper()
    if (what == ACTIVITY) != mega and plain[:1] in "Mm":
        return None
    return _IN[what].get(plain.lower())


def sound(value: float) -> bool:
    """Whether *value* can be a dose: a number above nothing that a person can read."""
    return math.isfinite(value) and 0 < value < _MOST


def amount(quantity: Quantity | None, what: str) -> float | None:
    """
    *quantity* in the unit of *what*; None when it is none, only a bound, or code and unit disagree.

    >>> amount(Quantity(value=0.48, unit="Gy.cm"), "DLP"), amount(Quantity(value=480), "DLP")
    (480.0, None)
    """
    if quantity is None or quantity.value is None or quantity.comparator:
        return None
    units = {unit for unit in (quantity.code, quantity.unit) if unit}
    factors = {factor(unit, what) for unit in units}
    one = factors.pop() if len(factors) == 1 else None
    if one is None:
        return None
    value = quantity.value * one
    return value if sound(value) else None


def plainly(value: float) -> str:
    """
    A number as a person writes it, with three digits that count.

    >>> plainly(312.46), plainly(9.84), plainly(0.051234), plainly(1234567)
    ('312', '9.84', '0.0512', '1234567')
    """
    return f"{value:.0f}" if value >= 100 else f"{float(f'{value:.3g}'):g}"
