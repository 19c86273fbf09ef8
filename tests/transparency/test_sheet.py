"""What a rule tells of itself, as data."""

import json

from cds_service.findings import Citation
from cds_service.rules.about import PERSONAL
from cds_service.rules.predictive import PREDICTIVE
from cds_service.settings import shipped
from cds_service.transparency.attributes import ATTRIBUTES, cited
from cds_service.transparency.pages import Pages
from cds_service.transparency.sheet import CHECKED, sheet
from tests.small import APPROVED, BELLY, changed, made
from tests.test_content import FEVERISH

SITE = f"belly: {{thresholds: {{low: 2 points}}, status: silent, reason: So., approved: {APPROVED}}}\n"


def told(name="belly", **changes):
    content = made(**changes)
    (rule,) = [one for one in content.rules.rules if one.id == name]
    return sheet(rule, content)


def attribute(name, of):
    return next(one["value"] for one in of["sourceAttributes"] if one["name"] == name)


def test_the_13_attributes_stand_in_the_order_of_the_regulation():
    found = told()["sourceAttributes"]
    assert [one["name"] for one in found] == list(ATTRIBUTES) and len(found) == 13
    assert [one["paragraph"] for one in found] == [f"45 CFR 170.315(b)(11)(iv)(A)({n})" for n in range(1, 14)]
    assert list(ATTRIBUTES)[4:] == list(PERSONAL)
    assert all(one["value"] for one in found)


def test_sources_are_cited_once_with_those_of_situations():
    other = changed(BELLY, "source: guide\n    no_imaging", "source: other-guide\n    no_imaging")
    assert attribute("bibliographic_citation", told(belly=other)) == "The guide. 2020; Another. 2021"


def test_a_source_is_named_as_a_bibliography_does():
    whole = Citation("a", "On imaging", "2020", "10.1/x", authors="Doe J", journal="J Im", publisher="P")
    assert cited(whole) == "Doe J: On imaging. J Im, 2020. doi:10.1/x"
    assert cited(Citation("a", "Imaging 2020", "2020", url="https://x.example")) == "Imaging 2020. https://x.example"


def test_a_personal_attribute_is_used_by_the_rule_by_safety_rules_or_not_at_all():
    belly, adult = told(), told("safe-adult")
    assert attribute("birth_date", belly) == "Used, as patient.age (Age to the day)."
    assert attribute("birth_date", told("head")).startswith("Not used by this rule itself. The safety rules")
    assert attribute("birth_date", adult).startswith("Used, as patient.age")
    assert attribute("sex", belly) == "Not used."
    assert attribute("race", belly).startswith("Not used. The service knows no such fact")


def test_what_a_used_fact_is_made_of_is_used_too():
    uses = changed(FEVERISH, "when: {sign.fever: present}", "when: {sign.fever: present, patient.sex: female}")
    uses = changed(uses, "facts: {sign.fever: present}", "facts: {sign.fever: present, patient.sex: female}")
    head = changed(made().files["rules/head.yaml"].decode(), "{sign.fever: present}", "{sign.feverish: present}")
    head = head.replace("facts: {order.reason: sore-head, sign.fever: present", "facts: {order.reason: sore-head, patient.sex: female, sign.fever: present")  # fmt: skip
    head = head.replace("when: {sign.fever: absent}", "when: {sign.feverish: absent}")
    assert attribute("sex", told("head", feverish=uses, head=head)).startswith("Used, as patient.sex")


def test_released_and_revised_come_from_the_changes():
    assert attribute("release_and_revision", told()) == "Version 1 released on 2026-01-01; not revised since."
    more = changed(BELLY, "change: First.}", "change: First.}, {version: 2, on: 2026-02-01, by: Nobody, change: More.}")
    said = attribute("release_and_revision", told(belly=more))
    assert said == "Version 1 released on 2026-01-01; revised: version 2 on 2026-02-01."


def test_choices_of_the_site_are_shown_as_in_force_beside_what_was_shipped():
    found = told(site=SITE)
    assert found["status"] == "silent" and found["inForce"] and found["changedBySite"]
    assert found["siteChoice"] == {
        "reason": "So.", "by": "Imaging Stewardship", "on": "2026-01-01", "until": "", "status": "active",
    }  # fmt: skip
    low = next(one for one in found["thresholds"] if one["name"] == "low")
    assert (low["value"], low["shipped"], low["allowed"]) == ("2 points", "3 points", ["2 points", "4 points"])
    assert told()["siteChoice"] is None and told()["thresholds"][1]["shipped"] is None


def test_nobody_who_is_no_clinician_is_told_as_one():
    assert told()["review"] == {
        "last": "2026-01-01", "due": "2030-01-01", "by": "Nobody", "byClinician": False, "overdue": False,
    }  # fmt: skip
    reviewed = changed(BELLY, "due: 2030-01-01, by: Nobody", "due: 2026-03-01, by: Pediatric Radiology")
    assert told(belly=reviewed)["review"]["byClinician"] and told(belly=reviewed)["review"]["overdue"]


def test_each_kind_tells_its_logic():
    belly = told()
    assert belly["reasons"] == ["Belly ache"] and belly["whenUnknown"] == "ask"
    assert belly["silentWhen"] == ["It is a bad belly."]
    assert belly["situations"][0]["noImaging"] == "At low risk no imaging is needed now."
    assert [one["exam"] for one in belly["situations"][1]["ratings"]["usually appropriate"]] == [
        "US abdomen", "US right-lower-quadrant",
    ]  # fmt: skip
    assert told("passes")["says"] == "Two phases. One is enough."
    assert told("safe-adult")["effect"] == ["silences all advice"] and told("safe-adult")["whenUnknown"] == "acts"
    assert told("safe-done")["effect"] == ["takes away US"]
    assert told("feverish", feverish=FEVERISH)["fact"] == "sign.feverish"


def test_facts_are_told_with_their_meaning_and_maker():
    head = changed(made().files["rules/head.yaml"].decode(), "{sign.fever: present}", "{sign.feverish: present}")
    head = head.replace("when: {sign.fever: absent}", "when: {sign.feverish: absent}")
    facts = {one["name"]: one for one in told("head", head=head, feverish=FEVERISH)["facts"]}
    assert facts["sign.feverish"]["definedBy"] == "feverish" and facts["sign.feverish"]["meaning"]
    assert facts["order.reason"]["definedBy"] is None


def test_the_31_attributes_have_their_place():
    assert told()["predictiveSourceAttributes"] is None and told()["interventionType"] == "evidence-based"
    every = ", ".join(f"{name}: Told" for name in PREDICTIVE)
    predictive = told(belly=changed(BELLY, "if_unknown: ask", f"about: {{predictive: {{{every}}}}}\nif_unknown: ask"))
    assert predictive["interventionType"] == "predictive" and len(predictive["predictiveSourceAttributes"]) == 31


def test_data_of_all_rules_is_the_list():
    content = made()
    found = json.loads(Pages(lambda: content).find("", readable=False).body)
    assert [one["id"] for one in found["rules"]] == sorted(one["id"] for one in found["rules"])
    assert len(found["rules"]) == 7 and found["content"]["digest"] == content.digest


def test_every_way_a_source_was_checked_is_told():
    text = (shipped("rules") / "sources.yaml").read_text()
    used = {line.partition("confidence: ")[2] for line in text.splitlines() if "confidence: " in line}
    assert used and used <= set(CHECKED)
