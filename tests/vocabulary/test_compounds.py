"""Words written in one, taken apart."""

from __future__ import annotations

import pytest

from cds_service.vocabulary.compounds import NO_COMPOUNDS, Compounds

KNOWN = ["niere", "schilddruse", "kopf", "thorax", "head", "pelvis", "hip"]
COMPOUNDS = Compounds(KNOWN, endings=["sonographie", "sono", "ct"], beginnings=["ct", "rontgen"], links=["n", "s"])


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("nierensonographie", ("niere", "sonographie")),
        ("schilddrusensono", ("schilddruse", "sono")),
        ("thoraxct", ("thorax", "ct")),
        ("rontgenthorax", ("rontgen", "thorax")),
        ("cthead", ("ct", "head")),
    ],
)
def test_known_parts(word: str, parts: tuple[str, ...]) -> None:
    assert COMPOUNDS.parts(word) == parts


@pytest.mark.parametrize("word", ["", "ct", "sono", "object", "cthip", "telesonographie", "ctheader", "headache"])
def test_any_other_word_stays_whole(word: str) -> None:
    assert COMPOUNDS.parts(word) == ()


def test_without_parts_no_word_is_put_together() -> None:
    assert NO_COMPOUNDS.parts("nierensonographie") == ()
