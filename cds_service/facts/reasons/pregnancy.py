"""A pregnancy that an order speaks of: no question of safety may hang on it having been recorded elsewhere."""

from __future__ import annotations

from typing import Final

from cds_service.vocabulary.readings import Evidence, Reading

_POSSIBLE: Final = frozenset({"possible"})
_PREGNANT: Final = "pregnant"


def with_pregnancy(recorded: Reading, stated: Evidence | None) -> Reading:
    """What is *recorded* of a pregnancy, which is possible at least where the order states one."""
    if stated is None or (recorded.value and _PREGNANT in recorded.value):
        return recorded
    return Reading(_POSSIBLE, (stated, *recorded.evidence))
