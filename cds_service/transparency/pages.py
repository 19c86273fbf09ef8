"""The pages and data of the rules in force, made when first asked for and kept until the content changes."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from cds_service import __version__
from cds_service.content import Content
from cds_service.transparency.html import style_hash
from cds_service.transparency.list_page import list_page
from cds_service.transparency.rule_page import rule_page
from cds_service.transparency.sheet import brief, sheet, sorted_rules
from cds_service.transparency.style import STYLE

POLICY: Final = (
    f"default-src 'none'; style-src '{style_hash(STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the pages: nothing is loaded, nothing runs, nothing frames them."""


class Page(NamedTuple):
    """One answer: its body and what tells it from the next version."""

    body: bytes
    tag: str


class Pages:
    """
    Pages and data by rule id; "" is the list of rules.

    *content* gives what is in force, and raises NotReady without; *problems* tells whether the last edit was refused.
    """

    def __init__(self, content: Callable[[], Content], *, refused: Callable[[], bool] = lambda: False) -> None:
        self._content = content
        self._refused = refused
        self._of: object = None
        self._made: dict[tuple[str, bool], Page | None] = {}

    def find(self, rule: str, *, readable: bool) -> Page | None:
        """The page (when *readable*) or the data of *rule*; None when there is no such rule."""
        content, refused = self._content(), self._refused()
        if self._of != (id(content), refused):
            self._of, self._made = (id(content), refused), {}
        key = rule, readable
        if key not in self._made:
            if not rule:
                self._made[key] = _page(_all(content, refused=refused, readable=readable))
            elif any(one.id == rule for one in content.rules.rules):
                self._made[key] = _page(_one(content, rule, readable=readable))
            else:
                return None
        return self._made[key]


def _page(body: bytes) -> Page:
    return Page(body, f'"{sha256(__version__.encode() + body).hexdigest()[:20]}"')


def _all(content: Content, *, refused: bool, readable: bool) -> bytes:
    told = {
        "content": {"digest": content.digest, "day": str(content.day)},
        "problems": refused,
        "rules": [brief(rule, content) for rule in sorted_rules(content)],
    }
    return list_page(told).encode() if readable else msgspec.json.encode(told)


def _one(content: Content, name: str, *, readable: bool) -> bytes:
    rule = next(one for one in content.rules.rules if one.id == name)
    told = sheet(rule, content)
    if not readable:
        return msgspec.json.encode(told)
    written = content.files.get(rule.file, b"").decode("utf-8", "replace")
    return rule_page(told, written).encode()
