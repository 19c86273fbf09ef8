"""The demo plays eight orders against a service of its own, and tells when one comes out otherwise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo import __main__ as demo
from demo.children import Play, plays
from tests.small import Folder

ROOT = Path(__file__).parents[1]


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    """The demo as ``make demo`` runs it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    return subprocess.run(
        [sys.executable, "-m", "demo"],
        check=False,
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.fixture(scope="module")
def played() -> subprocess.CompletedProcess[str]:
    return run()


def test_it_ends_well_and_says_how_to_go_on(played):
    assert played.returncode == 0, played.stdout + played.stderr
    assert "curl -s http://127.0.0.1:8080/cds-services/pediatric-imaging-order-sign" in played.stdout
    assert "cds-service explain demo/requests/appendicitis-ct.json" in played.stdout
    assert played.stderr == ""


def test_eight_orders_five_cards_three_silences(played):
    words = re.findall(r"^([A-Z ]+?)  +\S", played.stdout, re.M)
    assert [words.count(word) for word in ("CHILD", "ORDER", "READ AS", "CARD", "SILENCE")] == [8, 8, 8, 5, 3]


def test_what_was_understood_is_shown_for_each(played):
    said = re.findall(r"^READ AS  (.+)$", played.stdout, re.M)
    assert said[0] == "CT abdomen+pelvis with contrast, for: right-lower-quadrant-pain, suspected-appendicitis"
    assert said[1].startswith("CT abdomen+pelvis without and with contrast") and all(", for: " in one for one in said)


def test_cards_are_windows_as_wide_as_they_should_be(played):
    frames = [line for line in played.stdout.splitlines() if line.lstrip("CARD ").startswith(("┌", "│", "└"))]
    assert frames and {len(line) for line in frames} == {demo.WIDTH}
    assert played.stdout.count("┌─ WARNING ") + played.stdout.count("┌─ INFO ") == 5


def test_the_requests_are_kept_to_be_sent_again(played):
    kept = {path.stem: json.loads(path.read_text()) for path in demo.REQUESTS.glob("*.json")}
    assert {play.name for play in plays()} <= kept.keys()
    assert all(one["hook"] == "order-sign" for one in kept.values())


def test_broken_rules_end_it_at_once_and_say_why(tmp_path):
    folder = Folder(tmp_path)
    folder.write("belly", "a: [1")
    ran = run(CDS_RULES=str(tmp_path / "rules"), CDS_CARDS=str(tmp_path / "cards"))
    assert ran.returncode == 1 and "The service is not ready: " in ran.stderr and "rules/belly.yaml:1: " in ran.stderr


def test_a_setting_that_is_wrong_ends_it_at_once():
    ran = run(CDS_DEADLINE_MS="0")
    assert ran.returncode == 1 and "CDS_DEADLINE_MS: '0' is not right" in ran.stderr and "did not start" in ran.stderr


@pytest.mark.parametrize(
    ("expected", "cards", "right"), [("silence", [], True), ("one phase", [], False), ("silence", [{}], False)]
)
def test_a_surprise_is_one(monkeypatch, tmp_path, capsys, expected, cards, right):
    """The demo compares with what each play expects."""

    class Answer:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self):
            return json.dumps({"cards": [{"indicator": "info", "summary": "x", **card} for card in cards]}).encode()

    monkeypatch.setattr(demo, "REQUESTS", tmp_path)
    monkeypatch.setattr(demo, "urlopen", lambda *_, **__: Answer())
    monkeypatch.setattr(demo, "read_as", lambda _: [("CT head", "none")])
    play = Play("one", "A child", expected, plays()[0].request)
    assert demo._play(play, "http://127.0.0.1:1", None) is right  # type: ignore[arg-type]
    assert ("SILENCE" in capsys.readouterr().out) == (not cards)


def test_the_children_are_the_age_their_story_tells():
    for play in plays():
        years = int(re.match(r"(\d+)-year-old", play.story)[1])
        born = int(play.request["prefetch"]["patient"]["birthDate"][:4])
        today = int(play.request["context"]["draftOrders"]["entry"][0]["resource"]["authoredOn"][:4])
        assert today - born in (years, years + 1), play.name
