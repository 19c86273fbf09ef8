import io
import json
import logging
import re

import pytest

from cds_service import __version__
from cds_service.telemetry import FIELDS, Metrics, allowed, configure, log, place
from cds_service.telemetry import lines as log_lines


@pytest.fixture
def lines():
    """What is logged while a test runs."""
    stream = io.StringIO()
    configure("info", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object(lines):
    log().info("advised", service="order-sign", cards=1, milliseconds=0.7)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "advised", "level": "info", "service": "order-sign", "cards": 1, "milliseconds": 0.7}


def test_what_is_not_on_the_list_is_dropped(lines):
    log().warning("refused", patient="kid-1", token="abc", body={"name": "Jane"}, exception="Jane")
    assert "Jane" not in json.dumps(lines()) and "kid-1" not in json.dumps(lines())
    assert set(lines()[0]) <= FIELDS


def test_no_field_can_name_a_patient_or_a_token():
    assert not FIELDS & {"patient", "patient_id", "token", "body", "url", "path", "message", "exception", "user"}


def test_a_value_cannot_forge_a_line(lines):
    log().info("refused", reason='x\n{"event": "forged"}', error="y" * 9999)
    (line,) = lines()
    assert "\n" not in line["reason"] and len(line["error"]) <= 300


@pytest.mark.parametrize("value", [None, True, 5, 0.5])
def test_numbers_and_truths_stay(value):
    assert allowed(None, "", {"count": value}) == {"count": value}


def test_lists_become_text():
    assert allowed(None, "", {"rules": ["a", "b"]}) == {"rules": "['a', 'b']"}


def test_less_urgent_lines_are_left_out(lines):
    log().debug("detail")
    assert lines() == []


def test_other_libraries_say_only_that_they_spoke(lines):
    logging.getLogger("sqlalchemy").warning("GET https://ehr.example/Patient/kid-1")
    assert lines() == [{"event": "library", "level": "warning", "logger": "sqlalchemy"}]


def test_our_server_speaks_in_its_own_words(lines):
    logging.getLogger("uvicorn.error").info("Started server process")
    assert lines() == [{"event": "Started server process", "level": "info", "logger": "uvicorn.error"}]


def test_an_error_of_a_library_is_told_by_kind_and_place(lines):
    try:
        raise KeyError("kid-1")
    except KeyError:
        logging.getLogger("uvicorn.error").exception("Exception about kid-1")
    (line,) = lines()
    assert line["error"] == "KeyError" and line["place"].startswith(f"{__name__}:")
    assert "kid-1" not in json.dumps(line)


def test_requests_are_not_logged_by_libraries(lines):
    logging.getLogger("httpx").info("HTTP Request: GET https://ehr.example/Patient/kid-1")
    logging.getLogger("uvicorn.access").info("POST /cds-services/x?patient=kid-1")
    assert lines() == []


def test_place_is_where_it_was_raised():
    with pytest.raises(ValueError) as caught:
        log_lines.json.loads("x")
    assert place(caught.value).startswith("json.decoder:")


def test_what_was_never_raised_has_no_place():
    assert place(ValueError("Jane")) == ""


def test_counters_of_two_apps_do_not_mix():
    one, two = Metrics(), Metrics()
    one.requests.labels("order-sign", "200").inc()
    one.cards.labels("a-rule", "info").inc()
    assert b'cds_requests_total{service="order-sign",status="200"} 1.0' in one.text()
    assert b'cds_cards_total{indicator="info",rule="a-rule"} 1.0' in one.text()
    assert b'status="200"' not in two.text()


def test_cards_are_counted_by_rule_and_indicator():
    metrics = Metrics()
    for rule in ("one", "two", "one"):
        metrics.card(rule, "info")
    counted = metrics.text().decode()
    assert 'cds_cards_total{indicator="info",rule="one"} 2.0' in counted
    assert 'cds_cards_total{indicator="info",rule="two"} 1.0' in counted


def test_a_logger_configured_anew_is_the_one_in_use(lines):
    configure("warning", io.StringIO())
    log().warning("elsewhere")
    assert lines() == []


def test_a_closed_stream_loses_lines_and_nothing_else():
    stream = io.StringIO()
    configure("info", stream)
    stream.close()
    log().info("advised", cards=1)
    logging.getLogger("a library").warning("gone")


def test_standard_error_is_the_one_of_the_moment(capsys):
    configure("info")
    log().info("advised", cards=1)
    assert json.loads(capsys.readouterr().err)["cards"] == 1


def test_a_metric_asked_for_again_is_the_same_one():
    metrics = Metrics()
    metrics.counter("cds_requests", "Calls answered.", "service", "status").labels("order-sign", "200").inc()
    assert metrics.counter("cds_requests", "", "service", "status") is metrics.requests
    assert b'cds_requests_total{service="order-sign",status="200"} 1.0' in metrics.text()


def test_what_is_counted_elsewhere_is_asked_for_when_somebody_looks():
    metrics, dropped = Metrics(), iter([2, 5])
    metrics.total("cds_dropped_records", "Records dropped.", lambda: 0)
    metrics.total("cds_dropped_records", "Records dropped.", lambda: next(dropped))
    assert b"cds_dropped_records_total 2.0" in metrics.text()
    assert b"cds_dropped_records_total 5.0" in metrics.text()


def test_memory_and_version_are_told():
    text = Metrics().text().decode()
    assert re.search(r"^process_resident_memory_bytes \d", text, re.M)
    assert f'cds_build{{version="{__version__}"}} 1.0' in text


def test_names_follow_the_conventions():
    families = list(Metrics().registry.collect())
    ours = [one for one in families if not one.name.startswith(("process_", "python_"))]
    assert len(ours) > 10
    for one in ours:
        assert re.fullmatch(r"cds_[a-z]+(_[a-z]+)*", one.name), one.name
        assert one.documentation.endswith("."), one.name
        assert not one.name.endswith(("_milliseconds", "_ms", "_kb", "_count", "_sum", "_total")), one.name
        assert one.type != "histogram" or one.name.endswith("_seconds"), one.name
