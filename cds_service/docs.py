"""
The generated pages: the catalog of rules, every fact, the schema, and the settings in the README.

``write`` makes them anew, ``stale`` names those that no longer say what is so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cds_service.content import Content
from cds_service.enumeration.coverage import coverage
from cds_service.rules.rule import Rule, Safety, Threshold, Topic
from cds_service.rules.schema import rule_schema
from cds_service.settings import SETTINGS
from cds_service.vocabulary.exams import CONTRASTS, MODALITIES, TECHNIQUES
from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.regions import REGIONS

COVERAGE = "rules/COVERAGE.md"
_SETTINGS = re.compile(r"(?s)(<!-- settings -->\n).*?(<!-- /settings -->)")
_HEAD = """# The rules

This page is made by `cds-service docs`; edit the rules, not the page.

Every rule is one YAML file that carries everything about itself: why, who says so, its numbers, its logic, its
examples. {counts}

## To change one

1. **A number or a status**: not here, but in `site.yaml` in your own folder (`CDS_SITE`), inside the allowed range:

   ```yaml
   {rule}:
     status: silent        # judged and logged, not shown; or active, or draft
     thresholds: {{{threshold}: {value}}}
     reason: Why your hospital chooses so.
     approved: {{by: Imaging Stewardship, on: 2026-11-01, until: 2027-11-01}}
   ```

   When `until` has passed, the shipped values count again, and `cds-service check` says so.
2. **A rule**: edit the file; indent with spaces, never with tabs. Your editor knows its fields from
   `rule.schema.json`; the facts and all words are in [FACTS.md](FACTS.md).
3. `cds-service check` says whether it is right, with file, line and remedy, and which examples a site's choice
   changes. Its exit status is 0 when all is well, 1 when something is wrong, 2 when a setting is.
4. A running service takes a good edit within a second or two and keeps the last good rules when an edit is wrong:
   the log and `/health/ready` say why.
5. `cds-service explain request.json` tells for one request what was understood, what each rule said, and the card.
6. **Advice on a right order** (notes for the technologist, reference levels, whom to ask) is shipped as drafts, which
   are not judged: switch one on with `status: active`. Whom to ask for the hard ones also stands in `site.yaml`;
   nobody is offered that it does not name:

   ```yaml
   contacts:
     radiologist: {{name: Pediatric radiology on call, reference: PractitionerRole/on-call}}
     physicist: {{name: Medical physics, reference: Organization/physics}}
   ```

7. **PECARN, CATCH2 or CHALICE** for head injury: `head_injury_rule: catch2` (or `chalice`) in `site.yaml`. PECARN, the
   most sensitive of the three where they were compared, still decides who gets advice; the rule a site prefers is
   asked as well, and "no imaging now" is then said only where it finds nothing either. A finding nobody recorded counts
   as one. The choice never adds a card, and never speaks against a CT that PECARN asks for.

Safety rules can only silence, soften or remove advice. They are always active.

