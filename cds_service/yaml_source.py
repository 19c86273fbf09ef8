"""
YAML as plain text with line numbers.

Rules, cards and site files are written by people, so this reader is strict where
YAML surprises: keys may not repeat, only ``true`` and ``false`` are booleans,
numbers and dates stay text, aliases and tags are refused, size and depth are bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from cds_service.courtesy import pause
from cds_service.errors import ContentError, Problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 24
_PIECE = 20

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Text(str):
    """A scalar with the line it stands on (1-based)."""

    __slots__ = ("line",)
    line: int

    def __new__(cls, value: str, line: int = 0) -> Text:
        text = super().__new__(cls, value)
        text.line = line
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
        return _Document(Loader(source).get_event, file).read()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line + 1, len(source.splitlines())) if mark is not None else 1
        trouble = getattr(error, "problem", None) or "this is not YAML"
        raise ContentError([Problem(file, line, trouble, "check indentation, quotes and brackets")]) from None


class _Document:
    """The one document of a file, built as it is parsed: half the time of composing nodes first."""

    def __init__(self, event: Callable[[], Any], file: str) -> None:
        self._event = event
        self._file = file
        self._blocks = 0

    def read(self) -> Any:
        """The value of the document; None where there is none."""
        value = None
        documents = 0
        while (event := self._event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refused(_line(event), "a second document starts here", "keep one a file")
            elif isinstance(event, _VALUES):
                value = self._value(event, 1)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor:
            raise self._refused(_line(event), "anchors and aliases are not read", "write the value out")
        if event.tag is not None and event.tag != "!":
            raise self._refused(_line(event), "tags are not read", "remove the ! word")
        if kind is yaml.ScalarEvent:
            return _scalar(event)
        if depth > MAX_DEPTH:
            raise self._refused(_line(event), f"nested deeper than {MAX_DEPTH} levels")
        if kind is yaml.MappingStartEvent:
            return self._block(_line(event), depth + 1)
        items = Items(_line(event))
        while type(event := self._event()) is not yaml.SequenceEndEvent:
            items.append(self._value(event, depth + 1))
        return items

    def _block(self, line: int, depth: int) -> Block:
        self._blocks += 1
        if self._blocks % _PIECE == 0:
            pause()
        block = Block(line)
        while type(event := self._event()) is not yaml.MappingEndEvent:
            self._value(event, depth)
            if type(event) is not yaml.ScalarEvent:
                raise self._refused(line, "a key must be one word")
            name = _text(event)
            if name in block:
                raise self._refused(name.line, f"{name} stands here twice", "keep one of them")
            block[name] = self._value(self._event(), depth)
        return block

    def _refused(self, line: int, problem: str, remedy: str = "") -> ContentError:
        return ContentError([Problem(self._file, line, problem, remedy)])


_VALUES = (yaml.ScalarEvent, yaml.events.CollectionStartEvent, yaml.AliasEvent)
_WORDS = {"true": True, "false": False, "": None, "null": None, "~": None}
"""What plain scalars stand for that are no text."""


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _text(event: Any) -> Text:
    text = str.__new__(Text, event.value)
    text.line = event.start_mark.line + 1
    return text


def _scalar(event: Any) -> Any:
    return _WORDS[event.value] if not event.style and event.value in _WORDS else _text(event)
