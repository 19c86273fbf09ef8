"""
What every body must be before anything is read from it: UTF-8, strict JSON, not too deep.

Two parsers in one service give one request two meanings, so msgspec reads everything.
It skips what no struct asks for without looking into the text or counting levels;
the two checks here close that gap without a second parse.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from cds_service.errors import MalformedRequest

T = TypeVar("T")

MAX_DEPTH = 64
LARGE = 1_000_000
SPARSE = 8
"""Bytes that each value of a large body takes at the least, on average; records take several times as many."""
_SLICE = 1 << 16
_BRACKETS = bytes.maketrans(b"{[}]", b"(())")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"{[}]")
_MEMBER = re.compile(r"\$\.?([\w.\[\]]*)`$")


def decode(body: bytes, decoder: msgspec.json.Decoder[T], *, count_levels: bool = True) -> T:
    """
    Read *body* into the decoder's struct; MalformedRequest names the member that is wrong, never its value.

    Without *count_levels* only nesting that no parser would follow is refused here, and the caller counts
    the levels of what it decodes whole: counting costs as much as parsing.

    >>> decode(b'{"a": 1}', msgspec.json.Decoder(dict[str, int]))
    {'a': 1}
    """
    check_density(body)
    try:
        body.decode("utf-8")
        read = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedRequest(_named(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedRequest("The body is not JSON in UTF-8.") from None
    except RecursionError:
        raise MalformedRequest(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    if count_levels:
        check_depth(body)
    return read


def check_density(body: bytes) -> None:
    """
    Refuse a large body that is all commas: millions of nothings cost seconds to read and fill the memory.

    >>> check_density(b"7," * 1000)
    """
    if len(body) > LARGE and body.count(b",") * SPARSE > len(body):
        raise MalformedRequest("The body holds more values than any record.")


def check_depth(part: bytes) -> None:
    """Refuse JSON that nests deeper than anybody writes."""
    if not within_depth(part):
        raise MalformedRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")


def within_depth(body: bytes, most: int = MAX_DEPTH) -> bool:
    """
    Whether *body*, which must be valid JSON, nests at most *most* levels.

    Only brackets outside text count. Taking away the innermost pairs once a level
    is far quicker than a walk.

    >>> within_depth(b'[["]]]"]]', 2), within_depth(b'[["[", []]]', 2)
    (True, False)
    """
    levels = _brackets(body)
    for _ in range(most):
        if not levels:
            break
        levels = levels.replace(b"()", b"")
    return not levels


def _brackets(body: bytes) -> bytes:
    """The brackets of *body* that stand outside text, as ``(`` and ``)``."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if len(body) <= _SLICE:
        return b"".join(body.split(b'"')[::2]).translate(_BRACKETS, _NO_BRACKET)
    found, inside = bytearray(), 0
    for start in range(0, len(body), _SLICE):
        parts = body[start : start + _SLICE].split(b'"')
        found += b"".join(parts[inside::2]).translate(_BRACKETS, _NO_BRACKET)
        inside = (inside + len(parts) - 1) % 2
    return bytes(found)


def _named(error: msgspec.ValidationError) -> str:
    """The member a validation error points at; its path holds names of ours only."""
    found = _MEMBER.search(str(error))
    member = found.group(1) if found else ""
    return f"{member} is not of the right type." if member else "The body is not a JSON object."
