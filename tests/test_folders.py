"""What of a folder is content: plain files only, whatever editors and accidents leave there."""

from __future__ import annotations

import os
import socket
import zipfile
from pathlib import Path

import pytest

from cds_service import folders
from cds_service.errors import ContentError
from cds_service.folders import digest, fingerprint, pack, snapshot, unpack


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with two content files."""
    root = tmp_path / "rules"
    (root / "head").mkdir(parents=True)
    (root / "a.yaml").write_text("a: 1")
    (root / "head" / "b.yml").write_text("b: 2")
    return root


def trouble(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        snapshot(folder, "rules")
    return [str(problem) for problem in caught.value.problems]


WHOLE = {"rules/a.yaml": b"a: 1", "rules/head/b.yml": b"b: 2"}


def test_every_content_file_is_there_by_its_name(rules):
    assert snapshot(rules, "rules") == WHOLE


# row 115: editor droppings and hidden files


@pytest.mark.parametrize(
    "name",
    [".a.yaml.swp", ".#a.yaml", "#a.yaml#", "a.yaml~", "~a.yaml", "a.yaml.bak", "a.yaml.orig", "4913", ".hidden.yaml",
     "a.yaml.tmp", "README.md", "FACTS.md", "rule.schema.json", "._a.yaml", ".DS_Store"],
)  # fmt: skip
def test_editor_droppings_and_hidden_files_are_ignored(rules, name):
    before = fingerprint(rules, "rules")
    (rules / name).write_bytes(b"\xff: [")
    assert snapshot(rules, "rules") == WHOLE and fingerprint(rules, "rules") == before


def test_hidden_folders_are_ignored(rules):
    (rules / ".git").mkdir()
    (rules / ".git" / "x.yaml").write_text("x: 1")
    assert snapshot(rules, "rules") == WHOLE


def test_cards_are_markdown_and_rules_are_yaml(rules):
    (rules / "card.md").write_text("# A card")
    assert list(snapshot(rules, "cards")) == ["cards/card.md"]
    assert snapshot(rules, "rules") == WHOLE


# row 114: links, FIFOs, folders


def test_a_link_out_of_the_folder_is_refused(rules, tmp_path):
    (tmp_path / "outside.yaml").write_text("secret: 1")
    (rules / "c.yaml").symlink_to(tmp_path / "outside.yaml")
    assert trouble(rules) == ["rules/c.yaml:1: this link leads out of the folder; copy the file here"]


def test_a_linked_folder_is_not_walked(rules, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text("x: 1")
    (rules / "linked").symlink_to(outside)
    assert snapshot(rules, "rules") == WHOLE


def test_a_link_inside_the_folder_is_a_file(rules):
    (rules / "c.yaml").symlink_to(rules / "a.yaml")
    assert snapshot(rules, "rules")["rules/c.yaml"] == b"a: 1"


def test_files_by_way_of_a_hidden_link_are_read(rules):
    """As a container platform mounts a configuration: each name leads through one hidden link."""
    (rules / "..2026").mkdir()
    (rules / "..2026" / "c.yaml").write_text("c: 3")
    (rules / "..data").symlink_to("..2026")
    (rules / "c.yaml").symlink_to("..data/c.yaml")
    assert snapshot(rules, "rules") == {**WHOLE, "rules/c.yaml": b"c: 3"}


@pytest.mark.parametrize("leads", ["nowhere.yaml", "c.yaml"])
def test_a_link_that_dangles_or_leads_to_itself_is_refused(rules, leads):
    (rules / "c.yaml").symlink_to(leads)
    assert trouble(rules) == ["rules/c.yaml:1: the file cannot be read; check its permissions and where it leads"]
    fingerprint(rules, "rules")


@pytest.mark.timeout(5)
def test_a_fifo_is_left_out_and_never_waited_for(rules):
    os.mkfifo(rules / "c.yaml")
    assert snapshot(rules, "rules") == WHOLE


@pytest.mark.timeout(5)
def test_a_file_that_becomes_a_fifo_is_not_waited_for(rules, monkeypatch):
    os.mkfifo(rules / "c.yaml")
    real, plain = Path.stat, (rules / "a.yaml").stat()
    monkeypatch.setattr(Path, "stat", lambda self, **more: plain if self.name == "c.yaml" else real(self, **more))
    assert snapshot(rules, "rules") == WHOLE


def test_a_socket_is_left_out(rules, monkeypatch):
    monkeypatch.chdir(rules)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("c.yaml")
        assert snapshot(rules, "rules") == WHOLE


def test_a_folder_with_a_file_name_is_a_folder(rules):
    (rules / "c.yaml").mkdir()
    (rules / "c.yaml" / "d.yaml").write_text("d: 4")
    assert snapshot(rules, "rules") == {**WHOLE, "rules/c.yaml/d.yaml": b"d: 4"}


# rows 110 and 116: giants, and files that go


def test_a_giant_is_read_no_further_than_it_is_refused_for(rules):
    (rules / "c.yaml").write_bytes(b"x" * 30_000_000)
    assert len(snapshot(rules, "rules")["rules/c.yaml"]) == folders.MAX_FILE + 1


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 1), ("MAX_TOTAL", 5)])
def test_too_much_altogether_is_refused(rules, monkeypatch, limit, value):
    monkeypatch.setattr(folders, limit, value)
    (said,) = trouble(rules)
    assert said.startswith("rules:1: more than")


def test_a_file_that_vanishes_while_it_is_read_is_a_problem_and_no_crash(rules, monkeypatch):
    monkeypatch.setattr(folders, "_content", lambda root, name: iter([rules / "a.yaml", rules / "gone.yaml"]))
    assert trouble(rules) == ["rules/gone.yaml:1: the file cannot be read; check its permissions and where it leads"]
    assert [path for path, *_ in fingerprint(rules, "rules")] == [str(rules / "a.yaml")]


def test_a_folder_that_is_gone_is_refused(tmp_path):
    assert trouble(tmp_path / "rules") == ["rules:1: the folder is gone; put it back"]
    assert fingerprint(tmp_path / "rules", "rules") == ()


def test_every_trouble_is_told_at_once(rules, tmp_path):
    (rules / "c.yaml").symlink_to(tmp_path)
    (rules / "c.yaml").unlink()
    (rules / "d.yaml").symlink_to("nowhere")
    (rules / "e.yaml").symlink_to(__file__)
    assert [one.split(":")[0] for one in trouble(rules)] == ["rules/d.yaml", "rules/e.yaml"]


# telling one state from another


@pytest.mark.parametrize(
    "edit",
    [
        lambda rules: (rules / "a.yaml").write_text("a: 22"),
        lambda rules: (rules / "a.yaml").unlink(),
        lambda rules: (rules / "c.yaml").write_text(""),
        lambda rules: (rules / "head" / "b.yml").rename(rules / "b.yml"),
        lambda rules: os.utime(rules / "a.yaml", (1, 1)),
    ],
)
def test_the_fingerprint_changes_with_every_edit(rules, edit):
    before = fingerprint(rules, "rules")
    edit(rules)
    assert fingerprint(rules, "rules") != before


def test_the_digest_is_of_names_and_bytes_not_of_their_order():
    one = {"a": b"1", "b": b"2"}
    assert digest(one) == digest(dict(reversed(one.items())))
    others = [{"a": b"1"}, {"a": b"2", "b": b"1"}, {"a": b"12", "b": b""}, {"a:1": b"", "b": b"2"}]
    assert len({digest(other) for other in [one, *others]}) == 5


def test_what_was_packed_comes_out_again():
    files = {"rules/a.yaml": b"a: 1", "cards/\u00fc.md": b"\xff\x00"}
    assert unpack(pack(files)) == files


@pytest.mark.parametrize("packed", [b"", b"PK", b"nonsense" * 50])
def test_a_damaged_archive_is_refused(packed):
    with pytest.raises(zipfile.BadZipFile):
        unpack(packed)
