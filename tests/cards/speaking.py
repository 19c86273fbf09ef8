"""A writer with the shipped cards, and one finding of every kind of advice, as rules would say it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from cds_service.cards import overrides, template
from cds_service.cards.render import CardWriter, Sender, Written
from cds_service.cards.values import About
from cds_service.findings import Advice, Alternative, Citation, Contact, Finding, Indicator, ReasonOffer, Undecided
from cds_service.suggestions.dialects import dialect
from cds_service.suggestions.orders import Draft
from cds_service.vocabulary import exams, order_codes
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.readings import Evidence

ROOT = Path(__file__).parents[2]
TEMPLATES = template.load({f"cards/{path.name}": path.read_bytes() for path in sorted((ROOT / "cards").glob("*.md"))})
OVERRIDES = overrides.load(
    (ROOT / "rules/override-reasons.yaml").read_bytes(), file="rules/override-reasons.yaml", system="urn:test:override"
)
CODES = order_codes.load({"rules/codes/orders.yaml": (ROOT / "rules/codes/orders.yaml").read_bytes()})
WRITER = CardWriter(TEMPLATES, OVERRIDES, Sender("Imaging advice", "urn:test:topic"), CODES.say)

ORDER: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "code": {"text": "CT abdomen and pelvis without and with contrast"},
    "subject": {"reference": "Patient/kid"},
    "reasonCode": [{"text": "RLQ pain"}],
}
CT = exam("CT abdomen+pelvis without and with contrast")
ABOUT = About(exams.name(CT), CT)
SINGLE = Alternative(exam("CT abdomen+pelvis with contrast"), "may be appropriate")
ULTRASOUND = Alternative(exam("US appendix"), "usually appropriate", recommended=True)
MRI = Alternative(exam("MR abdomen+pelvis without contrast"), "usually appropriate")

_COMMON: dict[str, Any] = {
    "version": "3",
    "title": "Imaging for suspected appendicitis",
    "topic_code": "suspectedappendicitis",
    "indicator": Indicator.INFO,
    "citations": (Citation("acr", "ACR Appropriateness Criteria, Suspected Appendicitis-Child", "2019"),),
    "override_reasons": ("ultrasound-unavailable", "clinical-judgement"),
    "reviewed": "2026-11-23",
    "reviewer": "Project maintainers",
}
FINDINGS = {
    Advice.INSTEAD: Finding(
        rule="suspected-appendicitis",
        advice=Advice.INSTEAD,
        situation="Suspected appendicitis, intermediate clinical risk, no imaging yet.",
        because="Ultrasound answers the question in most children.",
        alternatives=(ULTRASOUND, MRI),
        evidence=(Evidence("Right lower quadrant pain", "Condition/1", "2026-11-20T08:00:00Z"),),
        undecided=(Undecided("score.pas", "Pediatric Appendicitis Score", "3 to 6 is intermediate"),),
        **_COMMON | {"indicator": Indicator.WARNING},
    ),
    Advice.NO_IMAGING: Finding(
        rule="simple-febrile-seizure",
        advice=Advice.NO_IMAGING,
        situation="First simple febrile seizure, back to normal.",
        because="Imaging finds nothing that changes care in these children.",
        cancel=True,
        **_COMMON,
    ),
    Advice.PREFER: Finding(
        rule="kidney-stones",
        advice=Advice.PREFER,
        situation="Suspected kidney stone, no imaging yet.",
        because="Both are usually appropriate; the guideline starts with ultrasound.",
        alternatives=(Alternative(exam("US urinary-tract"), "usually appropriate", "rated the same"),),
        **_COMMON,
    ),
    Advice.ASK: Finding(
        rule="headache",
        advice=Advice.ASK,
        situation="Headache in a child.",
        because="Is the neurologic examination normal? Was the onset sudden and severe?",
        undecided=(
            Undecided("exam.neurologic", "Primary headache, abuse not suspected", "no imaging is usually needed"),
            Undecided("sign.thunderclap", "Was the onset sudden and severe?", "If so, CT is appropriate."),
            Undecided("safety.suspected_abuse", "Is abuse suspected?", "Then other exams fit."),
        ),
        **_COMMON,
    ),
    Advice.FEWER_PASSES: Finding(
        rule="two-passes",
        advice=Advice.FEWER_PASSES,
        situation="The order scans the abdomen twice.",
        because="A second pass rarely adds an answer in a child.",
        alternatives=(SINGLE,),
        **_COMMON,
    ),
    Advice.NARROWER: Finding(
        rule="range",
        advice=Advice.NARROWER,
        situation="No stated reason is about the pelvis.",
        because="The indicated region is enough.",
        alternatives=(Alternative(exam("CT abdomen with contrast")),),
        **_COMMON,
    ),
    Advice.LOOK_FIRST: Finding(
        rule="recent-study",
        advice=Advice.LOOK_FIRST,
        situation="The same region was imaged a few days ago.",
        because="Those images may answer today's question.",
        evidence=(Evidence("CT abdomen and pelvis at County Hospital", "ImagingStudy/1", "2026-11-18"),),
        cancel=True,
        **_COMMON,
    ),
    Advice.ADD_REASON: Finding(
        rule="no-reason",
        advice=Advice.ADD_REASON,
        situation="The order states no reason.",
        because="Radiology chooses the protocol by the reason.",
        offers=(ReasonOffer("abdominal-pain", "Abdominal pain", {"text": "Abdominal pain"}),),
        **_COMMON,
    ),
    Advice.REMIND: Finding(
        rule="settings",
        advice=Advice.REMIND,
        situation="ask for the child-size protocol",
        because="Adult settings give a child more dose than the images need.",
        **_COMMON,
    ),
    Advice.CONSULT: Finding(
        rule="several-phases",
        advice=Advice.CONSULT,
        situation="This question may need several phases.",
        because="The radiologist can say which.",
        contact=Contact("the radiologist on call", "Dr. Example", "PractitionerRole/on-call"),
        **_COMMON,
    ),
    Advice.ADD_NOTE: Finding(
        rule="protocol",
        advice=Advice.ADD_NOTE,
        situation="a note on the child protocol can go with it",
        because="Settings for a child's size keep the dose small.",
        note="Child protocol, one phase.",
        **_COMMON,
    ),
    Advice.CHILD_SIZE: Finding(
        rule="level",
        advice=Advice.CHILD_SIZE,
        situation="there is a reference level for this age",
        because="Ask the physicist above this: CTDIvol 23 mGy (16 cm phantom).",
        **_COMMON,
    ),
}


def write(
    findings: Sequence[Finding], profile: str = "generic", *, order: Any = ORDER, about: About = ABOUT
) -> Written:
    numbers = count(1)

    def new_id() -> str:
        return f"id-{next(numbers)}"

    draft = Draft(order, f"ServiceRequest/{order.get('id')}", exam=about.exam)
    return WRITER.write(findings, about, dialect(profile)(draft, CODES, new_id=new_id), new_id=new_id)


def changed(advice: Advice, **members: Any) -> Finding:
    return replace(FINDINGS[advice], **members)
