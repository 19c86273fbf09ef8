"""The content in force: edits are taken whole within a look, bad ones are refused aloud, the last good goes on."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import date
from pathlib import Path

import pytest

from cds_service import content, folders
from cds_service.app import build
from cds_service.errors import ContentError, NotReady
from cds_service.library import Library, Places
from tests.http.rim import Rim
from tests.rules.desk import PASSES, SHAKY
from tests.small import APPROVED, BELLY, ORDERS, Folder, changed, files


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A small content folder with its library started."""
    return Folder(tmp_path).started()


def titles(folder: Folder) -> set[str]:
    return {rule.title for rule in folder.library.content.rules.rules}


# row 118: a valid change


def test_an_edit_is_taken_whole_and_has_a_new_revision(folder):
    before = folder.library.status
    assert (before.revision, before.digest) == (1, folder.library.content.digest)
    assert folder.edit("belly", "title: Belly ache", "title: Sore belly")
    after = folder.library.status
    assert "Sore belly" in titles(folder) and "Belly ache" not in titles(folder)
    assert after.revision == 2 and after.digest == folder.library.content.digest != before.digest
    assert folder.events == ["content_loaded", "content_loaded"]
    assert folder.said[-1][1]["topics"] == 2 and folder.said[-1][1]["revision"] == 2


def test_a_new_file_a_gone_file_and_a_renamed_one_are_edits(folder):
    folder.write("own", changed(SHAKY, "id: safe-shaky", "id: own"))
    assert folder.library.look() and len(folder.library.content.rules.safety) == 4
    (folder.root / "rules" / "own.yaml").unlink()
    assert folder.library.look() and len(folder.library.content.rules.safety) == 3
    (folder.root / "rules" / "belly").mkdir()
    (folder.root / "rules" / "belly.yaml").rename(folder.root / "rules" / "belly" / "belly.yaml")
    assert folder.library.look() and "rules/belly/belly.yaml" in folder.library.content.files


def test_cards_codes_and_site_choices_are_edits_too(folder):
    reminder = (folder.root / "cards" / "reminder.md").read_text()
    folder.write("cards/reminder.md", reminder + "\nAsk a radiologist.\n")
    assert folder.library.look()
    assert folder.edit("orders", "say: MRI of the head", "say: MRI of the brain")
    folder.write("site", f"belly: {{status: silent, reason: So., approved: {APPROVED}}}\n")
    assert folder.library.look() and folder.library.content.rules.topics[0].status == "silent"


def test_nothing_new_is_not_read_again(folder, monkeypatch):
    monkeypatch.setattr(folders, "snapshot", lambda *_: pytest.fail("read although nothing changed"))
    assert not folder.library.look()
    assert folder.events == ["content_loaded"]


def test_a_touched_file_changes_nothing(folder):
    os.utime(folder.root / "rules" / "belly.yaml")
    assert not folder.library.look()
    assert folder.library.status.revision == 1 and folder.events == ["content_loaded"]


def test_a_judgement_under_way_keeps_the_content_it_began_with(folder):
    begun = folder.library.content
    folder.edit("belly", "title: Belly ache", "title: Sore belly")
    assert {rule.title for rule in begun.rules.topics} == {"Belly ache", "Sore head"}


def test_a_new_day_brings_the_values_of_that_day(folder):
    dated = changed(BELLY, "low: {value: 3 points", "low: {value: {2020-01-01: 3 points, 2026-07-01: 4 points}")
    folder.write("belly", dated)
    assert folder.library.look() and str(folder.library.content.rules.topics[0].thresholds["low"].value) == "3 points"
    folder.day = date(2026, 7, 1)
    assert folder.library.look() and str(folder.library.content.rules.topics[0].thresholds["low"].value) == "4 points"


