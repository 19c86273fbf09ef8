"""Fields of a file as people write them: what is missing, misspelt or of another shape is named with its line."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.errors import Problem
from cds_service.rules.fields import Fields
from cds_service.vocabulary.exams import exam
from cds_service.yaml_source import read
from tests.rules.desk import ADULT, BELLY, PASSES
from tests.rules.test_reading import changed, trouble


def fields(text: str) -> tuple[Fields, list[Problem]]:
    problems: list[Problem] = []
    return Fields(read(text, file="x"), "x", problems, "a thing"), problems


WHOLE = "a: word\nlong: |\n  one\n  two\nyes: true\nday: 2026-01-31\nlist: [x, y]\nblock: {k: v}\nexams: [CT head]\n"


def test_each_shape_is_read():
    one, problems = fields(WHOLE)
    assert (one.text("a"), one.prose("long"), one.yes("yes"), one.day("day")) == (
        "word",
        "one\ntwo",
        True,
        date(2026, 1, 31),
    )
    assert (one.items("list"), one.words("list"), one.block_at("block")) == (["x", "y"], ("x", "y"), {"k": "v"})
    assert one.exams("exams") == (exam("CT head"),)
    one.finish()
    assert not problems


def test_what_is_missing_has_its_default():
    one, problems = fields("{}")
    assert (one.text("a", "b"), one.prose("a", "b"), one.yes("a"), one.day("a", required=False)) == (
        "b",
        "b",
        False,
        None,
    )
    assert (one.items("a"), one.words("a"), one.block_at("a"), one.exams("a")) == ([], (), {}, ())
    assert not problems


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda one: one.text("none"), "x:1: a thing needs none"),
        (lambda one: one.day("none"), "x:1: a thing needs none; add a line none: 2026-01-31"),
        (lambda one: one.block_at("none", required=True), "x:1: a thing needs none"),
        (lambda one: one.text("block"), "x:8: block must be a text"),
        (lambda one: one.text("a", choices=("wort", "sword")), "x:1: word is not a value of a; did you mean "),
        (lambda one: one.text("a", choices=("qqq",)), "x:1: word is not a value of a; use qqq"),
        (lambda one: one.yes("a"), "x:1: a is true or false"),
        (lambda one: one.day("a"), "x:1: word is not a date; write it as 2026-01-31"),
        (lambda one: one.day("list"), "is not a date"),
        (lambda one: one.words("block"), "block is a list of words"),
        (lambda one: one.block_at("a"), "x:1: a must be a block of keys and values"),
        (lambda one: one.exams("a"), "'word' in 'word' is not a modality"),
        (lambda one: one.finish(), "x:1: a is not a field of a thing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(ask, said):
    one, problems = fields(WHOLE)
    ask(one)
    assert any(said in str(problem) for problem in problems), problems


def test_what_is_no_block_at_all_is_named():
    one, problems = fields("just words")
    assert one.text("a", "") == "" and len(problems) == 1


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (BELLY, "allowed: [16 years, 21 years]", "allowed: [16 years]", "allowed needs two values; write [smallest, largest]"),
        (BELLY, "value: 18 years", "value: {soon: 18 years}", "soon is not a date; write it as 2026-01-31"),
        (BELLY, "value: 18 years", "value: {2030-01-01: 18 years}", "no value is in force today; add one with an earlier date"),
        (BELLY, "value: 18 years, ", "", "threshold covered needs a value"),
        (BELLY, "variants:", "varients:", "a topic needs variants"),
        (BELLY, "order: CT abdomen+pelvis with contrast\n", "order: [CT head]\n", "order is one exam phrase"),
        (BELLY, "order: CT abdomen+pelvis with contrast\n", "order: CT tummy\n", "'tummy' in 'CT tummy' is not a region"),
        (BELLY, "examples:\n", "exampels:\n", "a rule needs examples"),
        (BELLY, "situation: Low risk\n", "situation: Low risk\n    preferences: [{prefer: [US abdomen], over: [CT abdomen], source: nobody, because: So.}]\n", "nobody is not a source"),
        (BELLY, "changes: [{version: 1, on: 2026-01-01, by: Nobody, change: First.}]", "changes: []", "a rule needs changes"),
        (PASSES, "alternatives: single-pass", "alternatives: single-pass\noffers: [nothing-known]", "nothing-known is not a reason that can be offered"),
        (PASSES, "order.modality: CT", "order.modality: [[CT]]", "order.modality needs one word or a list of words"),
        (PASSES, "order.modality: CT", "history.head_ct: {within: two}", "history.head_ct is within a length of time"),
        (ADULT, "kind: safety", "kind: definition\nfact: patient.age\nmeaning: X.", "patient.age is always read and never defined"),
    ],
)  # fmt: skip
def test_more_that_a_rule_may_get_wrong(text, old, new, said):
    name = next(line.split()[1] for line in text.splitlines() if line.startswith("id:"))
    found: list[Any] = trouble(**{name.replace("-", "_"): changed(text, old, new)})
    assert any(said in one for one in found), found
