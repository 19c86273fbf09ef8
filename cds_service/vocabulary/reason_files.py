"""Reason files: YAML into reasons and code tables, with every problem found on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cds_service import yaml_source
from cds_service.courtesy import unhurried
from cds_service.errors import ContentError, Problem, nearest
from cds_service.vocabulary.check_digits import snomed_holds
from cds_service.vocabulary.phrases import words_of
from cds_service.vocabulary.reason_codes import (
    ICD10,
    ICD10CM,
    SNOMED,
    Meaning,
    Offer,
    Reason,
    ReasonCodes,
    Says,
    lineages,
)
from cds_service.vocabulary.reason_sheet import Sheet
from cds_service.vocabulary.reason_words import WordLoading
from cds_service.vocabulary.regions import REGIONS
from cds_service.yaml_source import Block, Text

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ICD_CODE: Final = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
_LINKS: Final = ("later_contact", "late_effect", "past", "in_family", "treated", "joined")
_WORDS_FILE: Final = re.compile(r"words(?:\.(?P<language>[a-z-]+))?\.yaml")
_PHRASES: Final = {"texts": Says.REASON, "texts_alone": Says.ALONE, "hurt": Says.PLACE}
_CODES: Final = {"icd10cm": ICD10CM, "icd10": ICD10, "snomed": SNOMED, "snomed_licensed": SNOMED}
_FLAGS: Final = ("event", "follow_up")
_LISTS: Final = ("broader", "regions", "beside", "signs", "unclear_with", "joined_unless", "within")
_FIELDS: Final = frozenset((*_LINKS, *_PHRASES, *_CODES, *_FLAGS, *_LISTS, "label", "offer", "treated_by"))

Tables = dict[str, dict[str, tuple[str, ...]]]


def load(files: Mapping[str, bytes], licences: frozenset[str] = frozenset()) -> ReasonCodes:
    """
    Read reason files; *files* maps a file's name to its content.

    SNOMED CT concepts outside the free patient set stay off unless *licences* has ``snomed``.
    Raises ContentError with every problem.
    """
    loading = Loading(snomed="snomed" in licences)
    for file, content in sorted(files.items()):
        loading.file(file, content)
    codes = loading.codes()
    if loading.problems:
        raise ContentError(sorted(loading.problems))
    return codes


class _Code(NamedTuple):
    sheet: Sheet
    system: str
    code: Text
    reason: str


class Loading:
    """Reasons and wording as they gather from files; ``problems`` is everything that is wrong with them."""

    def __init__(self, *, snomed: bool) -> None:
        self.problems: list[Problem] = []
        self._snomed = snomed
        self._words = WordLoading(self.problems)
        self._reasons: dict[str, Reason] = {}
        self._where: dict[str, tuple[Sheet, Text]] = {}
        self._codes: list[_Code] = []
        self._offers: list[tuple[Sheet, Text, str]] = []

    def file(self, file: str, content: bytes) -> None:
        """Add one file: reasons, or the words of ``words.yaml`` or of a language, ``words.german.yaml``."""
        sheet = Sheet(file, self.problems)
        try:
            block = yaml_source.read(content, file=file)
        except ContentError as error:
            self.problems.extend(error.problems)
            return
        if not isinstance(block, Block):
            sheet.wrong(block, "a reason file is a block of names", "write name: {label: …, texts: […]}")
        elif (words := _WORDS_FILE.fullmatch(file.rpartition("/")[2])) is None:
            for name, fields in unhurried(block.items(), 10):
                self._reason(sheet, name, fields)
        elif words["language"]:
            self._words.languages.read(sheet, words["language"], block)
        else:
            self._words.read(sheet, block)

    def codes(self) -> ReasonCodes:
        """Everything read, put together; notes what does not fit."""
        for sheet, name in self._words.named:
            if str(name) not in self._reasons:
                sheet.wrong(name, f"{name} is not a reason", nearest(name, self._reasons))
        lineage = lineages(self._reasons)
        for one, reason in self._reasons.items():
            if any(one in lineage[above] for above in reason.broader if above in lineage):
                sheet, name = self._where[one]
                sheet.wrong(name, f"{name} is broader than itself", "break the circle of broader")
        tables = self._tables(lineage)
        beside = {code: says for code, (_, _, says) in self._words.beside.items()}
        for bare, (sheet, code, _) in self._words.beside.items():
            if not _ICD_CODE.fullmatch(code):
                sheet.wrong(code, f"{code} is no ICD-10 code", "write it with its dot, such as Z88.0")
            elif bare in tables[ICD10CM]:
                sheet.wrong(code, f"{code} is a reason", "keep it in one place")
        wording, negative = self._words.joined(), frozenset(self._words.negative)
        codes = ReasonCodes(self._reasons, tables, wording, negative, beside=beside)
        if not self.problems:
            self._check_offers(codes)
        return codes

    def _reason(self, sheet: Sheet, name: Text, fields: Any) -> None:
        if not isinstance(fields, Block):
            sheet.wrong(name, f"{name} must be a block", "give it a label")
            return
        if not _NAME.fullmatch(name):
            sheet.wrong(name, f"{name} is not a name", "use lower-case words joined by hyphens")
        if str(name) in self._where:
            other, first = self._where[str(name)]
            sheet.wrong(name, f"{name} is named twice", f"it stands in {other.file}:{first.line} too")
            return
        self._where[str(name)] = sheet, name
        sheet.fields(fields, _FIELDS, "a field of a reason")
        if (Text("treated") in fields) != (Text("treated_by") in fields):
            sheet.wrong(name, f"{name} has one of treated and treated_by", "state both, or neither")
        links = {link: self._named(sheet, [fields.get(Text(link))]) for link in _LINKS}
        self._reasons[str(name)] = Reason(
            name=str(name),
            label=_label(sheet, fields, name),
            broader=self._named(sheet, sheet.items(fields, "broader")),
            regions=frozenset(_regions(sheet, fields)),
            offer=self._offer(sheet, fields, str(name)),
            event=sheet.flag(fields, "event"),
            follow_up=sheet.flag(fields, "follow_up"),
            treated_by={
                word: _as_read(by) for words, by in sheet.lists(fields, "treated_by") for word in words.split("|")
            },
            joined_unless=frozenset(map(str, sheet.items(fields, "joined_unless"))),
            hurt=Text("hurt") in fields,
            beside=self._named(sheet, sheet.items(fields, "beside")),
            unclear_with=self._named(sheet, sheet.items(fields, "unclear_with")),
            weak=Text("texts_alone") in fields,
            within=self._named(sheet, sheet.items(fields, "within")),
            **{link: "".join(named) for link, named in links.items()},
        )
        self._words.signs.extend((sign, str(name)) for sign in sheet.items(fields, "signs"))
        self._read_codes(sheet, fields, str(name))
        for texts, says in _PHRASES.items():
            self._words.add(sheet, sheet.items(fields, texts), Meaning(says, str(name)))

    def _named(self, sheet: Sheet, names: Iterable[Any]) -> tuple[str, ...]:
        found = [name for name in names if isinstance(name, Text)]
        self._words.named.extend((sheet, name) for name in found)
        return tuple(map(str, found))

    def _offer(self, sheet: Sheet, fields: Block, name: str) -> Offer | None:
        block = fields.get(Text("offer"))
        if block is None:
            return None
        code, display = (
            (block.get(Text(key)) for key in ("code", "display")) if isinstance(block, Block) else (None, None)
        )
        if not isinstance(code, Text) or not isinstance(display, Text):
            sheet.wrong(block, "an offer is {code: …, display: …}")
            return None
        self._offers.append((sheet, code, name))
        return Offer(str(code), str(display))

    def _read_codes(self, sheet: Sheet, fields: Block, name: str) -> None:
        for key, system in _CODES.items():
            for code in sheet.items(fields, key):
                if system == SNOMED and not snomed_holds(code):
                    sheet.wrong(code, f"{code} is no SNOMED CT code: its check digit is wrong", "copy it again")
                elif system != SNOMED and not _ICD_CODE.fullmatch(code):
                    sheet.wrong(code, f"{code} is no ICD-10 code", "write it with its dot, such as R10.31")
                elif key != "snomed_licensed" or self._snomed:
                    self._codes.append(_Code(sheet, system, code, name))

    def _tables(self, lineage: Mapping[str, frozenset[str]]) -> Tables:
        tables: Tables = {ICD10CM: {}, SNOMED: {}, ICD10: {}}
        for sheet, system, code, name in self._codes:
            held = tables[system].get(code.replace(".", ""), ())
            for other in held:
                if lineage[name].isdisjoint(lineage[other]):
                    sheet.wrong(code, f"{code} stands in {other} and {name}", "keep it in one, or link them by broader")
            tables[system][code.replace(".", "")] = _narrowest((*held, name), lineage)
        tables[ICD10] = tables[ICD10CM] | tables[ICD10]
        return tables

    def _check_offers(self, codes: ReasonCodes) -> None:
        """Each offered code must be read back as its own reason."""
        for sheet, code, name in self._offers:
            found = codes.coded(ICD10CM, code)
            if found is None or not any(name in codes.lineage[one] for one in found.names):
                stated = ", ".join(found.names) if found else "no reason"
                sheet.wrong(code, f"{name} offers {code}, which is read as {stated}", "offer a code of its own")


def _as_read(listed: Iterable[Any]) -> frozenset[str]:
    """Single words as a text is cut into them: without a plural s."""
    return frozenset(one for word in listed for one in (str(word), *words_of(str(word), {}).words))


def _label(sheet: Sheet, fields: Block, name: Text) -> str:
    label = fields.get(Text("label"))
    if isinstance(label, Text) and label.strip():
        return str(label)
    sheet.wrong(name, f"{name} has no label", "write label: and what a clinician would say")
    return str(name)


def _regions(sheet: Sheet, fields: Block) -> Iterator[str]:
    for region in sheet.items(fields, "regions"):
        if region in REGIONS:
            yield str(region)
        else:
            sheet.wrong(region, f"{region} is not a region", nearest(region, REGIONS))


def _narrowest(names: Iterable[str], lineage: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The names that no other of them implies."""
    distinct = tuple(dict.fromkeys(names))
    return tuple(one for one in distinct if not any(one in lineage[other] for other in distinct if other != one))
