"""Whatever a record holds: never an error, and never another answer for another order of resources."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from cds_service.facts.history import alike, load_results, pending, prior_exams
from cds_service.fhir.records import given
from cds_service.fhir.resources import Patient, as_resource
from cds_service.vocabulary.exam_codes import ExamCodes
from cds_service.vocabulary.exams import exam

from .conftest import CODES, NOW

WORDS = load_results((CODES / "results.yaml").read_bytes())
FILES = {path.name: path.read_bytes() for path in (CODES / "exams").glob("*.yaml")}
EXAMS = ExamCodes.load(FILES, frozenset({"snomed"}))

dates = st.sampled_from(
    [
        *("2026-03-01", "2026-03-02", "2026-03-04", "2026-03", "2026", "2025", "2030-01-01", "2010-01-01", "odd"),
        *("2026-03-01T10:00:00Z", "2026-03-01T10:30:00+02:00", "2026-03-01T18:00:00-05:00", "2026-03-02T01:00:00Z"),
    ]
)
ids = st.sampled_from(["1", "2", "3", "4", "5", "6"]) | st.none()
texts = st.sampled_from(["CT head", "CT chest", "CT abdomen and pelvis", "MRI brain", "PET/CT", "outside CT", "?", ""])
concepts = st.fixed_dictionaries(
    {},
    optional={
        "text": texts,
        "coding": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "system": st.sampled_from(["http://loinc.org", "x"]),
                    "code": st.sampled_from(["30799-1", "24627-2", "18748-4", "RAD", "LAB", "CT", "73569-6", "113813"]),
                    "display": texts,
                },
            ),
            max_size=2,
        ),
    },
)
identifier = st.fixed_dictionaries(
    {},
    optional={
        "system": st.sampled_from(["urn:dicom:uid", "a", "b", ""]),
        "value": st.sampled_from(["urn:oid:1.2", "1.3", "7", "8", " "]),
        "type": st.sampled_from([{"coding": [{"code": "ACSN"}]}, {"coding": [{}]}, {"coding": [{"code": "PLAC"}]}]),
    },
)
identifiers = st.lists(identifier, max_size=2)
references = st.fixed_dictionaries(
    {},
    optional={
        "reference": st.sampled_from(
            [f"{kind}/{n}" for kind in ("ImagingStudy", "Procedure", "ServiceRequest") for n in "123"]
            + [
                "DiagnosticReport/1",
                "urn:uuid:1",
                "urn:oid:1.2",
                "#1",
                "",
                "https://x/fhir/ImagingStudy/2",
                "/",
                "urn:",
            ]
        ),
        "identifier": identifier,
    },
)
many = st.lists(references, max_size=2)
statuses = st.sampled_from(
    [
        *("final", "completed", "available", "active", "current"),
        *("registered", "cancelled", "not-done", "unknown", "odd"),
    ]
)


def resource(kind: str, **elements: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"resourceType": st.just(kind)},
        optional={"id": ids, "status": statuses, "identifier": identifiers, **elements},
    )


coded = st.builds(lambda code: {"code": code}, st.sampled_from(["CT", "PT", "MR", "SR", "XA"]))
resources = st.one_of(
    resource(
        "ImagingStudy",
        started=dates,
        modality=st.lists(coded, max_size=2),
        basedOn=many,
        procedureReference=references,
        description=texts,
        series=st.lists(st.fixed_dictionaries({}, optional={"modality": coded, "started": dates}), max_size=2),
    ),
    resource(
        "DiagnosticReport",
        category=st.lists(concepts, max_size=1),
        code=concepts,
        effectiveDateTime=dates,
        issued=dates,
        basedOn=many,
        imagingStudy=many,
        conclusion=st.sampled_from(["Normal", "Equivocal", "see text"]),
    ),
    resource(
        "Procedure", code=concepts, category=concepts, performedDateTime=dates, basedOn=many, partOf=many, report=many
    ),
    resource("ServiceRequest", code=concepts, authoredOn=dates, occurrenceDateTime=dates, basedOn=many, replaces=many),
    st.fixed_dictionaries(
        {"resourceType": st.just("Observation"), "code": concepts},
        optional={
            "id": ids,
            "status": statuses,
            "effectiveDateTime": dates,
            "partOf": many,
            "focus": many,
            "component": st.lists(st.fixed_dictionaries({"code": concepts}), max_size=2),
        },
    ),
    resource(
        "DocumentReference",
        type=concepts,
        description=texts,
        date=dates,
        custodian=st.just({"display": "St Elsewhere"}),
        context=st.fixed_dictionaries(
            {}, optional={"related": many, "period": st.builds(lambda d: {"start": d}, dates)}
        ),
    ),
)


def read(found: list[dict[str, Any]], born: str | None) -> Any:
    typed = [as_resource(each) for each in found]
    return prior_exams(given("p", *typed), Patient(birthDate=born), EXAMS, NOW, words=WORDS)


@settings(max_examples=250, deadline=None)
@cases(
    st.lists(resources, max_size=9), st.randoms(use_true_random=False), st.sampled_from(["2017-05-04", "2026", None])
)
def test_any_order_of_any_resources_gives_the_same_history(
    found: list[dict[str, Any]], shuffle: Any, born: str | None
) -> None:
    priors = read(found, born)
    other = list(found)
    shuffle.shuffle(other)
    assert read(other, born) == priors
    for prior in priors.items:
        assert prior.first <= prior.last
        assert prior.evidence[0].text
        assert prior.pending or prior.first <= NOW
    for like in (exam("CT head"), exam("US abdomen")):
        assert set(alike(priors, like).items) <= set(priors.items)
        assert all(prior.pending for prior in pending(priors, like).items)


@settings(max_examples=60, deadline=None)
@cases(st.lists(resources, min_size=1, max_size=6))
def test_telling_everything_twice_adds_nothing_where_resources_have_ids(found: list[dict[str, Any]]) -> None:
    named = [each | {"id": f"n{place}"} for place, each in enumerate(found)]
    assert read(named + named, None) == read(named, None)


near = st.sampled_from(
    [
        *("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03", "2026-03-02T23:30:00Z"),
        *("2026-03-01T10:00:00Z", "2026-03-01T10:50:00Z", "2026-03-01T11:40:00Z", "2026-03-01T12:30:00Z"),
    ]
)
head = st.sampled_from([{"text": "CT head"}, {"text": "CT head without contrast"}, {"text": "CT head and neck"}])
few = st.lists(
    st.sampled_from(
        [
            {"type": {"coding": [{"code": "ACSN"}]}, "system": "", "value": "7"},
            {"type": {"coding": [{"code": "ACSN"}]}, "system": "a", "value": "7"},
            {"type": {"coding": [{"code": "ACSN"}]}, "system": "b", "value": "8"},
            {"system": "placer", "value": "1"},
            {"system": "urn:dicom:uid", "value": "1.2"},
            {"system": "urn:dicom:uid", "value": "1.3"},
        ]
    ),
    max_size=1,
)
both = st.lists(st.sampled_from([{"reference": f"ImagingStudy/n{n}"} for n in range(9)]), max_size=2)
shown = {"description": "CT HEAD", "modality": [{"code": "CT"}]}
crowd = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"resourceType": st.just("ImagingStudy"), "status": st.just("available"), "started": near},
            optional={"identifier": few},
        ).map(lambda found: found | shown),
        st.fixed_dictionaries(
            {"resourceType": st.just("DiagnosticReport"), "status": st.just("final"), "code": head},
            optional={"identifier": few, "effectiveDateTime": near, "imagingStudy": both},
        ),
        st.fixed_dictionaries(
            {"resourceType": st.just("Procedure"), "status": st.just("completed"), "code": head},
            optional={"identifier": few, "performedDateTime": near},
        ),
    ),
    min_size=3,
    max_size=9,
)


@settings(max_examples=250, deadline=None)
@cases(crowd, st.randoms(use_true_random=False))
def test_any_order_of_accounts_of_one_region_and_week_gives_the_same_history(
    found: list[dict[str, Any]], shuffle: Any
) -> None:
    named = [each | {"id": f"n{place}"} for place, each in enumerate(found)]
    priors = read(named, "2017-05-04")
    shuffle.shuffle(named)
    assert read(named, "2017-05-04") == priors


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_exams_alike_in_all_but_certainty_stand_in_one_order(order: tuple[int, ...]) -> None:
    bare: dict[str, Any] = {"resourceType": "ImagingStudy"}
    found = [
        bare,
        bare,
        {**bare, "modality": [{"code": "CT"}]},
        {**bare, "modality": [{"code": "CT"}], "status": "available"},
    ]
    assert read([found[place] for place in order], "2017-05-04") == read(found, "2017-05-04")
