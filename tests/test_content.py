"""Content is made whole or refused with everything that is wrong; and a built wheel carries it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

from cds_service.consistency import changed_examples, whole
from cds_service.content import build
from cds_service.errors import ContentError
from cds_service.settings import shipped
from tests.rules.desk import COMMON, HEAD, PASSES, SHAKY
from tests.small import APPROVED, BELLY, DAY, FINDINGS, ORDERS, REASONS, changed, files, made, troubles

ROOT = Path(__file__).parents[1]

FEVERISH = (
    COMMON.format(kind="definition", title="Feverish")
    + """
id: feverish
fact: sign.feverish
meaning: Fever, as others call it.
when: {sign.fever: present}
examples: [{name: Fever, facts: {sign.fever: present}, expect: present}]
"""
)


def inspect(rules, *, facts, orders):
    return whole(rules, facts=facts, orders=orders, day=DAY)


# whole


def test_content_is_everything_a_judgement_needs():
    content = made(feverish=FEVERISH)
    assert content.counts == {
        "topics": 2, "checks": 2, "safety": 3, "definitions": 1, "examples": 9, "dormant": 0, "cards": 12,
        "exam_codes": 0, "reasons": 4, "facts": len(content.facts),
    }  # fmt: skip
    assert content.day == DAY and content.definitions.keys() == {"sign.feverish"}
    assert content.facts["sign.feverish"].meaning == "Fever, as others call it."
    assert content.facts["order.reason"].choices == {"belly-ache", "bad-belly", "sore-head", "other-thing"}


def test_the_digest_changes_with_any_byte():
    assert made().digest == made().digest
    assert made(belly=BELLY + "\n# so\n").digest != made().digest


OWN = """
system: urn:oid:1.2.3
source: Our hospital
review: {last: 2026-01-01}
exams: {CT1: CT head}
"""


@pytest.mark.parametrize(
    ("name", "text", "member"),
    [
        ("site/codes/exams/own.yaml", OWN, "exams"),
        ("rules/codes/reasons/small.yaml", "# other\n", "reasons"),
        ("rules/codes/findings/small.yaml", "# other\n", "findings"),
    ],
)
def test_code_lists_are_kept_until_a_file_of_theirs_changes(name, text, member):
    first = made()
    lists = ("exams", "reasons", "findings")
    edited = files(**{"rules/belly.yaml": BELLY + "# looked through\n"})
    again = build(edited, today=DAY, before=first)
    assert again.digest != first.digest and all(getattr(again, one) is getattr(first, one) for one in lists)
    other = build({**edited, name: edited.get(name, b"") + text.encode()}, today=DAY, before=again)
    assert [one for one in lists if getattr(other, one) is not getattr(again, one)] == [member]
    licensed = build(edited, today=DAY, before=again, licences=frozenset({"cpt"}))
    assert licensed.licences and not any(getattr(licensed, one) is getattr(again, one) for one in ("exams", "reasons"))


def test_thresholds_with_dates_are_those_of_the_day():
    text = changed(BELLY, "low: {value: 3 points", "low: {value: {2020-01-01: 3 points, 2026-07-01: 4 points}")
    values = {
        day: build(files(belly=text), today=day).rules.topics[0].thresholds["low"].value
        for day in (DAY, date(2026, 7, 1))
    }
    assert [str(value) for value in values.values()] == ["3 points", "4 points"]


def test_a_rule_outside_its_dates_is_kept_and_not_judged():
    retired = made(head=changed(HEAD, "to: null", "to: 2026-03-01"))
    assert [topic.id for topic in retired.rules.topics] == ["belly"]
    assert [rule.id for rule in retired.rules.dormant] == ["head"]


# row 113: templates are data


@pytest.mark.parametrize("name", ["{rule.__class__}", "{0}", "{finding!r}", "{why:>9999999}", "{nobody}"])
def test_a_card_with_a_field_nobody_knows_is_refused(name):
    reminder = (shipped("cards") / "reminder.md").read_text()
    assert any(
        one.startswith("cards/reminder.md:") for one in troubles(**{"cards/reminder.md": f"{reminder}\n{name}\n"})
    )


# refused whole


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"belly": "a: [1"}, "rules/belly.yaml:1: "),  # row 107
        ({"belly": ""}, "rules/belly.yaml:1: "),
        ({"belly": BELLY[: len(BELLY) // 2]}, "rules/belly.yaml:"),
        ({"belly": "a: \0"}, "rules/belly.yaml:1: "),
        ({"belly": "just words"}, "rules/belly.yaml:1: "),
        ({"belly": "[1, 2]"}, "rules/belly.yaml:1: "),
        ({"belly": BELLY + "wat: 1\n"}, "wat is not a field of a rule"),  # row 108
        ({"belly": BELLY + "title: Again\n"}, "title stands here twice"),
        ({"belly": changed(BELLY, "title: Belly ache", "title: [1]")}, "title must be a text"),
        ({"passes": changed(PASSES, "indicator: warning", "indicator: hurry")}, "hurry is not a value of indicator"),
        ({"head/belly": BELLY, "rules/head/belly.yaml": BELLY}, "belly stands in rules/belly.yaml too"),  # row 109
        ({"head": changed(HEAD, "sign.fever: present", "sign.fever: no")}, "sign.fever is either present or absent"),  # row 112
        ({"belly": changed(BELLY, "value: 3 points", "value: 1:30")}, "'1:30' is not an amount"),
        ({"belly": changed(BELLY, "version: 1", "version: !!python/name:os.system 1")}, "tags are not read"),  # row 111
        ({"rules/sources.yaml": None}, "guide is not a source"),
        ({"rules/sources.yaml": "a: [1"}, "rules/sources.yaml:1: "),
        ({"rules/override-reasons.yaml": "default: 3"}, "rules/override-reasons.yaml"),
        ({"orders": changed(ORDERS, "code: 24548-0", "cod: 24548-0")}, "rules/codes/orders.yaml:6"),
        ({"rules/codes/reasons/small.yaml": REASONS + "belly-ache: {}\n"}, "belly-ache stands here twice"),
        ({"rules/codes/findings/small.yaml": changed(FINDINGS, "kind: flag", "kind: flog")}, "small.yaml:5"),
        ({"rules/codes/exams/bad.yaml": "a: [1"}, "rules/codes/exams/bad.yaml:1: "),
        ({"rules/codes/results.yaml": "a: [1"}, "rules/codes/results.yaml:1: "),
        ({"cards/reminder.md": "no front matter"}, "cards/reminder.md:1: "),
        ({"site": "a: [1"}, "site/site.yaml:1: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_line(changes, said):
    told = troubles(**{name: text for name, text in changes.items() if name != "head/belly"})
    assert any(said in one for one in told), told
    assert all(one.split(":")[1].isdigit() for one in told)


def test_everything_wrong_is_told_at_once():
    told = troubles(
        inspect,
        belly=changed(BELLY, "patient.age: {below", "patient.aeg: {below"),  # a misspelt fact
        head=changed(HEAD, "due: 2030-01-01", "due: 2026-01-31"),  # an overdue review
        width=changed(files()["rules/width.yaml"].decode(), "expect: info", "expect: warning"),  # a failing example
        passes=changed(PASSES, "sources: [guide]", "sources: [nobody]"),  # a missing source
        safe_done="a: [1",  # no YAML
        orders=changed(ORDERS, "code: 24590-2", "cod: 24590-2"),  # a misspelt member
        site="bely: {}\n",  # a rule that is none
        **{"cards/reminder.md": "no front matter", "rules/codes/exams/x.yaml": "a: [1"},
    )
    parts = [
        "patient.aeg is not a fact; did you mean patient.age?",
        "expected warning, got info",
        "nobody is not a source",
        "rules/safe-done.yaml:1: ",
        "rules/codes/orders.yaml:7: ",
        "bely is not a rule; did you mean belly?",
        "cards/reminder.md:1: ",
        "rules/codes/exams/x.yaml:1: ",
    ]
    assert [part for part in parts if not any(part in one for one in told)] == []
    assert told == sorted(told, key=lambda one: (one.split(":")[0], int(one.split(":")[1])))


def test_a_broken_definition_is_the_only_trouble_told_of():
    uses = changed(HEAD, "when: {sign.fever: present}", "when: {sign.feverish: present}")
    uses = changed(
        uses, "{order.reason: sore-head, sign.fever: present, ", "{order.reason: sore-head, sign.fever: present, "
    )
    assert not troubles(feverish=FEVERISH, head=uses)
    broken = changed(FEVERISH, "kind: definition", "kind: definition\nwat: 1")
    assert [one.split(":")[0] for one in troubles(feverish=broken, head=uses)] == ["rules/feverish.yaml"]
    (said,) = troubles(feverish=FEVERISH.replace("facts: {sign", "facts: {{sign"), head=uses)
    assert said.startswith("rules/feverish.yaml:")


def test_no_rules_are_refused():
    with pytest.raises(ContentError, match="there are no rules; check the folder named by CDS_RULES"):
        build({}, today=DAY)
    nothing = dict.fromkeys([name for name in files() if name.startswith("rules/")])
    assert "rules:1: there are no rules; check the folder named by CDS_RULES" in troubles(**nothing)


# the content looked at as a whole


def test_good_content_has_nothing_to_say_of():
    assert troubles(inspect) == []


def test_an_overdue_review_is_told_of_and_not_refused_at_load():
    overdue = changed(HEAD, "due: 2030-01-01", "due: 2026-03-01")
    assert not troubles(head=overdue)
    (said,) = troubles(inspect, head=overdue)
    assert "the review of head was due on 2026-03-01; review it, and set review.last and review.due" in said
    assert not troubles(
        inspect, head=changed(overdue, "status: active", "status: retired").replace("expect: info", "expect: info")
    )


def test_a_situation_that_can_never_be_is_told_of():
    never = changed(HEAD, "when: {sign.fever: absent}", "when: {sign.fever: absent, none: [{sign.fever: absent}]}")
    assert any("variant plain can never be chosen" in one for one in troubles(inspect, head=never))


def test_situations_that_overlap_and_disagree_are_told_of():
    both = changed(HEAD, "when: {sign.fever: absent}", "when: {sign.severity: mild}")
    assert any(
        "variants feverish and plain can both be met and disagree on MR head" in one
        for one in troubles(inspect, head=both)
    )
    declared = changed(both, "situation: No fever", "situation: No fever\n    may_overlap: [feverish]")
    assert not troubles(inspect, head=declared)


def test_a_topic_with_nothing_to_order_is_told_of():
    none = changed(ORDERS, "code: 24590-2, display: MR Brain, ", "")
    (said,) = troubles(inspect, orders=none)
    assert "no alternative of head has a code to order: " in said and said.endswith(
        "add one to rules/codes/orders.yaml"
    )


# the site's choices


def test_the_site_lays_its_choices_over():
    site = f"belly: {{status: silent, thresholds: {{low: 2 points}}, reason: So., approved: {APPROVED}}}\nfacilities: {{mri: false}}\n"
    content = made(site=site)
    (belly, _) = content.rules.topics
    assert (belly.status, str(belly.thresholds["low"].value)) == ("silent", "2 points")
    assert content.site.offers == {"setting.mri_available": False}


def test_a_choice_out_of_range_is_refused():
    site = f"belly: {{thresholds: {{low: 9 points}}, reason: So., approved: {APPROVED}}}\n"
    assert "site/site.yaml:1: low is 9 points, outside its allowed range; choose from 2 points to 4 points" in troubles(
        site=site
    )


def test_examples_that_a_choice_changes_are_listed_and_allowed():
    case = "  - {name: Score three, but: {score.belly: 3}, order: US abdomen, expect: no imaging}\n"
    site = f"belly: {{thresholds: {{low: 2 points}}, reason: So., approved: {APPROVED}}}\n"
    content = made(belly=BELLY + case, site=site)
    assert list(changed_examples(content)) == ["belly: example 'Score three' is now silence, shipped: no imaging"]
    assert list(changed_examples(made(belly=BELLY + case))) == []


def test_an_approval_that_ran_out_is_told_of():
    lapsed = APPROVED.replace("}", ", until: 2026-03-01}")
    content = made(site=f"belly: {{thresholds: {{low: 2 points}}, reason: So., approved: {lapsed}}}\n")
    assert list(changed_examples(content)) == [
        "belly: the approval of this choice has run out; the shipped values count again"
    ]
    assert str(content.rules.topics[0].thresholds["low"].value) == "3 points"


def test_the_site_has_rules_codes_and_reasons_of_its_own():
    content = made(**{
        "site/rules/own.yaml": changed(SHAKY, "id: safe-shaky", "id: own\nabout: {developer: Our hospital, funding: Our own}"),
        "site/codes/reasons/own.yaml": "our-thing: {label: Our thing, texts: [our thing]}\n",
        "site": "override_reasons: {night-shift: Night shift}\n",
    })  # fmt: skip
    assert "own" in {rule.id for rule in content.rules.safety}
    assert "our-thing" in content.reasons.names and "night-shift" in content.overrides.reasons


def test_a_safety_rule_cannot_be_switched_off():
    site = f"safe-adult: {{status: draft, reason: So., approved: {APPROVED}}}\n"
    assert any("safe-adult is a safety rule and always active" in one for one in troubles(site=site))


# what is shipped


def test_a_wheel_carries_the_content_and_runs_anywhere(tmp_path):
    build_command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build_command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "place")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import json; from cds_service import settings; from cds_service.app import build;"
        "from cds_service.library import Library, Places;"
        "read = settings.read({}); build(read); library = Library(Places(read.rules, read.cards)); library.start();"
        "print(json.dumps([str(settings.shipped('rules')), str(read.cards), library.ready]))"
    )
    environment = {"PYTHONPATH": str(tmp_path / "place"), "PATH": os.environ["PATH"]}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    packaged = tmp_path / "place" / "cds_service" / "_content"
    rules, cards, ready = json.loads(ran.stdout.splitlines()[-1])
    assert (rules, cards, ready) == (str(packaged / "rules"), str(packaged / "cards"), True)
    shipped_here = {path.relative_to(ROOT / "rules") for path in (ROOT / "rules").rglob("*.yaml")}
    assert {path.relative_to(packaged / "rules") for path in (packaged / "rules").rglob("*.yaml")} == shipped_here
