import json

import msgspec
import pytest

from cds_service.errors import MalformedRequest
from cds_service.hooks.strict_json import MAX_DEPTH, check_density, decode, within_depth


class Read(msgspec.Struct):
    a: int = 0


READ = msgspec.json.Decoder(Read)


def nested(levels: int) -> bytes:
    return b'{"a": 1, "z": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"CT head",
        b"<order/>",
        b'{"a": 1',
        b'{"a": 1} x',
        b'{"a": 1,}',
        b'{"z": NaN}',
        b'{"z": Infinity}',
        b'{"z": -Infinity}',
        b'{"z": "\xff"}',
        b'{"z": "\xc0\xaf"}',
        b'{"z": "\x00"}',
        b'{"z": "\\ud800"}',
        b'{"z": "before \\udc00 after"}',
        b'{"z": "\\ud800\\ud800 after"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b"// note\n{}",
    ],
)
def test_what_is_not_strict_json_is_refused(body):
    with pytest.raises(MalformedRequest, match="not JSON in UTF-8"):
        decode(body, READ)


@pytest.mark.parametrize("body", [b"[]", b"5", b'"a"', b"null", b"true"])
def test_the_body_is_an_object(body):
    with pytest.raises(MalformedRequest, match=r"^The body is not a JSON object\.$"):
        decode(body, READ)


def test_the_wrong_member_is_named_and_not_its_value():
    with pytest.raises(MalformedRequest) as caught:
        decode(b'{"a": "Jane"}', READ)
    assert str(caught.value) == "a is not of the right type."


def test_sixty_four_levels_are_read_and_no_more():
    assert decode(nested(MAX_DEPTH), READ).a == 1
    with pytest.raises(MalformedRequest, match="nested deeper than 64"):
        decode(nested(MAX_DEPTH + 1), READ)


def test_a_hundred_thousand_levels_are_refused():
    with pytest.raises(MalformedRequest, match="nested deeper"):
        decode(nested(100_000), READ)


@pytest.mark.parametrize(
    ("value", "depth"),
    [
        ("]", 1),
        ("[[[", 1),
        ('"', 1),
        ('\\"', 1),
        ("\\", 1),
        ('\\\\"[', 1),
        ('"]', 1),
        ("", 1),
    ],
)
def test_brackets_inside_text_are_not_levels(value, depth):
    for text in (json.dumps([value]), json.dumps({value: value}), json.dumps([value] * 50)):
        assert within_depth(text.encode(), depth)
        assert not within_depth(text.encode(), depth - 1)


def test_text_cannot_hide_levels():
    hidden = b'["]", ' * 70 + b"1" + b', "["]' * 70
    json.loads(hidden)
    assert not within_depth(hidden)


@pytest.mark.parametrize("padding", [65_529, 65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 65_536, 131_072])
def test_a_large_body_is_read_in_slices(padding):
    text = json.dumps(["x" * padding, "[[[", [["]"]], 'a"b\\', [[[1]]]]).encode()
    assert within_depth(text, 4)
    assert not within_depth(text, 3)


def test_a_large_body_that_is_all_commas_is_refused_and_a_large_record_is_not():
    entry = {"resource": {"resourceType": "Condition", "id": "1", "code": {"text": "x"}}}
    record = json.dumps({"entry": [entry] * 20_000}, separators=(",", ":")).encode()
    check_density(record)
    for nothing in (b"7", b"{}", b"null", b'""', b"[]"):
        with pytest.raises(MalformedRequest, match="more values"):
            check_density(b"[" + b",".join([nothing] * 500_000) + b"]")
