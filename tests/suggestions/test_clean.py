"""What is tidy needs no cleaning."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.suggestions import clean as cleaning
from cds_service.suggestions.clean import DEEPEST, clean, tidy
from cds_service.suggestions.orders import Draft
from cds_service.vocabulary.exams import exam

TEXTS = st.text("aä\x00\ud83d", max_size=2)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("_a"), inner, max_size=3),
    max_leaves=8,
)


def always_anew(value: Any) -> Any:
    """Cleaned without a look at whether that is needed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cleaning, "tidy", lambda value: False)
        return clean(value)


@given(st.dictionaries(TEXTS, VALUES, max_size=3) | st.lists(VALUES, max_size=3))
@example({"a": "x", "b": {"": 1}})
@example({"a": [None]})
@example([float("nan")])
def test_cleaning_what_is_tidy_changes_nothing(value: Any) -> None:
    assert repr(clean(value)) == repr(always_anew(value))
    if tidy(value):
        assert clean(value) is value


@pytest.mark.parametrize("value", [{"a": [1, True, 0.5]}, [{"a": {"b": "c"}}], {"a": False, "b": 0}])
def test_what_has_nothing_empty_is_tidy(value: Any) -> None:
    assert tidy(value)


def nested(levels: int) -> Any:
    value: Any = ["x"]
    for _ in range(levels - 1):
        value = [value]
    return value


def test_what_nests_too_deep_is_not_tidy() -> None:
    assert tidy(nested(DEEPEST))
    assert not tidy(nested(DEEPEST + 1))
    with pytest.raises(ValueError, match="too deep"):
        clean(nested(DEEPEST + 3))


def test_a_draft_is_not_changed_by_the_orders_made_of_it() -> None:
    order = {
        "resourceType": "ServiceRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/kid"},
        "reasonCode": [{"text": "Pain"}],
        "bodySite": [{"text": "Abdomen"}],
    }
    as_it_came = repr(order)
    draft = Draft(order, "ServiceRequest/draft-1", exam=exam("CT abdomen with contrast"))
    draft.created({"text": "US head"}, exam("US head"), intent="proposal")
    draft.changed({"text": "US head"}, exam("US head"))
    more = draft.with_reason({"text": "Fever"})
    assert more is not None and len(more["reasonCode"]) == 2
    assert draft.as_ordered() == order
    assert repr(order) == as_it_came
