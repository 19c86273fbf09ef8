"""Units as records write them, and what is none."""

from __future__ import annotations

import pytest

from cds_service.facts.dose.units import ACTIVITY, CTDI, DAP, DLP, EFFECTIVE, amount, factor, plainly
from cds_service.fhir.resources import Quantity


@pytest.mark.parametrize(
    ("unit", "what", "one"),
    [
        ("mGy.cm", DLP, 1),
        ("mGy*cm", DLP, 1),
        ("mGycm", DLP, 1),
        ("mGy·cm", DLP, 1),
        ("mGy cm", DLP, 1),
        ("mGy-cm", DLP, 1),
        ("MGY*CM", DLP, 1),
        ("Gy.cm", DLP, 1000),
        ("mGy", CTDI, 1),
        ("mGy.cm2", DAP, 1),
        ("mGy*cm²", DAP, 1),
        ("cGy.cm2", DAP, 10),
        ("dGy*cm^2", DAP, 100),
        ("Gy.cm2", DAP, 1000),
        ("Gy.m2", DAP, 1e7),
        ("uGy.m2", DAP, 10),
        ("µGy·m²", DAP, 10),
        ("mSv", EFFECTIVE, 1),
        ("Sv", EFFECTIVE, 1000),
        ("uSv", EFFECTIVE, 0.001),
        ("μSv", EFFECTIVE, 0.001),
        ("MBq", ACTIVITY, 1),
        ("kBq", ACTIVITY, 0.001),
        ("GBq", ACTIVITY, 1000),
    ],
)
def test_units_in_the_wild(unit: str, what: str, one: float) -> None:
    assert factor(unit, what) == pytest.approx(one)


@pytest.mark.parametrize(
    ("unit", "what"),
    [
        ("mSv", DLP),
        ("mGy", DLP),
        ("mGy.cm2", DLP),
        ("mGy/cm", DLP),
        ("mGy.cm", DAP),
        ("mGy.cm", CTDI),
        ("mGy", EFFECTIVE),
        ("mBq", ACTIVITY),
        ("MSv", EFFECTIVE),
        ("MGy.cm", DLP),
        ("s", DLP),
        ("", DLP),
        ("mGy.cm" * 9, DLP),
    ],
)
def test_a_unit_of_something_else_is_none(unit: str, what: str) -> None:
    assert factor(unit, what) is None


@pytest.mark.parametrize(
    "quantity",
    [
        None,
        Quantity(unit="mGy.cm"),
        Quantity(value=480),
        Quantity(value=-480, unit="mGy.cm"),
        Quantity(value=0, unit="mGy.cm"),
        Quantity(value=float("inf"), unit="mGy.cm"),
        Quantity(value=float("nan"), unit="mGy.cm"),
        Quantity(value=1e300, unit="mGy.cm"),
        Quantity(value=480, unit="mGy.cm", comparator="<"),
        Quantity(value=480, unit="mGy.cm", code="Gy.cm"),
        Quantity(value=480, unit="mSv", code="mGy.cm"),
    ],
)
def test_what_is_no_dose(quantity: Quantity | None) -> None:
    assert amount(quantity, DLP) is None


def test_code_or_unit_will_do() -> None:
    assert amount(Quantity(value=480, code="mGy.cm", unit="mGy*cm"), DLP) == 480
    assert amount(Quantity(value=0.48, code="Gy.cm"), DLP) == 480


@pytest.mark.parametrize(
    ("value", "said"), [(0.034, "0.034"), (1, "1"), (99.96, "100"), (100.4, "100"), (9e6, "9000000")]
)
def test_numbers_as_people_write_them(value: float, said: str) -> None:
    assert plainly(value) == said
