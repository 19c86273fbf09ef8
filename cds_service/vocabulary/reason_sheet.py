"""One content file while it is read: the lists and blocks it should hold, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cds_service.errors import Problem, nearest
from cds_service.yaml_source import Block, Items, Text, line_of


class Sheet:
    """A file by name, and the problems found in it so far."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self._problems = problems

    def wrong(self, node: Any, trouble: str, remedy: str = "") -> None:
        """Note a problem at the line of *node*."""
        self._problems.append(Problem(self.file, line_of(node), trouble, remedy))

    def fields(self, block: Block, known: Iterable[str], what: str) -> None:
        """Note every key of *block* that is not *known*."""
        legal = frozenset(known)
        for key in block:
            if key not in legal:
                self.wrong(key, f"{key} is not {what}", nearest(key, legal))

    def items(self, block: Block, key: str) -> Iterator[Text]:
        """The texts of the list under *key*; none when it is missing."""
        value = block.get(Text(key))
        if value is None:
            return
        if not isinstance(value, Items):
            self.wrong(value, f"{key} is a list", f"write {key}: […]")
            return
        for item in value:
            if isinstance(item, Text) and item.strip():
                yield item
            else:
                self.wrong(item if isinstance(item, Text) else value, f"{key} holds something that is no text")

    def lists(self, block: Block, key: str) -> Iterator[tuple[Text, list[Text]]]:
        """Each name of the block under *key*, with the list of texts it stands for."""
        for name, _ in self.blocks(block, key):
            yield name, list(self.items(block[Text(key)], name))

    def blocks(self, block: Block, key: str) -> Iterator[tuple[Text, Any]]:
        """Each name of the block under *key*, with what stands there."""
        value = block.get(Text(key))
        if isinstance(value, Block):
            yield from value.items()
        elif value is not None:
            self.wrong(value, f"{key} is a block", f"write {key}: and one line for each")

    def flag(self, block: Block, key: str) -> bool:
        """Whether *key* is true; a missing one is false."""
        value = block.get(Text(key), False)
        if not isinstance(value, bool):
            self.wrong(value, f"{key} is true or false")
        return value is True
