"""
Units as records write them, converted to the unit a fact is counted in.

Only fixed physical relations stand here. A relation that depends on the substance (molar to mass)
belongs to the fact and is written in its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple


class Conversion(NamedTuple):
    """target = value * factor + offset."""

    factor: float = 1.0
    offset: float = 0.0


_FEET, _INCH, _POUND = 0.3048, 0.0254, 0.45359237

_LENGTH: Final = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimeters"), 0.01),
    **dict.fromkeys(("mm", "millimeter", "millimeters"), 0.001),
    **dict.fromkeys(("[ft_us]", "[ft_i]", "ft", "feet", "foot"), _FEET),
    **dict.fromkeys(("[in_us]", "[in_i]", "in", "inch", "inches"), _INCH),
}
_MASS: Final = {
    **dict.fromkeys(("kg", "kilogram", "kilograms", "kgs"), 1.0),
    **dict.fromkeys(("g", "gram", "grams", "gm"), 0.001),
    **dict.fromkeys(("[lb_av]", "lb", "lbs", "pound", "pounds"), _POUND),
    **dict.fromkeys(("[oz_av]", "oz", "ounce", "ounces"), _POUND / 16),
}
_TIME: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("wk", "week", "weeks"), 7 * 86400.0),
}
_MASS_CONCENTRATION: Final = {
    "mg/l": 1.0,
    "mg/dl": 10.0,
    "ug/ml": 1.0,
    "µg/ml": 1.0,
    "g/l": 1000.0,
}
_CELLS: Final = {
    **dict.fromkeys(
        ("10*3/ul", "10^3/ul", "x10^3/ul", "x10*3/ul", "x10(3)/mcl", "10*3/mm3", "10^3/mcl", "10*3/mcl", "k/ul"), 1.0
    ),
    **dict.fromkeys(("k/mm3", "k/mcl", "thou/ul", "thou/mm3", "thou/mcl", "thousand/ul"), 1.0),
    **dict.fromkeys(("10*9/l", "10^9/l", "x10^9/l", "x10*9/l", "giga/l", "gpt/l"), 1.0),
    **dict.fromkeys(("/ul", "cells/ul", "{cells}/ul", "/mm3", "cells/mm3", "/mcl", "cells/mcl"), 0.001),
}
_COUNT: Final = dict.fromkeys(
    ("", "1", "{score}", "{#}", "score", "points", "point", "pts", "times", "{episodes}"), 1.0
)
_FILTRATION: Final = dict.fromkeys(
    (
        "ml/min/{1.73_m2}",
        "ml/min/1.73m2",
        "ml/min/1.73_m2",
        "ml/min/{1.73m2}",
        "ml/min/1.73m^2",
        "ml/min/1.73m²",
        "ml/min/1.73sqm",
        "ml/min/bsa",
    ),
    1.0,
)
_DIMENSIONS: Final = (
    _LENGTH,
    _MASS,
    _TIME,
    _MASS_CONCENTRATION,
    _CELLS,
    _COUNT,
    _FILTRATION,
    dict.fromkeys(("kg/m2", "kg/m^2", "kg/m²"), 1.0),
    dict.fromkeys(("%", "percent"), 1.0),
)
_TEMPERATURE: Final = {
    **dict.fromkeys(("cel", "c", "°c", "degc", "deg c", "celsius"), Conversion()),
    **dict.fromkeys(("[degf]", "f", "°f", "degf", "deg f", "fahrenheit"), Conversion(5 / 9, -160 / 9)),
    "k": Conversion(1.0, -273.15),
}


def conversion(unit: str, target: str, own: Mapping[str, float]) -> Conversion | None:
    """
    How to bring *unit* to *target*; None when that can't be done.

    *own* are the fact's own further units. A bare number is only taken where it is a count or a score.

    >>> round(44.1 * conversion("[lb_av]", "kg", {}).factor, 1)
    20.0
    >>> conversion("", "kg", {}) is None
    True
    """
    if unit in own:
        return Conversion(own[unit])
    return _conversion(unit.replace(" ", "").lower(), target.lower())


@lru_cache(maxsize=2048)
def _conversion(unit: str, target: str) -> Conversion | None:
    if target in _TEMPERATURE:
        return _TEMPERATURE.get(unit)
    for dimension in _DIMENSIONS:
        if target in dimension:
            size = dimension.get(unit)
            return None if size is None else Conversion(size / dimension[target])
    return Conversion() if unit == target else None
