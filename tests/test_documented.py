"""Every setting, fact, rule field, error and route is documented where people look for it."""

from __future__ import annotations

import copy
import inspect
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator, meta
from starlette.routing import Route

from cds_service import app, cli, content, docs, errors
from cds_service.content import Content
from cds_service.fhir.prefetch import TEMPLATES
from cds_service.http.state import State
from cds_service.library import Places
from cds_service.rules import reader
from cds_service.rules.fields import Fields
from cds_service.settings import SETTINGS, read
from cds_service.telemetry import Metrics
from cds_service.yaml_source import read as read_yaml
from tests.rules.desk import ALL, desk
from tests.test_content import FEVERISH

ROOT = Path(__file__).parents[1]
RULES = [
    path
    for path in sorted((ROOT / "rules").rglob("*.yaml"))
    if not {"codes", "review"} & set(path.parts)
    and path.name not in ("sources.yaml", "override-reasons.yaml", "about.yaml")
]


@pytest.fixture(scope="module")
def shipped() -> Content:
    chosen = read({})
    return content.build(Places(chosen.rules, chosen.cards).files(), today=date.today(), run_examples=False)


@pytest.fixture(scope="module")
def schema(shipped: Content) -> dict[str, Any]:
    return json.loads(docs.schema(shipped))


@pytest.fixture(scope="module")
def valid(schema: dict[str, Any]) -> Draft202012Validator:
    meta.validate(schema)
    return Draft202012Validator(schema)


# settings and commands


def test_every_setting_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| `(CDS_[A-Z_]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", readme, re.M)
    assert [row[0] for row in rows] == [one.variable for one in SETTINGS]
    assert [row[1:] for row in rows] == [(one.kind, one.default, one.meaning) for one in SETTINGS]


def test_every_command_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    (commands,) = (one for one in cli._parser()._actions if one.choices)
    kept = {"storage", "decisions", "feedback", "replay"}
    assert {"serve", "check", "explain", "docs", "catalogue", "clients", *kept} == set(commands.choices)
    assert all(f"| `cds-service {name}" in readme for name in commands.choices)


# facts


def test_every_fact_is_listed(shipped):
    listed = re.findall(r"^\| `([a-z_.0-9]+)` \|", (ROOT / "rules" / "FACTS.md").read_text(), re.M)
    assert sorted(shipped.facts) == listed


def test_every_fact_explains_itself(shipped):
    for fact in shipped.facts.values():
        assert fact.meaning.endswith((".", "?", ")")) and "|" not in fact.meaning and fact.absent, fact.name


def test_every_rule_is_in_the_catalog():
    page = (ROOT / "rules" / "README.md").read_text()
    assert [path.stem for path in RULES if f"({path.relative_to(ROOT / 'rules').as_posix()})" not in page] == []


# rule fields


def test_every_shipped_rule_fits_the_schema(valid):
    for path in RULES:
        rule = json.loads(json.dumps(read_yaml(path.read_bytes(), file=path.name)))
        assert [error.message[:300] for error in valid.iter_errors(rule)] == [], path.name


def test_every_rule_names_the_schema_for_editors():
    for path in RULES:
        up = "../" * (len(path.relative_to(ROOT / "rules").parts) - 1)
        assert path.read_text().startswith(f"# yaml-language-server: $schema={up}rule.schema.json\n"), path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rule: rule.update(wat=1),
        lambda rule: rule.pop("sources"),
        lambda rule: rule.update(sources=[]),
        lambda rule: rule.update(status="on"),
        lambda rule: rule.update(kind="rule"),
        lambda rule: rule.update(applies_to={"patient.aeg": {"below": "covered_age"}}),
        lambda rule: rule["applies_to"].update({"patient.age": {"beneath": "covered_age"}}),
        lambda rule: rule["applies_to"].update({"order.reason": "suspected-apendicitis"}),
        lambda rule: rule["variants"][0].pop("source"),
        lambda rule: rule["variants"][0]["ratings"].update({"appropriate": ["US abdomen"]}),
        lambda rule: rule["examples"][0].update(expect="card"),
        lambda rule: rule["card"].update(override_reasons=["whim"]),
        lambda rule: rule["thresholds"]["covered_age"].pop("meaning"),
        lambda rule: rule["unless"][0].pop("because"),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_reader_refuses(spoil, valid):
    path = ROOT / "rules" / "abdomen" / "suspected-appendicitis.yaml"
    rule = yaml.load(path.read_text(), yaml.CBaseLoader)
    assert not list(valid.iter_errors(rule))
    spoiled = copy.deepcopy(rule)
    spoil(spoiled)
    assert list(valid.iter_errors(spoiled))


