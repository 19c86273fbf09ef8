"""A client that lives in a browser, on another origin, can read every answer; and no card comes alive in it."""

from __future__ import annotations

import html
import json
import re

import pytest
from markdown_it import MarkdownIt
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.conftest import DIRECT, Ehr, Quiet, serving
from tests.http.rim import SELECT, SIGN
from tests.properties.children import call, order

pytestmark = pytest.mark.browser

CALL = call(order("CT belly twice", "right lower quadrant pain"))
SHOWN = call(order("CT belly twice", "right lower quadrant pain", patient="kid-2"), patient="kid-2")
SUMMARY = "CT abdomen and pelvis without and with contrast: consider ultrasound of the right lower quadrant instead"
FEEDBACK = SIGN + "/feedback"
LONG = ("constipation", "secondary-headache-features", "suspected-appendicitis", "safe-dose-history")
"""Rules with sources at long addresses."""


def metric(base: str, line: str) -> float:
    with DIRECT.open(f"{base}/metrics", timeout=5) as answer:
        found = [one for one in answer.read().decode().splitlines() if one.startswith(line)]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_discovery_is_read_across_origins(ehr: Ehr):
    answer = ehr.ask("/cds-services")
    assert answer["status"] == 200
    assert {one["hook"] for one in answer["json"]["services"]} == {"order-sign", "order-select"}


def test_a_call_with_token_and_json_passes_the_preflight_and_its_card_is_read(ehr: Ehr):
    answer = ehr.ask(SIGN, CALL)
    assert (answer["status"], answer["type"]) == (200, "application/json")
    assert [card["summary"] for card in answer["json"]["cards"]] == [SUMMARY]


def test_a_header_nobody_agreed_on_is_stopped_by_the_preflight(ehr: Ehr):
    assert "blocked" in ehr.ask(SIGN, CALL, **{"X-Vendor": "1"})


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (SIGN, "{", 400, "invalid"),
        (SIGN, {**CALL, "hook": "order-select"}, 400, "invalid"),
        (SELECT, CALL, 400, "invalid"),
        (FEEDBACK, {"feedback": [{"card": "c"}]}, 400, "invalid"),
        ("/cds-services/none", CALL, 404, "not-found"),
        ("/nothing", CALL, 404, "not-found"),
        ("/cds-services", CALL, 405, "not-supported"),
        (SIGN, {**CALL, "prefetch": {}}, 412, "incomplete"),
    ],
)
def test_refusals_are_read_across_origins(ehr: Ehr, path, body, status, code):
    answer = ehr.ask(path, body)
    assert (answer["status"], answer["type"]) == (status, "application/fhir+json")
    assert answer["json"]["issue"][0]["code"] == code


def test_a_wrong_content_type_is_refused_in_words_that_are_read(ehr: Ehr):
    assert ehr.ask(SIGN, CALL, **{"Content-Type": "text/html"})["status"] == 415


def test_the_card_is_shown_and_what_the_clinician_does_with_it_arrives(ehr: Ehr):
    (card,) = ehr.ask(SIGN, SHOWN)["json"]["cards"]
    ehr.browser.execute_script("show(arguments[0], arguments[1])", card, ehr.base + FEEDBACK)
    shown = ehr.browser.find_element(By.TAG_NAME, "article")
    assert shown.find_element(By.TAG_NAME, "h2").text == SUMMARY
    labels = [one["label"] for one in card["suggestions"]] + [one["display"] for one in card["overrideReasons"]]
    buttons = shown.find_elements(By.TAG_NAME, "button")
    assert [button.text for button in buttons] == labels
    for button, outcome in ((buttons[0], "accepted"), (buttons[-1], "overridden")):
        button.click()
        WebDriverWait(ehr.browser, 10).until(lambda _, said=outcome: _told(ehr, said))
    assert [one.text for one in shown.find_elements(By.TAG_NAME, "footer")] == ["told: 200", "told: 200"]
    assert ehr.ask(SIGN, SHOWN)["json"]["cards"] == [], "what was overridden is not shown again in this visit"


def _told(ehr: Ehr, outcome: str) -> bool:
    return metric(ehr.base, f'cds_feedback_total{{outcome="{outcome}"}}') == 1.0


