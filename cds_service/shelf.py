"""The contents that were in force, by their digest: what a decision of last week can be judged by again."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from cds_service import folders

MOST = 60
"""Contents that are kept; the one longest out of force goes first."""

_DIGEST = re.compile(r"[0-9a-f]{8,128}")


def put(data: Path, digest: str, packed: bytes) -> None:
    """Keep the *packed* files of the content with that *digest*; OSError when that cannot be."""
    place = _place(data, digest)
    if place.exists():
        os.utime(place)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{os.getpid()}.tmp")
    half.write_bytes(packed)
    half.replace(place)
    _clear(place.parent)


def get(data: Path, digest: str) -> dict[str, bytes] | None:
    """The files of the content with that *digest*; None when they are no longer kept, or damaged."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        files = folders.unpack(_place(data, digest).read_bytes())
    except Exception:  # a damaged file may make the archive reader raise nearly anything
        return None
    return files if folders.digest(files) == digest else None


def _place(data: Path, digest: str) -> Path:
    return data / "contents" / f"{digest}.zip"


def _clear(folder: Path) -> None:
    kept = sorted(folder.glob("*.zip"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[MOST:]:
        with suppress(OSError):
            old.unlink()
