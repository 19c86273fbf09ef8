"""Rows 107 to 119: whatever happens to the files, a running service goes on with the last good rules and says so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.properties import children
from tests.requirements.service import Json, Service, running
from tests.rules.desk import PASSES
from tests.small import BELLY, Folder, changed

IN_TIME = 5.0
WHOLE = children.whole()


class Desk:
    """A rules folder somebody edits while the service runs."""

    def __init__(self, service: Service, folder: Folder) -> None:
        self.service = service
        self.folder = folder
        self.rules = folder.root / "rules"

    def ready(self) -> Json:
        said: Json = self.service.ask("GET", "/health/ready").json
        return said

    def until(self, holds: Callable[[Json], Any]) -> Json:
        """What readiness says as soon as *holds* of it, which must be in time."""
        began = time.monotonic()
        while not holds(said := self.ready()):
            assert time.monotonic() - began < IN_TIME, said
            time.sleep(0.03)
        return said

    def refused(self, name: str, source: str | bytes) -> list[str]:
        """Why an edit was refused; the content before goes on, calls are answered meanwhile."""
        before = self.ready()
        self.folder.write(name, source)
        said = self.until(lambda now: "refused" in now)
        assert said["ready"] and (said["digest"], said["revision"]) == (before["digest"], before["revision"])
        assert self.service.call(WHOLE).status == 200
        refused: list[str] = said["refused"]
        return refused

    def mend(self) -> None:
        """Put everything back and wait until the service has seen it."""
        for path in [*self.rules.rglob("*")]:
            if (path.is_symlink() or not path.is_dir()) and path.suffix in (".yaml", ".yml"):
                path.unlink()
        for name, source in FILES.items():
            self.folder.write(name, source)
        self.until(lambda now: "refused" not in now and now["digest"] == self.digest)

    digest = ""


FILES: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root: Path = tmp_path_factory.mktemp("content")
    folder = Folder(root)
    FILES.update({path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "rules").rglob("*.yaml")})
    with running(root / "data", **environment(root)) as service:
        desk = Desk(service, folder)
        desk.digest = desk.ready()["digest"]
        yield desk


def environment(root: Path) -> dict[str, str]:
    return {
        "CDS_RULES": str(root / "rules"),
        "CDS_CARDS": str(root / "cards"),
        "CDS_SITE": str(root / "site"),
        "CDS_RELOAD_SECONDS": "0.1",
    }


@pytest.fixture
def desk(opened: Desk) -> Iterator[Desk]:
    """The folder as it was, before and after."""
    opened.mend()
    yield opened
    assert opened.service.process.poll() is None and "Traceback" not in opened.service.said()


UNREADABLE = {
    "a syntax error": "a: [1", "a file cut off": BELLY[:900], "an empty file": "", "no UTF-8": b"\xff\xfe" + BELLY.encode(),
    "a NUL": BELLY + "\0", "UTF-16": BELLY.encode("utf-16"), "two documents": BELLY + "---\na: 1\n", "a tab": "a:\n\tb: 1",
}  # fmt: skip


@pytest.mark.parametrize("kind", UNREADABLE)
def test_row_107_a_file_that_cannot_be_read(desk, kind):
    assert any(one.startswith("rules/belly.yaml:") for one in desk.refused("belly", UNREADABLE[kind]))


WRONG = {
    "an unknown field": ("belly", BELLY + "wat: 1\n"),
    "a wrong type": ("belly", changed(BELLY, "title: Belly ache", "title: {a: b}")),
    "a bad indicator": ("passes", changed(PASSES, "indicator: warning", "indicator: urgent")),
    "a name twice": ("belly", BELLY + "title: Again\n"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_row_108_one_wrong_file_refuses_the_whole_set(desk, kind):
    name, source = WRONG[kind]
    assert desk.refused(name, source)
    desk.folder.write("head", (desk.rules / "head.yaml").read_text() + "# a good edit of another file\n")
    time.sleep(0.6)
    said = desk.ready()
    assert said["digest"] == desk.digest and said["refused"], "good edits wait for the bad one"


def test_row_109_two_rules_of_one_id(desk):
    (said,) = desk.refused("rules/more/belly.yaml", BELLY)
    assert said.startswith("rules/more/belly.yaml:") and "belly" in said


BOMBS = {
    "an alias bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "an alias of itself": "a: &a [*a]\n", "five thousand lists": "[" * 5000, "five thousand maps": "{a: " * 5000,
    "five thousand steps": "\n".join(" " * step + "a:" for step in range(5000)), "thirty megabytes": "a: " + "x" * 30_000_000,
    "thirty megabytes of keys": "".join(f"k{number}: 1\n" for number in range(2_500_000)),
    "a merge of itself": "a: &a\n  <<: *a\n", "an anchor": "a: &a 1\nb: *a\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", BOMBS)
def test_row_110_bombs(desk, kind):
    desk.service.forget_peak()
    before = desk.service.memory()
    assert desk.refused("belly", BOMBS[kind])
    assert desk.service.memory("VmHWM") - before < 60


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['touch TOUCHED']", "!!python/name:os.system", "!!python/object/new:os.system [x]",
     "!!python/module:os", "!include /etc/passwd", "!!binary eA==", "!!set {x}", "!!timestamp 2026-01-01"],
)  # fmt: skip
def test_row_111_tags_are_never_followed(desk, tmp_path, tag):
    touched = tmp_path / "touched"
    said = desk.refused("belly", BELLY + f"x: {tag.replace('TOUCHED', str(touched))}\n")
    assert any("tags are not read" in one for one in said) and not touched.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [("score.belly: {at_most: low}", "safety.shaky: no"), ("score.belly: {at_most: low}", "safety.shaky: Yes"),
     ("value: 18 years", "value: 012"), ("value: 18 years", "value: 1:30"), ("value: 18 years", "value: 0x12"),
     ("value: 18 years", "value: .inf"), ("value: 18 years", "value: 18"), ("value: 18 years", "value: ~")],
)  # fmt: skip
def test_row_112_what_yaml_would_guess(desk, old, new):
    assert desk.refused("belly", changed(BELLY, old, new))


@pytest.mark.parametrize(
    "field",
    ["{order.__class__}", "{order.name.__init__.__globals__}", "{0}", "{}", "{nothing}", "{order[name]}", "{order.name!r}",
     "{order.name:>999999999}", "{settings}"],
)  # fmt: skip
def test_row_113_fields_that_are_not_on_the_list(desk, field):
    card = desk.folder.root / "cards" / "reminder.md"
    good = card.read_bytes()
    try:
        said = desk.refused("cards/reminder.md", good + f"\n{field}\n".encode())
        assert any(one.startswith("cards/reminder.md:") for one in said)
    finally:
        desk.folder.write("cards/reminder.md", good)


def test_row_113_no_file_can_bring_a_pattern(desk):
    """Names are words, never patterns, so none can be one that never ends."""
    evil = "(a+)+$"
    words = (desk.rules / "codes/reasons/small.yaml").read_text()
    desk.folder.write(
        "rules/codes/reasons/small.yaml", words.replace("texts: [belly ache]", f'texts: ["belly ache", "{evil}"]')
    )
    time.sleep(0.5)
    order = children.order("CT head", "headache", reasonCode=[{"text": "a" * 5000 + "!"}])
    assert desk.service.call(children.call(order)).seconds < 1.5


def linked(desk: Desk, kind: str) -> None:
    """Something odd in the folder."""
    odd = desk.rules / "odd.yaml"
    if kind == "a link out":
        odd.symlink_to("/etc/passwd")
    elif kind == "a link to a link out":
        (desk.rules / "step.yaml").symlink_to("/etc/hostname")
        odd.symlink_to(desk.rules / "step.yaml")
    elif kind == "a link to itself":
        odd.symlink_to("odd.yaml")
    elif kind == "a link to nothing":
        odd.symlink_to("nowhere.yaml")
    elif kind == "a device":
        odd.symlink_to("/dev/zero")
    elif kind == "a pipe":
        os.mkfifo(odd)


@pytest.mark.parametrize(
    "kind", ["a link out", "a link to a link out", "a link to itself", "a link to nothing", "a device"]
)
def test_row_114_links_are_refused(desk, kind):
    linked(desk, kind)
    said = desk.until(lambda now: "refused" in now)
    assert all(one.startswith(("rules/odd.yaml:", "rules/step.yaml:")) for one in said["refused"])
    assert "root:" not in str(said) and said["digest"] == desk.digest


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a linked folder"])
def test_row_114_pipes_and_folders_are_never_waited_for(desk, kind, tmp_path):
    linked(desk, kind)
    if kind == "a folder":
        (desk.rules / "folder.yaml").mkdir(exist_ok=True)
    elif kind == "a linked folder":
        (tmp_path / "x.yaml").write_text("a: [1")
        (desk.rules / "linked").symlink_to(tmp_path)
    desk.folder.write("belly", changed(BELLY, "title: Belly ache", "title: Sore belly"))
    said = desk.until(lambda now: now["digest"] != desk.digest)
    assert "refused" not in said, "the edit beside it takes effect"
    if kind == "a linked folder":
        (desk.rules / "linked").unlink()


@pytest.mark.parametrize(
    "name", [".belly.yaml.swp", "#belly.yaml#", "belly.yaml~", ".#belly.yaml", "4913", "belly.yaml.orig", "belly.yaml.tmp",
             ".DS_Store", "Thumbs.db", "belly.yaml.rej", ".git/config.yaml", "~$belly.yaml"]
)  # fmt: skip
def test_row_115_what_editors_leave_behind(desk, name):
    path = desk.rules / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\xff: [")
    time.sleep(0.4)
    said = desk.ready()
    assert "refused" not in said and said["digest"] == desk.digest
    path.unlink()


def test_row_116_files_that_come_and_go_while_they_are_read(desk):
    """Written in pieces, taken away and put back, again and again: each content ever in force is a whole one."""
    good = {"Belly ache", "Sore belly"}
    digests = set()
    until = time.monotonic() + 3
    number = 0
    while time.monotonic() < until:
        number += 1
        text = changed(BELLY, "title: Belly ache", f"title: {sorted(good)[number % 2]}")
        path = desk.rules / "belly.yaml"
        with path.open("w") as file:
            file.write(text[:700])
            file.flush()
            time.sleep(0.01)
            file.write(text[700:])
        if number % 3 == 0:
            path.rename(desk.folder.root / "away.yaml")
            (desk.folder.root / "away.yaml").rename(path)
        said = desk.ready()
        assert said["ready"] and desk.service.call(WHOLE).status == 200
        digests.add(said["digest"])
    assert len(digests) <= 2, "the old or the new, never a third"


@pytest.mark.parametrize("name", ["rules", "cards"])
def test_row_117_all_files_gone(desk, name):
    kept = desk.folder.root / f"{name}-kept"
    (desk.folder.root / name).rename(kept)
    try:
        said = desk.until(lambda now: "refused" in now)
        assert (
            said["ready"]
            and said["digest"] == desk.digest
            and said["refused"] == [f"{name}:1: the folder is gone; put it back"]
        )
        assert desk.service.call(WHOLE).status == 200
    finally:
        kept.rename(desk.folder.root / name)
    desk.until(lambda now: "refused" not in now)


def test_row_118_a_good_change_takes_effect_whole(desk):
    before = desk.ready()
    began = time.monotonic()
    desk.folder.write("belly", changed(BELLY, "title: Belly ache", "title: Sore belly"))
    said = desk.until(lambda now: now["digest"] != before["digest"])
    assert time.monotonic() - began < IN_TIME and said["revision"] == before["revision"] + 1
    assert said["digest"].encode() in desk.service.call(WHOLE).body, "each answer says which rules it follows"


def test_row_119_a_start_with_broken_rules_is_not_ready(tmp_path):
    folder = Folder(tmp_path)
    folder.write("belly", "a: [1")
    with running(tmp_path / "data", ready=False, **environment(tmp_path)) as service:
        ready, call = service.ask("GET", "/health/ready"), service.call(WHOLE)
        assert (ready.status, call.status) == (503, 503) and call.headers["retry-after"]
        assert ready.json["ready"] is False and ready.json["refused"][0].startswith("rules/belly.yaml:")
        folder.write("belly", BELLY)
        Desk(service, folder).until(lambda now: now["ready"])
        assert service.call(WHOLE).status == 200
    folder.write("belly", "a: [1")
    with running(tmp_path / "data", **environment(tmp_path)) as service:
        said = service.ask("GET", "/health/ready").json
        assert said["lastGood"] is True and said["refused"], "the last good content, and it says so"
        assert service.call(WHOLE).status == 200
