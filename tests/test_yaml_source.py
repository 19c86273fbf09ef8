"""YAML read strictly: nothing repeats, nothing expands, nothing is guessed, and every trouble has a line."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service import yaml_source
from cds_service.errors import ContentError
from cds_service.yaml_source import Block, Items, Text, line_of, read


def trouble(source: str | bytes) -> str:
    with pytest.raises(ContentError) as caught:
        read(source, file="x.yaml")
    (problem,) = caught.value.problems
    return str(problem)


def test_every_value_knows_its_line():
    found = read("a: 1\nb:\n  - x\n  - {c: y}\n", file="x.yaml")
    assert isinstance(found, Block) and isinstance(found["b"], Items)
    assert [key.line for key in found] == [1, 2]
    assert (found["a"].line, found["b"].line, found["b"][0].line, found["b"][1]["c"].line) == (1, 3, 3, 4)
    assert (line_of(found["b"][1]), line_of(None), line_of(7, 3)) == (4, 1, 3)


# row 112: YAML surprises


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "NO", "Y", "1:30", "012", "0x1F", "1e3", "1_000", ".5", "2026-01-31", "True", ".nan"],
)
def test_what_yaml_would_guess_stays_text(text):
    found = read(f"a: {text}", file="x.yaml")["a"]
    assert (found, type(found)) == (text, Text)


def test_only_true_and_false_are_truths():
    assert read("[true, false, 'true']", file="x.yaml") == [True, False, "true"]


@pytest.mark.parametrize("text", ["", "~", "null"])
def test_nothing_is_nothing(text):
    assert read(f"a: {text}", file="x.yaml")["a"] is None


def test_an_empty_file_is_nothing():
    assert read("", file="x.yaml") is read("# only a comment\n", file="x.yaml") is None


@pytest.mark.parametrize("text", ["'null'", '"null"', "'~'", "|-\n  null\n"])
def test_what_is_quoted_is_text(text):
    assert read(text, file="x.yaml") in ("null", "~")


def test_a_merge_key_is_a_key_like_any_other():
    assert list(read("<<: {a: 1}", file="x.yaml")) == ["<<"]


# rows 107 and 108: broken text, duplicate keys


def test_a_key_that_stands_twice_is_refused_with_its_line():
    assert trouble("a: 1\nb: 2\na: 3\n") == "x.yaml:3: a stands here twice; keep one of them"


def test_a_key_twice_deep_inside_is_refused():
    assert trouble("- x: {y: [{z: 1, z: 2}]}").startswith("x.yaml:1: z stands here twice")


@pytest.mark.parametrize(
    "source", ["a: [1, 2", "a: {b: 1", "a: 'x", "a: b: c", "\ta: 1", "a: 1\n  b: 2", "%", "a: |\nb"]
)
def test_a_file_cut_off_or_misshapen_is_refused(source):
    said = trouble(source)
    assert said.startswith("x.yaml:") and said.endswith("check indentation, quotes and brackets")


def test_the_line_of_a_syntax_error_is_named():
    assert trouble("a: 1\nb: 2\nc: [1\n").split(":")[1] in ("3", "4")


@pytest.mark.parametrize("source", [b"a: \xff", b"\xff\xfea\x00", b"a: 1\nb: \xc3\x28"])
def test_what_is_not_utf8_is_refused_with_its_line(source):
    said = trouble(source)
    assert "not UTF-8 text; save the file as UTF-8" in said
    assert said.startswith(f"x.yaml:{2 if source.startswith(b'a: 1') else 1}:")


@pytest.mark.parametrize("source", ["a: \0", "a: \x07", "a: \ud800"])
def test_control_characters_are_refused(source):
    assert "x.yaml:1" in trouble(source)


def test_a_byte_order_mark_does_no_harm():
    assert read(b"\xef\xbb\xbfa: 1", file="x.yaml") == {"a": "1"}


def test_two_documents_are_refused():
    assert "x.yaml:" in trouble("a: 1\n---\nb: 2\n")


@pytest.mark.parametrize("source", ["? [a, b]\n: 1", "{[a]: 1}", "? {a: 1}\n: 2"])
def test_a_key_must_be_a_word(source):
    assert trouble(source).endswith("a key must be one word")


# row 110: bombs


def test_an_alias_bomb_is_refused():
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50))
    assert trouble(bomb) == "x.yaml:1: anchors and aliases are not read; write the value out"


@pytest.mark.parametrize("source", ["&a [*a]", "a: &x 1\nb: 2", "a: *nobody"])
def test_anchors_and_aliases_are_refused(source):
    assert "anchors and aliases" in trouble(source)


@pytest.mark.parametrize("shape", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x", "[" * 5000 + "]" * 5000])
def test_five_thousand_levels_are_refused_at_once(shape):
    began = time.perf_counter()
    assert "nested deeper than 24 levels" in trouble(shape)
    assert time.perf_counter() - began < 5


def test_twenty_four_levels_are_read_and_no_more():
    most = yaml_source.MAX_DEPTH
    assert read("[" * most + "]" * most, file="x.yaml")
    assert "nested deeper" in trouble("[" * (most + 1) + "]" * (most + 1))


def test_a_giant_is_refused_unread():
    began = time.perf_counter()
    assert "larger than" in trouble("a: " + "x" * 30_000_000)
    assert time.perf_counter() - began < 5


# row 111: tags


@pytest.mark.parametrize(
    "source",
    [
        "a: !!python/object/apply:os.system [exit 1]",
        "!!python/object/new:object {}",
        "a: !!int '1'",
        "a: !mine x",
        "- !!set {a, b}",
        "!!binary aGk=",
    ],
)
def test_tags_are_never_followed(source):
    assert "tags are not read; remove the ! word" in trouble(source)


# anything


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_text_is_read_or_refused_with_its_place(source):
    try:
        read(source, file="x.yaml")
    except ContentError as error:
        assert all(problem.file == "x.yaml" and problem.line >= 1 for problem in error.problems)


PLAIN = st.recursive(
    st.booleans() | st.none() | st.from_regex(r"[a-z][a-z0-9 ]{0,10}[a-z]", fullmatch=True).filter(lambda one: one != "null"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(PLAIN)
def test_what_was_written_is_read_back(value):
    import yaml

    text = yaml.safe_dump(value, default_style=None)
    words = {"true": True, "false": False}
    assert read(text, file="x.yaml") == (words.get(value, value) if isinstance(value, str) else value)
