"""
Names that say CT and mean none: nothing was scanned, or only pictures of an earlier scan were made or read.

"CT of the face with 3-D reconstruction" is a scan; "3-D rendering of a CT" is none; where neither is plain, the exam is
possible.
"""

from __future__ import annotations

import re
from typing import Final

_NONE: Final = re.compile(
    r"""
    \bnot\s(?:done|performed|obtained)\b | ^\s*compar\w*\b | \bphantom\b | \bquality\s(?:check|control)\b
    | \bimages?\s?import\b | \bpost-?process\w*\b | \b(?:second|outside|over)-?\s?read\b
    | \b(?:rendering|reconstruction|reformat\w*)\s(?:of|from)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPATIAL: Final = re.compile(r"\b(?:3-?d|three[\s-]dimensional)\b", re.IGNORECASE)
_TOO: Final = re.compile(r"\b(?:with|incl\w*|plus|and|mit|und)\b|\bw(?:/|\s)|[+&]", re.IGNORECASE)


def no_exposure(text: str) -> bool:
    """
    Whether *text* says that nothing was scanned.

    >>> no_exposure("CT head not done"), no_exposure("3D rendering of CT head"), no_exposure("CT face with 3D recon")
    (True, True, False)
    """
    return _NONE.search(text) is not None


def perhaps_none(text: str) -> bool:
    """
    Whether *text* may name a scan or only pictures made of one.

    >>> perhaps_none("CT head 3D reconstruction"), perhaps_none("CT face w/ 3D"), perhaps_none("CT head")
    (True, False, False)
    """
    return _SPATIAL.search(text) is not None and _TOO.search(text) is None