def test_an_edit_is_in_force_within_a_second_without_a_restart(folder):
    async def run() -> float:
        watching = asyncio.create_task(folder.library.watch(0.05))
        await asyncio.sleep(0.12)
        folder.write("belly", changed(BELLY, "title: Belly ache", "title: Sore belly"))
        began = time.perf_counter()
        while "Sore belly" not in titles(folder) and time.perf_counter() - began < 10:
            await asyncio.sleep(0.005)
        watching.cancel()
        return time.perf_counter() - began

    assert asyncio.run(run()) < 5


def test_the_watch_outlives_a_look_that_fails(folder, monkeypatch):
    looks: list[int] = []

    def look() -> bool:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("kid-1")
        return False

    monkeypatch.setattr(folder.library, "look", look)

    async def run() -> None:
        watching = asyncio.create_task(folder.library.watch(0.001))
        while len(looks) < 3:
            await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(asyncio.wait_for(run(), 5))
    event, fields = folder.said[1]
    assert event == "content_look_failed" and fields["error"] == "RuntimeError" and "kid-1" not in str(fields)


# rows 107 to 112: bad edits


BAD = {
    "a syntax error": ("belly", "a: [1"),
    "a file cut off": ("belly", BELLY[:900]),
    "an empty file": ("belly", ""),
    "no UTF-8": ("belly", b"\xff\xfe" + BELLY.encode()),
    "a NUL": ("belly", BELLY + "\0"),
    "an unknown field": ("belly", BELLY + "wat: 1\n"),
    "a wrong type": ("belly", changed(BELLY, "title: Belly ache", "title: {a: b}")),
    "a bad indicator": ("passes", changed(PASSES, "indicator: warning", "indicator: urgent")),
    "a duplicate key": ("belly", BELLY + "title: Again\n"),
    "a rule id in use": ("rules/more/belly.yaml", BELLY),
    "an alias bomb": ("belly", "a: &a [x]\nb: &b [*a, *a]\n"),
    "an alias of itself": ("belly", "a: &a [*a]\n"),
    "five thousand levels": ("belly", "[" * 5000),
    "thirty megabytes": ("belly", "a: " + "x" * 30_000_000),
    "a tag": ("belly", changed(BELLY, "title: Belly", "title: !!python/name:os.system Belly")),
    "a no that is a no": ("belly", changed(BELLY, "score.belly: {at_most: low}", "safety.shaky: no")),
    "a number for a time": ("belly", changed(BELLY, "value: 18 years", "value: 012")),
    "a failing example": ("belly", changed(BELLY, "expect: info", "expect: warning")),
    "a card without its head": ("cards/reminder.md", "no front matter"),
    "a code list": ("orders", "orders: [1]"),
    "a site choice": ("site", "belly: {status: retired}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_edit_keeps_the_last_good_and_says_so(folder, kind):
    good = folder.library.content
    name, source = BAD[kind]
    path = folder.write(name, source)
    began = time.perf_counter()
    assert not folder.library.look()
    assert time.perf_counter() - began < 10
    assert folder.library.content is good and folder.library.ready
    status = folder.library.status
    assert (status.digest, status.revision) == (good.digest, 1) and status.refused_at is not None
    label = path.relative_to(folder.root).as_posix()
    assert any(one.startswith(f"{label}:") for one in folder.refused)
    assert folder.events[:3] == ["content_loaded", "content_refused", "content_problem"]
    assert folder.said[1][1] == {"count": len(folder.refused), "digest": good.digest}


def test_a_bad_edit_is_told_once_and_forgotten_when_mended(folder):
    folder.write("belly", "a: [1")
    assert [folder.library.look() for _ in range(3)] == [False] * 3
    assert folder.events.count("content_refused") == 1
    assert folder.edit("belly", "a: [1", changed(BELLY, "title: Belly ache", "title: Sore belly"))
    assert folder.refused == [] and folder.library.status.refused_at is None


def test_an_edit_undone_is_content_restored(folder):
    folder.write("belly", "a: [1")
    folder.library.look()
    folder.write("belly", BELLY)
    assert not folder.library.look()
    assert folder.refused == [] and folder.library.status.revision == 1
    assert folder.events[-1] == "content_restored"


def test_a_hundred_problems_are_not_a_hundred_lines(folder):
    folder.write("belly", BELLY + "".join(f"wat{number}: 1\n" for number in range(100)))
    folder.library.look()
    assert len(folder.refused) == 100 and folder.events.count("content_problem") == 20


def test_whatever_a_file_makes_us_do_the_last_good_stays(folder, monkeypatch):
    good = folder.library.content
    monkeypatch.setattr(content, "build", lambda *_, **__: 1 / 0)
    folder.write("belly", BELLY + "\n")
    assert not folder.library.look()
    assert folder.library.content is good
    assert folder.refused == ["content:1: it cannot be read (ZeroDivisionError); undo the last edit"]


# rows 114 to 117: odd and vanishing files


@pytest.mark.timeout(5)
def test_droppings_links_and_fifos_change_nothing_or_are_refused(folder, tmp_path):
    rules = folder.root / "rules"
    (rules / ".belly.yaml.swp").write_bytes(b"\xff")
    (rules / "belly.yaml~").write_text("a: [1")
    assert not folder.library.look() and folder.events == ["content_loaded"]
    os.mkfifo(rules / "pipe.yaml")
    assert not folder.library.look() and folder.refused == []
    (rules / "out.yaml").symlink_to(Path(__file__))
    assert not folder.library.look()
    assert folder.refused == ["rules/out.yaml:1: this link leads out of the folder; copy the file here"]
    (rules / "out.yaml").unlink()
    assert not folder.library.look() and folder.refused == []


@pytest.mark.parametrize("name", ["rules", "cards", "site"])
def test_all_files_gone_keeps_the_last_good_and_says_so(folder, name):
    good = folder.library.content
    folder.write("site", f"belly: {{status: silent, reason: So., approved: {APPROVED}}}\n")
    folder.library.look()
    good = folder.library.content
    folder.clear(name)
    assert not folder.library.look()
    assert folder.library.content is good and folder.refused == [f"{name}:1: the folder is gone; put it back"]


def test_an_emptied_folder_keeps_the_last_good(folder):
    good = folder.library.content
    folder.clear("rules")
    (folder.root / "rules").mkdir()
    assert not folder.library.look()
    assert folder.library.content is good
    assert "rules:1: there are no rules; check the folder named by CDS_RULES" in folder.refused


def test_an_edit_still_being_written_waits_for_the_next_look(folder, monkeypatch):
    library = folder.library
    library.settling = 0.001
    path = folder.root / "rules" / "belly.yaml"
    half, text = BELLY[:500], changed(BELLY, "title: Belly ache", "title: Sore belly")
    path.write_text(half)
    monkeypatch.setattr("cds_service.library.time.sleep", lambda _: path.write_text(text))
    assert not library.look()
    assert folder.refused == [] and folder.events == ["content_loaded"]
    monkeypatch.undo()
    assert library.look() and "Sore belly" in titles(folder)


def test_files_that_change_while_they_are_read_wait_for_the_next_look(folder, monkeypatch):
    real = folders.snapshot

    def edited_meanwhile(path: Path, name: str) -> dict[str, bytes]:
        found = real(path, name)
        if name == "site":
            folder.write("head", (folder.root / "rules" / "head.yaml").read_text() + "\n# second file\n")
        return found

    folder.write("belly", changed(BELLY, "title: Belly ache", "title: Sore belly"))
    monkeypatch.setattr(folders, "snapshot", edited_meanwhile)
    assert not folder.library.look() and "Sore belly" not in titles(folder)
    monkeypatch.undo()
    assert folder.library.look() and "Sore belly" in titles(folder)
    assert folder.events == ["content_loaded", "content_loaded"]


# row 119: starting


def test_without_content_nothing_is_ready(tmp_path):
    library = Library(Places(tmp_path / "none", tmp_path / "none"))
    library.start()
    assert not library.ready and library.status.problems
    with pytest.raises(NotReady, match="no rules are in force yet"):
        _ = library.content


def test_a_start_with_broken_rules_goes_on_with_the_last_good_and_says_so(folder):
    good = folder.library.content
    folder.write("belly", "a: [1")
    folder.said.clear()
    again = folder.another()
    again.start()
    assert again.ready and again.content.digest == good.digest and again.content.files == good.files
    assert again.status.from_last_good and again.status.problems and again.status.revision == 1
    assert folder.events == ["content_refused", "content_problem", "content_recovered"]


def test_the_last_good_gives_way_to_a_good_edit(folder):
    folder.write("belly", "a: [1")
    again = folder.another()
    again.start()
    folder.write("belly", changed(BELLY, "title: Belly ache", "title: Sore belly"))
    assert again.look()
    assert not again.status.from_last_good and not again.status.problems
    assert {rule.title for rule in again.content.rules.topics} == {"Sore belly", "Sore head"}


def test_the_last_good_is_ordinary_content_once_the_files_say_the_same(folder):
    folder.write("belly", "a: [1")
    again = folder.another()
    again.start()
    folder.write("belly", BELLY)
    again.look()
    assert not again.status.from_last_good and not again.status.problems


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nonsense", None])
def test_a_damaged_or_missing_last_good_leaves_the_service_not_ready(folder, damage):
    kept = folder.root / "data" / "last-good-content.zip"
    if damage is None:
        kept.unlink()
    else:
        kept.write_bytes(damage)
    folder.write("belly", "a: [1")
    again = folder.another()
    folder.said.clear()
    again.start()
    assert not again.ready and again.status.problems
    assert ("content_not_recovered" in folder.events) == (damage is not None)


def test_a_last_good_that_this_version_refuses_is_not_used(folder):
    kept = folder.root / "data" / "last-good-content.zip"
    kept.write_bytes(folders.pack({"rules/belly.yaml": b"a: 1"}))
    folder.write("belly", "a: [1")
    again = folder.another()
    again.start()
    assert not again.ready and folder.said[-1] == ("content_not_recovered", {"error": "ContentError"})


def test_a_disk_that_takes_nothing_costs_only_the_last_good(tmp_path):
    folder = Folder(tmp_path)
    (tmp_path / "data").write_text("a file where a folder should be")
    folder.library.start()
    assert folder.library.ready
    assert [event for event in folder.events] == ["content_not_kept", "content_loaded"]


def test_a_library_without_a_data_folder_keeps_nothing(tmp_path):
    folder = Folder(tmp_path)
    library = Library(Places(tmp_path / "rules", tmp_path / "cards"), settling=0)
    library.start()
    assert library.ready and not (tmp_path / "data").exists()
    folder.write("belly", "a: [1")
    library = Library(Places(tmp_path / "rules", tmp_path / "cards"), settling=0)
    library.start()
    assert not library.ready


def test_examples_run_once_for_the_same_content_day_and_version(folder, monkeypatch):
    asked: list[bool] = []
    real = content.build
    monkeypatch.setattr(
        content, "build", lambda *given, **named: asked.append(named["run_examples"]) or real(*given, **named)
    )
    folder.another().start()
    folder.day = date(2026, 3, 3)
    folder.another().start()
    monkeypatch.setattr("cds_service.library.__version__", "99")
    folder.another().start()
    (folder.root / "data" / "examples-passed").write_bytes(b"\xff")
    folder.another().start()
    assert asked == [False, True, True, True]


def test_what_is_in_force_is_what_would_be_built(folder):
    again = content.build(folder.library.places.files(), today=folder.day)
    assert again.digest == folder.library.content.digest


def test_every_folder_in_trouble_is_named(folder):
    folder.clear("rules")
    folder.clear("cards")
    with pytest.raises(ContentError) as caught:
        folder.library.places.files()
    assert [problem.file for problem in caught.value.problems] == ["rules", "cards"]


def test_who_calls_is_no_content(folder):
    folder.write("site/clients.yaml", "main: {profile: epic}")
    assert not any("clients" in name for name in folder.library.places.files())


# seen from outside


def service(folder: Folder) -> Rim:
    """The app over the folder."""
    rim = Rim(
        CDS_RULES=str(folder.root / "rules"), CDS_CARDS=str(folder.root / "cards"), CDS_DATA=str(folder.root / "data")
    )
    rim.app = build(rim.settings)
    return rim


def test_a_refused_edit_shows_in_readiness_and_metrics(folder):
    folder.write("belly", "a: [1")
    ready, counted = service(folder).ask_all(("GET", "/health/ready", {}), ("GET", "/metrics", {}))
    assert ready.status_code == 200 and ready.json()["lastGood"] is True
    assert ready.json()["refused"][0].startswith("rules/belly.yaml:1: ")
    assert 'cds_content_total{event="content_refused"} 1.0' in counted.text
    assert 'cds_content_total{event="content_recovered"} 1.0' in counted.text


def test_an_edit_of_a_running_service_is_seen_without_a_restart(folder, monkeypatch):
    rim = Rim(
        CDS_RULES=str(folder.root / "rules"), CDS_CARDS=str(folder.root / "cards"), CDS_DATA=str(folder.root / "data"),
        CDS_RELOAD_SECONDS="0.05",
    )  # fmt: skip
    rim.app = build(rim.settings)

    async def run() -> list[dict]:
        import httpx

        seen = []
        async with rim.app.router.lifespan_context(rim.app):
            transport = httpx.ASGITransport(rim.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://cds.test", verify=False) as client:
                for text in (None, BELLY + "# more\n", "a: [1", BELLY):
                    if text is not None:
                        folder.write("belly", text)
                        await asyncio.sleep(0.5)
                    seen.append((await client.get("/health/ready")).json())
        return seen

    first, edited, refused, mended = asyncio.run(run())
    assert edited["digest"] != first["digest"] and edited["revision"] == 2
    assert refused["digest"] == edited["digest"] and refused["ready"] and "refused" in refused
    assert mended["digest"] == first["digest"] and "refused" not in mended and mended["revision"] == 3


def test_a_code_that_would_order_another_exam_is_never_in_force(folder):
    lists = "system: urn:own\nsource: us\nreview: {last: 2026-01-01, by: us}\nexams: {A1: CT head with contrast}\n"
    orders = "system: urn:own\norders:\n  US right-lower-quadrant: {code: A1, display: RLQ}\n"
    folder.write("site/codes/exams/ours.yaml", lists)
    folder.write("site/codes/orders.yaml", orders)
    assert not folder.library.look()
    assert folder.refused == [
        "site/codes/orders.yaml:3: the code A1 orders CT head with contrast, not ultrasound of the right lower "
        "quadrant; copy the code again from its source"
    ]
    folder.write("site/codes/exams/ours.yaml", changed(lists, "CT head with contrast", "US appendix"))
    assert folder.library.look() and not folder.refused


def test_nor_is_it_when_an_earlier_release_kept_it_as_its_last_good(folder):
    kept = folder.root / "data" / "last-good-content.zip"
    wrong = changed(ORDERS, "24548-0", "24727-0")
    lists = "system: http://loinc.org\nsource: us\nreview: {last: 2026-01-01, by: us}\nexams: {24727-0: CT head}\n"
    kept.write_bytes(folders.pack(files(orders=wrong, **{"site/codes/exams/ours.yaml": lists})))
    folder.write("belly", "a: [1")
    again = folder.another()
    again.start()
    assert not again.ready and folder.said[-1] == ("content_not_recovered", {"error": "ContentError"})
