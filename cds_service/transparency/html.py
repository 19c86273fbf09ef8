"""
HTML in which every text is text: whatever is not made by ``tag`` is escaped.

>>> tag("p", "1 < 2", class_="small")
'<p class="small">1 &lt; 2</p>'
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "br"})


class Html(str):
    """Markup of our own making."""

    __slots__ = ()


def tag(element: str, /, *inside: str, **attributes: str) -> Html:
    """An element; texts inside and attributes are escaped. ``class_`` and ``for_`` stand for class and for."""
    opened = element + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Html(f"<{opened}>" if element in _VOID else f"<{opened}>{joined(*inside)}</{element}>")


def joined(*parts: str) -> Html:
    """Parts one after the other, texts among them escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def code(name: str) -> Html:
    """
    A name as rules write it, which may break at its joints.

    >>> code("score.belly_ache")
    '<code>score.<wbr>belly_<wbr>ache</code>'
    """
    return tag("code", Html(escape(name).replace("_", "_<wbr>").replace(".", ".<wbr>")))


def style_hash(style: str) -> str:
    """What a Content-Security-Policy names an inline style by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def document(title: str, *body: Html, style: str) -> str:
    """A whole page that loads nothing and runs nothing."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        Html(f"<style>{style}</style>"),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *body), lang='en')}\n"
