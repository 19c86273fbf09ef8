"""Ways to damage JSON: every node of a value, and everything that may be done to it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]

SECRET = "zq-not-to-be-repeated-"
ODD: tuple[Any, ...] = (
    None, "", 0, True, False, [], {}, -1.5, 1e308, 10**30, "x", "-", "#", "\x00", "\ud83d", [None], [{}], [""],
    SECRET * 1000, {SECRET: SECRET}, [[[[[[[[]]]]]]]], {"a": {"b": {"c": [{"d": None}]}}}, "Patient/", "http://x/y",
    "2026-13-45", "0001-01-01", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-14:00", "<script>x</script>",
)  # fmt: skip
"""What may stand where something else was expected."""


def nodes(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every node, the root's first."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from nodes(inner, (*path, key))


def at(value: Any, path: Path) -> Any:
    """The node at *path*."""
    for step in path:
        value = value[step]
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    """*value* with *new* at *path*."""
    if not path:
        return copy.deepcopy(new)
    value = copy.deepcopy(value)
    at(value, path[:-1])[path[-1]] = copy.deepcopy(new)
    return value


def _drop(value: Any, path: Path) -> Any:
    del at(value := copy.deepcopy(value), path[:-1])[path[-1]]
    return value


def _again(value: Any, path: Path) -> Any:
    """The node twice in its list, or its member a second time under a name in capitals."""
    holder, step = at(value := copy.deepcopy(value), path[:-1]), path[-1]
    if isinstance(holder, list):
        holder.append(holder[step])
    else:
        holder[str(step).upper()] = holder[step]
    return value


def _rename(value: Any, path: Path) -> Any:
    holder, step = at(value := copy.deepcopy(value), path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder[f"{step}X"] = holder.pop(step)
    else:
        holder.reverse()
    return value


Damage = Callable[[Any, Path], Any]

DAMAGES: tuple[tuple[str, Damage], ...] = (
    ("drop", _drop),
    ("again", _again),
    ("rename", _rename),
    ("in a list", lambda value, path: put(value, path, [at(value, path)])),
    ("twice in a list", lambda value, path: put(value, path, [at(value, path)] * 2)),
    ("in an object", lambda value, path: put(value, path, {"value": at(value, path)})),
    *((repr(odd)[:24], lambda value, path, odd=odd: put(value, path, odd)) for odd in ODD),
)
"""Every damage by name; the first three need a node that is not the root."""

NEED_A_HOLDER = 3


def damages(path: Path) -> tuple[tuple[str, Damage], ...]:
    """The damages that can be done to the node at *path*."""
    return DAMAGES if path else DAMAGES[NEED_A_HOLDER:]
