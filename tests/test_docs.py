"""The generated pages say what is so, and notice when they no longer do."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service import docs
from cds_service.settings import SETTINGS
from tests.rules.desk import HEAD
from tests.small import APPROVED, BELLY, changed, made
from tests.test_content import FEVERISH

README = "# Us\n\n<!-- settings -->\nold\n<!-- /settings -->\n\nMore.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a README and an empty rules folder."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "README.md").write_text(README)
    return tmp_path


def test_pages_are_written_once_and_are_then_up_to_date(root):
    content = made()
    pages = ["rules/README.md", "rules/COVERAGE.md", "rules/FACTS.md", "rules/rule.schema.json", "README.md"]
    assert docs.stale(root, content) == docs.write(root, content) == pages
    assert docs.stale(root, content) == docs.write(root, content) == []


def test_only_the_settings_part_of_the_readme_is_ours(root):
    docs.write(root, made())
    readme = (root / "README.md").read_text()
    assert readme.startswith("# Us\n\n<!-- settings -->\n| variable |") and readme.endswith(
        "<!-- /settings -->\n\nMore.\n"
    )
    assert "\nold\n" not in readme and all(f"| `{one.variable}` |" in readme for one in SETTINGS)


def test_without_a_readme_none_is_made(root):
    (root / "README.md").unlink()
    assert "README.md" not in docs.write(root, made())


@pytest.mark.parametrize(
    ("changes", "pages"),
    [
        ({"belly": changed(BELLY, "title: Belly ache", "title: Sore belly")}, ["rules/README.md", "rules/COVERAGE.md"]),
        ({"feverish": FEVERISH}, ["rules/README.md", "rules/FACTS.md", "rules/rule.schema.json"]),
    ],
)
def test_a_change_of_content_makes_its_pages_stale(root, changes, pages):
    docs.write(root, made())
    assert docs.stale(root, made(**changes)) == pages


def test_the_catalog_names_every_rule_with_its_file_status_version_and_sources():
    page = docs.catalog(made(feverish=FEVERISH))
    assert "2 topics, 2 checks, 3 safety rules and 1 definitions, with 9 examples" in page
    for name in ("belly", "head", "passes", "width", "safe-adult", "safe-shaky", "safe-done", "feverish"):
        assert f"[{name}]({name}.yaml)" in page
    assert "| [passes](passes.yaml) | More than one phase | active | 1 | guide |" in page
    assert "- `guide`: The guide (2020)." in page and "Another" not in page


def test_the_catalog_lists_thresholds_with_what_a_site_may_choose():
    page = docs.catalog(made())
    assert "| low | 3 points | 2 points to 4 points | Low risk up to here. |" in page
    assert "| passes | two | 2 passes | no other | More than one pass. |" in page


def test_the_catalog_tells_what_is_best_in_each_situation():
    page = docs.catalog(made())
    assert "| Low risk | guide | 3 | nothing: no imaging now |" in page
    assert "| Middle risk | guide | 5 | usually appropriate: US abdomen, US right-lower-quadrant |" in page


def test_a_situation_without_ratings_tells_what_is_preferred_or_said():
    prefers = "preferences: [{prefer: [MR head without contrast], over: [CT head without contrast], source: guide, because: So.}]"
    rated = "    ratings: {usually not appropriate: [MR head without contrast, CT head without contrast]}\n"
    text = changed(HEAD, rated, "    not_needed: [CT head]\n")
    assert "| No fever | guide | 0 | No imaging is needed. |" in docs.catalog(made(head=text))
    text = changed(changed(text, "no_imaging: No imaging is needed.", prefers), "    not_needed: [CT head]\n", "")
    assert "| No fever | guide | 0 | preferred: MR head without contrast |" in docs.catalog(made(head=text))


def test_the_example_of_a_choice_is_one_that_is_allowed():
    page = docs.catalog(made())
    choice = page.split("```yaml\n")[1].split("```")[0].replace("   ", "", 1)
    assert "belly:" in choice and "thresholds: {covered: 18 years}" in choice
    lines = [line.removeprefix("   ") for line in choice.splitlines()]
    made(site="\n".join(lines))  # raises when it is not


def test_without_anything_to_choose_the_example_is_still_one():
    closed = BELLY
    for part in (
        "allowed: [16 years, 21 years], ",
        "allowed: [2 points, 4 points], ",
        "allowed: [6 points, 8 points], ",
    ):
        closed = changed(closed, part, "")
    assert "thresholds: {a_threshold: 12 hours}" in docs.catalog(made(belly=closed))


def test_drafts_and_retired_rules_stand_apart():
    page = docs.catalog(made(site=f"head: {{status: draft, reason: So., approved: {APPROVED}}}\n"))
    assert "[head](head.yaml)" in page.split("## Drafts and retired rules")[1]
    assert "## Drafts" not in docs.catalog(made())


def test_the_facts_have_their_kind_meaning_words_and_absence():
    page = docs.fact_list(made(feverish=FEVERISH).facts)
    assert "\n- modality: CT, MR (MRI), US (ultrasound)," in page and ", right-lower-quadrant," in page
    assert "\nbad-belly, belly-ache, other-thing, sore-head.\n" in page
    assert "| `sign.severity` | choice | How bad. | mild, severe | unknown |" in page
    assert "| `score.belly` | number | A score. | points | unknown |" in page
    assert "| `sign.feverish` | flag | Fever, as others call it. |  | unknown |" in page
    assert "words, see below |" in page


def test_pages_are_no_content(root):
    """A page written beside the rules must not be read as one."""
    from cds_service.folders import snapshot

    docs.write(root, made())
    assert snapshot(root / "rules", "rules") == {}
