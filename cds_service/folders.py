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
MAX_TOTAL = 50_000_000
_SUFFIXES = {"cards": (".md",)}
_YAML = (".yaml", ".yml")


def snapshot(folder: Path, name: str) -> dict[str, bytes]:
    """
    Every content file below *folder*, as ``name/relative/path`` → bytes.

    Hidden files, editor droppings and everything that is no regular file are left out; a link
    that leads out of the folder is refused. Raises ContentError.
    """
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    total = 0
    root = folder.resolve()
    if not root.is_dir():
        raise ContentError([Problem(name, 1, "the folder is gone", "put it back")])
    for path in _content(root, name):
        label = f"{name}/{path.relative_to(root).as_posix()}"
        if not Path(os.path.realpath(path)).is_relative_to(root):
            problems.append(Problem(label, 1, "this link leads out of the folder", "copy the file here"))
            continue
        try:
            source = _read(path)
        except OSError:
            problems.append(Problem(label, 1, "the file cannot be read", "check its permissions and where it leads"))
            continue
        if source is None:
            continue
        found[label] = source
        total += len(source)
        if len(found) > MAX_FILES or total > MAX_TOTAL:
            problems.append(Problem(name, 1, f"more than {MAX_FILES} files or {MAX_TOTAL} bytes", "keep rules only"))
            break
    if problems:
        raise ContentError(problems)
    return found


def _content(root: Path, name: str) -> Iterator[Path]:
    """The files of *root* that hold content; pages for readers, generated ones too, do not."""
    suffixes = _SUFFIXES.get(name, _YAML)
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            if file.endswith(suffixes) and not file.startswith((".", "#", "~")) and file != "README.md":
                yield Path(parent, file)


def _read(path: Path) -> bytes | None:
    """The file's bytes, at most one more than ``MAX_FILE``; None for what is no file, without ever waiting for it."""
    if not stat.S_ISREG(path.stat().st_mode):
        return None
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        return file.read(MAX_FILE + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None


def fingerprint(folder: Path, name: str) -> tuple[tuple[str, int, int], ...]:
    """The files below *folder* with size and time of change: cheap, and different whenever one was edited."""
    found = []
    for path in _content(folder, name):
        try:
            seen = path.stat() if path.exists() else path.lstat()  # a link into nothing is an edit too
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
