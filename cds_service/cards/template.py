"""
Card templates: one Markdown file for each kind of advice, read and checked before it is in force.

Front matter holds summary and suggestions, the body is the detail. ``{name}`` is the only thing replaced, from the
closed list in ``values`` and the template's own slots; there is no logic. A line of the body all of whose
placeholders have nothing to say is left out. A list item that is one placeholder becomes one item for each value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from cds_service import yaml_source
from cds_service.cards.values import EVIDENCE, FIELDS, Value
from cds_service.errors import ContentError, Problem, nearest
from cds_service.findings import Advice, ChangeKind
from cds_service.yaml_source import Block, Items, Text, line_of

_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]*)\}")
_KEYS: Final = frozenset({"slots", "summary", "selectionBehavior", "needs_suggestion", "suggestions"})
_TEXTS: Final = {
    ChangeKind.REPLACE: ("label", "create", "update", "delete"),
    ChangeKind.REMOVE: ("label", "delete"),
    ChangeKind.ADD_REASON: ("label", "update"),
    ChangeKind.ADD_NOTE: ("label", "update"),
    ChangeKind.ASK: ("label", "create", "message"),
}
_KINDS: Final = {kind.value: kind for kind in ChangeKind}
SUMMARY: Final = 139
"""Characters of a summary: CDS Hooks wants fewer than 140."""
LEAST_NAME: Final = 24
"""Characters a name in a summary keeps, however long its other words are."""

Get = Callable[[str], Value]


class Pattern(NamedTuple):
    """
    Text with placeholders: each literal stretch with the name that follows it, or no name at the end.

    ``names`` are the placeholders in it.
    """

    parts: tuple[tuple[str, str], ...]
    names: frozenset[str]

    def fill(self, get: Get, show: Callable[[str], str] = str) -> str:
        """
        The text with every placeholder replaced; *show* makes a value fit for the place.

        >>> pattern("{a} or {b}").fill({"a": "x", "b": ("y", "z")}.__getitem__)
        'x or y; z'
        """
        return "".join([literal + (_joined(get(name), show) if name else "") for literal, name in self.parts])


class Line(NamedTuple):
    """One line of the detail; ``each`` is the placeholder when the line is a list item of nothing else."""

    pattern: Pattern
    each: str = ""


class SuggestionPattern(NamedTuple):
    """How one kind of change is offered; ``texts`` are its label, message and actions, where it has them."""

    kind: ChangeKind
    texts: tuple[tuple[str, Pattern], ...]


@dataclass(frozen=True)
class Template:
    """One kind of card. Without ``needs_suggestion`` it is worth sending with nothing to click."""

    slots: tuple[str, ...]
    summary: Pattern
    behavior: Literal["at-most-one", "any"]
    needs_suggestion: bool
    suggestions: tuple[SuggestionPattern, ...]
    body: tuple[Line, ...]

    @cached_property
    def personal(self) -> bool:
        """Whether more than its body speaks of this child's evidence."""
        patterns = [self.summary, *(text for one in self.suggestions for _, text in one.texts)]
        return EVIDENCE in self.slots or any(EVIDENCE in pattern.names for pattern in patterns)

    def unfilled(self, get: Get) -> tuple[str, ...]:
        """The slots that have nothing in them."""
        return tuple(slot for slot in self.slots if not get(slot))


Templates = Mapping[Advice, Template]


def pattern(text: str) -> Pattern:
    """
    Split text at its placeholders.

    >>> pattern("{order.name}: consider {alternative}").parts
    (('', 'order.name'), (': consider ', 'alternative'))
    """
    pieces = _PLACEHOLDER.split(text)
    parts = [(literal, name) for literal, name in zip(pieces[::2], [*pieces[1::2], ""], strict=True) if literal or name]
    return Pattern(tuple(parts), frozenset(name for _, name in parts if name))


def load(files: Mapping[str, bytes]) -> Templates:
    """
    Read every template; *files* maps file name to content, each named for its advice.

    Raises ContentError with every problem found, an advice without a template among them.
    """
    problems: list[Problem] = []
    found: dict[Advice, Template] = {}
    names = {advice.value: advice for advice in Advice}
    for file, content in files.items():
        stem = file.rpartition("/")[2].removesuffix(".md")
        if stem == "README":
            continue
        if stem not in names:
            problems.append(Problem(file, 1, f"{stem} is not a kind of advice", f"known: {', '.join(sorted(names))}"))
            continue
        try:
            advice = names.pop(stem)
            found[advice] = _template(file, content)
        except ContentError as error:
            problems.extend(error.problems)
    problems += [Problem(f"cards/{name}.md", 1, "there is no such template", "every advice has one") for name in names]
    if problems:
        raise ContentError(sorted(problems))
    return found


def _joined(value: Value, show: Callable[[str], str]) -> str:
    return show(value) if isinstance(value, str) else "; ".join(map(show, value))