[COVERAGE.md](COVERAGE.md) tells for each situation and exam how it is rated and what the service says, and which
situations of the guidelines are not covered, and why.
"""


def pages(content: Content, readme: str = "") -> dict[str, str]:
    """Every generated page: its path in the repository → its text."""
    made = {
        "rules/README.md": catalog(content),
        COVERAGE: coverage(content),
        "rules/FACTS.md": fact_list(content.facts),
        "rules/rule.schema.json": schema(content),
    }
    if readme:
        made["README.md"] = _SETTINGS.sub(lambda found: found[1] + settings_table() + found[2], readme)
    return made


def schema(content: Content) -> str:
    """The JSON Schema of rule files."""
    return json.dumps(rule_schema(content.facts, content.overrides.reasons), indent=1, sort_keys=True) + "\n"


def catalog(content: Content) -> str:
    """The catalog of rules."""
    rules = content.rules
    counts = content.counts
    dormant = tuple(rule for rule in rules.dormant if not isinstance(rule, Safety))
    said = (
        f"{counts['topics']} topics, {counts['checks']} checks, {counts['safety']} safety rules and "
        f"{counts['definitions']} definitions, with {counts['examples']} examples that run at every load."
    )
    return "\n".join(
        [
            _HEAD.format(counts=said, **_an_example(rules.topics)),
            "## Topics\n",
            *(line for topic in _sorted(rules.topics) for line in _topic(topic)),
            "## Checks\n",
            *_table(rules.checks),
            "\n## Safety\n",
            *_table(tuple(rule for rule in rules.rules if isinstance(rule, Safety))),
            "\n## Definitions\n",
            *_table(rules.definitions),
            *(["\n## Drafts and retired rules\n", *_table(dormant)] if dormant else []),
            "\n## Sources\n",
            *_sources(rules.rules),
            "",
        ]
    )


def _an_example(topics: tuple[Topic, ...]) -> dict[str, object]:
    """A threshold a site may choose, for people to copy; its shipped value, which is always allowed."""
    open_to_sites = ((topic, one) for topic in topics for one in topic.thresholds.values() if one.low is not None)
    found = next(open_to_sites, None)
    if found is None:
        return {"rule": "a-rule", "threshold": "a_threshold", "value": "12 hours"}
    return {"rule": found[0].id, "threshold": found[1].name, "value": found[1].value}


def _sorted(rules: tuple[Topic, ...]) -> list[Topic]:
    return sorted(rules, key=lambda rule: rule.file)


def _link(rule: Rule) -> str:
    return f"[{rule.id}]({rule.file.removeprefix('rules/')})"


def _table(rules: tuple[Rule, ...]) -> Iterator[str]:
    yield "| rule | what it is about | status | version | sources |"
    yield "|---|---|---|---|---|"
    for rule in sorted(rules, key=lambda rule: rule.file):
        sources = ", ".join(dict.fromkeys(citation.id for citation in rule.citations))
        yield f"| {_link(rule)} | {rule.title} | {rule.status} | {rule.version} | {sources} |"
    named = [(rule.id, one) for rule in sorted(rules, key=lambda rule: rule.file) for one in rule.thresholds.values()]
    if named:
        yield "\n| rule | threshold | value | a site may choose | meaning |"
        yield "|---|---|---|---|---|"
        yield from (f"| {name} {_threshold(one)}" for name, one in named)


def _threshold(one: Threshold) -> str:
    allowed = f"{one.low} to {one.high}" if one.low is not None else "no other"
    return f"| {one.name} | {one.value} | {allowed} | {one.meaning} |"


def _topic(topic: Topic) -> Iterator[str]:
    yield f"### {topic.title}\n"
    yield f"{_link(topic)}, version {topic.version}, {topic.status}. When facts are missing: {topic.if_unknown}.\n"
    yield "| situation | source | rated | best rated |"
    yield "|---|---|---|---|"
    for variant in topic.variants:
        best = max((row.rating for row in variant.rows), default=None)
        shown = [str(row.exam) for row in variant.rows if row.rating is best]
        words = f"{best.words}: {', '.join(shown)}" if best is not None and best > 1 else "nothing: no imaging now"
        if best is None:
            prefers = [str(exam) for preference in variant.preferences for exam in preference.prefer]
            words = f"preferred: {', '.join(prefers)}" if prefers else variant.no_imaging
        yield f"| {variant.situation} | {variant.citation.id} | {len(variant.rows)} | {words} |"
    if topic.thresholds:
        yield "\n| threshold | value | a site may choose | meaning |"
        yield "|---|---|---|---|"
        yield from map(_threshold, topic.thresholds.values())
    yield ""


def _sources(rules: tuple[Rule, ...]) -> Iterator[str]:
    cited = {citation.id: citation for rule in rules for citation in rule.citations}
    for name, one in sorted(cited.items()):
        where = f" doi:{one.doi}" if one.doi else ""
        yield f"- `{name}`: {one.cite}{f' ({one.year})' if one.year and one.year not in one.cite else ''}.{where}"


def fact_list(facts: Mapping[str, Fact]) -> str:
    """Every fact a rule may ask about."""
    lines = [
        "# The facts a rule may ask about",
        "",
        "Made by `cds-service docs`. Every fact answers yes, no or unknown; no record of a finding is not a normal",
        "finding.",
        "",
        "| fact | kind | meaning | values or unit | when absent |",
        "|---|---|---|---|---|",
    ]
    for name, fact in sorted(facts.items()):
        words = ", ".join(sorted(fact.choices)) if 0 < len(fact.choices) <= 12 else f"{len(fact.choices) or ''}"
        more = fact.unit or (words if len(fact.choices) <= 12 else f"{words} words, see below")
        lines.append(f"| `{name}` | {fact.kind.value} | {fact.meaning} | {more} | {fact.absent} |")
    return "\n".join([*lines, "", *_words(facts["order.reason"].choices)]) + "\n"


def _words(reasons: frozenset[str]) -> Iterator[str]:
    """Every word an exam phrase or a reason is made of, for whoever writes one."""
    yield "## Words of exams"
    yield ""
    yield "An exam is a modality, techniques where it has any, regions joined by a plus sign, and contrast where known:"
    yield "`CT abdomen+pelvis with contrast`, `MR fast head without contrast`, `US appendix`."
    yield ""
    yield "- modality: " + ", ".join(f"{code} ({name})" if code != name else code for code, name in MODALITIES.items())
    yield "- technique: " + ", ".join(sorted(TECHNIQUES))
    yield "- region: " + ", ".join(sorted(REGIONS))
    yield "- contrast: " + ", ".join(f"{one} contrast" for one in CONTRASTS)
    yield ""
    yield "## Words of reasons"
    yield ""
    yield "The codes and texts behind each stand in [codes/reasons](codes/reasons/README.md)."
    yield ""
    yield ", ".join(sorted(reasons)) + "."


def settings_table() -> str:
    """The settings as a Markdown table."""
    rows = [f"| `{one.variable}` | {one.kind} | {one.default} | {one.meaning} |" for one in SETTINGS]
    return "\n".join(["| variable | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def write(root: Path, content: Content) -> list[str]:
    """Write every page below *root*; the paths that changed."""
    changed = stale(root, content)
    for path in changed:
        (root / path).write_text(pages(content, _readme(root))[path])
    return changed


def stale(root: Path, content: Content) -> list[str]:
    """The pages below *root* that are missing or no longer say what is so."""
    return [path for path, text in pages(content, _readme(root)).items() if not _says(root / path, text)]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _readme(root: Path) -> str:
    readme = root / "README.md"
    return readme.read_text() if readme.is_file() else ""
