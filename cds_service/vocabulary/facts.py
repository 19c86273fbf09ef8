"""
Every fact a rule may ask about: its name, kind, plain meaning, and what its absence means.

Facts about the order, the child, the setting and the history are named here. Findings
(``sign.*``, ``exam.*``, ``score.*``, ``safety.*``) come from the code lists in ``rules/codes/findings/``
and from definitions in ``rules/definitions/``; the vocabulary joins them.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from cds_service.vocabulary.exams import CONTRASTS, MODALITIES
from cds_service.vocabulary.regions import REGIONS


class Kind(Enum):
    """What a fact's value is, and the Python type a Reading holds for it."""

    FLAG = "flag"  # bool; rules ask: present, absent
    NUMBER = "number"  # Interval in the fact's unit; rules ask: below, at_most, above, at_least
    AGE = "age"  # Age; rules ask: below, at_least
    CHOICE = "choice"  # frozenset of the values still possible; rules ask: one value or a list
    NAMES = "names"  # Names; rules ask: one name or a list, any of which will do
    PRIORS = "priors"  # Priors; rules ask: none, some, or within a time


class Fact(NamedTuple):
    """
    One fact. ``unit`` is for numbers; ``choices`` are the legal words of a choice or of names.

    ``told_only`` is for people to read: no rule may ask about it.
    """

    name: str
    kind: Kind
    meaning: str
    absent: str = "unknown"
    unit: str = ""
    choices: frozenset[str] = frozenset()
    told_only: bool = False


def _flag(name: str, meaning: str) -> Fact:
    return Fact(name, Kind.FLAG, meaning)


def _choice(name: str, meaning: str, choices: str, absent: str = "unknown") -> Fact:
    return Fact(name, Kind.CHOICE, meaning, absent, choices=frozenset(choices.split("|")))


def _priors(name: str, meaning: str) -> Fact:
    return Fact(name, Kind.PRIORS, meaning, "no such exam found here, when every source was read; otherwise unknown")


ORDER = (
    _flag("order.recognised", "The exam was recognised: modality and region are known."),
    Fact("order.modality", Kind.CHOICE, "Modality ordered.", choices=frozenset(MODALITIES)),
    Fact("order.region", Kind.NAMES, "Regions ordered; a wider region counts as its parts.", choices=REGIONS),
    Fact("order.contrast", Kind.CHOICE, "Intravenous contrast ordered.", choices=frozenset(CONTRASTS)),
    Fact("order.passes", Kind.NUMBER, "Fewest times the body is scanned.", unit="passes"),
    Fact("order.technique", Kind.NAMES, "Special techniques of the exam, such as angiography."),
    Fact("order.reason", Kind.NAMES, "Why the exam is ordered; incomplete when a reason was not understood."),
    _choice("order.reason_given", "Whether the order states a reason, in codes or words.", "yes|no"),
    Fact(
        "order.exam_named",
        Kind.NAMES,
        "Modalities of other exams that reasons and notes of the order speak of, done, planned or impossible.",
        choices=frozenset(MODALITIES),
    ),
    Fact("order.extra_region", Kind.NAMES, "Regions ordered that no stated reason is about.", choices=REGIONS),
    _choice("order.priority", "Priority of the order.", "routine|urgent|asap|stat"),
    _choice(
        "order.purpose",
        "What the exam is for.",
        "diagnostic|guidance|planning|surveillance",
        "diagnostic when nothing says otherwise",
    ),
)

PATIENT = (
    Fact("patient.age", Kind.AGE, "Age to the day."),
    _choice("patient.sex", "Sex assigned at birth.", "male|female"),
)

SETTING = (
    _flag("setting.emergency", "The visit is an emergency visit."),
    _flag("setting.inpatient", "The child is admitted."),
    _flag("setting.ultrasound_available", "This site offers ultrasound for this order."),
    _flag("setting.mri_available", "This site offers MRI for this order."),
    _flag("setting.fast_mri_available", "This site offers an unsedated fast MRI protocol."),
    _flag("setting.contrast_ultrasound_available", "This site offers contrast-enhanced voiding ultrasound."),
)

HISTORY_EXAMS: dict[str, tuple[str, ...]] = {
    "history.abdominal_ultrasound": ("US abdomen+pelvis",),
    "history.kidney_ultrasound": ("US urinary-tract",),
    "history.head_ultrasound": ("US head",),
    "history.chest_ultrasound": ("US chest",),
    "history.chest_radiograph": ("XR chest",),
    "history.abdominal_radiograph": ("XR abdomen+pelvis",),
    "history.spine_radiograph": ("XR spine",),
    "history.head_ct": ("CT head",),
    "history.head_mri": ("MR head",),
    "history.abdominal_ct": ("CT abdomen+pelvis",),
    "history.abdominal_mri": ("MR abdomen+pelvis",),
    "history.cystogram": ("fluoroscopy cystography urinary-tract",),
}
"""History facts by kind of exam: those of the same modality whose regions overlap."""

REGION_HISTORY = {"history.region_radiograph": "XR", "history.region_ultrasound": "US"}
"""History facts by modality: those in a region of the order, wherever that is."""

DOSE_RECORDED = "history.dose_recorded"
DOSE_USUAL = "history.dose_usual"

HISTORY = (
    *(_priors(name, f"Earlier exams like: {', '.join(like)}.") for name, like in HISTORY_EXAMS.items()),
    _priors("history.region_radiograph", "Earlier radiographs of an ordered region."),
    _priors("history.region_ultrasound", "Earlier ultrasound of an ordered region."),
    _priors("history.same_exam", "Earlier exams of the ordered modality in an ordered region."),
    _priors("history.pending_same_exam", "The same modality and region already requested or booked."),
    _priors("history.requested", "Every exam requested and not done, and every other draft of the same call."),
    _priors("history.any", "Every distinct earlier imaging exam."),
    _priors(DOSE_RECORDED, "Earlier exams whose dose is on record, each with it. Told to people only.")._replace(
        told_only=True
    ),
    _priors(
        DOSE_USUAL,
        "Earlier exams whose dose is not on record, each with the usual band of such an exam. Told to people only.",
    )._replace(told_only=True),
)

ALTERNATIVE = (
    Fact(
        "alternative.modality", Kind.CHOICE, "Modality of the exam about to be offered.", choices=frozenset(MODALITIES)
    ),
    Fact("alternative.region", Kind.NAMES, "Regions of the exam about to be offered.", choices=REGIONS),
    Fact(
        "alternative.contrast", Kind.CHOICE, "Contrast of the exam about to be offered.", choices=frozenset(CONTRASTS)
    ),
    _priors("alternative.requested", "Such an exam requested and not done, or drafted in the same call."),
    _priors("alternative.done", "Earlier exams like the one about to be offered."),
)
"""Known only while a safety rule looks at one alternative."""

STATIC: dict[str, Fact] = {fact.name: fact for fact in (*ORDER, *PATIENT, *SETTING, *HISTORY, *ALTERNATIVE)}
"""The facts every installation knows, whatever its code lists."""
