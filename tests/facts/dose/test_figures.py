"""The shipped figures against what their sources come to, and files that are wrong."""

from __future__ import annotations

import pytest

from cds_service.errors import ContentError
from cds_service.facts.dose import Usual, load_usual
from cds_service.vocabulary.exams import exam
from tests.facts.history.conftest import CODES

SHIPPED = (CODES / "dose.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("phrase", "age", "dlp", "low", "high"),
    [
        # a reference level times the lowest and the highest coefficient at the middle of its ages
        ("CT head", 0.5, 344, 2.12, 3.04),
        ("CT head", 12.0, 910, 1.87, 2.66),
        ("CT chest", 12.5, 128, 1.59, 2 * 1.85),
        ("CT chest", 16.5, 257, 2.65, 2 * 3.55),
        ("CT abdomen+pelvis", 7.5, 170, 2.70, 2 * 3.09),
        ("CT abdomen+pelvis", 16.5, 511, 4.80, 2 * 7.67),
        ("CT chest+abdomen+pelvis", 12.5, 437, 4.63, 2 * 6.25),
    ],
)
def test_a_length_product_in_msv(figures: Usual, phrase: str, age: float, dlp: float, low: float, high: float) -> None:
    found = figures.of_dlp(exam(phrase), (dlp, dlp), (age, age), frozenset())
    assert found == pytest.approx((low, high), abs=0.011)


@pytest.mark.parametrize("phrase", ["CT neck", "CT cervical-spine", "CT abdomen", "CT knee", "MR head", "XR chest"])
def test_no_coefficient_no_estimate(figures: Usual, phrase: str) -> None:
    assert figures.of_dlp(exam(phrase), (300, 300), (5, 5), frozenset()) is None


def test_a_head_on_the_large_phantom_counts_twice(figures: Usual) -> None:
    small = figures.of_dlp(exam("CT head"), (400, 400), (5, 5), frozenset({16}))
    assert small == figures.of_dlp(exam("CT head"), (400, 400), (5, 5), frozenset())
    large = figures.of_dlp(exam("CT head"), (400, 400), (5, 5), frozenset({32}))
    assert small is not None and large is not None and large[1] == 2 * small[1] and large[0] == small[0]


def test_technique_and_contrast_do_not_change_the_band(figures: Usual) -> None:
    plain = figures.of_exam(exam("CT chest without contrast"), (5, 5))
    assert plain == figures.of_exam(exam("CT high-resolution chest with contrast"), (5, 5)) is not None


@pytest.mark.parametrize(
    ("dose", "band"), [((2.4, 2.4), (0.3, 3)), ((2.4, 3.2), (0.3, 10)), ((3, 3), (3, 3)), ((0.01, 0.01), (0, 0.03))]
)
def test_measured_doses_lie_in_bands(figures: Usual, dose: tuple[float, float], band: tuple[float, float]) -> None:
    assert figures.level(dose) == band


def test_a_dose_above_all_bands_is_bounded_by_itself(figures: Usual) -> None:
    assert figures.level((42, 42)) == (30, 42)


def test_every_band_is_a_listed_one_and_every_exam_can_be_said() -> None:
    figures = load_usual(SHIPPED)
    pairs = set(zip(figures.bounds, figures.bounds[1:], strict=False))
    assert {band for bands in figures.bands.values() for band in bands} <= pairs


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        ("CT head: [0.011, ", "CT hed: [0.011, ", "hed"),
        ("CT head: [0.011, 0.0067, ", "CT head: [0.0067, ", "each age needs a number"),
        ("ages: [0, 1, 2, 6]", "ages: [1, 0, 2, 6]", "the youngest first"),
        ("dlp: [344, ", "dlp: [-344, ", "each age needs a number"),
        ("{exam: CT head, one: [0.3, 3]", "{exam: CT head, one: [3, 0.3]", "a band goes from a lower"),
        ("{exam: CTA head, one", "{exam: CT head, one", "twice"),
        ("factor: 2", "factor: two", "two is no number"),
        ("usual:      ", "unusual:      ", "lack a part"),
        ("  source: thomas-2008, ", "  ", "no source"),
        ("msv: [0.03, 69.2]", "msv: 0.03", "list of numbers"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, trouble: str) -> None:
    edited = SHIPPED.replace(old, new, 1) if "thomas" not in old else SHIPPED.replace("source: thomas-2008, ", "", 1)
    assert edited != SHIPPED
    with pytest.raises(ContentError) as caught:
        load_usual(edited, file="dose.yaml")
    assert trouble in str(caught.value) and "dose.yaml:" in str(caught.value)
