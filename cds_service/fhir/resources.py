"""
The few FHIR R4 elements this service reads, as lenient typed structs.

Every element is optional, dates are text, unknown members are skipped while decoding.
An element of the wrong JSON type makes that one resource unreadable, never the call.

A long history tells few kinds of exam in many resources. What names the exam there is kept as it was
written (``Written``), so that whoever reads it can read each distinct text once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

Written = msgspec.Raw
"""An element as its JSON text, empty when it is missing."""

MISSING: Final = Written()


class Lenient(msgspec.Struct, omit_defaults=True, gc=False):
    """A struct whose every element may be missing or null."""


class Resource(Lenient, tag_field="resourceType"):
    """A resource we read; subclasses are told apart by resourceType."""

    id: str | None = None


class Coding(Lenient):
    """FHIR Coding."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Lenient):
    """FHIR CodeableConcept; its extensions may say why nothing else is stated."""

    coding: list[Coding] | None = None
    text: str | None = None
    extension: Written = MISSING


class Identifier(Lenient):
    """FHIR Identifier; ``type`` tells an accession number (ACSN) from others."""

    system: str | None = None
    value: str | None = None
    type: CodeableConcept | None = None


class Number(Lenient):
    """FHIR Identifier of an imaging study or its report: a Study Instance UID, an accession or order number."""

    system: str | None = None
    value: str | None = None
    type: Written = MISSING


class Reference(Lenient):
    """FHIR Reference; may be relative, absolute, contained or logical."""

    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None
    extension: Written = MISSING


class Period(Lenient):
    """FHIR Period."""

    start: str | None = None
    end: str | None = None


class Quantity(Lenient):
    """FHIR Quantity; a value may arrive as text from some servers, which is not read."""

    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Lenient):
    """FHIR Range."""

    low: Quantity | None = None
    high: Quantity | None = None


class Annotation(Lenient):
    """FHIR Annotation."""

    text: str | None = None


class Extension(Lenient):
    """The extension values we look at: codes, text and numbers."""

    url: str | None = None
    valueCode: str | None = None
    valueString: str | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueCoding: Coding | None = None
    valueDecimal: float | None = None
    valueInteger: int | None = None
    valueDateTime: str | None = None


class PatientLink(Lenient):
    """A link to another Patient record of the same person."""

    other: Reference | None = None
    type: str | None = None


class Patient(Resource, tag="Patient"):
    """The child."""

    birthDate: str | None = None
    gender: str | None = None
    identifier: list[Identifier] | None = None
    link: list[PatientLink] | None = None
    extension: list[Extension] | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None


class ClassHistory(Lenient):
    """An earlier class of an encounter."""

    class_: Coding | None = msgspec.field(default=None, name="class")
    period: Period | None = None


class Whereabouts(Lenient):
    """One place of a visit."""

    location: Reference | None = None
    status: str | None = None


class Encounter(Resource, tag="Encounter"):
    """The visit."""

    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    classHistory: list[ClassHistory] | None = None
    type: list[CodeableConcept] | None = None
    priority: CodeableConcept | None = None
    reasonCode: list[CodeableConcept] | None = None
    subject: Reference | None = None
    period: Period | None = None
    location: list[Whereabouts] | None = None


class Condition(Resource, tag="Condition"):
    """A problem, diagnosis or concern."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    recordedDate: str | None = None


class Component(Lenient):
    """One part of an Observation."""

    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueDateTime: str | None = None
    valueRange: Range | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] | None = None


class Observation(Resource, tag="Observation"):
    """A measurement, finding or answer; what it says may be turned round by a modifier nobody here understands."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    effectiveInstant: str | None = None
    issued: str | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueDateTime: str | None = None
    valueRange: Range | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] | None = None
    bodySite: CodeableConcept | None = None
    component: list[Component] | None = None
    implicitRules: Any = None
    modifierExtension: Any = None
    partOf: list[Reference] | None = None
    focus: list[Reference] | None = None
    basedOn: list[Reference] | None = None


class Series(Lenient):
    """One series of an ImagingStudy."""

    modality: Written = MISSING
    bodySite: Written = MISSING
    started: str | None = None
    description: Written = MISSING


class ImagingStudy(Resource, tag="ImagingStudy"):
    """Images that exist."""

    status: str | None = None
    identifier: list[Number] | None = None
    modality: Written = MISSING
    subject: Reference | None = None
    started: str | None = None
    basedOn: list[Reference] | None = None
    numberOfInstances: int | None = None
    procedureReference: Reference | None = None
    procedureCode: Written = MISSING
    location: Reference | None = None
    description: str | None = None
    series: list[Series] | None = None


class DiagnosticReport(Resource, tag="DiagnosticReport"):
    """A read exam."""

    status: str | None = None
    identifier: list[Number] | None = None
    category: Written = MISSING
    code: Written = MISSING
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    basedOn: list[Reference] | None = None
    imagingStudy: list[Reference] | None = None
    conclusion: str | None = None
    conclusionCode: list[CodeableConcept] | None = None


