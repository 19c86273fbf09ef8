"""What a rule must say of itself, and what is said when it does not."""

import pytest

from cds_service.rules.about import PERSONAL, TEXTS
from cds_service.rules.predictive import PREDICTIVE
from tests.rules.desk import BELLY as SHORT
from tests.small import ABOUT, BELLY, changed, made, troubles

OWN_RULE = changed(SHORT, "id: belly", "id: ours")


def rule(made_of, name="belly"):
    return next(one for one in made_of.rules.rules if one.id == name)


@pytest.mark.parametrize("name", [*TEXTS, "cautions", "limits"])
def test_a_rule_that_lacks_an_attribute_is_refused_with_place_and_remedy(name):
    without = "\n".join(line for line in ABOUT.splitlines() if not line.startswith(f"  {name}:"))
    said = [one for one in troubles(**{"rules/about.yaml": without}) if one.startswith("rules/belly.yaml")]
    assert said == [
        f"rules/belly.yaml:2: a rule needs {name}; write {name}: … in a block about, or once for all rules in rules/about.yaml"
    ]


def test_without_the_shared_words_every_rule_lacks_every_attribute():
    said = troubles(**{"rules/about.yaml": None})
    assert len([one for one in said if one.startswith("rules/belly.yaml")]) == len(TEXTS) + 2


def test_a_rule_says_otherwise_and_adds_its_own_limits():
    own = changed(BELLY, "if_unknown: ask", "about: {funding: A grant, limits: [Boys only]}\nif_unknown: ask")
    about = rule(made(belly=own)).about
    assert (about.funding, about.developer) == ("A grant", "Us")
    assert about.limits == ("Boys only", "It knows little")
    assert rule(made(belly=own), "head").about.funding == "None"


def test_words_for_one_kind_come_before_those_for_every_rule():
    content = made(**{"rules/about.yaml": ABOUT + "safety:\n  intended_use: Keeps back\n"})
    assert rule(content, "safe-adult").about.intended_use == "Keeps back"
    assert rule(content).about.intended_use == "To try things out"


def test_a_misspelt_attribute_is_refused():
    own = changed(BELLY, "if_unknown: ask", "about: {fundin: A grant}\nif_unknown: ask")
    assert any("fundin is not a field of about; did you mean funding?" in one for one in troubles(belly=own))
    assert any(
        "wat is not a field of every" in one
        for one in troubles(**{"rules/about.yaml": ABOUT.replace("users:", "wat:")})
    )


def test_a_hospitals_own_rule_names_its_maker_itself():
    belly = changed(SHORT, "id: belly", "id: ours").replace("variants:\n  - id: low\n", "variants:\n  - id: low\n", 1)
    belly = belly.replace(
        "situation: Ultrasound did not settle it", "situation: Ultrasound did not settle it\n    may_overlap: [low]"
    )
    said = [one for one in troubles(**{"site/rules/ours.yaml": belly}) if "a rule needs" in one]
    assert len(said) == 2 and {"developer" in one or "funding" in one for one in said} == {True}
    assert all(one.startswith("site/rules/ours.yaml:2: ") for one in said)
    told = changed(
        belly, "if_unknown: ask", "about: {developer: Our radiologists, funding: The hospital}\nif_unknown: ask"
    )
    assert rule(made(**{"site/rules/ours.yaml": told}), "ours").about.developer == "Our radiologists"


@pytest.mark.parametrize("name", PERSONAL)
def test_each_personal_attribute_has_its_carriers_or_none(name):
    less = ABOUT.replace(f"{name}: []", "").replace(f"{name}: patient.sex", "").replace(f"{name}: patient.age", "")
    less = less.replace("{, ", "{").replace(", ,", ",").replace(",\n   ,", ",\n").replace(", }", "}")
    assert any(f"personal needs {name}" in one for one in troubles(**{"rules/about.yaml": less}))


def test_a_carrier_is_a_fact():
    wrong = ABOUT.replace("patient.sex", "patient.sexx")
    assert troubles(**{"rules/about.yaml": wrong}) == [
        "rules/about.yaml:1: sex is carried by patient.sexx, which is not a fact; see FACTS.md"
    ]


def test_a_predictive_rule_tells_all_31_or_is_refused():
    assert len(PREDICTIVE) == 31
    some = changed(BELLY, "if_unknown: ask", "about: {predictive: {funding: A grant}}\nif_unknown: ask")
    assert len([one for one in troubles(belly=some) if "predictive needs" in one]) == 30
    every = ", ".join(f"{name}: Told" for name in PREDICTIVE)
    whole = changed(BELLY, "if_unknown: ask", f"about: {{predictive: {{{every}}}}}\nif_unknown: ask")
    assert rule(made(belly=whole)).about.predictive == dict.fromkeys(PREDICTIVE, "Told")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{on: 2026-01-01, by: Nobody, change: First.}", "a change needs version"),
        ("{version: 1, on: soon, by: Nobody, change: First.}", "soon is not a date"),
        ("{version: 1, on: 2026-01-01, change: First.}", "a change needs by"),
        ("{version: 1, on: 2026-01-01, by: Nobody, chnge: First.}", "did you mean change?"),
    ],
)
def test_each_change_has_its_day_and_author(change, said):
    spoiled = changed(BELLY, "{version: 1, on: 2026-01-01, by: Nobody, change: First.}", change)
    assert any(said in one for one in troubles(belly=spoiled))


def test_a_rule_says_why():
    assert any("a rule needs rationale" in one for one in troubles(belly=changed(BELLY, "rationale: Because.\n", "")))
