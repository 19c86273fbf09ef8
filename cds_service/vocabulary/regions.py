"""
Anatomical regions, and which region holds which.

A region is a set of indivisible parts. "Too wide", "covers" and "overlaps" are
then set arithmetic, done here on bit masks (one bit a part).
"""

from __future__ import annotations

from collections.abc import Iterable

_HEAD = "brain orbit sinuses facial-bones jaw temporal-bone skull pituitary ventricles"
_NECK = "neck-soft-tissue thyroid"
_SPINE = "cervical-spine thoracic-spine lumbar-spine sacrum"
_CHEST = "lungs heart pulmonary-arteries mediastinum chest-wall thoracic-aorta esophagus"
_ABDOMEN = (
    "liver biliary spleen pancreas adrenal kidney stomach pylorus small-bowel colon retroperitoneum appendix "
    "ureter abdominal-aorta"
)
_PELVIS = "bladder genital pelvic-bones pelvic-bowel appendix ureter"
_LIMBS = "shoulder clavicle upper-arm elbow forearm wrist hand hip upper-leg knee lower-leg ankle foot"

_PARTS: dict[str, str] = {
    "head": _HEAD,
    "neck": _NECK,
    "spine": _SPINE,
    "chest": _CHEST,
    "abdomen": _ABDOMEN,
    "pelvis": _PELVIS,
    "right-lower-quadrant": "appendix",
    "face": "facial-bones sinuses",
    "urinary-tract": "kidney ureter bladder",
    "upper-gi": "esophagus stomach pylorus small-bowel",
    "bowel": "small-bowel colon pelvic-bowel appendix",
    "aorta": "thoracic-aorta abdominal-aorta",
    "coronary": "heart",
    "scrotum": "genital",
    "uterus-ovaries": "genital",
    "pelvic-joints": "pelvic-bones hip",
    "skull-base": "skull",
    "sacroiliac-joint": "sacrum pelvic-bones",
    "brachial-plexus": "neck-soft-tissue shoulder",
    "breast": "chest-wall",
    "lower-limb": "hip upper-leg knee lower-leg ankle foot",
    "upper-limb": "shoulder clavicle upper-arm elbow forearm wrist hand",
    "limb": _LIMBS,
    "whole-body": " ".join((_HEAD, _NECK, _SPINE, _CHEST, _ABDOMEN, _PELVIS, _LIMBS)),
    "area-of-interest": " ".join((_HEAD, _NECK, _SPINE, _CHEST, _ABDOMEN, _PELVIS, _LIMBS)),
}

AREA_OF_INTEREST = frozenset({"area-of-interest"})
"""What a guideline says of any place: it stands for the regions of the order, wherever they are."""

_INDIVISIBLE = tuple(dict.fromkeys(_PARTS["whole-body"].split()))
_BIT = {part: 1 << place for place, part in enumerate(_INDIVISIBLE)}

MASKS: dict[str, int] = {part: bit for part, bit in _BIT.items()}
MASKS.update({name: sum({_BIT[part] for part in parts.split()}) for name, parts in _PARTS.items()})

REGIONS = frozenset(MASKS)
"""Every region word, kebab-case."""

DIVISIONS = ("head", "neck", "spine", "chest", "abdomen", "pelvis", "limb")
"""The regions a scan range is counted in; an order covers one when it covers all of its parts."""


def mask(regions: Iterable[str]) -> int:
    """
    The parts that *regions* cover together, as a bit mask. Raises KeyError for an unknown region.

    >>> mask(["abdomen", "pelvis"]) & mask(["appendix"]) == mask(["appendix"])
    True
    """
    covered = 0
    for region in regions:
        covered |= MASKS[region]
    return covered


def covers(wide: Iterable[str], narrow: Iterable[str]) -> bool:
    """
    Whether *wide* covers every part of *narrow*.

    >>> covers(["head"], ["sinuses"]), covers(["sinuses"], ["head"])
    (True, False)
    """
    return not mask(narrow) & ~mask(wide)


def overlap(one: Iterable[str], other: Iterable[str]) -> bool:
    """
    Whether two sets of regions share a part.

    >>> overlap(["abdomen"], ["kidney"]), overlap(["head"], ["chest"])
    (True, False)
    """
    return bool(mask(one) & mask(other))
