"""
The exam: what is scanned, where, how often, with which contrast; and the phrase that names it.

    CT abdomen+pelvis with contrast
    CT head without and with contrast
    CT liver multiphase                 three passes or more
    MRA head without contrast           the same as: MR angiography head without contrast
    US appendix
    fluoroscopy upper-gi
    fluoroscopy cystography urinary-tract
    CT head                             contrast not known
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from cds_service.errors import PhraseError, nearest
from cds_service.vocabulary.regions import MASKS, mask

MODALITIES: Final = {
    "CT": "CT",
    "MR": "MRI",
    "US": "ultrasound",
    "XR": "radiograph",
    "RF": "fluoroscopy",
    "NM": "nuclear medicine",
    "PT": "PET",
    "XA": "arteriography",
}
"""DICOM's word for each modality, and the clinician's."""

TECHNIQUES: Final = frozenset(
    {
        "angiography",  # CTA, MRA
        "venography",  # CTV, MRV
        "urography",  # CTU, MRU
        "enterography",
        "cholangiopancreatography",  # MRCP
        "cystography",  # voiding cystourethrography, urosonography, nuclear cystography, CT cystography
        "urethrography",
        "arthrography",
        "myelography",
        "enema",
        "swallow",
        "reflux-scan",
        "cortical-scan",  # DMSA
        "renogram",  # MAG3
        "bone-scan",
        "perfusion",
        "functional",
        "spectroscopy",
        "diffusion-tensor",
        "fast",  # abbreviated, unsedated MRI of the head
        "doppler",
        "echocardiography",
        "elastography",
        "high-resolution",
        "decubitus",
        "survey",  # skeletal survey, trauma series
        "bone-age",
        "densitometry",
        "hybrid",  # the CT part of PET/CT or SPECT/CT
        "guidance",
        "planning",
        "cone-beam",
        "obstetric",
        "other",  # a special technique that no rule knows: never matches a plain exam
    }
)

_SHORT: Final = {
    "CTA": ("CT", "angiography"),
    "CTV": ("CT", "venography"),
    "CTU": ("CT", "urography"),
    "MRA": ("MR", "angiography"),
    "MRV": ("MR", "venography"),
    "MRU": ("MR", "urography"),
    "MRCP": ("MR", "cholangiopancreatography"),
    "PET/CT": ("PT", "hybrid"),
    "PET": ("PT", ""),
    "SPECT/CT": ("NM", "hybrid"),
    "SPECT": ("NM", ""),
    "MRI": ("MR", ""),
    "fluoroscopy": ("RF", ""),
    "arteriography": ("XA", ""),
}

WITHOUT, WITH, BOTH = "without", "with", "without and with"
CONTRASTS: Final = (WITHOUT, WITH, BOTH)
_USES_CONTRAST: Final = frozenset({"CT", "MR"})
RADIATION_FREE: Final = frozenset({"US", "MR"})
SEE: Final = "see the words of exams in rules/FACTS.md"
"""Where people find the regions an exam phrase may name."""


class Exam(NamedTuple):
    """
    One imaging exam.

    ``modality`` is a DICOM code, or empty where only a region is known; ``regions`` are region words;
    ``contrast`` is one of CONTRASTS, or None when unknown or meaningless for the modality;
    ``passes`` is the fewest times the body is scanned, 0 when unknown; ``techniques`` make it a special exam.
    """

    modality: str
    regions: frozenset[str]
    contrast: str | None = None
    passes: int = 0
    techniques: frozenset[str] = frozenset()

    @property
    def mask(self) -> int:
        """The parts of the body this exam covers, as a bit mask."""
        return _mask(self.regions)

    @property
    def ionizing(self) -> bool:
        """Whether it uses ionizing radiation."""
        return self.modality not in RADIATION_FREE

    def __str__(self) -> str:
        """
        The phrase that reads back as this exam.

        >>> str(exam("CTA head with contrast"))
        'CT angiography head with contrast'
        """
        words = [self.modality, *sorted(self.techniques), "+".join(sorted(self.regions))]
        if self.contrast is not None:
            words.append(f"{self.contrast} contrast")
        if self.passes > (2 if self.contrast == BOTH else 1):
            words.append(f"{self.passes} passes")
        return " ".join(filter(None, words))


@lru_cache(maxsize=4096)
def _mask(regions: frozenset[str]) -> int:
    return mask(regions)


@lru_cache(maxsize=8192)
def exam(phrase: str) -> Exam:
    """
    Read an exam phrase.

    Raises PhraseError that names the unknown word and the nearest known one.

    >>> exam("CT abdomen+pelvis with contrast").passes
    1
    >>> exam("CT head without and with contrast").passes
    2
    >>> exam("US apendix")
    Traceback (most recent call last):
    cds_service.errors.PhraseError: 'apendix' in 'US apendix' is not a region; did you mean appendix?
    """
    words = phrase.split()
    if not words:
        raise PhraseError("an exam phrase is empty")
    modality, technique = _SHORT.get(words[0], (words[0], ""))
    if modality not in MODALITIES:
        raise PhraseError(
            f"{words[0]!r} in {phrase!r} is not a modality; "
            + nearest(words[0], {*MODALITIES, *_SHORT}, "use " + ", ".join(MODALITIES))
        )
    rest = words[1:]
    rest, passes = _passes(rest, phrase)
    rest, contrast = _contrast(rest, phrase)
    techniques = {technique} if technique else set()
    while rest and rest[0] in TECHNIQUES:
        techniques.add(rest.pop(0))
    if len(rest) != 1:
        wanted = "one word for the regions, such as abdomen+pelvis"
        raise PhraseError(f"{phrase!r} needs {wanted}; it has {' '.join(rest) or 'none'}")
    regions = rest[0].split("+")
    for region in regions:
        if region not in MASKS:
            raise PhraseError(f"{region!r} in {phrase!r} is not a region; " + nearest(region, MASKS, SEE))
    if contrast is not None and modality not in _USES_CONTRAST:
        raise PhraseError(f"{phrase!r}: contrast is written for CT and MR only; leave it out")
    if not passes and contrast is not None:
        passes = 2 if contrast == BOTH and not techniques & {"angiography", "venography"} else 1
    return Exam(modality, frozenset(regions), contrast, passes, frozenset(techniques))


def _passes(words: list[str], phrase: str) -> tuple[list[str], int]:
    if words and words[-1] == "multiphase":
        return words[:-1], 3
    if len(words) > 1 and words[-1] in ("passes", "pass"):
        if not words[-2].isdigit() or not 1 <= int(words[-2]) <= 9:
            raise PhraseError(f"{phrase!r}: {words[-2]!r} is not a number of passes from 1 to 9")
        return words[:-2], int(words[-2])
    return words, 0


def _contrast(words: list[str], phrase: str) -> tuple[list[str], str | None]:
    if not words or words[-1] != "contrast":
        return words, None
    for contrast in (BOTH, WITHOUT, WITH):
        said = contrast.split()
        if words[-1 - len(said) : -1] == said:
            return words[: -1 - len(said)], contrast
    raise PhraseError(f"{phrase!r}: write 'with', 'without' or 'without and with' before 'contrast'")


_JOINED: Final = {
    frozenset({"abdomen", "pelvis"}): "abdomen and pelvis",
    frozenset({"chest", "abdomen", "pelvis"}): "chest, abdomen and pelvis",
    frozenset({"head", "sinuses"}): "head and sinuses",
}
_NAMES: Final = {
    "urinary-tract": "kidneys and bladder",
    "right-lower-quadrant": "right lower quadrant",
    "upper-gi": "upper GI tract",
}
_TECHNIQUE_NAMES: Final = {"diffusion-tensor": "DTI"}


@lru_cache(maxsize=4096)
def name(exam: Exam) -> str:
    """
    The exam in a clinician's words.

    >>> name(Exam("CT", frozenset({"abdomen", "pelvis"}), "with", 1))
    'CT abdomen and pelvis with contrast'
    >>> name(Exam("US", frozenset({"appendix"})))
    'ultrasound of the appendix'
    >>> name(Exam("XR", frozenset({"chest"})))
    'chest radiograph'
    """
    regions = _JOINED.get(exam.regions) or " and ".join(
        _NAMES.get(region, region.replace("-", " ")) for region in sorted(exam.regions)
    )
    if not exam.techniques and exam.modality == "US":
        return f"ultrasound of the {regions}"
    if not exam.techniques and exam.modality == "XR":
        return f"{regions} radiograph"
    words = [
        MODALITIES.get(exam.modality, exam.modality),
        *(_TECHNIQUE_NAMES.get(word, word.replace("-", " ")) for word in sorted(exam.techniques)),
        regions,
    ]
    if exam.contrast is not None:
        words.append(f"{exam.contrast} contrast")
    elif exam.passes > 1:
        words.append(f"in {exam.passes} passes")
    return " ".join(words)
