"""Regions nest, overlap and cover each other as bodies do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.vocabulary.regions import DIVISIONS, MASKS, REGIONS, covers, mask, overlap

SOME = st.sets(st.sampled_from(sorted(REGIONS)), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("head", "orbit"), ("head", "sinuses"), ("head", "brain"), ("abdomen", "liver"), ("abdomen", "appendix"),
        ("pelvis", "bladder"), ("urinary-tract", "kidney"), ("abdomen+pelvis", "urinary-tract"), ("spine", "lumbar-spine"),
        ("chest", "heart"), ("abdomen+pelvis", "bowel"), ("lower-limb", "knee"), ("limb", "wrist"), ("abdomen", "right-lower-quadrant"),
        ("whole-body", "head+chest+abdomen+pelvis+limb"), ("abdomen+chest", "aorta"),
    ],
)  # fmt: skip
def test_a_wider_region_covers_its_parts_and_not_the_other_way(wide, narrow):
    assert covers(wide.split("+"), narrow.split("+"))
    assert not covers(narrow.split("+"), wide.split("+"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("head", "chest"),
        ("abdomen", "lungs"),
        ("brain", "sinuses"),
        ("spine", "limb"),
        ("knee", "ankle"),
        ("neck", "head"),
    ],
)
def test_what_lies_apart_does_not_overlap(one, other):
    assert not overlap([one], [other])


@pytest.mark.parametrize(
    ("one", "other"), [("abdomen", "pelvis"), ("abdomen", "bowel"), ("urinary-tract", "pelvis"), ("upper-gi", "chest")]
)
def test_some_regions_share_a_part(one, other):
    assert overlap([one], [other]) and not covers([one], [other])


def test_the_divisions_of_the_body_cover_it():
    assert mask(DIVISIONS) == mask(["whole-body"])


def test_every_region_is_somewhere_and_in_kebab_case():
    for name in REGIONS:
        assert MASKS[name] and name == name.lower() and "_" not in name and " " not in name


def test_an_unknown_region_is_none():
    with pytest.raises(KeyError):
        mask(["tummy"])
    assert mask([]) == 0 and covers(["head"], []) and not overlap([], ["head"])


@given(SOME, SOME, SOME)
def test_covering_is_an_order(one, other, third):
    assert covers(one, one) and covers(one | other, one)
    if covers(one, other) and covers(other, third):
        assert covers(one, third)
    if covers(one, other) and covers(other, one):
        assert mask(one) == mask(other)


@given(SOME, SOME)
def test_overlapping_goes_both_ways_and_covering_is_overlapping(one, other):
    assert overlap(one, other) == overlap(other, one) == bool(mask(one) & mask(other))
    if covers(one, other):
        assert overlap(one, other)
