"""Which account a reference means, and the joining that needs no conditions: by study."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.facts.history.group import Group
from cds_service.facts.history.record import STUDY, Record


class Names:
    """
    The accounts by ``Type/id``, by bare id, and studies by UID too.

    ``references`` are the links that do not lead to a study, as (link, place of the account, place it means);
    ``groups`` has the group of each account, once joined by study.
    """

    __slots__ = ("_bare", "_places", "_united", "groups", "named", "records", "references")

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.named: dict[str, int] = {}
        self.references: list[tuple[str, int, int]] = []
        self.groups: list[Group] = []
        self._bare: dict[str, int] | None = None
        self._places = list(range(len(records)))
        self._united = False

    def by_study(self) -> list[Group]:
        """
        One group a study: accounts of one Study UID, of one resource, and what refers to a study.

        A report of two studies goes with one of them.
        """
        self._same_names()
        for place, record in enumerate(self.records):
            if record.keys.links:
                self._follow(place, record)
        if not self._united:
            self.groups = [Group(record) for record in self.records]
            return self.groups
        homes = [self._first(place) for place in range(len(self.records))]
        bunches: dict[int, list[Record]] = {}
        for record, home in zip(self.records, homes, strict=True):
            bunches.setdefault(home, []).append(record)
        made = {home: _group(bunch) for home, bunch in bunches.items()}
        self.groups = [made[home] for home in homes]
        return list(made.values())

    def _same_names(self) -> None:
        named, records = self.named, self.records
        for place, record in enumerate(records):
            if record.source[-1] != "/":
                other = named.setdefault(record.source, place)
                if other != place:
                    records[other].twin = record.twin = True
                    self._unite(other, place)
            for uid in record.keys.uids:
                other = named.setdefault("uid:" + uid, place)
                if other != place:
                    self._unite(other, place)

    def _follow(self, place: int, record: Record) -> None:
        study: int | None = None
        for link in record.keys.links:
            target = self._find(link)
            if target is None:
                continue
            if self.records[target].kind != STUDY:
                self.references.append((link, place, target))
            elif study is None:
                study = target
        if study is not None:
            self._unite(study, place)

    def _find(self, link: str) -> int | None:
        if link[0] != "*":
            return self.named.get(link)
        if self._bare is None:
            byname = sorted(enumerate(self.records), key=lambda held: (-held[1].kind, held[1].source))
            self._bare = {"*/" + record.source.partition("/")[2]: place for place, record in byname}
        return self._bare.get(link)

    def _first(self, place: int) -> int:
        places = self._places
        while places[place] != place:
            places[place] = places[places[place]]
            place = places[place]
        return place

    def _unite(self, one: int, other: int) -> None:
        self._united = True
        self._places[self._first(other)] = self._first(one)


def _group(records: list[Record]) -> Group:
    if len(records) == 1:
        return Group(records[0])
    if len(records) > 2 or records[0].kind >= records[1].kind:
        records.sort(key=Record.rank)
    return Group(*records)
