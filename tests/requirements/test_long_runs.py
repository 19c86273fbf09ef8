"""Fault run, fuzz, and memory over very many requests: short here, long with ``make soak``; what they measured is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.requirements import crowd, fault_run, figures, fuzz
from tests.requirements.service import ehr, running

IN_TIME = 1.1 * fault_run.DEADLINE * 1000
"""The deadline and a tenth more, in milliseconds."""
HONEST = {"callers' clocks ahead", "callers' clocks behind"}
"""Phases whose calls are refused, since their tokens are not valid now."""


def faults(folder: Path, seconds: float, rate: int = 50, **environment: str) -> list[fault_run.Phase]:
    """The phases of a fault run; advice was there throughout, and it ended well."""
    with ehr() as hospital, fault_run.prepared(folder, hospital, **environment) as run:
        run.rate = rate
        run.warm()
        phases = run.run(seconds)
        said = [line for line in run.service.said().splitlines() if '"level": "error"' in line or "Traceback" in line]
        assert all('"event": "feedback not stored"' in line for line in said), said[:5]
        counted = run.service.ask("GET", "/metrics").body.decode()
        assert 'cds_faults_total{kind="advice"}' not in counted and 'cds_faults_total{kind="late"}' not in counted
    for phase in phases:
        assert phase.availability == 1, str(phase)
        assert set(phase.statuses) == ({401} if phase.name in HONEST else {200}), str(phase)
        if "full" not in phase.name and "locked" not in phase.name and phase.name not in HONEST:
            assert set(phase.feedback) == {200}, str(phase)
        assert set(phase.feedback) <= {200, 401, 503, 507}, str(phase)
    return phases


def test_advice_goes_on_whatever_breaks(tmp_path):
    """Fewer calls with more time, and times are not held to: a machine that runs all tests at once is no measure."""
    phases = faults(tmp_path, 1.0, rate=15, CDS_DEADLINE_MS="2000")
    assert len(phases) == 12


@pytest.mark.soak
def test_advice_goes_on_in_time_whatever_breaks(tmp_path):
    phases = faults(tmp_path, 15.0)
    for phase in phases:
        figures.say(str(phase))
    times = sorted(second for phase in phases for second in phase.seconds)
    p99 = times[int(0.99 * len(times))] * 1000
    figures.say(f"fault run  {len(times)} calls, p99 of all {p99:.1f} ms (bar {IN_TIME:.0f}), "
                f"p50 while nothing is wrong {phases[0].at(0.5):.1f} ms (bar 25)")  # fmt: skip
    assert all(phase.at(0.99) <= IN_TIME for phase in phases)
    assert phases[0].at(0.5) <= 25 and phases[-1].at(0.5) <= 25


@pytest.mark.soak
def test_rows_81_82_84_85_86_88_twenty_thousand_fuzzed_requests(tmp_path):
    with running(tmp_path) as service:
        run = fuzz.Run(service, seed=20_000)
        run.send(20_000)
        figures.say(f"fuzz       20000 requests, statuses {dict(sorted(run.statuses.items()))}, "
                    f"slowest {run.slowest * 1000:.0f} ms, {len(run.wrong)} wrong")  # fmt: skip
        assert run.troubles() == []


@pytest.mark.soak
def test_row_106_a_hundred_thousand_requests(tmp_path):
    with running(tmp_path, CDS_LOG_LEVEL="warning", CDS_CLIENT_RATE="0") as service:
        run = crowd.Crowd(service, hostile=0.2, seed=106)
        run.send(10_000)
        sizes = [service.memory()]
        for _ in range(9):
            run.send(10_000)
            sizes.append(service.memory())
        growth = (sizes[-1] - sizes[0]) / 9
        figures.say(f"memory     100000 requests, a fifth hostile: {sizes[0]:.1f} MB after 10000, {sizes[-1]:.1f} MB at the end, "
                    f"{growth:.2f} MB a 10000 (bar 0.5), median drift {run.drift():.2f} (bar 1.6)")  # fmt: skip
        figures.say(f"memory     after each 10000, in MB: {' '.join(f'{size:.1f}' for size in sizes)}")
        assert run.wrong == [] and growth <= 0.5 and run.drift() < 1.6
