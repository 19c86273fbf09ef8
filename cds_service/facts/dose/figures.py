"""``rules/codes/dose.yaml`` read: every number with the exam, the age and the source it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from cds_service.errors import ContentError, PhraseError, Problem
from cds_service.facts.dose.usual import Curve, Key, Range, Usual, key_of
from cds_service.vocabulary.exams import Exam, exam
from cds_service.yaml_source import Block, Text, line_of, read

_PARTS: Final = ("levels", "believable", "phantom", "coefficients", "reference_levels", "published", "usual")


def load_usual(source: str | bytes, *, file: str = "dose.yaml") -> Usual:
    """Read the figures. Raises ContentError with every problem found."""
    block = read(source, file=file)
    problems: list[Problem] = []
    if not isinstance(block, Block) or any(part not in block for part in _PARTS):
        raise ContentError([Problem(file, 1, "the doses lack a part", f"it has {', '.join(_PARTS)}")])
    sheet = _Sheet(block, file, problems)
    made = Usual(
        coefficients=tuple(sheet.coefficients()),
        references=tuple(sheet.curves("reference_levels", "dlp")),
        published=tuple(sheet.curves("published", "msv")),
        bands=sheet.bands(),
        bounds=tuple(sheet.numbers(sheet.part("levels"), "bounds")),
        believable=_pair(sheet.numbers(sheet.part("believable"), "msv")),
        factor=sheet.number(sheet.part("phantom"), "factor"),
        sources=frozenset(sheet.sources),
    )
    if problems:
        raise ContentError(sorted(problems))
    return made


def _pair(numbers: Sequence[float]) -> Range:
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0.0, 0.0)


class _Sheet:
    """The file, read part by part; what is wrong is noted with its line."""

    def __init__(self, block: Block, file: str, problems: list[Problem]) -> None:
        self.sources: set[str] = set()
        self._block = block
        self._file = file
        self._problems = problems

    def part(self, name: str) -> Block:
        found = self._block[Text(name)]
        if isinstance(found, Block):
            self._source(found)
            return found
        self._wrong(found, f"{name} must be a block")
        return Block(line_of(found))

    def coefficients(self) -> Iterable[Curve]:
        for row in self._rows(self._block[Text("coefficients")]):
            source, ages = self._source(row), self.numbers(row, "ages")
            for name in row:
                if name not in ("source", "ages"):
                    yield from self._curve(name, source, ages, self.numbers(row, name))

    def curves(self, part: str, member: str) -> Iterable[Curve]:
        for row in self._rows(self._block[Text(part)]):
            source = self._source(row)
            yield from self._curve(row.get(Text("exam")), source, self.numbers(row, "ages"), self.numbers(row, member))

    def bands(self) -> dict[Key, tuple[Range, ...]]:
        found: dict[Key, tuple[Range, ...]] = {}
        for row in self._rows(self.part("usual").get(Text("exams"))):
            one = self._exam(row.get(Text("exam")))
            passes = [_pair(self.numbers(row, name)) for name in ("one", "two") if Text(name) in row]
            if one is not None and key_of(one) in found:
                self._wrong(row, f"{one} stands here twice", "keep one")
            elif one is not None:
                found[key_of(one)] = tuple(passes)
            if any(not 0 <= low < high for low, high in passes) or not passes:
                self._wrong(row, "a band goes from a lower to a higher number of mSv", "write one: [0.3, 3]")
        return found

    def _curve(self, name: Any, source: str, ages: list[float], values: list[float]) -> Iterable[Curve]:
        one = self._exam(name)
        if len(ages) != len(values) or len(ages) < 2 or ages != sorted(set(ages)) or min(values) <= 0:
            self._wrong(name, f"each age needs a number: {len(ages)} ages, {len(values)} numbers", "the youngest first")
        elif one is not None:
            yield Curve(key_of(one), source, tuple(ages), tuple(values))

    def _exam(self, name: Any) -> Exam | None:
        try:
            return exam(str(name))
        except PhraseError as error:
            self._wrong(name, str(error))
            return None

    def _source(self, block: Block) -> str:
        source = block.get(Text("source"))
        if source is None:
            self._wrong(block, "no source is named", "add source: …")
        else:
            self.sources.add(str(source))
        return str(source)

    def _rows(self, rows: Any) -> list[Block]:
        if isinstance(rows, list) and all(isinstance(row, Block) for row in rows):
            return rows
        self._wrong(rows, "this must be a list of blocks")
        return []

    def numbers(self, block: Block, name: str) -> list[float]:
        given = block.get(Text(name))
        found = [self._float(value) for value in given] if isinstance(given, list) else []
        if not found:
            self._wrong(given if given is not None else block, f"{name} must be a list of numbers")
        return found

    def number(self, block: Block, name: str) -> float:
        return self._float(block.get(Text(name)))

    def _float(self, value: Any) -> float:
        try:
            return float(str(value))
        except ValueError:
            self._wrong(value, f"{value} is no number")
            return 0.0

    def _wrong(self, node: Any, trouble: str, remedy: str = "") -> None:
        self._problems.append(Problem(self._file, line_of(node), trouble, remedy))
