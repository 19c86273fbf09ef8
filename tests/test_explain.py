"""What a person is told of one request: what was read, known, ruled and shown, and what is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cds_service import content
from cds_service.content import Content
from cds_service.explain import Asked, explain, plain, read_as
from cds_service.facts.gather import Child, Site
from cds_service.fhir.prefetch import records
from cds_service.hooks.parse import parse
from cds_service.judging import imaging_orders, judge_orders, make_child
from cds_service.library import Places
from cds_service.settings import read
from tests.rules.desk import SHAKY
from tests.scenarios.compose import moment, put
from tests.scenarios.compose import request as composed
from tests.small import APPROVED, changed

AT = "2026-11-23T14:00:00Z"
APPENDIX = {
    "order": {"exam": "CT ABD PELVIS W CONTRAST", "reason": {"icd10cm": "R10.31", "text": "RLQ pain"}},
    "child": {"age": "9 years"},
}
TWO_PHASES = {
    "order": {"exam": "CT ABD/PEL W/WO", "reason": "r/o appendicitis"},
    "child": {"age": "11 years"},
    "history": [{"exam": "US abdomen", "ago": "5 hours", "result": "Appendix not visualized."}],
}
INJURY = {
    "order": {"exam": "CT head WO contrast", "reason": {"icd10cm": "S09.90XA", "text": "Head injury"}},
    "child": {"age": "4 years"},
    "visit": "emergency",
    "findings": {"score.gcs": 14},
}
SEIZURE = {"order": {"exam": "CT head WO contrast", "reason": {"icd10cm": "R56.00"}}, "child": {"age": "2 years"}}
HEADACHE = {"order": {"exam": "CT head WO contrast", "reason": "headache"}, "child": {"age": "9 years"}}


def shipped(**site: str) -> Content:
    """The shipped content, with files of a site."""
    chosen = read({})
    files = Places(chosen.rules, chosen.cards).files()
    mine = {f"site/{name}": text.encode() for name, text in site.items()}
    return content.build({**files, **mine}, today=date(2026, 11, 23), run_examples=False)


@pytest.fixture(scope="module")
def rules() -> Content:
    return shipped()


def asked(rules: Content, scenario: dict, *, but: dict | None = None, **more: object) -> Asked:
    """A request made of a scenario, to be explained."""
    import json

    body = composed({"at": AT, **scenario})
    for path, value in (but or {}).items():
        put(body, path, value)
    request = parse(json.dumps(body).encode(), service_hook=body["hook"])
    return Asked(request, rules, moment(AT), Site(), **more)


def told(rules: Content, scenario: dict, **more: object) -> str:
    """Everything said of it, with line breaks inside sentences taken out."""
    lines = list(explain(asked(rules, scenario, **more)))
    assert all(len(line) <= 112 for line in "\n".join(lines).splitlines() if "order(s)" not in line), "too wide to read"
    return " ".join("\n".join(lines).split())


def test_the_parts_come_in_order(rules):
    lines = "\n".join(explain(asked(rules, APPENDIX))).splitlines()
    heads = [
        line.strip().split()[0] for line in lines if line.strip().isupper() or line.startswith(("ORDER", "  SHOWN"))
    ]
    assert lines[0] == f"order-sign with 1 order to judge, content {rules.digest}"
    assert heads == ["RECORD", "ORDER", "KNOWN", "RULES", "SHOWN"]


def test_what_was_recognised_is_told(rules):
    said = told(rules, APPENDIX)
    assert (
        "ORDER ServiceRequest/draft-1" in said
        and "Read as CT abdomen+pelvis with contrast, recognised by its text." in said
    )
    assert (
        "reason: right-lower-quadrant-pain, suspected-appendicitis ← RLQ pain (R10.31) (this order, 2026-11-23)" in said
    )


def test_each_known_fact_has_its_source_and_its_group(rules):
    said = told(rules, INJURY)
    assert "Scores catch2: some-finding ← " in said and "gcs: 14 ← " in said and "(Observation/" in said
    assert "Findings altered_mental_status: yes ← " in said
    assert "The child age: 4 years 0 months ← 4 years old (Patient/child)" in said
    assert "The visit emergency: yes ← emergency visit (Encounter/visit)" in said
    assert "The order contrast: without ← this order" in said


def test_earlier_imaging_is_told_and_what_was_not_found_in_one_line(rules):
    said = told(rules, TWO_PHASES)
    assert "abdominal_ultrasound: 1 found ← ultrasound of the abdomen" in said and "(DiagnosticReport/prior-0" in said
    (none,) = [line for line in explain(asked(rules, TWO_PHASES)) if line.strip().startswith("none found:")]
    assert "abdominal_ct" in none


def test_the_dose_of_earlier_exams_is_told_each_for_itself(rules):
    dose = {
        "status": "final",
        "code": {"loinc": "73569-6"},
        "effectiveDateTime": "2026-11-03",
        "component": [
            {"code": {"coding": [{"code": "113813"}]}, "valueQuantity": {"value": 171, "unit": "mGy.cm"}},
            {"code": {"coding": [{"code": "113903"}]}, "valueQuantity": {"value": 999, "unit": "mGy.cm"}},
        ],
    }
    history = [
        {"exam": "CT Abdomen and Pelvis W contrast IV", "loinc": "36813-4", "ago": "20 days"},
        {"exam": "XR chest", "ago": "60 days"},
        {"exam": "MRI brain WO contrast", "ago": "90 days"},
    ]
    said = told(rules, {**APPENDIX, "history": history, "records": {"observations": [dose]}})
    assert (
        "dose_recorded: 1 found ← CT abdomen and pelvis with contrast, 3 November 2026: DLP 171 mGy·cm, 2 to 6 mSv"
        " (Observation/observations-0, 2026-11-03)"
    ) in said
    assert "dose_usual: 1 found ← chest radiograph, 24 September 2026: usually up to 0.03 mSv" in said
    assert "999" not in said


def test_judging_never_reads_a_dose(rules, monkeypatch):
    def read(*_):
        raise AssertionError("a judgement asked for a dose")

    request = asked(rules, TWO_PHASES).request
    child = make_child(records(request), rules, request, moment(AT), Site())
    monkeypatch.setattr(Child, "doses", read)
    (judged,) = judge_orders(list(imaging_orders(request, rules)), child, rules, want_all=True)
    assert judged.judgement.findings
    with pytest.raises(AssertionError):
        judged.facts["history.dose_recorded"]


def test_each_alternative_is_told_and_why_it_is_or_is_not_offered(rules):
    said = told(rules, APPENDIX)
    assert "suspected-appendicitis v" in said and ": advice. " in said
    assert "+ US right-lower-quadrant: offered, usually appropriate" in said
    assert "- CT abdomen+pelvis without and with contrast: not offered, rated no higher" in said


def test_the_card_is_shown_with_its_suggestions(rules):
    said = told(rules, APPENDIX)
    assert "SHOWN to a generic client [INFO] CT abdomen and pelvis with contrast: consider ultrasound" in said
    assert "• Source: ACR Appropriateness Criteria: Suspected Appendicitis-Child" in said
    assert "[ Order ultrasound of the right lower quadrant instead ] delete + create, recommended" in said


def test_the_card_is_the_one_its_client_would_get(rules):
    said = told(rules, TWO_PHASES, profile="epic")
    assert "SHOWN to an epic client" in said and "delete + create" not in said and "create, recommended" in said
    assert (said.count("[WARNING]"), said.count("[INFO]")) == (1, 1)


def test_what_a_client_cannot_take_is_told(rules):
    unreasoned = {"order": {"exam": "CT abdomen and pelvis with contrast"}, "child": {"age": "9 years"}}
    assert "[ Add the reason" in told(rules, unreasoned) or "update" in told(rules, unreasoned)
    said = told(rules, unreasoned, profile="epic")
    assert "Nothing. - not offered: ct-without-a-reason: no change that this client can take" in said


def test_silence_is_told_with_its_rule(rules):
    said = told(rules, INJURY)
    assert "SHOWN to a generic client Nothing." in said
    assert "minor-head-injury v" in said and ": silent. the order is usually appropriate" in said


def test_safety_rules_that_act_say_what_they_do(rules):
    said = told(rules, INJURY)
    assert "safe-pecarn-high: keeps silent; would not offer US, MR, XR. The head injury has a high-risk finding" in said
    assert "safe-skull-xray: would not offer XR head. A skull radiograph does not answer the question" in said


def test_a_safety_rule_that_only_softens_says_so():
    soft = changed(SHAKY, "id: safe-shaky", "id: soft\nabout: {developer: Our hospital, funding: Our own}")
    soft = changed(soft, "effect: {silence: appropriateness}", "effect: {soften: info}").replace(
        "[guide]", "[safety-logic]"
    )
    soft = changed(soft, "safety.shaky: present", "setting.emergency: present").replace(
        "expect: silences", "expect: softens"
    )
    soft = changed(soft, "safety.shaky: suspected", "setting.emergency: present")
    assert "soft: warns of nothing, only informs. The child is unstable." in told(
        shipped(**{"rules/soft.yaml": soft}), INJURY
    )


def test_unknown_facts_that_would_decide_stand_in_one_line(rules):
    said = told(rules, {**HEADACHE, "visit": "emergency"})
    assert said.count("Unknown, and would decide: ") == 1
    line = said.split("Unknown, and would decide: ")[1].split(" SHOWN")[0]
    assert "sign." in line


def test_a_rule_that_is_silent_by_choice_says_so():
    site = f"seizures: {{status: silent, reason: So., approved: {APPROVED}}}\n"
    said = told(shipped(**{"site.yaml": site}), SEIZURE)
    assert "(the rule is silent: judged and logged, not shown)" in said and said.endswith("Nothing.")


def test_rules_that_do_not_apply_are_told_when_asked_for(rules):
    few, every = told(rules, APPENDIX), told(rules, APPENDIX, every=True)
    assert "ataxia" not in few and "ataxia v2: out. " in every
    assert "safe-adult: does not act" in every and "safe-us-done: asked of each alternative" in every


def test_an_order_no_rule_speaks_about_is_told(rules):
    said = told(rules, {"order": {"exam": "XR left wrist", "reason": "fall on hand"}, "child": {"age": "9 years"}})
    assert "No rule speaks about this order for these reasons." in said


def test_a_reason_not_understood_is_told(rules):
    said = told(rules, {**APPENDIX, "order": {"exam": "CT head", "reason": ["headache", "flurb of the glabe"]}})
    assert "headache, and something that was not understood" in said


def test_an_order_that_is_no_exam_is_told_apart(rules):
    said = told(rules, {**APPENDIX, "also": [{"exam": "Complete blood count"}]})
    assert "with 2 orders to judge" in said
    assert "ORDER ServiceRequest/draft-2 Not judged: " in said and said.count("Read as ") == 1


def test_with_no_imaging_order_nothing_else_is_read(rules):
    said = told(rules, {**APPENDIX, "order": {"exam": "Complete blood count"}})
    assert "Not judged: " in said and "RECORD" not in said


def test_without_the_patient_there_is_no_advice(rules):
    said = told(rules, APPENDIX, but={"prefetch.patient": "removed"})
    assert "No advice: The Patient of this call is needed" in said and "KNOWN" not in said


def test_what_did_not_come_is_told(rules):
    said = told(rules, {**APPENDIX, "without": ["conditions", "reports"]})
    assert "Condition not sent" in said and "DiagnosticReport not sent" in said
    assert "NOT READ WHOLE, so what stands there is unknown" in said
    assert "none on record: Observation, ImagingStudy" in said
    assert "none found, but not every source was read (DiagnosticReport): abdominal_ct" in said


def test_resources_that_cannot_be_read_are_told(rules):
    odd = {"resource": {"resourceType": "Observation", "id": "o-1", "code": 7}}
    said = told(rules, APPENDIX, but={"prefetch.observations.entry": [odd], "prefetch.conditions": "nonsense"})
    assert "Observation 1 unreadable" in said or "Observation 1 read, 1 unreadable" in said
    assert "Condition " in said.split("ORDER")[0] and "not readable" in said


def test_a_suspected_finding_is_marked(rules):
    scenario = {
        **INJURY,
        "conditions": [{"icd10cm": "T74.12XA", "text": "Child physical abuse", "verification": "provisional"}],
    }
    assert "suspected_physical_abuse: suspected " in told(rules, scenario)
    leukemia = {"icd10cm": "C91.00", "text": "Leukemia", "verification": "provisional"}
    assert "malignancy_known: unknown (suspected) ← Leukemia" in told(rules, {**INJURY, "conditions": [leukemia]})


def test_an_age_that_is_not_known_to_the_day_is_a_bound(rules):
    assert "age: at most 9 years 10 months" in told(rules, {**APPENDIX, "child": {"born": "2017"}})


def test_a_long_list_of_sources_is_cut(rules):
    history = [{"exam": "US abdomen", "ago": f"{days} days"} for days in range(3, 9)]
    said = told(rules, {**APPENDIX, "history": history})
    assert (
        "any: 6 found ← " in said
        and said.split("any: 6 found ← ")[1].split(" none found")[0].count("DiagnosticReport/") <= 9
    )


def test_a_short_account_of_what_was_understood(rules):
    (one,) = read_as(asked(rules, APPENDIX))
    assert one == ("CT abdomen+pelvis with contrast", "right-lower-quadrant-pain, suspected-appendicitis")
    assert list(read_as(asked(rules, {**APPENDIX, "order": {"exam": "Complete blood count"}}))) == []


def test_every_play_of_the_demo_can_be_explained(rules):
    import json

    from demo.children import plays

    for play in plays():
        request = parse(json.dumps(play.request).encode(), service_hook="order-sign")
        said = "\n".join(explain(Asked(request, rules, datetime.now(UTC), Site())))
        assert ("Nothing." in said) == (play.expected == "silence"), play.name


@pytest.mark.parametrize(
    ("markdown", "lines"),
    [
        ("**Bold** and _slanted_", ["Bold and slanted"]),
        (r"1\. a\*b \[c\]", ["1. a*b [c]"]),
        ("a\n\n- b\n- c - d", ["a", "• b", "• c - d"]),
        ("", []),
    ],
)
def test_markdown_is_shown_plain(markdown, lines):
    assert plain(markdown) == lines
