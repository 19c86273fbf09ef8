"""Traces: the steps of a call, by name, and never a word of whom it was about."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cds_service.app import build
from cds_service.telemetry.traces import Traces
from tests.hooks.requests import body
from tests.http.rim import SIGN, Rim

CALL = "POST /cds-services/{service_id}"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "who=kid-1", "baggage": "patient=kid-1"}


class Traced(Rim):
    """The app with its real parts and spans kept in memory."""

    def __init__(self, tmp_path, **environment):
        super().__init__(CDS_DATA=str(tmp_path / "data"), **environment)
        self.exporter = InMemorySpanExporter()
        self.traces = Traces(self.exporter)
        self.app = build(self.settings, traces=self.traces)

    def spans(self):
        self.traces._provider.force_flush()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced(tmp_path):
    rim = Traced(tmp_path)
    yield rim
    rim.traces.close()


def test_a_call_is_a_server_span_with_its_steps_below(traced):
    assert traced.post(body(), **CALLER).status_code == 200
    spans = traced.spans()
    server = spans[CALL]
    assert server.kind is SpanKind.SERVER and server.attributes["http.response.status_code"] == 200
    assert server.attributes["http.route"] == "/cds-services/{service_id}"
    assert {"parse", "record", "judge"} <= set(spans)
    assert all(spans[name].parent.span_id == server.context.span_id for name in ("parse", "record", "judge"))


def test_the_callers_trace_goes_on(traced):
    traced.post(body(), **CALLER)
    server = traced.spans()[CALL]
    assert f"{server.context.trace_id:032x}" == TRACE and f"{server.parent.span_id:016x}" == PARENT
    assert not server.context.trace_state


@pytest.mark.parametrize("sent", ["", "00-x-y-01", "a" * 9000, f"00-{'0' * 32}-{PARENT}-01"])
def test_a_parent_that_is_none_begins_a_new_trace(traced, sent):
    assert traced.post(body(), traceparent=sent).status_code == 200
    assert traced.spans()[CALL].parent is None


def test_refusals_and_other_routes_have_their_span(traced):
    traced.ask_all(
        ("POST", SIGN, {"content": b"{"}),
        ("POST", SIGN + "/feedback", {"content": b"{"}),
        ("GET", "/cds-services", {}),
    )
    statuses = {name: span.attributes.get("http.response.status_code") for name, span in traced.spans().items()}
    assert statuses[CALL] == 400 and statuses["GET /cds-services"] == 200
    assert statuses["POST /cds-services/{service_id}/feedback"] == 400


def test_a_look_up_is_a_client_span_that_names_the_server_only(tmp_path):
    rim = Traced(tmp_path, CDS_FHIR_SERVERS="http://127.0.0.1:9/fhir")
    access = {"access_token": "token-1", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "y"}

    def without(one):
        one["prefetch"].clear()
        one.update(fhirServer="http://127.0.0.1:9/fhir", fhirAuthorization=access)

    rim.post(body(but=without))
    asked = rim.spans()["GET"]
    rim.traces.close()
    assert asked.kind is SpanKind.CLIENT and asked.status.status_code is StatusCode.ERROR
    assert dict(asked.attributes) == {
        "http.request.method": "GET", "server.address": "127.0.0.1", "server.port": 9, "error.type": "unreachable",
    }  # fmt: skip


def test_no_span_holds_anything_of_the_patient_or_the_caller(traced):
    told = body()
    traced.post(told, **CALLER)
    text = "\n".join(span.to_json() for span in traced.spans().values())
    for said in ("kid-", "Practitioner", "token", "order-sign", "tracestate=", "baggage", "localhost"):
        assert said not in text, said


def test_a_name_from_the_environment_comes_first(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-cds")
    traces = Traces(InMemorySpanExporter())
    assert traces._provider.resource.attributes["service.name"] == "our-cds"
    traces.close()


def test_nothing_of_it_is_loaded_or_wrapped_while_it_is_off():
    code = (
        "import sys; from cds_service.app import build; from cds_service.settings import read; app = build(read({}));"
        "assert type(app._call._app).__name__ == 'ServiceCall';"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk') or 'otlp' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_spans_reach_a_collector_on_this_machine(tmp_path, monkeypatch):
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        traces = Traces()
        rim = Rim()
        rim.app = build(
            rim.settings, traces=traces, assemble=lambda settings, metrics, traces: rim.assemble(settings, metrics)
        )
        rim.post(body())
        traces.close()
        server.shutdown()
        thread.join()
    (path, sent), *_ = got
    assert path == "/v1/traces" and CALL.encode() in sent and b"pediatric-imaging-cds" in sent
    assert b"kid-" not in sent
    assert json.loads(body())  # the call itself was a real one