def asked_fields(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The fields the reader asks for, by what it reads them from."""
    asked: dict[str, set[str]] = {}
    real = Fields.get

    def get(self: Fields, name: str) -> Any:
        asked.setdefault(self.what, set()).add(name)
        return real(self, name)

    monkeypatch.setattr(Fields, "get", get)
    for name, text in {**ALL, "feverish": FEVERISH}.items():
        reader.read_rule(read_yaml(text, file=name), f"rules/{name}.yaml", desk())
    return asked


def test_every_field_the_reader_asks_for_is_in_the_schema(monkeypatch, schema):
    known = set(re.findall(r'"([a-z_]+)": ?\{', json.dumps(schema)))
    for what, names in asked_fields(monkeypatch).items():
        assert names <= known | {"usually appropriate", "may be appropriate", "may be appropriate (disagreement)",
                                 "usually not appropriate"}, what  # fmt: skip


def test_every_test_of_a_condition_is_in_the_schema(schema):
    facts = schema["$defs"]["facts"]
    assert facts["order.recognised"]["enum"] == ["present", "absent"]
    assert set(facts["patient.age"]["properties"]) == {"below", "at_least"}
    assert set(facts["order.passes"]["properties"]) == {"below", "at_most", "above", "at_least"}
    assert all("description" in fact for fact in facts.values())


# errors


def kinds_of(kind: type[Exception]) -> list[type[Exception]]:
    return [one for child in kind.__subclasses__() for one in (child, *kinds_of(child))]


def test_every_error_stands_in_the_tree_at_its_place():
    tree = errors.__doc__ or ""
    drawn: dict[str, int] = {}
    for line in tree.splitlines():
        found = re.match(r"^( +[│├└─ ]*)([A-Z][A-Za-z]+)\b", line)
        if found:
            drawn[found[2]] = (len(found[1]) - 4) // 4
    own = [one for one in kinds_of(errors.ServiceError) if one.__module__ == errors.__name__]
    depths = {one.__name__: len(one.__mro__) - len(errors.ServiceError.__mro__) for one in (errors.ServiceError, *own)}
    assert drawn == depths


def test_every_status_in_the_tree_is_the_one_that_is_sent():
    for kind in kinds_of(errors.RequestError):
        if kind.__module__ == errors.__name__:
            assert re.search(rf"{kind.__name__} +{kind.status}\b", errors.__doc__ or ""), kind


def test_every_error_says_what_it_means():
    public = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]
    assert all(one.__doc__ and one.__doc__.endswith(".") for one in public)


# routes


def test_every_route_is_described():
    described = yaml.safe_load((ROOT / "openapi.yaml").read_text())["paths"]
    routes = app.routes(State(read({}), Metrics()), TEMPLATES)
    served = {
        (re.sub(r"\{.*?\}", "{}", route.path), method.lower())
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    told = {
        (re.sub(r"\{.*?\}", "{}", path), method)
        for path, item in described.items()
        for method in item
        if method in ("get", "post")
    }
    patterns = {one for one in told if not any(matches(one, other) for other in served)}
    assert served and not patterns
    assert {one for one in served if not any(matches(other, one) for other in told)} == set()


def matches(told: tuple[str, str], served: tuple[str, str]) -> bool:
    """Whether a described path is one that the served pattern serves."""
    pattern = re.escape(served[0]).replace(r"\{\}", "[^/]+")
    return told[1] == served[1] and bool(re.fullmatch(pattern, told[0]))
