"""What a site may choose between can only take advice away: on every scenario of a head injury."""

from __future__ import annotations

import pytest

from cds_service.rules.metadata import CHOICES
from tests.scenarios.conftest import Services
from tests.scenarios.reading import scenarios
from tests.scenarios.test_scenarios import nameless

INJURIES = {name: one for name, one in scenarios() if name.startswith("head/minor-head-injury") and "site" not in one}


@pytest.mark.parametrize("rule", CHOICES["head_injury_rule"][1:])
def test_the_preferred_rule_for_head_injury_never_adds_or_changes_a_card(rule: str, services: Services) -> None:
    fewer = 0
    for name, one in INJURIES.items():
        shipped = services.call(one)
        chosen = services.call({**one, "site": {"head_injury_rule": rule}})
        assert chosen.status_code == shipped.status_code
        if shipped.status_code == 200:
            said, kept = (nameless(answer.json()["cards"]) for answer in (shipped, chosen))
            assert all(card in said for card in kept), name
            fewer += len(said) - len(kept)
    assert fewer > 0
