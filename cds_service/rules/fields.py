"""Typed access to one block of a content file, noting every problem instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, TypeVar

from cds_service.errors import PhraseError, Problem, nearest
from cds_service.vocabulary.exams import Exam, exam
from cds_service.yaml_source import Block, Text, line_of

T = TypeVar("T")


class Fields:
    """
    One block and what was asked of it.

    ``finish`` notes the keys nobody asked for, so a misspelt key never passes silently.
    """

    def __init__(self, block: Any, file: str, problems: list[Problem], what: str) -> None:
        self.file, self.problems, self.what = file, problems, what
        self.block = block if isinstance(block, Block) else Block(line_of(block))
        if not isinstance(block, Block):
            self.wrong(block, f"{what} must be a block of keys and values")
        self._asked: list[str] = []

    @property
    def line(self) -> int:
        """The line the block starts on."""
        return self.block.line or 1

    def wrong(self, node: object, trouble: str, remedy: str = "") -> None:
        """Note one problem at the line of *node*."""
        self.problems.append(Problem(self.file, line_of(node, self.line), trouble, remedy))

    def line_at(self, key: str) -> int:
        """The line *key* stands on."""
        return next((name.line for name in self.block if name == key), self.line)

    def get(self, key: str) -> Any:
        """The raw value; None when missing."""
        self._asked.append(key)
        return self.block.get(Text(key))

    def text(self, key: str, default: str | None = None, *, choices: Sequence[str] = ()) -> str:
        """A text; without *default* it is required."""
        value = self.get(key)
        if value is None:
            if default is None:
                self.wrong(self.block, f"{self.what} needs {key}", f"add a line {key}: …")
            return default or ""
        if not isinstance(value, Text) or not value.strip():
            remedy = "use " + ", ".join(choices) if choices else ""
            self.problems.append(Problem(self.file, self.line_at(key), f"{key} must be a text", remedy))
            return default or ""
        if choices and value not in choices:
            self.wrong(value, f"{value} is not a value of {key}", nearest(value, choices, "use " + ", ".join(choices)))
            return default or ""
        return " ".join(value.split())

    def prose(self, key: str, default: str = "") -> str:
        """A longer text with its line breaks."""
        value = self.get(key)
        return str(value).strip() if isinstance(value, Text) else default

    def yes(self, key: str) -> bool:
        """A boolean; false when missing."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.problems.append(Problem(self.file, self.line_at(key), f"{key} is true or false"))
        return value is True

    def day(self, key: str, *, required: bool = True) -> date | None:
        """A date as YYYY-MM-DD."""
        value = self.get(key)
        if value is None:
            if required:
                self.wrong(self.block, f"{self.what} needs {key}", f"add a line {key}: 2026-01-31")
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.wrong(value, f"{value} is not a date", "write it as 2026-01-31")
            return None

    def items(self, key: str) -> list[Any]:
        """A list; a single value counts as a list of one, a missing one as empty."""
        value = self.get(key)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        words = self.items(key)
        for word in words:
            if not isinstance(word, Text):
                self.wrong(word, f"{key} is a list of words")
        return tuple(str(word) for word in words if isinstance(word, Text))

    def block_at(self, key: str, *, required: bool = False) -> Block:
        """A nested block; empty when missing."""
        value = self.get(key)
        if value is None:
            if required:
                self.wrong(self.block, f"{self.what} needs {key}")
            return Block(self.line)
        if not isinstance(value, Block):
            self.wrong(value, f"{key} must be a block of keys and values")
            return Block(self.line)
        return value

    def inside(self, key: str, form: str) -> Fields:
        """
        The fields of a block every file of this kind has.

        When it is missing that is told once, with its *form*, and not again for each of its lines.
        """
        value = self.get(key)
        if isinstance(value, Block):
            return Fields(value, self.file, self.problems, key)
        trouble = f"{self.what} needs {key}" if value is None else f"{key} must be a block of keys and values"
        self.wrong(self.block if value is None else value, trouble, f"write {key}: {form}")
        return Fields(Block(self.line), self.file, [], key)

    def exams(self, key: str) -> tuple[Exam, ...]:
        """A list of exam phrases."""
        return tuple(read_exams(self.items(key), self.wrong))

    def finish(self) -> None:
        """Note every key nobody asked for."""
        for key in self.block:
            if key not in self._asked:
                self.wrong(key, f"{key} is not a field of {self.what}", nearest(key, self._asked, "remove it"))


def read_exams(phrases: Sequence[Any], wrong: Callable[..., None]) -> Iterator[Exam]:
    """The exams that *phrases* name; what cannot be read goes to *wrong*."""
    for phrase in phrases:
        try:
            yield exam(" ".join(str(phrase).split()))
        except PhraseError as error:
            trouble, _, remedy = str(error).partition("; ")
            wrong(phrase, trouble, remedy)
