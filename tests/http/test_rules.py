"""Rules over HTTP: data and pages, for everybody, and nothing but rules."""

import json
import re

import pytest

from cds_service.app import build
from cds_service.http.ports import Parts
from cds_service.transparency.pages import POLICY, Pages
from tests.http.rim import Library, Rim, outcome
from tests.small import BELLY, changed, made
from tests.test_openapi import holds

PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Shown(Rim):
    """An app that shows the rules of small content."""

    def __init__(self, content=None, *, refused=False, **more):
        self.shown, self.refused = content or made(), refused
        super().__init__(**more)

    def assemble(self, settings, metrics):
        whole = super().assemble(settings, metrics)

        class With:
            async def __aenter__(_):
                parts = await whole.__aenter__()
                pages = Pages(lambda: self.shown, refused=lambda: self.refused)
                return Parts(parts.advisor, parts.feedback, parts.library, parts.clients, rules=pages)

            async def __aexit__(_, *error):
                return await whole.__aexit__(*error)

        return With()

    def page(self, path, **headers):
        return self.ask("GET", path, headers={**PAGE, **headers})


def test_data_is_the_answer_unless_a_browser_asks():
    rim = Shown()
    listed, one, page = rim.ask_all(
        ("GET", "/rules", {}), ("GET", "/rules/belly", {}), ("GET", "/rules/belly", {"headers": PAGE})
    )
    assert listed.json()["rules"][0]["id"] == "belly"
    assert one.json()["id"] == "belly" and one.headers["content-type"] == "application/json"
    assert page.headers["content-type"] == "text/html; charset=utf-8" and "<h1>Belly ache</h1>" in page.text
    assert {"accept"} <= {two.strip() for two in page.headers["vary"].lower().split(",")}
    holds(listed, "/rules", "get")
    holds(one, "/rules/{rule_id}", "get")
    holds(page, "/rules/{rule_id}", "get")


def test_a_suffix_says_which_whatever_the_browser_asks():
    assert Shown().page("/rules/belly.json").json()["id"] == "belly"
    assert "<h1>" in Shown().ask("GET", "/rules/belly.html").text


@pytest.mark.parametrize("path", ["/rules/none", "/rules/none.html", "/rules/BELLY", "/rules/belly/more", "/rules/"])
def test_what_is_no_rule_is_not_found(path):
    answer = Shown().page(path)
    assert answer.status_code == 404 and outcome(answer)["code"] == "not-found"


def test_without_content_the_pages_come_later():
    answer = Shown(library=Library(ready=False)).page("/rules")
    assert answer.status_code == 503 and answer.headers["retry-after"]


def test_a_page_that_is_known_is_not_sent_again_until_the_content_changes():
    rim = Shown()
    first = rim.page("/rules/belly")
    again = rim.page("/rules/belly", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    rim.shown = made(belly=changed(BELLY, "title: Belly ache", "title: Sore belly"))
    changed_page = rim.page("/rules/belly", **{"if-none-match": first.headers["etag"]})
    assert changed_page.status_code == 200 and "Sore belly" in changed_page.text
    assert changed_page.headers["etag"] != first.headers["etag"]
    assert "max-age=60" in first.headers["cache-control"]


def test_a_refused_edit_is_told_on_the_list():
    assert "last edit of the rules was refused" in Shown(refused=True).page("/rules").text
    assert "refused" not in Shown().page("/rules").text


def test_every_page_loads_nothing_and_runs_nothing():
    rim = Shown()
    for path in ("/rules", *(f"/rules/{one.id}" for one in rim.shown.rules.rules)):
        page = rim.page(path)
        assert page.headers["content-security-policy"] == POLICY
        assert not re.search(r"<(script|link|img|iframe|object|form|svg)\b|\bon\w+=|style=|@import|url\(", page.text)
        assert page.text.count("<style>") == 1


def test_every_page_is_a_document_people_can_use():
    rim = Shown()
    for path in ("/rules", "/rules/belly", "/rules/passes", "/rules/safe-adult"):
        text = rim.page(path).text
        assert '<html lang="en">' in text and '<meta name="viewport"' in text
        assert len(re.findall(r"<h1[ >]", text)) == 1 and re.search(r"<title>[^<]+</title>", text)
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
        assert set(re.findall(r'aria-labelledby="([^"]+)"', text)) <= set(ids)


def test_the_shipped_rules_all_have_their_page(tmp_path):
    rim = Rim(CDS_DATA=str(tmp_path))
    rim.app = build(rim.settings)
    listed = rim.ask("GET", "/rules").json()["rules"]
    asked = [("GET", f"/rules/{one['id']}", {"headers": PAGE}) for one in listed]
    data = [("GET", f"/rules/{one['id']}", {}) for one in listed]
    answers = rim.ask_all(*asked, *data)
    assert len(listed) > 100 and {one.status_code for one in answers} == {200}
    for one in answers[len(asked) :]:
        told = json.loads(one.content)
        assert len(told["sourceAttributes"]) == 13 and all(two["value"] for two in told["sourceAttributes"])
        assert all(
            told[name] for name in ("developer", "funding", "limits", "cautions", "examples", "sources", "changes")
        )
        assert "No clinician has reviewed this rule yet." in answers[answers.index(one) - len(asked)].text