def test_only_the_origins_a_hospital_names_may_read(ehr: Ehr, page: str, tmp_path):
    origin = page.removesuffix("/ehr.html")
    with serving(tmp_path / "other", CDS_CORS_ORIGINS="https://ehr.example.org") as base:
        assert "blocked" in Ehr(ehr.browser, base).ask(SIGN, CALL)
        assert "blocked" in Ehr(ehr.browser, base).ask("/cds-services")
    with serving(tmp_path / "named", CDS_CORS_ORIGINS=f"https://ehr.example.org,{origin}") as base:
        assert Ehr(ehr.browser, base).ask(SIGN, CALL)["status"] == 200


# text of the record in a browser

ATTACKS = (
    "<script>fetch('/hit-script')</script>",
    "<img src=/hit-img onerror=\"fetch('/hit-error')\">",
    "![x](/hit-markdown.png)",
    "[read this](javascript:fetch('/hit-link'))",
    "<a href=//evil.example>x</a>",
    "<svg onload=\"fetch('/hit-svg')\">",
    "<https://evil.example/a>",
)


def hostile(attack: str):
    """A call in which every text of the order that a card may repeat holds the attack."""
    asked = order("CT belly twice", "right lower quadrant pain")
    asked["code"] = {"text": f"CT abdomen pelvis without and with contrast {attack}"}
    asked["reasonCode"][0]["text"] = f"right lower quadrant pain {attack}"
    asked["reasonCode"][0]["coding"][0]["display"] = f"{attack} right lower quadrant pain"
    asked["reasonCode"].append({"text": f"appendicitis {attack}"})
    asked["note"] = [{"text": attack}]
    return call(asked)


def texts(card) -> list[str]:
    """Everything of a card that a client shows."""
    said = [card["summary"], card["source"]["label"], card["source"]["topic"]["display"]]
    for suggestion in card.get("suggestions", ()):
        said += [suggestion["label"], *(action["description"] for action in suggestion["actions"])]
    return said + [one["display"] for one in card.get("overrideReasons", ())]


def careless() -> MarkdownIt:
    """Markdown as the least careful client reads it: with HTML and any link."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda _: True  # type: ignore[method-assign]
    return parser


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_hostile_order_comes_alive_in_a_card(ehr: Ehr, attack):
    cards = ehr.ask(SIGN, hostile(attack))["json"]["cards"]
    assert attack[:8] in html.unescape(re.sub(r"\\|(?<=https)[ ]", "", cards[0]["detail"])), "the card repeats it"
    for card in cards:
        for shown in (*map(careless().render, [card["detail"], *texts(card)]), *texts(card)):
            assert ehr.browser.execute_script("return showLive(arguments[0])", shown) == 0, shown
    ehr.run("new Promise((done) => setTimeout(() => done(true), 150))")
    assert [path for path in Quiet.hits if "hit" in path] == []


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_same_text_unescaped_would_have_come_alive(ehr: Ehr, attack):
    assert ehr.browser.execute_script("return showLive(arguments[0])", careless().render(attack)) == 1


def test_the_words_of_a_hostile_order_are_shown_as_they_are(ehr: Ehr):
    (card,) = ehr.ask(SIGN, hostile("<b>now</b> *1* & [2](3)"))["json"]["cards"]
    ehr.browser.execute_script("showLive(arguments[0])", careless().render(card["detail"]))
    assert "<b>now</b> *1* & [2](3)" in ehr.browser.find_element(By.TAG_NAME, "section").text


def test_pages_of_rules_fit_a_phone_whatever_address_a_source_has(ehr: Ehr):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    with DIRECT.open(f"{ehr.base}/rules", timeout=5) as answer:
        names = [one["id"] for one in json.load(answer)["rules"]]
    ehr.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        wide = []
        for page in ("/rules", *(f"/rules/{name}" for name in names if name in LONG)):
            ehr.browser.get(ehr.base + page)
            wide += [page] * (ehr.browser.execute_script("return document.documentElement.scrollWidth") > 360)
    finally:
        ehr.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert set(LONG) <= set(names) and not wide
