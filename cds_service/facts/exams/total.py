"""What the phrases of a text add up to: one modality, its techniques, the regions and the contrast."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cds_service.facts.exams.said import GENERIC, NOTHING, around
from cds_service.vocabulary.exam_words import OPEN, Meaning
from cds_service.vocabulary.exams import BOTH, WITH, WITHOUT
from cds_service.vocabulary.regions import DIVISIONS, mask

_ALSO_CALLED: Final = {("XR", "RF")}
_VESSEL_IMAGING: Final = frozenset({"angiography", "venography"})
_OF_MR_ONLY: Final = frozenset({"fast"})
_ONE_OF_TWO: Final = {frozenset({"RF", "XA"}): "XA", frozenset({"NM", "PT"}): "PT"}
"""What two modalities named together are: vessels under fluoroscopy, PET in the nuclear medicine department."""
_GENERIC_OF_ULTRASOUND: Final = GENERIC | {"abdomen", "pelvis", "neck"}
_TRUNK: Final = mask(["abdomen", "pelvis"])
_DIVISIONS: Final = frozenset(DIVISIONS)
_WHOLE_BODY: Final = frozenset({"whole-body"})
_BEHIND_PERITONEUM: Final = frozenset({"kidney", "urinary-tract", "bladder", "ureter", "adrenal", "pancreas"})
_ANY_ECHO: Final = "an echo may be one of the heart or of another part"


def usual(told: list[Meaning], foreign: bool) -> tuple[list[Meaning], str]:
    """
    The phrases, those meant only where no other part of the body is named settled; and the doubt about them.

    An echo is one of the heart, "écho rénale" an ultrasound of the kidney; near the heart it may be either.
    """
    meant = next((meaning for meaning in told if meaning.usual), None)
    if meant is None:
        return told, ""
    others = [meaning for meaning in told if not meaning.usual]
    named, own = mask(NOTHING.union(*(meaning.regions for meaning in others))), mask(meant.regions)
    if named & ~own:
        near = named & around(own) and not foreign
        both = any(meaning.regions and not mask(meaning.regions) & ~own for meaning in others)
        open_yet = near or both or any(meaning.modality and not meaning.whole for meaning in others)
        return [*others, Meaning(modality=meant.modality)], _ANY_ECHO if open_yet else ""
    return [*others, meant._replace(whole=True)], _ANY_ECHO if foreign and not named else ""


def modality_of(told: list[Meaning], alone: bool) -> tuple[str, str]:
    """The one modality of the phrases, or the trouble with them."""
    plain = {meaning.modality for meaning in told if meaning.modality and not meaning.whole}
    named = next(iter(plain)) if len(plain) == 1 else _ONE_OF_TWO.get(frozenset(plain), "")
    if len(plain) > 1 and not named:
        return "", f"it names {' and '.join(sorted(plain))}"
    whole = {meaning.modality for meaning in told if meaning.whole and named not in meaning.elsewhere} - {named}
    if len(whole) > 1:
        return "", f"it names {' and '.join(sorted(whole))}"
    implied = next(iter(whole), "")
    if named and implied and (named, implied) not in _ALSO_CALLED:
        return "", f"it names {named} and {implied}"
    return implied or named or (_spoken_for(told) if alone else ""), ""


def _spoken_for(told: list[Meaning]) -> str:
    """The modality of words that stand for one where none is named; empty when they point to several."""
    meant = {meaning.alone for meaning in told if meaning.alone}
    return meant.pop() if len(meant) == 1 else ""


def techniques_of(told: list[Meaning], modality: str) -> tuple[str, frozenset[str]]:
    """The techniques of the phrases; vessels under fluoroscopy are arteriography, those in ultrasound are Doppler's."""
    techniques = NOTHING.union(*(meaning.techniques for meaning in told))
    if modality != "MR":
        techniques -= _OF_MR_ONLY
    if not techniques & _VESSEL_IMAGING:
        return modality, techniques
    if modality == "XA" or (modality == "RF" and "angiography" in techniques):
        return "XA", techniques - _VESSEL_IMAGING
    if modality == "US":
        return modality, techniques - _VESSEL_IMAGING
    return modality, techniques - {"angiography"} if "venography" in techniques else techniques


def regions_of(told: list[Meaning], techniques: frozenset[str], *, narrow: bool, modality: str) -> frozenset[str]:
    """The regions the phrases name together; a venous sinus lies in the head, not beside the nose."""
    regions = NOTHING
    for meaning in told:
        where = meaning.elsewhere.get(modality) or meaning.regions
        if meaning.everywhere and where == _WHOLE_BODY:
            return _WHOLE_BODY
        regions |= where
    if "venography" in techniques and "sinuses" in regions:
        regions = regions - {"sinuses"} | {"head"}
    return _tidy(regions, narrow) if len(regions) > 1 else regions


@lru_cache(maxsize=4096)
def _tidy(regions: frozenset[str], narrow: bool) -> frozenset[str]:
    """
    The regions without generic ones that a narrower one explains, and without parts that the others hold.

    In ultrasound (*narrow*) a part named beside abdomen, pelvis, neck or retroperitoneum is what is looked at, unless
    "and" joins them.

    >>> sorted(_tidy(frozenset({"spine", "lumbar-spine"}), False))
    ['lumbar-spine']
    >>> sorted(_tidy(frozenset({"abdomen", "appendix", "pelvis"}), False))
    ['abdomen', 'pelvis']
    """
    generic = _GENERIC_OF_ULTRASOUND if narrow else GENERIC
    masks = {region: mask([region]) for region in sorted(regions)}
    if narrow and not _BEHIND_PERITONEUM.isdisjoint(masks):
        masks.pop("retroperitoneum", None)
    for region in sorted(masks.keys() & generic):
        within = masks[region] | (_TRUNK if region in DIVISIONS else 0)
        parts = (name for name in masks if name != region and not {name, region} <= _DIVISIONS)
        if any(masks[part] & masks[region] and not masks[part] & ~within for part in parts):
            del masks[region]
    for region in sorted(masks, key=lambda name: (masks[name].bit_count(), name)):
        others = 0
        for name, other in masks.items():
            others |= other if name != region else 0
        if not masks[region] & ~others:
            del masks[region]
    return frozenset(masks)


def contrast_of(contrasts: set[str]) -> str | None:
    """One contrast from all words about it; None when they leave it open or contradict each other."""
    if not contrasts or OPEN in contrasts:
        return None
    if BOTH in contrasts:
        return BOTH
    return None if contrasts == {WITH, WITHOUT} else next(iter(contrasts))
