"""Rows 129, 130 and 132: what is served to browsers, and what is not served at all."""

from __future__ import annotations

import re

import pytest

from tests.hooks.requests import body
from tests.http.rim import SIGN, Library, Rim, outcome
from tests.http.test_rules import PAGE, Shown
from tests.small import APPROVED, BELLY, changed, made

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
QUOTED = f'"{SCRIPT} {{order.name}} ]]> &amp; <!--"'


def test_row_129_pages_refuse_framing_and_name_their_type():
    for answer in (Shown().page("/rules"), Shown().page("/rules/belly")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "form-action 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/rules", "/rules/belly", "/rules/none", "/cds-services", "/health/live", "/health/ready"]
)
def test_row_129_every_answer_names_its_type_for_sure(path):
    assert Shown().ask("GET", path).headers["x-content-type-options"] == "nosniff"


def test_row_129_cors_lets_only_named_origins_read_and_never_with_credentials():
    rim = Shown(CDS_CORS_ORIGINS="https://ehr.example")
    told, foreign, asked = rim.ask_all(
        ("GET", "/rules", {"headers": {"origin": "https://ehr.example"}}),
        ("GET", "/rules", {"headers": {"origin": "https://evil.example"}}),
        ("OPTIONS", SIGN, {"headers": {"origin": "https://evil.example", "access-control-request-method": "POST"}}),
    )
    assert told.headers["access-control-allow-origin"] == "https://ehr.example"
    assert "access-control-allow-origin" not in foreign.headers and asked.status_code == 400
    assert "access-control-allow-credentials" not in told.headers


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_row_129_forms_of_foreign_pages_are_refused(kind):
    answer = Rim().ask("POST", SIGN, content=body(), headers={"content-type": kind, "origin": "https://evil.example"})
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_row_129_nothing_can_be_changed_through_the_pages(method):
    assert Shown().ask(method, "/rules/belly").status_code == 405


def test_row_130_script_in_rule_text_is_text():
    belly = changed(BELLY, "title: Belly ache", f"title: {SCRIPT}")
    for old in ("because: It is a bad belly.", "situation: Low risk"):
        belly = changed(belly, old, f"{old.partition(':')[0]}: {SCRIPT!r}")
    belly = changed(belly, "rationale: Because.", f"rationale: '{SCRIPT}'")
    belly = changed(belly, "name: Nothing else known", f"name: '{SCRIPT}'")
    belly = changed(belly, "change: First.", f"change: '{SCRIPT}'")
    belly = changed(belly, "if_unknown: ask", f"about: {{funding: '{SCRIPT}', limits: ['{SCRIPT}']}}\nif_unknown: ask")
    belly += f"# {SCRIPT} in a comment\n"
    site = f"belly: {{thresholds: {{low: 2 points}}, reason: '{SCRIPT}', approved: {APPROVED}}}\n"
    sources = f"guide: {{cite: '{SCRIPT}', year: 2020, url: 'javascript:alert(3)', note: '{SCRIPT}'}}\nother-guide: {{cite: B, year: 2021}}\n"
    rim = Shown(made(belly=belly, site=site, sources=sources))
    for path in ("/rules", "/rules/belly"):
        text = rim.page(path).text
        assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= (10 if "belly" in path else 1)
        assert "<script" not in text and "<img" not in text and "<!--" not in text
        assert not re.search(r'href="(?!https?://|#|\.\./rules|rules/|[a-z-]+")', text)
    assert rim.ask("GET", "/rules/belly").headers["content-type"] == "application/json"


def test_row_130_a_link_of_a_source_is_https_or_no_link():
    sources = "guide: {cite: A, year: 2020, url: 'javascript:alert(3)'}\nother-guide: {cite: B, doi: '10.1/\"x'}\n"
    text = Shown(made(sources=sources)).page("/rules/belly").text
    assert 'href="javascript' not in text and 'href="https://doi.org/10.1/"x' not in text


TRAVERSALS = [
    "/rules/../../etc/passwd",
    "/rules/..%2f..%2fetc%2fpasswd",
    "/rules/%2e%2e/%2e%2e/etc/passwd",
    "/rules/..%5c..%5cwindows",
    "/rules/belly%00.json",
    "/rules/rules%2fbelly.yaml",
    "/rules//etc/passwd",
    "/imaging-so-far/..%2f..%2fetc%2fpasswd",
    "/cds-services/..%2f..%2fetc%2fpasswd/feedback",
]
UNSERVED = ["/docs", "/redoc", "/openapi.json", "/openapi.yaml", "/.git", "/.git/config", "/.env", "/admin", "/debug",
            "/static/", "/rules.yaml", "/rules/belly.yaml", "/metrics/", "/health", "/server-status", "/favicon.ico"]  # fmt: skip


@pytest.mark.parametrize("path", [*TRAVERSALS, *UNSERVED])
def test_row_132_paths_that_are_not_served_are_not_found(path):
    answer = Shown().ask("GET", path)
    assert answer.status_code in (404, 405)
    assert outcome(answer)["diagnostics"] in (
        "There is nothing here.", "There is no such rule.", "This method is not served here.",
        "There is no such picture, or its link is over.",
    )  # fmt: skip


def test_row_132_health_tells_no_paths_and_no_secrets():
    from cds_service.errors import Problem

    problem = Problem("/srv/secret/place/rules/head/x.yaml", 3, "patient.aeg is not a fact")
    rim = Rim(library=Library(problems=(problem,)), CDS_DATABASE_URL="postgresql://cds:pa55word@db.internal/cds")
    for path in ("/health/ready", "/health/live", "/metrics"):
        text = rim.ask("GET", path).text
        assert "/srv" not in text and "secret" not in text and "pa55word" not in text and "db.internal" not in text
    assert "rules/head/x.yaml:3" in rim.ask("GET", "/health/ready").text


def test_row_132_a_page_of_a_rule_names_no_place_of_this_machine(tmp_path):
    for path in ("/rules", "/rules/belly"):
        for answer in (Shown().page(path), Shown().ask("GET", path)):
            assert "/work" not in answer.text and str(tmp_path.parent) not in answer.text and ".yaml" not in answer.text


def test_row_129_pages_do_not_ask_for_a_token():
    assert Shown().ask("GET", "/rules/belly", headers=PAGE).status_code == 200
