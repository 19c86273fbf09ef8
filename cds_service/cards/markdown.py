"""
Text of the record and of rules, made harmless where it is shown.

A card's detail is GitHub Flavored Markdown, and some clients let HTML through it; its summary and labels are plain
text. Nothing from a record may come alive in either: no markup, links, images, or characters that reorder text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

MEMORY: Final = 4096
"""Texts whose harmless form is remembered: the same rules, sources and findings are said again and again."""

_SPECIAL: Final = {ord(sign): f"\\{sign}" for sign in "\\`*_[]~|"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
}
_ANGLES: Final = {ord("<"): "‹", ord(">"): "›"}
_SCHEME: Final = re.compile(r"(?i)(https?|ftps?|mailto|xmpp|javascript|vbscript|\bfile|\bdata(?=:[a-z]+/))(?=:)")
_HOST: Final = re.compile(r"(?i)\b(www)(?=\.)")
_OPENING: Final = re.compile(r"(?=[#+=-])|(?<=\d)(?=[.)](?:\s|$))")
_NUMBERED: Final = re.compile(r"\d{1,9}[.)](?:\s|$)")
_HANGING: Final = frozenset({"and", "or", "of", "the", "a", "an", "with", "without", "in", "for", "to"})
_MARKS: Final = 2


@lru_cache(MEMORY)
def plain(text: str, limit: int = 0) -> str:
    """
    One line of readable text: control and direction characters gone, spaces single; cut at a word beyond *limit*.

    >>> plain("CT\\x00 head\\n\\u202e now")
    'CT head now'
    >>> plain("CT of the abdomen and pelvis", 20)
    'CT of the abdomen…'
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_readable(text))
    text = " ".join(text.split())
    return shorten(text, limit) if limit else text


@lru_cache(MEMORY)
def escape(text: str) -> str:
    """
    The text as Markdown that shows exactly this text.

    >>> escape("<b>*x*</b> [a](javascript:b)")
    '&lt;b&gt;\\\\*x\\\\*&lt;/b&gt; \\\\[a\\\\](javascript :b)'
    """
    text = _unlinked(text).translate(_SPECIAL)
    if text[:1] in "#+-=":
        return f"\\{text}" if text else text
    return _OPENING.sub(r"\\", text, count=1) if _NUMBERED.match(text) else text


@lru_cache(MEMORY)
def inert(text: str) -> str:
    """
    The text for a place that is no Markdown, safe even if a client takes it for HTML or Markdown.

    >>> inert("CT <script>head</script>")
    'CT ‹script›head‹/script›'
    """
    return _unlinked(text).translate(_ANGLES).replace("](", "] (")


def shorten(text: str, limit: int) -> str:
    """
    The text in at most *limit* characters, cut after a word that can end a phrase.

    >>> shorten("CT head without and with contrast", 24)
    'CT head…'
    >>> shorten("pneumonoultramicroscopic", 10)
    'pneumonou…'
    """
    if len(text) <= limit:
        return text
    words = text[:limit].split(" ")[:-1]
    while words and words[-1].lower() in _HANGING:
        words.pop()
    kept = " ".join(words).rstrip(",;:.-") or text[: limit - 1]
    return f"{kept}…"


def _readable(text: str) -> list[str]:
    out: list[str] = []
    marks = 0
    for sign in text:
        kind = unicodedata.category(sign)
        marks = marks + 1 if kind[0] == "M" else 0
        if kind == "Cs":
            out.append("\ufffd")
        elif kind[0] == "Z" or kind == "Cc":
            out.append(" ")
        elif kind[0] != "C" and marks <= _MARKS:
            out.append(sign)
    return out


def _unlinked(text: str) -> str:
    if ":" in text:
        text = _SCHEME.sub(r"\1 ", text)
    if "." in text:
        text = _HOST.sub(r"\1 ", text)
    return text.replace("@", " @ ") if "@" in text else text
