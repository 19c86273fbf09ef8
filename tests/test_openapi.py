"""``openapi.yaml`` and the service say the same."""

import json
from pathlib import Path

import msgspec
import pytest
import yaml
from jsonschema_rs import Draft202012Validator, meta

from cds_service.errors import MissingPatient, Problem, RequestError
from cds_service.hooks.discovery import WITH_PATIENT_VIEW
from cds_service.hooks.feedback import MAX_ITEMS, parse_feedback
from cds_service.hooks.parse import parse
from cds_service.hooks.response import HookResponse
from tests.hooks.requests import body
from tests.http.rim import SIGN, Library, Rim, Store

CONTRACT = yaml.safe_load((Path(__file__).parents[1] / "openapi.yaml").read_text())
OPERATIONS = [(path, method) for path, item in CONTRACT["paths"].items() for method in item if method != "parameters"]


def resolved(node):
    if isinstance(node, dict) and set(node) == {"$ref"} and node["$ref"].startswith("#/components/responses/"):
        return CONTRACT["components"]["responses"][node["$ref"].rpartition("/")[2]]
    return node


def checked(value, schema):
    Draft202012Validator({**schema, "components": CONTRACT["components"]}).validate(value)


def bodies():
    """Every body the contract shows by example: where, schema, value."""
    for path, method in OPERATIONS:
        operation = CONTRACT["paths"][path][method]
        places = [("request", operation.get("requestBody", {})), *operation["responses"].items()]
        for name, place in places:
            for media in resolved(place).get("content", {}).values():
                shown = [media["example"]] if "example" in media else [v["value"] for v in media["examples"].values()]
                for number, value in enumerate(shown):
                    yield pytest.param(media["schema"], value, id=f"{method} {path} {name} {number}")


def holds(answer, path, method):
    """Check that the contract knows this answer, its headers and its body."""
    told = resolved(CONTRACT["paths"][path][method]["responses"][str(answer.status_code)])
    for header in told.get("headers", {}):
        assert header.lower() in answer.headers
    media = told["content"][answer.headers["content-type"].partition(";")[0]]
    checked(answer.json() if "json" in answer.headers["content-type"] else answer.text, media["schema"])


def test_every_schema_is_one():
    for schema in CONTRACT["components"]["schemas"].values():
        meta.validate(schema)


def test_every_reference_leads_somewhere():
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            node = list(node.values())
        if isinstance(node, list):
            for one in node:
                yield from references(one)

    for reference in references(CONTRACT):
        place = CONTRACT
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_served_routes_and_methods_are_those_of_the_contract():
    served = {
        (route.path, method.lower()) for route in Rim().app.routes for method in route.methods if method != "HEAD"
    }
    assert served == set(OPERATIONS)


def test_service_ids_are_those_of_the_contract():
    assert set(CONTRACT["components"]["parameters"]["service_id"]["schema"]["enum"]) == set(WITH_PATIENT_VIEW)


@pytest.mark.parametrize(("schema", "value"), list(bodies()))
def test_examples_follow_their_schema(schema, value):
    checked(value, schema)


def test_example_calls_and_feedback_are_read():
    for path, method in OPERATIONS:
        content = CONTRACT["paths"][path][method].get("requestBody", {}).get("content", {})
        for media in content.values():
            for value in [media.get("example"), *[one["value"] for one in media.get("examples", {}).values()]]:
                if value and "hook" in value:
                    assert parse(json.dumps(value).encode(), service_hook=value["hook"]).context.orders
                elif value:
                    assert parse_feedback(json.dumps(value).encode())


def test_example_answers_are_what_our_own_types_can_say():
    examples = CONTRACT["paths"]["/cds-services/{service_id}"]["post"]["responses"]["200"]["content"]
    for one in examples["application/json"]["examples"].values():
        assert msgspec.to_builtins(msgspec.convert(one["value"], HookResponse, strict=True)) == one["value"]


def test_limits_are_those_of_the_contract():
    assert CONTRACT["components"]["schemas"]["Feedback"]["properties"]["feedback"]["maxItems"] == MAX_ITEMS


def test_every_refusal_has_its_code_in_the_contract():
    codes = CONTRACT["components"]["schemas"]["OperationOutcome"]["properties"]["issue"]["items"]["properties"]["code"]
    assert {kind.code for kind in RequestError.__subclasses__()} <= set(codes["enum"])


@pytest.mark.parametrize(
    ("rim", "method", "path", "sent", "status"),
    [
        (Rim(), "get", "/cds-services", b"", 200),
        (Rim(), "post", SIGN, body(), 200),
        (Rim(advisor=ValueError()), "post", SIGN, body(), 200),
        (Rim(), "post", SIGN, b"x", 400),
        (Rim(), "post", "/cds-services/none", b"x", 404),
        (Rim(advisor=MissingPatient("The Patient is missing.")), "post", SIGN, body(), 412),
        (Rim(CDS_MAX_BODY_BYTES="10000"), "post", SIGN, b" " * 10_001, 413),
        (Rim(library=Library(ready=False)), "post", SIGN, body(), 503),
        (Rim(), "post", SIGN + "/feedback", b'{"feedback": []}', 200),
        (Rim(), "post", SIGN + "/feedback", b"x", 400),
        (Rim(store=Store(OSError())), "post", SIGN + "/feedback", b'{"feedback": []}', 503),
        (Rim(), "get", "/health/live", b"", 200),
        (Rim(library=Library(problems=(Problem("a", 1, "b"),))), "get", "/health/ready", b"", 200),
        (Rim(library=Library(ready=False)), "get", "/health/ready", b"", 503),
        (Rim(), "get", "/metrics", b"", 200),
    ],
)
def test_answers_follow_the_contract(rim, method, path, sent, status):
    answer = rim.ask(method.upper(), path, content=sent)
    assert answer.status_code == status
    parts = path.split("/")
    told = "/".join(["", "cds-services", "{service_id}", *parts[3:]]) if len(parts) > 2 and "cds" in path else path
    holds(answer, told, method)


def test_forms_and_slow_bodies_follow_the_contract():
    holds(Rim().post(b"x", content_type="application/xml"), "/cds-services/{service_id}", "post")
