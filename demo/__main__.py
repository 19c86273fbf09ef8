"""``make demo``: starts the service on loopback and plays eight orders through HTTP, as a clinician would see them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from demo.children import Play, plays

REQUESTS = Path(__file__).parent / "requests"
SERVICE = "/cds-services/pediatric-imaging-order-sign"
WIDTH = 96


def main() -> int:
    """Play every order; 1 when one did not come out as expected."""
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "CDS_DATA": data, "CDS_LOG_LEVEL": "warning"}
        command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment)
        try:
            ready = _ready(base, process)
            print(f"The service is ready on {base}: {ready['counts']['topics']} topics, "
                  f"{ready['counts']['safety']} safety rules.\n")  # fmt: skip
            surprises = [play.name for play in plays() if not _play(play, base)]
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
    for _ in range(300):
        try:
            with urlopen(f"{base}/health/ready", timeout=2) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit("The service did not start.")


def _play(play: Play, base: str) -> bool:
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
    print("─" * WIDTH)
    print(f"CHILD  {play.story}")
    print(f"ORDER  {order['code']['text']}   for: {', '.join(one['text'] for one in order['reasonCode'])}")
    for card in cards:
        _show(card)
    if not cards:
        print("       (silence: the order is right as it is, or not ours to question)")
    print(f"       {took:.1f} ms\n")
    return bool(cards) == (play.expected != "silence")


def _show(card: dict[str, Any]) -> None:
    print(f"CARD   [{card['indicator'].upper()}] {card['summary']}")
    for line in _plain(card.get("detail", "")):
        print(textwrap.fill(line, WIDTH, initial_indent="       ", subsequent_indent="         "))
    for suggestion in card.get("suggestions", []):
        actions = ", ".join(action["type"] for action in suggestion["actions"])
        mark = "★" if suggestion.get("isRecommended") else " "
        print(f"     {mark} ▸ {suggestion['label']}  ({actions})")


def _plain(markdown: str) -> list[str]:
    """Markdown as a card window would show it, roughly."""
    unmarked = re.sub(
        r"\\([\\`*_{}\[\]()#+\-.!|<>~&])", r"\1", re.sub(r"[*_]{1,2}(?=\S)|(?<=\S)[*_]{1,2}", "", markdown)
    )
    return [line.replace("- ", "• ", 1) if line.startswith("- ") else line for line in unmarked.split("\n") if line]


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
