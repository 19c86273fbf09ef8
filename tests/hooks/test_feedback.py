import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.errors import MalformedRequest
from cds_service.hooks.feedback import EPIC_REASON, MAX_ITEMS, MAX_TEXT, Reason, parse_feedback

OVERRIDDEN = {"card": "9e1f", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T14:00:00Z"}
CODING = {"code": "clinical-judgement", "system": "https://example.org/reasons", "display": "Clinical judgement"}
REASON = Reason(**CODING)


def read(*entries):
    return parse_feedback(json.dumps({"feedback": entries}).encode())


def one(**members):
    return read({**OVERRIDDEN, **members})[0]


def refused(*entries):
    with pytest.raises(MalformedRequest) as caught:
        read(*entries)
    return str(caught.value)


def test_an_acceptance_names_the_suggestions_taken():
    item = one(outcome="accepted", acceptedSuggestions=[{"id": "s1"}, {"id": "s2"}])
    assert (item.card, item.outcome, item.accepted_suggestions) == ("9e1f", "accepted", ("s1", "s2"))
    assert item.at == datetime(2026, 3, 2, 14, tzinfo=UTC)


@pytest.mark.parametrize("taken", [{"id": "s1"}, ["s1"], "s1", [{"id": "s1", "extension": {}}]])
def test_one_suggestion_may_come_in_other_shapes(taken):
    assert one(outcome="accepted", acceptedSuggestions=taken).accepted_suggestions == ("s1",)


def test_an_override_carries_reason_and_comment():
    item = one(overrideReason={"reason": CODING, "userComment": "Seen by surgery."})
    assert item.reasons == (REASON,) and item.comment == "Seen by surgery."


def test_a_comment_alone_is_enough():
    item = one(overrideReason={"userComment": "No sonographer tonight."})
    assert item.reasons == () and item.comment == "No sonographer tonight."


def test_the_sandbox_sends_no_display():
    assert one(overrideReason={"reason": {"code": "a", "system": "b"}}).reasons == (Reason("a", "b"),)


@pytest.mark.parametrize(
    "given",
    [
        [{"reason": CODING, "userComment": "why"}],
        {"reason": CODING, "userComment": "why"},
        [{**CODING, "userComment": "why"}],
        [{"reason": [CODING], "userComment": "why"}],
        {
            "userComment": "why",
            "extension": {EPIC_REASON + name: value for name, value in CODING.items()},
        },
    ],
)
def test_epic_says_override_reasons(given):
    item = one(overrideReasons=given)
    assert item.reasons == (REASON,) and item.comment == "why"


def test_epic_may_put_the_reason_into_the_entrys_extension():
    assert one(extension={EPIC_REASON + "code": "7"}).reasons == (Reason("7"),)


def test_a_comment_on_the_entry_counts_first():
    assert one(userComment="mine", overrideReason={"userComment": "other"}).comment == "mine"


@pytest.mark.parametrize(
    "odd", [None, "text", 5, [], [None], {"reason": None}, {"reason": {"code": 5}}, {"reason": "x"}]
)
def test_odd_reasons_are_left_out(odd):
    assert one(overrideReason=odd, overrideReasons=odd).reasons == ()


def test_unknown_members_are_ignored():
    assert one(extension={"com.vendor": []}, more=5) == one()


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-02T14:00:00.123456789Z", datetime(2026, 3, 2, 14, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-02t09:00:00-05:00", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        ("2026-03-02T14:00:00.5z", datetime(2026, 3, 2, 14, 0, 0, 500000, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_the_moment_is_told_in_utc(written, moment):
    assert one(outcomeTimestamp=written).at == moment


@pytest.mark.parametrize(
    "written",
    ["yesterday", "2026-03-02", "2026-03-02T14:00:00", "2026-13-02T14:00:00Z", 1772460000, "0001-01-01T00:00:00+23:59"],
)
def test_a_moment_that_is_none_is_refused(written):
    said = refused(OVERRIDDEN, {**OVERRIDDEN, "outcomeTimestamp": written})
    assert said == "feedback[1].outcomeTimestamp is not an RFC 3339 timestamp."


@pytest.mark.parametrize("entry", [None, 5, "Jane", []])
def test_an_entry_is_an_object(entry):
    assert refused(entry) == "feedback[0] is not an object."


@pytest.mark.parametrize("card", [None, "", "  ", 5, {"id": "x"}])
def test_an_entry_names_its_card(card):
    assert refused({**OVERRIDDEN, "card": card}) == "feedback[0].card is missing."


@pytest.mark.parametrize("card", ["x" * 257, "a\nb", "a\u202eb"])
def test_an_id_that_cannot_be_ours_is_refused(card):
    assert refused({**OVERRIDDEN, "card": card}) == "feedback[0].card is not an id of ours."


@pytest.mark.parametrize("card", ["9E1F", "card 7", "rule/1", "ü"])
def test_an_id_need_not_be_a_uuid(card):
    assert one(card=card).card == card


@pytest.mark.parametrize("outcome", [None, "ignored", 5, ["accepted"], {}])
def test_an_entry_says_what_happened(outcome):
    assert refused({**OVERRIDDEN, "outcome": outcome}) == "feedback[0].outcome is neither accepted nor overridden."


def test_a_suggestion_without_id_is_refused():
    assert refused({**OVERRIDDEN, "acceptedSuggestions": [{}]}) == "feedback[0].acceptedSuggestions[0].id is missing."


def test_a_batch_has_a_limit():
    assert len(read(*[OVERRIDDEN] * MAX_ITEMS)) == MAX_ITEMS
    assert "more than 1000" in refused(*[OVERRIDDEN] * (MAX_ITEMS + 1))


@pytest.mark.parametrize("raw", [b"{}", b'{"feedback": null}'])
def test_a_batch_there_must_be(raw):
    with pytest.raises(MalformedRequest, match="feedback is missing"):
        parse_feedback(raw)


@pytest.mark.parametrize(
    "raw", [b"[]", b'{"feedback": {}}', b"x", b'{"feedback": [' + b"[" * 9999 + b"]" * 9999 + b"]}"]
)
def test_what_is_no_batch_is_refused(raw):
    with pytest.raises(MalformedRequest):
        parse_feedback(raw)


def test_an_empty_batch_is_one():
    assert read() == []


def test_long_and_hostile_text_is_cut_and_plain():
    assert len(one(userComment="x" * 99_999).comment) == MAX_TEXT
    assert one(userComment="a\r\nlevel=error \u202eb\x00").comment == "a  level=error  b"


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "overrideReason", "extension"]),
        st.recursive(
            st.none() | st.text() | st.integers(0, 9), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        ),
    )
)
def test_whatever_comes_is_read_or_refused(members):
    try:
        one(**members)
    except MalformedRequest as error:
        assert str(error).startswith("feedback[0].")
