"""Start and stop of a real process: nothing half begun is served, nothing accepted is dropped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.http.rim import SIGN
from tests.scenarios.compose import request
from tests.storage.kept import rows
from tests.storage.server import ROOT, free_port

APPENDIX = {
    "at": "2026-11-23T14:00:00Z",
    "order": {"exam": "CT ABD PELVIS W CONTRAST", "reason": {"icd10cm": "R10.31", "text": "RLQ pain"}},
    "child": {"age": "9 years"},
}


@contextmanager
def service(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that serves, perhaps not yet; killed at the end if it still runs."""
    port = free_port()
    environment = {**os.environ, "CDS_DATA": str(folder), "CDS_PORT": str(port), "CDS_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", "cds_service.cli", "serve"], cwd=ROOT, env=environment)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def ready(base: str) -> bool:
    try:
        return httpx.get(base + "/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def until_ready(process: subprocess.Popen[bytes], base: str) -> None:
    end = time.monotonic() + 60
    while not ready(base):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)


def test_row_126_a_stop_under_load_finishes_what_was_accepted(tmp_path: Path) -> None:
    with service(tmp_path) as (process, base):
        until_ready(process, base)
        acknowledged: list[str] = []
        statuses: list[int] = []

        def report(worker: int) -> None:
            with httpx.Client(base_url=base, timeout=20) as client:
                for n in range(10_000):
                    name = f"{worker}-{n}"
                    body = json.dumps({"feedback": [{"card": name, "outcome": "accepted"}]})
                    try:
                        answer = client.post(SIGN + "/feedback", content=body)
                    except httpx.TransportError:
                        return
                    statuses.append(answer.status_code)
                    if answer.status_code == 200:
                        acknowledged.append(name)

        workers = [threading.Thread(target=report, args=(one,)) for one in range(4)]
        for one in workers:
            one.start()
        while len(acknowledged) < 20:
            time.sleep(0.01)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait(15)
        assert time.monotonic() - began < 15
        for one in workers:
            one.join()
    assert status == 0 and set(statuses) <= {200, 503}
    assert set(acknowledged) <= {row["card"] for row in rows(tmp_path, "feedback")}


def test_row_127_the_first_answer_after_a_cold_start_is_right_and_fast(tmp_path: Path) -> None:
    body = request(APPENDIX)
    with service(tmp_path) as (process, base):
        early: list[int] = []
        end = time.monotonic() + 60
        while not ready(base):
            assert process.poll() is None and time.monotonic() < end
            try:
                early.append(httpx.post(base + SIGN, json=body).status_code)
            except httpx.TransportError:
                continue
        began = time.monotonic()
        first = httpx.post(base + SIGN, json=body)
        seconds = time.monotonic() - began
        again = httpx.post(base + SIGN, json=body).json()
    assert set(early) <= {503, 200}, "before it is ready it says so, or is right already"
    assert first.json()["cards"], "the first is no empty answer"
    assert [card["summary"] for card in first.json()["cards"]] == [card["summary"] for card in again["cards"]]
    assert seconds < 1.5
