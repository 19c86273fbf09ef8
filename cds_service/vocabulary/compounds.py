"""Words written in one: *Nierensonographie*, *Röntgenthorax*, *CTHEAD*."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SHORTEST: Final = 4
"""A shorter part is none: too many words end in it by chance."""


class Compounds:
    """
    How words are put together: from a *known* word, a link, and one of the *endings*; or behind a *beginning*.

    >>> compounds = Compounds({"niere", "abdomen", "head"}, endings=["sonographie"], beginnings=["ct"], links=["n"])
    >>> compounds.parts("nierensonographie"), compounds.parts("abdomensonographie"), compounds.parts("cthead")
    (('niere', 'sonographie'), ('abdomen', 'sonographie'), ('ct', 'head'))
    >>> compounds.parts("sonographie"), compounds.parts("telesonographie")
    ((), ())
    """

    def __init__(
        self,
        known: Iterable[str] = (),
        *,
        endings: Iterable[str] = (),
        beginnings: Iterable[str] = (),
        links: Iterable[str] = (),
    ) -> None:
        self._known = frozenset(word for word in known if len(word) >= SHORTEST)
        self._endings = tuple(sorted(endings, key=len, reverse=True))
        self._beginnings = tuple(sorted(beginnings, key=len, reverse=True))
        self._links = ("", *links)

    def parts(self, word: str) -> tuple[str, ...]:
        """The parts of *word*, each known; empty when it is not put together from known ones."""
        if word.endswith(self._endings):
            for ending in self._endings:
                if word.endswith(ending) and (stem := self.stem(word.removesuffix(ending))):
                    return stem, ending
        if word.startswith(self._beginnings):
            for beginning in self._beginnings:
                rest = word.removeprefix(beginning)
                if rest != word and (stem := self.stem(rest)):
                    return beginning, stem
        return ()

    def stem(self, word: str) -> str:
        """The known word behind *word* without its link: "blasen" in "Nieren-Blasen-Sono"; empty when there is none."""
        return next((stem for link in self._links if (stem := word.removesuffix(link)) in self._known), "")


NO_COMPOUNDS: Final = Compounds()
