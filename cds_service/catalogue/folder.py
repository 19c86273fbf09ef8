"""The folder of review sheets on disk: swapped whole, so that no reader ever finds half of an import."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

PLACE = Path("codes", "catalogue")


def swap(site: Path, files: Mapping[str, bytes]) -> Path:
    """
    Put *files*, by their names, in the place of all sheets in the folder of *site*.

    They are written beside it first. What an import that was cut off has left behind is cleared away or put back.
    """
    target = site / PLACE
    fresh, old = target.with_name(".catalogue-new"), target.with_name(".catalogue-old")
    recover(site)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, source in files.items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).write_bytes(source)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def recover(site: Path) -> None:
    """Put sheets back that an import cut off between its two renames has set aside."""
    target = site / PLACE
    old = target.with_name(".catalogue-old")
    if old.is_dir() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
