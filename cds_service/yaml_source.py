"""
YAML as plain text with line numbers.

Rules, cards and site files are written by people, so this reader is strict where
YAML surprises: keys may not repeat, only ``true`` and ``false`` are booleans,
numbers and dates stay text, aliases and tags are refused, size and depth are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from cds_service.courtesy import unhurried
from cds_service.errors import ContentError, Problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 24
_PIECE = 200

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Text(str):
    """A scalar with the line it stands on (1-based)."""

    __slots__ = ("line", "quoted")
    line: int
    quoted: bool

    def __new__(cls, value: str, line: int = 0, *, quoted: bool = False) -> Text:
        text = super().__new__(cls, value)
        text.line = line
        text.quoted = quoted
        return text


class Block(dict[Text, Any]):
    """A mapping with the line it starts on (1-based). Keys are Text and carry lines of their own."""

    __slots__ = ("line",)
    line: int

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line


class Items(list[Any]):
    """A sequence with the line it starts on (1-based)."""

    __slots__ = ("line",)
    line: int

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line


def line_of(node: Any, default: int = 1) -> int:
    """The line a value read from YAML stands on."""
    return getattr(node, "line", 0) or default


def read(source: str | bytes, *, file: str) -> Any:
    """
    Read one YAML document into Block, Items, Text, bool and None.

    Raises ContentError that names file, line and remedy.

    >>> read("age: {below: 18 years}", file="x.yaml")
    {'age': {'below': '18 years'}}
    >>> read("day: 2026-01-01", file="x.yaml")["day"]
    '2026-01-01'
    """
    if len(source) > MAX_BYTES:
        raise ContentError([Problem(file, 1, f"the file is larger than {MAX_BYTES} bytes", "split it")])
    try:
        written = source if isinstance(source, bytes) else source.encode("utf-8")
        source = written.decode("utf-8")
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = 1 + (source[:start].count(b"\n") if isinstance(source, bytes) else source[:start].count("\n"))
        raise ContentError([Problem(file, line, "this is not UTF-8 text", "save the file as UTF-8")]) from None
    try:
        return _document(unhurried(yaml.parse(source, Loader=Loader), _PIECE), file)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line + 1, len(source.splitlines())) if mark is not None else 1
        trouble = getattr(error, "problem", None) or "this is not YAML"
        raise ContentError([Problem(file, line, trouble, "check indentation, quotes and brackets")]) from None


def _document(events: Iterator[Any], file: str) -> Any:
    """The one document of a file, built as it is parsed: half the time of composing nodes first."""
    value = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise ContentError([Problem(file, _line(event), "a second document starts here", "keep one a file")])
        elif isinstance(event, _VALUES):
            value = _value(event, events, file, 1)
    return value


_VALUES = (yaml.ScalarEvent, yaml.events.CollectionStartEvent, yaml.AliasEvent)


def _value(event: Any, events: Iterator[Any], file: str, depth: int) -> Any:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise ContentError([Problem(file, line, "anchors and aliases are not read", "write the value out")])
    if event.tag not in (None, "!"):
        raise ContentError([Problem(file, line, "tags are not read", "remove the ! word")])
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, line)
    if depth > MAX_DEPTH:
        raise ContentError([Problem(file, line, f"nested deeper than {MAX_DEPTH} levels")])
    if isinstance(event, yaml.MappingStartEvent):
        return _block(events, file, depth, line)
    items = Items(line)
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_value(event, events, file, depth + 1))
    return items


def _block(events: Iterator[Any], file: str, depth: int, line: int) -> Block:
    block = Block(line)
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        _value(event, events, file, depth + 1)
        if not isinstance(event, yaml.ScalarEvent):
            raise ContentError([Problem(file, line, "a key must be one word")])
        name = Text(event.value, _line(event))
        if name in block:
            raise ContentError([Problem(file, name.line, f"{name} stands here twice", "keep one of them")])
        block[name] = _value(next(events), events, file, depth + 1)
    return block


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any, line: int) -> Any:
    plain = not event.style
    if plain:
        if event.value in ("true", "false"):
            return event.value == "true"
        if event.value in ("", "null", "~"):
            return None
    return Text(event.value, line, quoted=not plain)
