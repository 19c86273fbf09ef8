"""Doses in plain text: what is read, and everything that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.dose.units import CTDI, DAP, DLP, EFFECTIVE
from cds_service.facts.dose.wording import Said, said


@pytest.mark.parametrize(
    ("text", "what", "value"),
    [
        ("DLP 312 mGy*cm", DLP, 312),
        ("DLP: 312 mGy.cm.", DLP, 312),
        ("TOTAL DLP = 312.5 MGY-CM", DLP, 312.5),
        ("Dose length product (total) of 312 mGy cm", DLP, 312),
        ("dose-length-product was 0.312 Gy*cm", DLP, 312),
        ("dose-length-product was 0.31 Gy*cm", DLP, 310),
        ("Gesamt-DLP 312,5 mGy*cm", DLP, 312.5),
        ("DLP beträgt 1.312,5 mGy*cm", DLP, 1312.5),
        ("DLP 1,312.5 mGy*cm", DLP, 1312.5),
        ("DLP 1.312,5 mGy*cm", DLP, 1312.5),
        ("No fracture. CTDIvol 9.8 mGy; DLP 520 mGy.cm", DLP, 520),
        ("No fracture. CTDIvol 9.8 mGy; DLP 520 mGy.cm", CTDI, 9.8),
        ("CTDI vol: 9,8 mGy", CTDI, 9.8),
        ("KAP 12 cGy*cm2", DAP, 120),
        ("Dose area product 1.2 Gy·cm²", DAP, 1200),
        ("Effective dose 2.1 mSv", EFFECTIVE, 2.1),
        ("DLP 100 mGy*cm, DLP 90 mGy*cm, total DLP 190 mGy*cm", DLP, 190),
        ("DLP 312 mGy*cm (reference DLP 500 mGy*cm)", DLP, 312),
        ("DLP 312 mGy*cm; prior CT: DLP 400 mGy*cm", DLP, 312),
    ],
)
def test_what_is_read(text: str, what: str, value: float) -> None:
    found = said(text).get(what)
    assert found is not None and (found.low, found.high) == pytest.approx((value, value))


@pytest.mark.parametrize(
    "text",
    [
        "DLP 312",
        "DLP 312 mSv",
        "DLP 312 mGy",
        "DLP -312 mGy*cm",
        "DLP 1E+99999999 mGy*cm",
        "DLP 99999999999 mGy*cm",
        "DLP < 312 mGy*cm",
        "DLP 300-350 mGy*cm",
        "DLP 312 mGy*cm x 2",
        "DLP 312 mGy*cm/624 mGy*cm",
        "CTDIvol/DLP 9.8 mGy/520 mGy*cm",
        "DLP1: 100 mGy*cm DLP2: 200 mGy*cm",
        "prior DLP 312 mGy*cm",
        "Compared with the CT of May with DLP 312 mGy*cm",
        "DRL: DLP 500 mGy*cm",
        "alert level DLP 1000 mGy*cm",
        "DLP notification value DLP 1000 mGy*cm",
        "estimated DLP 312 mGy*cm",
        "DLP subtotal 312 mGy*cm",
        "not more than DLP 312 mGy*cm",
        "his twin: DLP 312 mGy*cm",
        "dose 312",
        "XDLP 312 mGy*cm",
        "",
    ],
)
def test_what_is_no_dose_of_this_exam(text: str) -> None:
    assert not [one for one in said(text).values() if one.clear], said(text)


@pytest.mark.parametrize(
    "text",
    [
        "DLP 100 mGy*cm, DLP 90 mGy*cm",
        "Without contrast DLP 312 mGy*cm. With contrast DLP 312 mGy*cm.",
        "DLP 1,312 mGy*cm",
        "DLP 1.312 mGy*cm",
        "DLP 1,312,500 mGy*cm",
        "DLP 0 mGy*cm",
    ],
)
def test_what_names_a_dose_and_is_not_plain(text: str) -> None:
    assert said(text) == {DLP: Said()}


def test_ctdi_of_several_passes_goes_from_the_lowest_to_the_highest() -> None:
    assert said("CTDIvol 4.1 mGy, CTDIvol 9.8 mGy")[CTDI] == Said(4.1, 9.8)


def test_two_totals_bound_each_other() -> None:
    assert said("Total DLP 100 mGy*cm. Total DLP 120 mGy*cm.")[DLP] == Said(100, 120)


PIECES = st.sampled_from(
    [
        "DLP",
        "total",
        "prior",
        "CTDIvol",
        "312",
        "1,312",
        "9.8",
        "-5",
        "mGy",
        "mGy*cm",
        "mSv",
        "Gy.cm2",
        ";",
        ".",
        ",",
        ":",
        "\n",
        "x 2",
        "KAP",
        "effective dose",
        "1e9",
    ]
)


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=200))
def test_any_text_gives_sound_bounds_or_nothing(text: str) -> None:
    for one in said(text).values():
        assert (one.low, one.high) == (0, 0) or 0 < one.low <= one.high < 1e10


@given(st.integers(1, 99_999), st.sampled_from(["mSv", "mGy", "s", "cm", "%"]))
def test_a_length_product_in_another_unit_is_never_read(number: int, unit: str) -> None:
    assert DLP not in said(f"DLP {number} {unit}")
