"""What is locked is locked whole, new enough, and nothing is in it that should not be; the container is built from it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
FLOORS = {
    "pyjwt": (2, 15, 1), "starlette": (1, 9), "h11": (0, 16), "orjson": (3, 11, 6), "pydantic": (2, 4), "pyyaml": (6, 0),
    "markdown-it-py": (4, 3), "jinja2": (3, 1, 6), "uvicorn": (0, 54), "httpx": (0, 28, 1), "cachetools": (8, 0, 1),
    "fhir-resources": (8, 3),
}  # fmt: skip
"""Older ones have known weaknesses, or behave otherwise than we measured."""
NEVER = {"python-multipart", "multipart", "pycrypto", "python-jose", "ruamel-yaml"}
"""Not needed, and a source of weaknesses."""


def locked(name: str) -> dict[str, tuple[tuple[int, ...], int]]:
    """By package of a lock file, its version and how many hashes it is held to."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / name).read_text()):
        pinned = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([0-9.]+)", entry)
        if pinned:
            version = tuple(int(part) for part in pinned.group(2).strip(".").split("."))
            found[re.sub(r"[-_.]+", "-", pinned.group(1)).lower()] = version, entry.count("--hash=sha256:")
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_everything_is_held_to_its_hashes(name):
    packages = locked(name)
    assert len(packages) > 30
    assert [package for package, (_, hashes) in packages.items() if not hashes] == []
    assert not re.search(r"index-url|://", (ROOT / name).read_text())


def test_development_has_all_the_service_needs_in_the_same_version():
    every = {package: version for package, (version, _) in locked("requirements-dev.lock").items()}
    assert {package: version for package, (version, _) in locked("requirements.lock").items()}.items() <= every.items()


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_is_older_than_its_weaknesses(name):
    packages = locked(name)
    old = {
        package: packages[package][0]
        for package, floor in FLOORS.items()
        if package in packages and packages[package][0] < floor
    }
    assert old == {}
    assert {"pyjwt", "starlette", "h11", "pydantic", "pyyaml", "httpx", "cachetools"} <= set(packages)
    assert not NEVER & set(packages)


def test_development_runs_with_what_is_shipped():
    shipped, developed = (locked(name) for name in LOCKS)
    assert {package: developed.get(package, ((),))[0] for package in shipped} == {
        package: version for package, (version, _) in shipped.items()
    }


# the audit


def audit() -> ModuleType:
    """The script of ``make check``."""
    spec = importlib.util.spec_from_file_location("audit", ROOT / "scripts" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FLAW = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
WELL = {"name": "b", "version": "1", "vulns": []}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([FLAW, WELL], 1, "a 1 is vulnerable (X-1); fixed in 2"),
        ([FLAW, UNKNOWN], 1, "a 1 is vulnerable"),
        ([WELL], 0, "No known vulnerability"),
        ([WELL, UNKNOWN], 0, "no advisories could be had for c"),
        ([UNKNOWN], 0, "WAS NOT AUDITED"),
        ([], 0, "WAS NOT AUDITED"),
    ],
)
def test_a_known_weakness_fails_and_an_audit_that_was_none_is_loud(monkeypatch, capsys, packages, code, said):
    script = audit()
    monkeypatch.setattr(script, "_audit", lambda lock: {"dependencies": packages})
    assert script.main() == code
    heard = capsys.readouterr()
    assert said in heard.out + heard.err


@pytest.mark.parametrize("trouble", [subprocess.TimeoutExpired("pip-audit", 1), None])
def test_an_audit_without_a_way_out_does_not_fail(monkeypatch, capsys, trouble):
    def run(*_: Any, **__: Any) -> Any:
        if trouble:
            raise trouble
        return subprocess.CompletedProcess([], 1, "", "ERROR: no way out\n")

    script = audit()
    monkeypatch.setattr(script.subprocess, "run", run)
    assert script.main() == 0 and "WAS NOT AUDITED" in capsys.readouterr().err


# the container


def test_the_container_has_no_root_and_installs_by_hash():
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "--require-hashes" in recipe and "HEALTHCHECK" in recipe and "--read-only" in recipe
    users = re.findall(r"^USER (.+)$", recipe, re.MULTILINE)
    assert users == ["10001:10001"] and recipe.index("USER") < recipe.index("ENTRYPOINT")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", recipe, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists() and f"!{name}" in (ROOT / ".dockerignore").read_text().split()


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/threat-model.md"])
def test_what_these_pages_name_exists(name):
    text = (ROOT / name).read_text()
    for path in re.findall(r"`((?:docs|tests|deploy|scripts)/[\w./-]+|[\w-]+\.lock)`", text):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_threat_model_is_one_page():
    assert len((ROOT / "docs" / "threat-model.md").read_text().splitlines()) < 66
