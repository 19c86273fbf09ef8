"""``make demo``: starts the service on loopback and plays eight orders through HTTP, as a clinician would see them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from cds_service import content, settings
from cds_service.content import Content
from cds_service.explain import Asked, plain, read_as
from cds_service.facts.gather import Site
from cds_service.hooks.parse import parse
from cds_service.library import Places
from demo.children import Play, plays

REQUESTS = Path(__file__).parent / "requests"
SERVICE = "/cds-services/pediatric-imaging-order-sign"
WIDTH = 100
_INSIDE = WIDTH - 13
_PATIENCE = 60


def main() -> int:
    """Play every order; 1 when one did not come out as expected."""
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "CDS_DATA": data, "CDS_LOG_LEVEL": "error"}
        command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment)
        try:
            counts = _ready(base, process)["counts"]
            print(f"The service is ready on {base}: {counts['topics']} topics, {counts['checks']} checks, "
                  f"{counts['safety']} safety rules.\n")  # fmt: skip
            known = _known()
            surprises = [play.name for play in plays() if not _play(play, base, known)]
        finally:
            process.terminate()
            process.wait(20)
    if surprises:
        print(f"Not as expected: {', '.join(surprises)}")
        return 1
    _farewell()
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(base: str, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{base}/health/ready", timeout=2) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            raise SystemExit(f"The service is not ready: {error.read().decode()}") from None
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("The service did not start.")


def _known() -> Content:
    """The content the service runs with, to tell what it understood."""
    chosen = settings.read(os.environ)
    places = Places(chosen.rules, chosen.cards, None, chosen.site, chosen.licences)
    return content.build(places.files(), today=datetime.now(UTC).date(), run_examples=False)


def _play(play: Play, base: str, known: Content) -> bool:
    """Send one order, show what comes back, keep the request as a file; whether it came out as expected."""
    REQUESTS.mkdir(exist_ok=True)
    body = json.dumps(play.request, indent=1).encode()
    (REQUESTS / f"{play.name}.json").write_bytes(body)
    request = Request(base + SERVICE, body, {"Content-Type": "application/json"})
    began = time.perf_counter()
    with urlopen(request, timeout=10) as answer:
        cards = json.load(answer)["cards"]
    took = (time.perf_counter() - began) * 1000
    order = play.request["context"]["draftOrders"]["entry"][0]["resource"]
    _say("CHILD", play.story)
    _say("ORDER", f"{order['code']['text']}, for: {', '.join(one['text'] for one in order['reasonCode'])}")
    for exam, reasons in read_as(Asked(parse(body, service_hook="order-sign"), known, datetime.now(UTC), Site())):
        _say("READ AS", f"{exam}, for: {reasons}")
    for card in cards:
        _show(card)
    if not cards:
        _say("SILENCE", "no card: the order is right as it is, or not ours to question")
    print(f"{'':9}answered in {took:.1f} ms\n")
    return bool(cards) == (play.expected != "silence")


def _say(word: str, text: str) -> None:
    print(textwrap.fill(text, WIDTH, initial_indent=f"{word:<9}", subsequent_indent=" " * 9, break_on_hyphens=False))


def _show(card: dict[str, Any]) -> None:
    """One card, as a window of the EHR might show it."""
    head = f" {card['indicator'].upper()} "
    print(f"CARD     ┌─{head}{'─' * (_INSIDE - len(head))}─┐")
    _inside(card["summary"])
    _inside("")
    for line in plain(card.get("detail", "")):
        _inside(line)
    for suggestion in card.get("suggestions", []):
        actions = " + ".join(action["type"] for action in suggestion["actions"])
        _inside(f"{'★' if suggestion.get('isRecommended') else ' '} [ {suggestion['label']} ]  {actions}")
    print(f"{'':9}└─{'─' * _INSIDE}─┘")


def _inside(text: str) -> None:
    for line in textwrap.wrap(text, _INSIDE, subsequent_indent="  ", break_on_hyphens=False) or [""]:
        print(f"{'':9}│ {line:<{_INSIDE}} │")


def _farewell() -> None:
    shown = REQUESTS.relative_to(Path.cwd()) if REQUESTS.is_relative_to(Path.cwd()) else REQUESTS
    print("─" * WIDTH)
    print("Now send one yourself. Start the service:\n")
    print("    make serve\n")
    print("and from another window, with a request of your own or one of these:\n")
    print(f"    curl -s http://127.0.0.1:8080{SERVICE} \\")
    print(f"         -H 'Content-Type: application/json' -d @{shown}/appendicitis-ct.json | python3 -m json.tool\n")
    print(f"    .venv/bin/cds-service explain {shown}/appendicitis-ct.json     # why it says so")


if __name__ == "__main__":
    sys.exit(main())
