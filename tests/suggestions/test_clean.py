"""What is tidy needs no cleaning."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.suggestions.clean import DEEPEST, clean, tidy
from cds_service.suggestions.orders import Draft
from cds_service.vocabulary.exams import exam

TEXTS = st.text(st.characters(codec="utf-8"), max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("_a"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), st.sampled_from([None, 1, "\t"]), st.booleans())
@example({"a": [{"b": []}]}, 1, True)
@example({"a": "x", "b": {"": 1}}, None, True)
def test_cleaning_what_is_tidy_changes_nothing(order: dict[str, Any], indent: Any, escaped: bool) -> None:
    raw = json.dumps(order, indent=indent, ensure_ascii=escaped).encode()
    if tidy(raw):
        assert clean(msgspec.json.decode(raw)) == order


@pytest.mark.parametrize(
    "raw",
    [b'{"a": [ ]}', b'{"a": {\n}}', b'{"a": ""}', b'{"a": null}', b'{"": 1}', b'{"a": "\\u0000"}', b'{"a":[\t]}'],
)
def test_what_may_need_cleaning_is_not_tidy(raw: bytes) -> None:
    assert not tidy(raw)


@pytest.mark.parametrize("raw", [b'{"a": [ 1 ]}', b'{\n "a": {"b": "Bauch"}}', '{"a":"schön"}'.encode()])
def test_what_has_nothing_empty_is_tidy(raw: bytes) -> None:
    assert tidy(raw)


def test_what_nests_too_deep_is_not_tidy() -> None:
    assert tidy(b'{"a":' + b"[" * (DEEPEST - 1) + b"1" + b"]" * (DEEPEST - 1) + b"}")
    assert not tidy(b'{"a":' + b"[" * DEEPEST + b"1" + b"]" * DEEPEST + b"}")


def test_a_tidy_draft_makes_the_orders_a_cleaned_one_makes() -> None:
    order = {
        "resourceType": "ServiceRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/kid"},
        "contained": [{"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/kid"}}],
        "reasonReference": [{"reference": "#c"}],
        "bodySite": [{"text": "Abdomen"}],
    }
    ct = exam("CT abdomen with contrast")
    drafts = [Draft(order, "ServiceRequest/draft-1", exam=ct, tidy=is_tidy) for is_tidy in (True, False)]
    concept = {"text": "US abdomen"}
    for make in (
        lambda draft: draft.created(concept, exam("US abdomen")),
        lambda draft: draft.changed(concept, exam("US head")),
        lambda draft: draft.with_reason({"text": "Pain"}),
        lambda draft: draft.as_ordered(),
    ):
        one, other = map(make, drafts)
        assert one == other is not None
    assert drafts[0].as_ordered() == order
