"""What is shipped for operators names only what the service exports, and none of it is forgotten."""

import json
import re
from pathlib import Path

import pytest
import yaml

from cds_service.app import build
from cds_service.telemetry import Metrics
from tests.http.rim import Rim

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [alert["expr"] for alert in ALERTS] + [one["expr"] for panel in PANELS for one in panel["targets"]]
NAME = re.compile(r"\b(?:cds|process)_[a-z_]+\b")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Every series of a whole service, by name, with its labels."""
    rim = Rim(CDS_DATA=str(tmp_path_factory.mktemp("data")))
    app = build(rim.settings)
    rim.app = app
    metrics = app._call._metrics
    rim.ask("GET", "/health/ready")
    return metrics


def test_every_metric_that_is_named_is_exported(exported):
    named = {name for query in QUERIES for name in NAME.findall(query)}
    assert len(named) > 15
    assert named - exported.names() == set()


def test_every_metric_that_is_exported_is_looked_at(exported):
    named = {name for query in QUERIES for name in NAME.findall(query)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported.names() if name.startswith("cds_")}
    assert ours - {re.sub(r"_(bucket|count|sum)$", "", name) for name in named} == set()


def test_labels_in_queries_are_those_of_their_metric(exported):
    labels = {family: made._labelnames for family, made in exported._made.items() if hasattr(made, "_labelnames")}
    for query in QUERIES:
        by = {one.strip() for found in re.findall(r"by \(([^)]*)\)", query) for one in found.split(",")}
        known = {"job", "instance", "le"}
        for name in NAME.findall(query):
            known |= set(labels.get(re.sub(r"_(total|bucket|count|sum)$", "", name), ()))
        assert by <= known, query


def test_every_alert_says_what_is_wrong_and_what_to_do():
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("info", "warning", "critical")
        assert all(alert["annotations"][name].endswith((".", ")")) for name in ("summary", "action")), alert["alert"]


def test_every_query_is_whole():
    for query in QUERIES:
        assert all(query.count(one) == query.count(other) for one, other in ("()", "{}", "[]")), query


def test_panels_have_their_place_and_no_two_share_it():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


def test_no_label_can_hold_an_id():
    labels = {name for made in Metrics()._made.values() for name in getattr(made, "_labelnames", ())}
    allowed = {"service", "status", "kind", "reason", "stage", "client", "outcome", "rule", "indicator", "server",
               "event", "version", "type", "table", "step"}  # fmt: skip
    assert labels <= allowed


GUIDE = (DEPLOY.parent / "docs" / "deployment.md").read_text()
OPERATORS = ("/health", "/metrics")


def test_the_proxy_passes_on_what_others_reach_and_nothing_that_is_for_operators():
    """Cards link to pages of rules and pictures: a proxy that stops them makes every link on a card a dead one."""
    contract = yaml.safe_load((DEPLOY.parent / "openapi.yaml").read_text())
    wanted = {f"/{path.split('/')[1]}" for path in contract["paths"]}
    passed = set(re.findall(r"location (/[a-z-]+)", GUIDE))
    assert wanted - passed == set(OPERATORS) and passed <= wanted
    assert all(f"`{path}" in GUIDE for path in wanted)
