"""The reasons a clinician may give for keeping an order: ``rules/override-reasons.yaml``, reworded by the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cds_service import yaml_source
from cds_service.errors import ContentError, Problem
from cds_service.hooks.response import Coding
from cds_service.yaml_source import Block, Items, Text, line_of


class Overrides:
    """Override reasons by key, as Codings of one system."""

    def __init__(self, texts: Mapping[str, str], default: Iterable[str], *, system: str) -> None:
        self.reasons = {key: Coding(code=key, system=system, display=text) for key, text in texts.items()}
        self._default = [self.reasons[key] for key in default]

    def of(self, keys: Iterable[str]) -> list[Coding]:
        """The reasons of these *keys*, the usual ones when a rule names none; a key nobody explains is left out."""
        return [self.reasons[key] for key in keys if key in self.reasons] or list(self._default)


def load(content: bytes, *, file: str, system: str, site: Mapping[str, str] | None = None) -> Overrides:
    """
    Read the reasons; *site* rewords or adds some. Raises ContentError with every problem found.

    >>> reasons = load(b"default: [a]\\nreasons: {a: Clinical judgement}", file="o.yaml", system="urn:x")
    >>> reasons.of([])[0].display
    'Clinical judgement'
    """
    node = yaml_source.read(content, file=file)
    reasons: Any = node.get(Text("reasons")) if isinstance(node, Block) else None
    default: Any = node.get(Text("default")) if isinstance(node, Block) else None
    if not isinstance(reasons, Block) or not isinstance(default, Items):
        raise ContentError([Problem(file, 1, "there are no reasons", "write default: [key, …] and reasons: {key: …}")])
    problems = [
        Problem(file, line_of(key), f"{key} has no text", "say the reason as a clinician would")
        for key, text in reasons.items()
        if not isinstance(text, str) or not text
    ]
    problems += [
        Problem(file, line_of(key), f"{key} is not among the reasons") for key in default if key not in reasons
    ]
    if problems:
        raise ContentError(sorted(problems))
    texts = {str(key): str(text) for key, text in reasons.items()}
    return Overrides(texts | dict(site or {}), map(str, default), system=system)