class Procedure(Resource, tag="Procedure"):
    """A procedure that took place."""

    status: str | None = None
    identifier: list[Number] | None = None
    category: Written = MISSING
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    basedOn: list[Reference] | None = None
    partOf: list[Reference] | None = None
    report: list[Reference] | None = None
    location: Reference | None = None
    bodySite: Written = MISSING


class ServiceRequest(Resource, tag="ServiceRequest"):
    """An order: a draft to judge, or an earlier one in the history."""

    status: str | None = None
    intent: str | None = None
    priority: str | None = None
    identifier: list[Identifier] | None = None
    requisition: Identifier | None = None
    category: list[CodeableConcept] | None = None
    code: CodeableConcept | None = None
    orderDetail: list[CodeableConcept] | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    occurrenceDateTime: str | None = None
    occurrencePeriod: Period | None = None
    authoredOn: str | None = None
    requester: Reference | None = None
    reasonCode: list[CodeableConcept] | None = None
    reasonReference: list[Reference] | None = None
    supportingInfo: list[Reference] | None = None
    bodySite: list[CodeableConcept] | None = None
    note: list[Annotation] | None = None
    patientInstruction: str | None = None
    basedOn: list[Reference] | None = None
    replaces: list[Reference] | None = None
    extension: list[Extension] | None = None
    doNotPerform: bool | None = None


class DeviceName(Lenient):
    """A name of a device."""

    name: str | None = None


class Device(Resource, tag="Device"):
    """An implant or device."""

    status: str | None = None
    type: CodeableConcept | None = None
    deviceName: list[DeviceName] | None = None
    safety: list[CodeableConcept] | None = None
    patient: Reference | None = None
    note: list[Annotation] | None = None
    extension: list[Extension] | None = None


class Reaction(Lenient):
    """A reaction to a substance."""

    substance: CodeableConcept | None = None
    manifestation: list[CodeableConcept] | None = None
    severity: str | None = None


class AllergyIntolerance(Resource, tag="AllergyIntolerance"):
    """An allergy or intolerance."""

    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept | None = None
    criticality: str | None = None
    patient: Reference | None = None
    reaction: list[Reaction] | None = None
    recordedDate: str | None = None


class Dosage(Lenient):
    """How a medication is given; only its text."""

    text: str | None = None


class MedicationRequest(Resource, tag="MedicationRequest"):
    """A prescribed medication."""

    status: str | None = None
    intent: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    authoredOn: str | None = None
    dosageInstruction: list[Dosage] | None = None


class Answer(Lenient):
    """One answer in a form."""

    valueBoolean: bool | None = None
    valueCoding: Coding | None = None
    valueString: str | None = None
    valueInteger: int | None = None
    valueDecimal: float | None = None
    valueQuantity: Quantity | None = None
    valueDateTime: str | None = None
    valueDate: str | None = None
    item: list[Item] | None = None


class Item(Lenient):
    """One question of a form, with its answers and questions below it."""

    linkId: str | None = None
    text: str | None = None
    answer: list[Answer] | None = None
    item: list[Item] | None = None


class QuestionnaireResponse(Resource, tag="QuestionnaireResponse"):
    """A filled form."""

    status: str | None = None
    questionnaire: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    authored: str | None = None
    item: list[Item] | None = None
    implicitRules: Any = None
    modifierExtension: Any = None


class Flag(Resource, tag="Flag"):
    """A note that warns staff."""

    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    period: Period | None = None


class DocumentReference(Resource, tag="DocumentReference"):
    """A document about an exam, often from outside."""

    class Context(Lenient):
        """When the documented act took place."""

        period: Period | None = None
        related: list[Reference] | None = None

    status: str | None = None
    identifier: list[Identifier] | None = None
    type: CodeableConcept | None = None
    description: str | None = None
    subject: Reference | None = None
    date: str | None = None
    custodian: Reference | None = None
    context: Context | None = None


class Issue(Lenient):
    """One issue of an OperationOutcome."""

    severity: str | None = None
    code: str | None = None


class OperationOutcome(Resource, tag="OperationOutcome"):
    """What a server says instead of data."""

    issue: list[Issue] | None = None


Readable = (
    Patient
    | Encounter
    | Condition
    | Observation
    | ImagingStudy
    | DiagnosticReport
    | Procedure
    | ServiceRequest
    | Device
    | AllergyIntolerance
    | MedicationRequest
    | QuestionnaireResponse
    | Flag
    | DocumentReference
    | OperationOutcome
)
"""Every resource type we read, told apart by resourceType."""


_READ: Final[Callable[[bytes], Resource]] = msgspec.json.Decoder(Readable).decode


def as_resource(plain: Any) -> Resource:
    """
    A resource given as plain JSON values, as tests and ``explain`` have it.

    >>> as_resource({"resourceType": "Procedure", "id": "p1", "status": "completed"}).id
    'p1'
    """
    return _READ(msgspec.json.encode(plain))
