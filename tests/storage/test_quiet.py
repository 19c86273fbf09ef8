"""What was overridden stays silent: in its encounter, or for a day where none is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cds_service.storage.quiet import LONGEST_ENCOUNTER, Quiet, Shown
from tests.storage.kept import NOW, shown

DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)


def quiet(one: Shown) -> Quiet:
    """A memory in which *one* was overridden just now."""
    memory = Quiet(24)
    memory.add(one, memory.until(one, NOW))
    return memory


def test_nothing_is_silent_at_first() -> None:
    assert not Quiet(24).holds(shown(), NOW)


def test_without_encounter_it_lasts_a_day() -> None:
    memory = quiet(shown())
    assert memory.holds(shown(), NOW)
    assert memory.holds(shown(), NOW + DAY - SECOND)
    assert not memory.holds(shown(), NOW + DAY)


def test_a_site_may_choose_other_hours() -> None:
    memory = Quiet(1)
    assert memory.until(shown(), NOW) == (NOW + timedelta(hours=1)).timestamp()


def test_in_an_encounter_it_lasts_as_long_as_that() -> None:
    memory = quiet(shown(encounter="e"))
    assert memory.holds(shown(encounter="e"), NOW + 3 * DAY)
    assert not memory.holds(shown(encounter="e"), NOW + LONGEST_ENCOUNTER)
    assert not memory.holds(shown(encounter="f"), NOW)
    assert not memory.holds(shown(), NOW)


def test_what_was_overridden_outside_an_encounter_is_silent_inside_one_too() -> None:
    memory = quiet(shown())
    assert memory.holds(shown(encounter="e"), NOW)
    assert not memory.holds(shown(encounter="e"), NOW + DAY)


def test_an_older_override_heard_of_later_shortens_nothing() -> None:
    memory = quiet(shown())
    memory.add(shown(), memory.until(shown(), NOW - DAY))
    assert memory.holds(shown(), NOW + DAY - SECOND)


@pytest.mark.parametrize(
    "other",
    [{"client": "x"}, {"patient": "x"}, {"rule": "rule-b"}, {"exam": "CT chest"}],
    ids=lambda change: next(iter(change)),
)
def test_anything_else_still_speaks(other: dict[str, str]) -> None:
    assert not quiet(shown()).holds(shown(**other), NOW)


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = Quiet(24, room=2)
    for rule in ("a", "b", "c"):
        memory.add(shown(rule), memory.until(shown(rule), NOW))
    assert [memory.holds(shown(rule), NOW) for rule in ("a", "b", "c")] == [False, True, True]
