"""Requirement 2, by chance: no token, however it is spoilt, gets more than the one refusal or advice."""

from __future__ import annotations

import json
import random

from tests.clients.callers import claims, header, key, signed, token
from tests.requirements.house import opened, refused

ODD = [None, True, 0, -1, 1.5, 10**30, "", "x", "é\u202e\0", [], ["x"], {}, {"a": []}, "9" * 300]


def spoilt(sent: str, chance: random.Random) -> str:
    """*sent* with some bytes changed, left out, doubled or put elsewhere."""
    letters = list(sent)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(letters))
        letters[place : place + chance.choice((0, 1, 1, 5))] = chance.choice(
            ["", ".", "A", "=", "é", "\x00", " ", "-_", "..", "e30"]
        )
    return "".join(letters)


def odd_members(given: dict[str, object], chance: random.Random) -> str:
    """*given* as JSON with a member of another kind, under another name, or twice."""
    name = chance.choice(list(given))
    changed = json.dumps({**given, name: chance.choice(ODD)})
    extra = f', "{chance.choice([name, "crit", "nbf", "x"])}": {json.dumps(chance.choice(ODD))}}}'
    return changed if chance.random() < 0.6 else changed[:-1] + extra


def test_row_02_spoilt_tokens_by_chance(tmp_path):
    chance = random.Random(20261130)
    with opened(tmp_path) as house:
        for _ in range(300):
            sent = token(algorithm="RS384")
            broken = spoilt(sent, chance)
            if broken.strip() != sent:
                refused(house.send(broken))
        for _ in range(300):
            head, body = header("RS384"), claims()
            if chance.random() < 0.5:
                sent = signed(odd_members(head, chance), json.dumps(body), key("RS384"), "RS384")
            else:
                sent = signed(json.dumps(head), odd_members(body, chance), key("RS384"), "RS384")
            answer = house.send(sent)
            assert answer.status_code == 200 or refused(answer) is None
        house.accepts(token(algorithm="RS384"))