def _template(file: str, content: bytes) -> Template:
    front, body, first = _halves(file, content)
    node: Any = yaml_source.read(f"\n{front}", file=file)
    if not isinstance(node, Block):
        raise ContentError([Problem(file, 2, "the front matter is empty", "give it a summary")])
    reader = _Reader(file, node)
    template = Template(
        slots=tuple(map(str, reader.member("slots", Block) or ())),
        summary=reader.summary(),
        behavior="any" if node.get(Text("selectionBehavior")) == "any" else "at-most-one",
        needs_suggestion=node.get(Text("needs_suggestion")) is not False,
        suggestions=tuple(reader.suggestions()),
        body=tuple(reader.line(text, number) for number, text in enumerate(body.split("\n"), first)),
    )
    reader.finish(template.slots)
    return template


def _halves(file: str, content: bytes) -> tuple[str, str, int]:
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContentError([Problem(file, line, "this is not UTF-8 text", "save the file as UTF-8")]) from None
    opening, _, rest = text.partition("---\n")
    front, fence, body = rest.partition("\n---\n")
    if opening or not fence:
        raise ContentError([Problem(file, 1, "there is no front matter", "begin with --- and end it with ---")])
    return front, body.rstrip(), front.count("\n") + 4


def _remedy(word: str, known: Collection[str]) -> str:
    return nearest(word, known, f"known: {', '.join(sorted(known))}")


class _Reader:
    """Reads one template and gathers what is wrong with it."""

    def __init__(self, file: str, node: Block) -> None:
        self._file = file
        self._node = node
        self._problems: list[Problem] = []
        self._used: list[tuple[str, int]] = []
        for key in node:
            if key not in _KEYS:
                self._wrong(line_of(key), f"{key} is not known here", _remedy(key, _KEYS))
        if node.get(Text("selectionBehavior"), "any") not in ("any", "at-most-one"):
            self._wrong(line_of(node.get(Text("selectionBehavior"))), "selectionBehavior is at-most-one or any")
        if not isinstance(node.get(Text("needs_suggestion"), True), bool):
            self._wrong(line_of(node.get(Text("needs_suggestion"))), "needs_suggestion is true or false")

    def member(self, key: str, kind: type[Any]) -> Any:
        value = self._node.get(Text(key))
        if value is None or isinstance(value, kind):
            return value
        self._wrong(line_of(value), f"{key} has the wrong form")
        return None

    def summary(self) -> Pattern:
        made = self.text(self._node, "summary")
        own = sum(len(literal) for literal, _ in made.parts)
        room = SUMMARY - LEAST_NAME * len(made.names)
        if own > room:
            trouble = f"the summary's own words take {own} characters, and a card has no room for its names"
            self._wrong(line_of(self._node.get(Text("summary"))), trouble, f"say it in {room}")
        return made

    def text(self, holder: Block, key: str) -> Pattern:
        value = holder.get(Text(key))
        if not isinstance(value, Text) or not value.strip():
            self._wrong(line_of(value, holder.line), f"{key} is missing", "give it as text in quotes")
            return Pattern((), frozenset())
        return self._pattern(value, value.line)

    def line(self, text: str, number: int) -> Line:
        made = self._pattern(text, number)
        alone = len(made.parts) == 1 and made.parts[0][0].strip() == "-"
        return Line(made, made.parts[0][1] if alone else "")

    def suggestions(self) -> Iterator[SuggestionPattern]:
        for one in self.member("suggestions", Items) or ():
            kind = _KINDS.get(str(one.get(Text("for_each")))) if isinstance(one, Block) else None
            if kind is None:
                self._wrong(line_of(one), "for_each is missing or unknown", f"known: {', '.join(_KINDS)}")
                continue
            for key in one:
                if key != "for_each" and key not in _TEXTS[kind]:
                    self._wrong(line_of(key), f"{key} is not known here", _remedy(key, _TEXTS[kind]))
            yield SuggestionPattern(kind, tuple((key, self.text(one, key)) for key in _TEXTS[kind]))

    def finish(self, slots: tuple[str, ...]) -> None:
        for name, line in self._used:
            if name not in FIELDS and name not in slots:
                self._wrong(
                    line,
                    f"{{{name}}} is not a placeholder",
                    _remedy(name, {*FIELDS, *slots}),
                )
        for slot in self.member("slots", Block) or ():
            if slot not in {name for name, _ in self._used}:
                self._wrong(line_of(slot), f"slot {slot} stands nowhere in this card", "use it or take it out")
        if self._problems:
            raise ContentError(self._problems)

    def _pattern(self, text: str, line: int) -> Pattern:
        made = pattern(text)
        self._used += [(name, line) for name in sorted(made.names)]
        if any("{" in literal or "}" in literal for literal, _ in made.parts) or "{}" in text:
            self._wrong(line, "a brace is not part of a placeholder", "write {name}")
        return made

    def _wrong(self, line: int, trouble: str, remedy: str = "") -> None:
        self._problems.append(Problem(self._file, line, trouble, remedy))
