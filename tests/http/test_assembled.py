"""The app with its real parts, as the server runs it."""

import json

import pytest

from cds_service.app import build
from cds_service.errors import ContentError
from tests.hooks.requests import body
from tests.http.rim import SIGN, Rim


def whole(tmp_path, **environment: str) -> Rim:
    """An app of real parts that keeps its data in *tmp_path*."""
    rim = Rim(CDS_DATA=str(tmp_path / "data"), **environment)
    rim.app = build(rim.settings)
    return rim


def test_the_shipped_rules_are_in_force_and_calls_are_judged(tmp_path):
    feedback = json.dumps({"feedback": [{"card": "c1", "outcome": "overridden"}]})
    ready, call, nobody, told, counted = whole(tmp_path).ask_all(
        ("GET", "/health/ready", {}),
        ("POST", SIGN, {"content": body()}),
        ("POST", SIGN, {"content": body(but=lambda one: one["prefetch"].clear())}),
        ("POST", SIGN + "/feedback", {"content": feedback}),
        ("GET", "/metrics", {}),
    )
    assert ready.status_code == 200 and ready.json()["counts"]["topics"] > 0
    assert call.status_code == 200 and isinstance(call.json()["cards"], list)
    assert nobody.status_code == 412
    assert (told.status_code, told.json()) == (200, {})
    assert 'cds_content_total{event="content_loaded"} 1.0' in counted.text
    assert "cds_faults_total{" not in counted.text


def test_without_rules_the_app_is_up_and_says_what_is_wrong(tmp_path):
    empty = tmp_path / "rules"
    empty.mkdir()
    ready, call, found, live = whole(tmp_path, CDS_RULES=str(empty)).ask_all(
        ("GET", "/health/ready", {}),
        ("POST", SIGN, {"content": body()}),
        ("GET", "/cds-services", {}),
        ("GET", "/health/live", {}),
    )
    assert ready.status_code == 503 and ready.json()["refused"]
    assert call.status_code == 503
    assert found.status_code == live.status_code == 200


def test_a_wrong_clients_file_stops_the_start(tmp_path):
    (tmp_path / "clients.yaml").write_text("main: {profil: epic}")
    with pytest.raises(ContentError, match=r"clients\.yaml:1"):
        whole(tmp_path, CDS_SITE=str(tmp_path)).ask("GET", "/health/live")
