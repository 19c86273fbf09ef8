"""Whatever a record holds: one dose an exam, never a sum, never the number of an alert, and the same in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.facts.dose.conftest import Doses, part, phantom, summary
from tests.facts.history.conftest import accession, report, study, uid

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
EXAMS = ("CT HEAD W/O CONTRAST", "CT ABDOMEN PELVIS W CONTRAST", "CT CHEST W CONTRAST", "CT NECK W CONTRAST")
UNITS = ("mGy.cm", "Gy.cm", "mSv", "mGy", "", "mGy.cm2")
NOT_GIVEN = ("113903", "113905", "113911", "113913", "130745", "113726", "113727")


def scan(place: int, day: int, name: str) -> dict[str, Any]:
    keys = [uid(f"1.2.{place}"), accession(f"A{place}")]
    return study(
        f"s{place}", f"2025-{1 + day // 28:02}-{1 + day % 28:02}T10:00:00Z", "CT", identifier=keys, description=name
    )


scans = st.lists(st.tuples(st.integers(0, 330), st.sampled_from(EXAMS)), min_size=1, max_size=4).map(
    lambda found: [scan(place, day, name) for place, (day, name) in enumerate(found)]
)
amounts = st.floats(allow_nan=False, width=32) | st.sampled_from([0, -1, 1e30, 312.0])
components = st.lists(
    st.builds(part, st.sampled_from(["113813", "113838", "113814", "113830"]), amounts, st.sampled_from(UNITS))
    | st.sampled_from([phantom("113690"), phantom("113691")]),
    max_size=4,
)


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Scans, and dose summaries and reports of some of them."""
    found: list[dict[str, Any]] = draw(scans)
    last = len(found) - 1
    for number in range(draw(st.integers(0, 4))):
        of = draw(st.integers(0, last))
        tie = {"partOf": [{"identifier": uid(f"1.2.{of}")}]} if draw(st.booleans()) else {}
        found = [*found, summary(f"d{number}", *draw(components), **tie)]
    if draw(st.booleans()):
        words = f"DLP {draw(amounts)} {draw(st.sampled_from(UNITS))}"
        found = [
            *found,
            report("r1", {"text": "CT head"}, "2025-01-01", identifier=[accession("A0")], conclusion=words),
        ]
    return found


def lines(told: Doses, found: list[dict[str, Any]]) -> list[str]:
    return sorted(f"{one.prior.evidence[0].text}: {one.text}" for one in told(*found))


@FEW
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_resources_never_matters(told: Doses, found: list[dict[str, Any]], chance: Any) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert lines(told, shuffled) == lines(told, found)


@FEW
@given(records())
def test_every_dose_is_bounds_a_child_could_have_got(told: Doses, found: list[dict[str, Any]]) -> None:
    for one in told(*found):
        assert one.msv is None or 0 <= one.msv[0] <= one.msv[1]
        assert all(0 < low <= high < 1e7 for what, (low, high) in one.measures.items() if what != "effective dose")


@FEW
@given(records(), st.data())
def test_a_summary_sent_again_changes_nothing(told: Doses, found: list[dict[str, Any]], data: Any) -> None:
    tied = [one for one in found if one["resourceType"] == "Observation" and "partOf" in one]
    again = [{**data.draw(st.sampled_from(tied)), "id": "again"}] if tied else []
    assert lines(told, [*found, *again]) == lines(told, found)


@FEW
@given(records(), st.sampled_from(NOT_GIVEN), st.floats(1, 5000))
def test_what_no_child_received_changes_nothing(
    told: Doses, found: list[dict[str, Any]], code: str, value: float
) -> None:
    more = [
        {**one, "component": [*one["component"], part(code, value), part(code, value, "mSv")]}
        if one["resourceType"] == "Observation"
        else one
        for one in found
    ]
    assert lines(told, more) == lines(told, found)


@FEW
@given(records())
def test_exams_are_the_same_with_and_without_doses(told: Doses, found: list[dict[str, Any]]) -> None:
    tied = [one for one in found if one["resourceType"] != "Observation" or "partOf" in one]
    bare = [one for one in tied if one["resourceType"] != "Observation"]
    assert [str(one.prior.exam) for one in told(*tied)] == [str(one.prior.exam) for one in told(*bare)]
