"""
Known vulnerabilities in what is locked: ``make check`` fails when there is one.

The advisories come from the package index by way of pip-audit. Where it cannot be reached, or knows nothing of
what is locked, that is said loudly and nothing fails: a build without network must work, and must not look audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCKS = ("requirements-dev.lock",)
"""It holds what the service runs with too, in the same versions; a test sees to that."""
SECONDS = 90
LOUD = "!" * 78


def main(locks: tuple[str, ...] = LOCKS) -> int:
    """Audit each lock file; 1 when something in one is known to be vulnerable."""
    found: list[str] = []
    unknown: list[str] = []
    for lock in locks:
        audited = _audit(lock)
        bad, silent = judged(audited, lock)
        found += bad
        unknown += silent
    for line in unknown:
        print(line, file=sys.stderr)
    for line in found:
        print(line, file=sys.stderr)
    if not found and not unknown:
        print(f"No known vulnerability in {' and '.join(locks)}.")
    return 1 if found else 0


def judged(audited: dict[str, Any] | str, lock: str) -> tuple[list[str], list[str]]:
    """
    What is known to be vulnerable, and what could not be told.

    >>> judged({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}, "l")
    (['l: a 1 is vulnerable (X-1); fixed in 2'], [])
    """
    if isinstance(audited, str):
        return [], [f"{LOUD}\n{lock} WAS NOT AUDITED: {audited}\n{LOUD}"]
    packages = audited.get("dependencies", [])
    bad = [
        f"{lock}: {one['name']} {one['version']} is vulnerable ({flaw['id']}); "
        f"{'fixed in ' + ', '.join(flaw['fix_versions']) if flaw.get('fix_versions') else 'no fix yet'}"
        for one in packages
        for flaw in one.get("vulns", ())
    ]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    if not packages or len(skipped) == len(packages):
        return bad, [f"{LOUD}\n{lock} WAS NOT AUDITED: no advisories could be had for anything in it\n{LOUD}"]
    return bad, [f"{lock}: no advisories could be had for {', '.join(skipped)}"] if skipped else []


def _audit(lock: str) -> dict[str, Any] | str:
    """What pip-audit says of *lock*, or why it says nothing."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--no-deps", "--disable-pip",
               "--progress-spinner", "off", "--timeout", "5", "--format", "json"]  # fmt: skip
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        said: dict[str, Any] = json.loads(ran.stdout)
        return said
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} seconds"
    except ValueError:
        last = ran.stderr.strip().splitlines()[-1:] or ["no answer"]
        return f"the advisories could not be had ({last[0][:200]})"


if __name__ == "__main__":
    sys.exit(main(tuple(arg for arg in sys.argv[1:] if Path(arg).is_file()) or LOCKS))
