"""Nothing from a record comes alive on a card, whatever the client does with it."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.cards.discretion import sayable
from cds_service.cards.markdown import escape, inert, plain, shorten

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
QUIET = {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
AUTOLINK = re.compile(r"(?i)(?:https?|ftp)://|www\.\S|[\w.+-]+@[\w-]+\.|(?:mailto|javascript|xmpp):")


def tokens(markdown: str) -> set[str]:
    return {kind for token in PARSER.parse(markdown) for kind in (token.type, *(c.type for c in token.children or ()))}


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/p.png)",
        "[click](javascript:alert(1))",
        "[click]: https://evil.example",
        "<https://evil.example>",
        "see https://evil.example/a?b or www.evil.example or a.b@evil.example",
        "mailto:a@b.example JAVASCRIPT:alert(1)",
        "# Heading",
        "1. item",
        "12) item",
        "- item",
        "+ item",
        "* item",
        "---",
        "===",
        "> quote",
        "```code```",
        "~~~",
        "~~gone~~",
        "**bold** __bold__ _it_",
        "a | b",
        "&lt;b&gt; &#60;i&#62;",
        "\\<b>",
        "\\\\[x](y)",
    ],
)
def test_markup_is_shown_and_never_live(hostile: str) -> None:
    for text in (escape(plain(hostile)), f"Fever: {escape(plain(hostile))}."):
        assert tokens(text) <= QUIET, text
        assert not AUTOLINK.search(text)
    assert not re.search(r"[<>]|\]\(", inert(plain(hostile)))
    assert not AUTOLINK.search(inert(plain(hostile)))


@given(st.text(alphabet="<>[]()!*_`~#-+=|\\&;:.@/ 1ax\n\twhtp", max_size=30))
@example("www.www.a")
@example("1)")
def test_no_text_at_all_comes_alive(text: str) -> None:
    shown = escape(plain(text))
    assert tokens(shown) <= QUIET
    assert not AUTOLINK.search(shown)


@given(st.text(alphabet="ab <>&*_[]#1.-\\", max_size=20))
def test_the_reader_sees_the_text_itself(text: str) -> None:
    said = plain(text)
    inline = [token for token in PARSER.parse(escape(said)) if token.type == "inline"]
    assert "".join(child.content for token in inline for child in token.children or ()) == said


@given(st.text())
@example("\ud800 \u202egnitset \u200b \ufeff \x00")
@example("e" + "\u0301" * 50)
def test_plain_text_is_one_line_of_visible_characters(text: str) -> None:
    said = plain(text)
    assert said == said.strip()
    assert not {unicodedata.category(sign) for sign in said} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not re.search(r"\s\s", said)
    said.encode()


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("CT Kopf ohne Kontrast, 9 Jahre; Fieber ≥ 38.5 °C", "头部CT"):
        assert plain(text) == text
        assert inert(text) == text
        assert escape(text) == text
    assert plain("é" + "\u0301" * 9) == "é\u0301\u0301"
    assert plain("a\udc00b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("CT head", 7, "CT head"),
        ("CT head now", 8, "CT head…"),
        ("CT abdomen and pelvis", 16, "CT abdomen…"),
        ("chest, abdomen, pelvis", 18, "chest, abdomen…"),
        ("without with and of", 12, "without wit…"),
        ("abcdefgh", 4, "abc…"),
    ],
)
def test_shortening_ends_at_a_word(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@given(st.text(max_size=60), st.integers(2, 40))
def test_shortening_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


@pytest.mark.parametrize(
    "text",
    ["Suspected abuse", "possible NAT", "non-accidental injury", "Pregnancy test", "is pregnant", "beta hCG positive"],
)
def test_some_things_are_never_said(text: str) -> None:
    assert not sayable(text)


@pytest.mark.parametrize("text", ["Natural history", "chest", "Neonatal seizure", "Fell from a chair"])
def test_and_the_rest_is(text: str) -> None:
    assert sayable(text)
