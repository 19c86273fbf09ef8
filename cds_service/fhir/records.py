"""
The child's record as it reached us: one section a resource type, decoded when first asked for.

A section says whether it is complete. A missing, refused or half-read section still
gives what could be read, and its ``gap`` says why the rest is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

from cds_service.fhir.resources import Resource

T = TypeVar("T", bound=Resource)
D = TypeVar("D")

_DERIVED = 50


class Section(NamedTuple, Generic[T]):
    """
    The resources of one type.

    ``complete`` is True when the search was answered whole (also when it found nothing);
    ``gap`` is one short phrase when it was not; ``unreadable`` counts resources skipped as odd.
    """

    items: tuple[T, ...] = ()
    complete: bool = False
    gap: str = "not sent"
    unreadable: int = 0


class Records(Protocol):
    """Where facts get resources from; always those of this call's patient only."""

    patient_id: str

    def read(self, kind: type[T]) -> Section[T]:
        """The resources of one type."""
        ...  # pragma: no cover

    def derived(self, by: object, make: Callable[[], D], key: Hashable = None) -> D:
        """What *make* makes of the record and what *by* and *key* stand for, made once."""
        ...  # pragma: no cover


class LazyRecords:
    """Records whose sections are made by *readers* when first asked for, and kept for the call."""

    def __init__(self, patient_id: str, readers: Mapping[type[Resource], Callable[[], Section[Resource]]]) -> None:
        self.patient_id = patient_id
        self._readers = readers
        self._sections: dict[type[Resource], Section[Resource]] = {}
        self._derived: dict[tuple[int, Hashable], tuple[object, object]] = {}

    def read(self, kind: type[T]) -> Section[T]:
        """The resources of one type; an incomplete, empty section when nothing provides that type."""
        section = self._sections.get(kind)
        if section is None:
            reader = self._readers.get(kind)
            section = reader() if reader is not None else Section()
            self._sections[kind] = section
        return cast("Section[T]", section)

    def derived(self, by: object, make: Callable[[], D], key: Hashable = None) -> D:
        """
        What *make* makes of the record and of nothing that *by* (the very object) and *key* do not tell.

        What hangs on the hour needs it in *key*: a record outlives its call.
        """
        known = self._derived.get((id(by), key))
        if known is None:
            if len(self._derived) >= _DERIVED:
                self._derived.clear()
            known = self._derived[id(by), key] = by, make()
        return cast("D", known[1])

    def let_go(self) -> None:
        """
        Forget everything read and derived: the call is over and nobody will ask again.

        What was derived points back to its record; without this a long record waits for a garbage collection.
        """
        self._readers = {}
        self._sections.clear()
        self._derived.clear()


def given(patient_id: str, *resources: Resource, complete: bool = True) -> LazyRecords:
    """
    Records made of *resources*; every type not among them is an empty section, *complete* or not.

    Used by tests and by ``explain``.
    """
    kinds = {kind: [r for r in resources if type(r) is kind] for kind in Resource.__subclasses__()}
    return LazyRecords(
        patient_id,
        {
            kind: (lambda items=tuple(items): Section(items, complete, "" if complete else "not sent"))  # type: ignore[misc]
            for kind, items in kinds.items()
        },
    )
