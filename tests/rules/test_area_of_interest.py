"""What a guideline says of "the area of interest" is said of the place that was ordered."""

from cds_service.rules.given import NOW, order_facts
from cds_service.rules.judge import WithDefinitions
from cds_service.rules.ratings import Rating, Row, placed, rate
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import Prior, Priors, Reading
from tests.rules.desk import COMMON, rules_of, says

LIMB = (
    COMMON.format(kind="appropriateness", title="Sore place")
    + """
id: place
applies_to: {order.reason: belly-ache}
variants:
  - id: known
    situation: One place
    when: {sign.fever: absent}
    source: guide
    ratings:
      usually appropriate: [XR area-of-interest, XR foot]
      usually not appropriate: [CT area-of-interest without contrast]
  - id: leg
    situation: The leg
    when: {sign.fever: present}
    source: guide
    ratings:
      usually appropriate: [XR lower-leg]
      usually not appropriate: [CT lower-limb without contrast]
examples:
  - name: Knee
    order: CT knee without contrast
    facts: {order.reason: belly-ache, sign.fever: absent, history.any: none}
    expect: warning
    offers: [XR knee]
"""
)


def test_a_row_of_any_place_speaks_for_every_place_but_the_whole_body():
    rows = [Row(exam("MR area-of-interest"), Rating.USUALLY), Row(exam("MR whole-body"), Rating.USUALLY_NOT)]
    assert rate(exam("MR knee"), rows) is Rating.USUALLY
    assert rate(exam("MR abdomen+pelvis"), rows) is Rating.USUALLY
    assert rate(exam("MR whole-body"), rows) is Rating.USUALLY_NOT
    assert rate(exam("MR area-of-interest"), rows) is Rating.USUALLY


def test_a_row_is_placed_where_the_order_is():
    assert str(placed(exam("XR area-of-interest"), exam("CT knee with contrast"))) == "XR knee"
    assert str(placed(exam("XR chest"), exam("CT knee with contrast"))) == "XR chest"


def test_the_same_place_is_offered_and_no_other():
    rules = rules_of(place=LIMB)
    assert says(rules, "CT knee without contrast", sign__fever=False).exams == ["XR knee"]
    assert says(rules, "CT wrist without contrast", sign__fever=False).exams == ["XR wrist"]


def test_a_place_named_by_the_guideline_is_offered_as_named():
    rules = rules_of(place=LIMB)
    assert says(rules, "CT lower-limb without contrast", sign__fever=True).exams == ["XR lower-leg"]


def test_examples_find_earlier_exams_of_the_ordered_place():
    moment = span("1 day").before(NOW)
    done = Reading(Priors((Prior(exam("XR knee"), moment, moment),), True, NOW))
    for place, found in (("knee", 1), ("wrist", 0)):
        facts = WithDefinitions({**order_facts(exam(f"CT {place}")), "history.any": done}, {})
        assert len(facts["history.region_radiograph"].value.items) == found
        assert not facts["history.region_ultrasound"].value.items
    assert WithDefinitions({"history.any": done}, {})["history.region_radiograph"].value is None
