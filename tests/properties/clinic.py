"""The real service in this process, with the shipped rules: asked as a client asks, answers held to the contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from fhir.resources.R4B.servicerequest import ServiceRequest
from jsonschema_rs import Draft202012Validator
from pydantic import ValidationError

from cds_service.advise import EXTENSION
from cds_service.app import build
from cds_service.settings import read
from tests.http.rim import SELECT, SIGN

CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text())


def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
    return Draft202012Validator(schema)


RESPONSE, OUTCOME = _validator("HookResponse"), _validator("OperationOutcome")


class Clinic:
    """One life of the app; calls go straight into it."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def send(self, body: bytes, path: str = SIGN) -> httpx.Response:
        """What the service answers to *body*."""
        return self._runner.run(self._send(body, path))

    def send_together(self, bodies: Sequence[bytes]) -> list[httpx.Response]:
        """The answers to *bodies*, all on their way at once."""

        async def together() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self._send(body, SIGN) for body in bodies)))

        return self._runner.run(together())

    def request(self, method: str, url: str, **sent: Any) -> httpx.Response:
        """The answer to any request."""
        return self._runner.run(self._client.request(method, url, **sent))

    async def _send(self, body: bytes, path: str) -> httpx.Response:
        return await self._client.post(path, content=body, headers={"content-type": "application/json"})

    def ask(self, call: Any) -> httpx.Response:
        """What the service answers to *call*, at the service its hook names."""
        hook = call.get("hook") if isinstance(call, dict) else None
        return self.send(json.dumps(call).encode(), SELECT if hook == "order-select" else SIGN)

    def cards(self, call: Any) -> list[dict[str, Any]]:
        """The cards for *call*, which must be answered."""
        answer = self.ask(call)
        assert answer.status_code == 200, answer.text
        holds(answer)
        cards: list[dict[str, Any]] = answer.json()["cards"]
        return cards

    def incomplete(self, call: Any) -> set[str]:
        """The resource types of *call* that were asked for and could not be read whole."""
        return {one["resource"] for one in self.ask(call).json()["extension"][EXTENSION].get("incomplete", ())}

    def faults(self) -> float:
        """How many faults of the service were answered so far."""
        return self.counted("cds_faults_total")

    def counted(self, name: str) -> float:
        """The sum of a counter over its labels."""
        text = self._runner.run(self._client.get("/metrics")).text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


@contextmanager
def opened(data: Path, **environment: str) -> Iterator[Clinic]:
    """The app with its real parts, keeping what it keeps in *data*."""
    with asyncio.Runner() as runner, living(runner, data, **environment) as clinic:
        yield clinic


@contextmanager
def living(runner: asyncio.Runner, data: Path, **environment: str) -> Iterator[Clinic]:
    """The same in an event loop that others use too."""
    settings = read({"CDS_DATA": str(data), "CDS_RELOAD_SECONDS": "0", "CDS_DEADLINE_MS": "4000", **environment})
    app = build(settings)
    life = app.router.lifespan_context(app)
    runner.run(life.__aenter__())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cds.test", verify=False)
    try:
        ready = runner.run(client.get("/health/ready"))
        assert ready.status_code == 200, ready.text
        yield Clinic(runner, client)
    finally:
        runner.run(client.aclose())
        runner.run(life.__aexit__(None, None, None))


def holds(answer: httpx.Response, secrets: Sequence[str] = ()) -> None:
    """Check that *answer* is advice or a refusal as the contract has it, and that a refusal repeats nothing."""
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.status_code
    assert "Traceback" not in answer.text
    if answer.status_code == 200:
        said = answer.json()
        RESPONSE.validate(said)
        assert said["extension"][EXTENSION]["decision"], "an answer without a decision hides a fault"
        for card in said["cards"]:
            _card(card)
    else:
        assert answer.headers["content-type"] == "application/fhir+json"
        OUTCOME.validate(answer.json())
        assert not [one for one in secrets if one in answer.text]


def _card(card: dict[str, Any]) -> None:
    """What the schema can't say of a card: every order it brings is valid FHIR, labels are distinct."""
    labels = [one["label"] for one in card.get("suggestions", ())]
    assert len(set(labels)) == len(labels)
    for suggestion in card.get("suggestions", ()):
        for action in suggestion["actions"]:
            if "resource" in action:
                _order(action["resource"], changed=action["type"] == "update")


def _order(order: dict[str, Any], *, changed: bool) -> None:
    """An order of ours is valid FHIR and names the patient; a client's own may keep its id and its own members."""
    assert order["subject"]
    try:
        ServiceRequest.model_validate(dict(order, id="1") if changed else order)
    except ValidationError as error:
        kinds = {one["type"] for one in error.errors()}
        assert changed and kinds == {"extra_forbidden"}, error


def told(cards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cards without what is new in every answer: their ids."""
    return [_without(card, "uuid") for card in cards]


def _without(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        return {key: _without(value, name) for key, value in node.items() if key != name}
    return [_without(one, name) for one in node] if isinstance(node, list) else node


def indicators(cards: Sequence[dict[str, Any]]) -> list[str]:
    """How urgent each card is."""
    return [card["indicator"] for card in cards]
