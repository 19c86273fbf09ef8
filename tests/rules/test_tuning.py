"""The site's choices: inside the allowed range, approved, and lapsing when the approval does."""

from datetime import date

from cds_service.findings import Contact
from cds_service.rules.ruleset import build, parse
from cds_service.rules.tuning import read_site
from cds_service.yaml_source import read
from tests.rules.desk import ADULT, BELLY, desk

SHIPPED = {"belly": read(BELLY, file="belly"), "safe-adult": read(ADULT, file="safe-adult")}
APPROVED = "reason: Because.\n  approved: {by: Us, on: 2026-01-01%s}"


def site(text):
    problems = []
    found = read_site(read(text, file="site.yaml"), "site.yaml", SHIPPED, date(2026, 3, 2), problems)
    return found, [str(problem) for problem in problems]


def choice(body, until="", rule="belly"):
    return site(f"{rule}:\n  {body}\n  {APPROVED % until}\n")


def test_no_file_no_choices():
    assert read_site(None, "site.yaml", SHIPPED, date(2026, 3, 2), []).tuned == {}


def test_a_threshold_inside_its_range():
    found, problems = choice("thresholds: {low: 2 points}")
    assert not problems
    assert str(found.tuned["belly"]["thresholds"]["low"]) == "2 points"


def test_a_threshold_outside_its_range_is_refused():
    _, problems = choice("thresholds: {low: 9 points}")
    assert problems == ["site.yaml:2: low is 9 points, outside its allowed range; choose from 2 points to 4 points"]


def test_a_threshold_of_another_kind_is_refused():
    said = "site.yaml:2: low is %s, which is nothing like 2 points; choose from 2 points to 4 points"
    assert choice("thresholds: {low: 3 days}")[1] == [said % "3 days"]
    said = "site.yaml:2: covered is 18, which is nothing like 16 years; choose from 16 years to 21 years"
    assert choice("thresholds: {covered: 18}")[1] == [said]


def test_what_may_be_chosen_instead_is_named():
    fixed = read(BELLY.replace("value: 18 years, allowed: [16 years, 21 years]", "value: 18 years"), file="belly")
    told = []
    text = f"belly:\n  thresholds: {{covered: 17 years, lower: 2 points}}\n  status: false\n  {APPROVED % ''}\noffers: {{}}\n"
    read_site(read(text, file="site.yaml"), "site.yaml", {"belly": fixed}, date(2026, 3, 2), told)
    assert [str(one) for one in sorted(told)] == [
        "site.yaml:2: covered may not be changed by a site; choose from low, high",
        "site.yaml:2: lower is not a threshold of this rule; did you mean low?",
        "site.yaml:3: status must be a text; use draft, silent, active",
        "site.yaml:6: offers is not a rule; name a rule, or one of facilities, override_reasons, contacts, "
        "head_injury_rule",
    ]


def test_an_approval_that_ends_before_it_begins_is_no_silent_lapse():
    said = choice("status: silent", ", until: 2025-01-01")[1]
    assert said == ["site.yaml:4: the approval ends on 2025-01-01, before it began; correct the day"]


def test_a_missing_approval_is_told_once():
    said = site("belly:\n  status: silent\n  reason: So.\n")[1]
    assert said == [
        "site.yaml:2: the choice for belly needs approved; "
        "write approved: {by: Imaging Stewardship, on: 2026-01-31, until: 2027-01-31}"
    ]
    assert "is not an amount" in choice("thresholds: {low: three}")[1][0]


def test_an_unknown_threshold_or_rule():
    assert "did you mean low?" in choice("thresholds: {lwo: 3 points}")[1][0]
    assert "did you mean belly?" in site("bely: {}")[1][0]


def test_a_status():
    assert choice("status: silent")[0].tuned["belly"]["status"] == "silent"
    assert "always active" in choice("status: silent", rule="safe-adult")[1][0]


def test_an_approval_that_ran_out_lapses():
    found, problems = choice("thresholds: {low: 2 points}", ", until: 2026-02-01")
    assert not problems
    assert found.tuned == {}
    assert found.lapsed == ("belly",)


def test_an_approval_is_needed():
    assert any("needs approved" in one for one in site("belly: {reason: x, thresholds: {low: 2 points}}")[1])


def test_facilities():
    found, problems = site("facilities: {mri: false, fast-mri: true}")
    assert not problems
    assert found.offers == {"setting.mri_available": False, "setting.fast_mri_available": True}
    _, problems = site("facilities: {mir: false, mri: perhaps}")
    assert len(problems) == 2


def test_a_threshold_no_site_may_change():
    shipped = {"belly": read(BELLY.replace(", allowed: [2 points, 4 points]", ""), file="belly")}
    problems = []
    text = f"belly:\n  thresholds: {{low: 2 points}}\n  {APPROVED % ''}\n"
    read_site(read(text, file="site.yaml"), "site.yaml", shipped, date(2026, 3, 2), problems)
    assert "may not be changed by a site" in str(problems[0])


def test_own_override_reasons():
    assert site("override_reasons: {night-shift: Night shift}")[0].override_reasons == {"night-shift": "Night shift"}


def test_contacts():
    found, problems = site(
        "contacts: {radiologist: {name: Dr. Example, reference: PractitionerRole/on-call}, physicist: {name: X}}"
    )
    assert problems == []
    assert found.contacts["radiologist"] == Contact(
        "the radiologist on call", "Dr. Example", "PractitionerRole/on-call"
    )
    assert found.contacts["physicist"].reference == ""


def test_contacts_that_nobody_can_ask():
    _, problems = site("contacts:\n  nurse: {name: X}\n  physicist: {name: X, reference: Patient/1}\n  radiologist: {}")
    assert [str(one).partition(";")[0] for one in problems] == [
        "site.yaml:2: nurse is not a contact a rule asks for",
        "site.yaml:3: Patient/1 is no one who can be asked",
        "site.yaml:4: the contact radiologist needs name",
    ]


def test_the_rule_for_head_injury_a_site_prefers():
    assert site("head_injury_rule: catch2")[0].choices == {"head_injury_rule": "catch2"}
    assert site("facilities: {}")[0].choices == {"head_injury_rule": "pecarn"}
    _, problems = site("head_injury_rule: canadian")
    assert problems[0].startswith("site.yaml:1: canadian is not a value of head_injury_rule")


CHOSEN = ADULT.replace("id: safe-adult", "id: safe-catch2\nsite_choice: {head_injury_rule: catch2}")


def test_a_safety_rule_for_a_choice_is_in_force_only_where_it_is_made():
    def build_at(**choices):
        parsed = parse({"rules/safe-catch2.yaml": CHOSEN.encode()}, [])
        return build(parsed, desk(choices=choices), broader={})

    for choices in ({}, {"head_injury_rule": "pecarn"}, {"head_injury_rule": "chalice"}):
        found = build_at(**choices)
        assert found.safety == () and [rule.id for rule in found.dormant] == ["safe-catch2"]
    assert [rule.id for rule in build_at(head_injury_rule="catch2").safety] == ["safe-catch2"]
