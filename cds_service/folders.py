"""Content folders as plain bytes: every file we read, by a name a person can find it by."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from cds_service.errors import ContentError, Problem

MAX_FILE = 2_000_000
MAX_FILES = 2_000
SUFFIXES = (".yaml", ".yml", ".md")


def snapshot(folder: Path, name: str) -> dict[str, bytes]:
    """
    Every content file below *folder*, as ``name/relative/path`` → bytes.

    Hidden files, editor droppings and everything that is no regular file are left out; a link
    that leads out of the folder is refused. Raises ContentError.
    """
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    root = folder.resolve()
    for path in _content(root):
        label = f"{name}/{path.relative_to(root).as_posix()}"
        if not path.resolve().is_relative_to(root):
            problems.append(Problem(label, 1, "this link leads out of the folder", "copy the file here"))
            continue
        try:
            found[label] = _read(path)
        except OSError:
            problems.append(Problem(label, 1, "the file cannot be read", "check its permissions"))
    if len(found) > MAX_FILES:
        problems.append(Problem(name, 1, f"more than {MAX_FILES} files"))
    if problems:
        raise ContentError(problems)
    return found


def _content(root: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            if file.endswith(SUFFIXES) and not file.startswith((".", "#", "~")) and file != "README.md":
                yield Path(parent, file)


def _read(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        return b""
    with path.open("rb") as file:
        return file.read(MAX_FILE + 1)


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """The files below *folder* with size and time of change: cheap, and different whenever one was edited."""
    found = []
    for path in _content(folder):
        try:
            seen = path.stat()
        except OSError:
            continue
        found.append((str(path), seen.st_mtime_ns, seen.st_size))
    return tuple(found)


def digest(files: Mapping[str, bytes]) -> str:
    """
    One short name for exactly these files.

    >>> digest({"a": b"1"}) == digest({"a": b"1"}), digest({"a": b"1"}) == digest({"a": b"2"})
    (True, False)
    """
    total = hashlib.sha256()
    for name, source in sorted(files.items()):
        total.update(f"{len(name)}:{name}:{len(source)}:".encode())
        total.update(source)
    return total.hexdigest()[:16]


def pack(files: Mapping[str, bytes]) -> bytes:
    """*files* as one archive, to be kept as the last good content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(files.items()):
            archive.writestr(name, source)
    return buffer.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The files of an archive made by ``pack``. Raises zipfile.BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
