"""Every phrase of every reason, denied or told of a relative: none of them is the child's."""

import pytest

from cds_service import yaml_source
from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.conftest import FOLDER
from tests.facts.reasons.orders import reasons_of, spread, worded

FIRST = 4
"""Of a phrase with alternatives, so many stand for all."""

PARTS = 6
"""One part of the phrases is tried each time, the others in the long runs."""


@pytest.fixture(scope="module")
def phrases() -> list[str]:
    return [
        text
        for path in sorted(FOLDER.glob("*.yaml"))
        if not path.name.startswith("words.")
        for fields in yaml_source.read(path.read_bytes(), file=path.name).values()
        for phrase in (*fields.get("texts", ()), *fields.get("texts_alone", ()))
        for text in list(spread(phrase))[:FIRST]
    ]


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.soak) for part in range(1, PARTS))])
@pytest.mark.parametrize(
    "sentence",
    [
        "no {}",
        "{}: negative",
        "{}: none",
        "{} -ve",
        "{} ruled out",
        "{} less likely",
        "never had {}",
        "headache, denies vomiting, {}",
        "mother with {}",
        "headache, dad w/ {}",
        "sister hospitalized with {}",
        "brother: {}",
        "{} in grandfather",
        "headache, mother and sister with {}",
        "headache, FHx fever, {}",
        "roommate has {}",
    ],
)
def test_no_phrase_is_a_reason_where_it_is_denied_or_somebody_elses(
    sentence: str, part: int, phrases: list[str], codes: ReasonCodes
) -> None:
    expected = {"headache"} if sentence.startswith("headache") else set()
    allowed = codes.lineage["ddh-risk"] | expected
    assert len(phrases) > 2500
    tried = phrases[part::PARTS]
    wrong = [one for one in tried if not reasons_of(codes, worded(sentence.format(one))).names.values <= allowed]
    assert wrong == []
