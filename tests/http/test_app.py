import asyncio
import gc
import sys
from contextlib import asynccontextmanager

import pytest

from cds_service.app import _called, announcer, build, server_options, settled
from cds_service.errors import SettingsError
from cds_service.http.routes import ServiceCall
from cds_service.settings import read
from cds_service.telemetry import Metrics
from tests.http.rim import SIGN, Rim


def test_discovery_is_there_whatever_else():
    rim = Rim()
    answer = rim.ask("GET", "/cds-services")
    assert answer.status_code == 200
    assert all("{{context.patientId}}" in str(one["prefetch"]) for one in answer.json()["services"])


def test_the_library_is_watched_while_the_app_lives():
    rim = Rim(CDS_RELOAD_SECONDS="0.5")

    async def run():
        async with rim.app.router.lifespan_context(rim.app):
            await asyncio.sleep(0)
            return asyncio.all_tasks()

    assert len(asyncio.run(run())) == 2
    assert rim.library.watched == [0.5]


def test_a_library_is_left_alone_when_reload_is_off():
    rim = Rim()
    rim.ask("GET", "/health/live")
    assert rim.library.watched == []


def test_what_was_loaded_at_start_is_not_walked_by_every_collection():
    with settled():
        assert gc.get_freeze_count() > 1000
    assert gc.get_freeze_count() == 0


def test_parts_are_closed_at_the_end():
    closed = []
    rim = Rim()

    @asynccontextmanager
    async def assemble(settings, metrics):
        async with rim.assemble(settings, metrics) as parts:
            yield parts
            closed.append(True)

    async def run(app):
        async with app.router.lifespan_context(app):
            assert not closed

    asyncio.run(run(build(rim.settings, assemble)))
    assert closed


def test_two_apps_share_nothing():
    one, two = Rim(), Rim()
    one.post(b"x")
    assert b"status=" not in two.ask("GET", "/metrics").content


def test_changes_of_content_are_counted_and_logged(capsys):
    metrics = Metrics()
    announce = announcer(metrics)
    announce("content_loaded", {"digest": "d", "revision": 2})
    announce("content_refused", {"problem": "rules/a.yaml:1: x", "digest": "d"})
    assert b'cds_content_total{event="content_loaded"} 1.0' in metrics.text()
    assert b'cds_content_total{event="content_refused"} 1.0' in metrics.text()
    assert "rules/a.yaml:1" in capsys.readouterr().out


def test_the_server_listens_to_this_machine_only():
    assert server_options(read({}))["host"] == "127.0.0.1"
    with pytest.raises(SettingsError):
        server_options(read({"CDS_HOST": "0.0.0.0"}))


def test_the_server_logs_no_paths_and_names_no_version():
    options = server_options(read({"CDS_PORT": "9001"}))
    assert options["port"] == 9001
    assert options["access_log"] is options["server_header"] is options["proxy_headers"] is False


def test_the_framework_sends_nothing_elsewhere():
    telemetry = Rim().app._telemetry
    assert not any(telemetry[name] for name in ("tracing", "metrics", "logs", "operation_spans", "auto_configure"))


class Untouchable:
    """Stands for the framework where it has nothing to do."""

    async def __call__(self, scope, receive, send):
        raise AssertionError("the framework was asked")


def passed_by(rim, path, **request):
    """Whether a request is answered without the framework."""
    rim.app.middleware_stack = Untouchable()
    try:
        return rim.ask(request.pop("method", "POST"), path, **request).status_code
    except AssertionError:
        return None


def test_a_call_of_a_server_goes_straight_to_its_endpoint():
    assert passed_by(Rim(), SIGN, content=b"x") == 400
    assert passed_by(Rim(), "/cds-services/no-such", content=b"x") == 404


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        (SIGN, {"headers": {"origin": "https://sandbox.example"}}),
        (SIGN, {"method": "GET"}),
        (f"{SIGN}/feedback", {}),
        ("/cds-services/", {}),
        ("/cds-services", {}),
        ("/other/order-sign", {}),
    ],
)
def test_everything_else_is_the_framework_s(path, request_):
    assert passed_by(Rim(), path, **request_) is None


def test_below_a_root_path_the_framework_finds_the_way():
    scope = {"type": "http", "method": "POST", "path": "/cds-services/order-sign", "headers": []}
    assert _called(scope) == "order-sign"
    assert _called({**scope, "root_path": "/cds-services"}) == ""
    assert _called({"type": "lifespan"}) == ""


def test_a_fault_on_the_straight_way_is_answered_like_any_other(monkeypatch):
    async def broken(*_):
        raise RuntimeError("Jane Doe")

    monkeypatch.setattr(ServiceCall, "_answer", broken)
    rim = Rim()
    answer = rim.post(b"{}")
    assert answer.status_code == 500
    assert "Jane" not in answer.text


def test_busy_threads_let_calls_through_while_the_app_lives():
    rim, before = Rim(), sys.getswitchinterval()

    async def run() -> float:
        async with rim.app.router.lifespan_context(rim.app):
            return sys.getswitchinterval()

    assert asyncio.run(run()) < 0.001 < before == sys.getswitchinterval()
