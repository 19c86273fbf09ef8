"""The page of one rule, for a clinician in a hurry first and a regulator with time below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cds_service.cards.values import spoken_day
from cds_service.rules.predictive import PREDICTIVE
from cds_service.transparency.html import Html, code, document, joined, tag
from cds_service.transparency.sheet import KINDS
from cds_service.transparency.style import STYLE

STATUS: Final = {
    "active": ("In force", "on"),
    "silent": ("Judged and logged, not shown", "watch"),
    "draft": ("Draft, not in use", "off"),
    "retired": ("Retired", "off"),
}
"""A rule's status → how a page says it, and its colour."""

_ASIDE: Final = ("Not in force today", "off")
_RATED: Final = {
    "usually appropriate": "good",
    "may be appropriate": "may",
    "usually not appropriate": "bad",
}
_UNKNOWN: Final = {
    "silence": "When a deciding fact is unknown it stays silent.",
    "ask": "When one unknown fact would decide it asks for it, outside emergencies.",
    "acts": "It acts when the facts are unknown, too.",
    "does not act": "It acts only on what is known or suspected.",
}


def rule_page(told: Mapping[str, Any], written: str) -> str:
    """The page for what a rule *told*, with its file as *written*."""
    sections = [
        ("does", "What it does", _does(told)),
        ("when", "When it speaks", _when(told)),
        ("numbers", "Its numbers", _numbers(told)),
        ("facts", "What it looks at", _facts(told)),
        ("sources", "Sources", _sources(told)),
        ("limits", "Limits", _limits(told)),
        ("tests", "How it was tested", _tests(told)),
        ("made", "Who made and reviewed it", _made(told)),
        ("attributes", "Source attributes", _attributes(told)),
        ("written", "The rule itself", _written(written)),
    ]
    filled = [(name, title, list(inside)) for name, title, inside in sections]
    shown = [one for one in filled if one[2]]
    jump = tag("ul", *(tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in shown))
    body = tag("main", *(section(name, title, inside) for name, title, inside in shown), id="main")
    head = tag("header", *_head(told), tag("nav", jump, class_="jump", aria_label="On this page"))
    return document(f"{told['title']} · imaging advice for children", _SKIP, head, body, foot(told), style=STYLE)


_SKIP: Final = tag("a", "To the text", class_="skip", href="#main")


def section(name: str, title: str, inside: Sequence[Html]) -> Html:
    """A part of a page with its heading."""
    return tag("section", tag("h2", title, id=f"{name}-title"), *inside, id=name, aria_labelledby=f"{name}-title")


def pill(status: str, *, in_force: bool) -> Html:
    """The status in words, and in colour."""
    words, colour = _ASIDE if status in ("active", "silent") and not in_force else STATUS[status]
    return tag("li", words, class_=f"pill {colour}")


def foot(told: Mapping[str, Any]) -> Html:
    """Which content a page is of."""
    content = told["content"]
    said = f"Content {content['digest']}, as in force on {spoken_day(content['day'])}. No patient data is shown here."
    return tag("footer", tag("p", said))


def _head(told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("a", "All rules", href="../rules")
    yield tag("h1", told["title"])
    kind = tag("li", KINDS[told["kind"]], class_="pill off")
    version = tag("li", f"version {told['version']}", class_="pill off")
    yield tag("ul", pill(told["status"], in_force=told["inForce"]), kind, version, class_="pills")
    yield tag("p", review_said(told["review"]), class_="soft" if told["review"]["byClinician"] else "note")
    if told["siteChoice"]:
        yield tag("p", _choice(told), class_="note")


def review_said(review: Mapping[str, Any]) -> str:
    """Who reviewed it, and whether that was a clinician."""
    last, due = spoken_day(review["last"]) or review["last"], spoken_day(review["due"])
    when = f"Last reviewed on {last} by {review['by']}; due again {'since' if review['overdue'] else 'by'} {due}."
    return when if review["byClinician"] else f"No clinician has reviewed this rule yet. {when}"


def _choice(told: Mapping[str, Any]) -> str:
    choice = told["siteChoice"]
    until = f" until {spoken_day(choice['until'])}" if choice["until"] else ""
    status = f" Shipped as: {STATUS[choice['status']][0].lower()}." if choice["status"] else ""
    why = choice["reason"].rstrip(".")
    return f"This hospital changed it: {why}. Approved by {choice['by']} on {spoken_day(choice['on'])}{until}.{status}"


def _does(told: Mapping[str, Any]) -> Iterator[Html]:
    if told.get("says"):
        yield tag("p", told["says"], class_="lead")
    for effect in told.get("effect", ()):
        yield tag("p", f"It {effect}.")
    yield tag("p", " ".join(told["whatItDoes"].split()), class_="" if told.get("says") else "lead")
    yield tag(
        "dl", *_pairs(told, {"intendedUse": "Meant for", "users": "Used by", "role": "Its role", "output": "Gives"})
    )


def _pairs(told: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Html]:
    for name, label in names.items():
        yield joined(tag("dt", label), tag("dd", told[name]))


def _when(told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("p", told["population"])
    if told.get("reasons"):
        yield tag("p", tag("b", "Reasons for the exam: "), ", ".join(told["reasons"]) + ".")
    if told.get("silentWhen"):
        yield tag("h3", "It stays silent when one of these holds")
        yield _list(told["silentWhen"])
    if told.get("whenUnknown"):
        yield tag("p", _UNKNOWN[told["whenUnknown"]])
    situations = told.get("situations", ())
    if situations:
        yield tag("p", "Situations it tells apart, and how its source rates each exam there:")
    for one in situations:
        yield tag("article", *_situation(one))


def _situation(one: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h3", one["situation"])
    if one["noImaging"]:
        yield tag("p", one["noImaging"])
    yield tag(
        "ul",
        *(
            tag("li", tag("b", words.capitalize()), tag("span", _exams(one["ratings"][words])), class_=colour)
            for words, colour in _RATED.items()
            if words in one["ratings"]
        ),
        class_="rated",
    )
    for each in one["preferences"]:
        prefer, over = ("; ".join(exam["name"] for exam in each[name]) for name in ("prefer", "over"))
        yield tag("p", f"Preferred: {prefer}, over {over}. {each['because']} ({each['source']})")
    yield tag("p", tag("small", "Source: ", tag("a", one["cite"], href=f"#source-{one['source']}")))


def _exams(exams: Sequence[Mapping[str, str]]) -> str:
    said = "; ".join(one["name"] for one in exams)
    return said[:1].upper() + said[1:]


def _numbers(told: Mapping[str, Any]) -> Iterator[Html]:
    if told["thresholds"]:
        yield tag("dl", *(joined(*_number(one)) for one in told["thresholds"]))


def _number(one: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("dt", code(one["name"]))
    told = [tag("b", one["value"]), f" · {one['meaning']}"]
    if one["shipped"]:
        told.append(tag("span", f" This hospital's choice; shipped: {one['shipped']}.", class_="watch"))
    if one["allowed"]:
        told.append(tag("small", f" A hospital may choose {one['allowed'][0]} to {one['allowed'][1]}."))
    yield tag("dd", *told)


def _facts(told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("p", told["basis"])
    yield tag("dl", *(joined(*_fact(one)) for one in told["facts"]))


def _fact(one: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("dt", code(one["name"]))
    unit = f" In {one['unit']}." if one["unit"] else ""
    made = [" Put together by ", tag("a", one["definedBy"], href=one["definedBy"]), "."] if one["definedBy"] else []
    yield tag("dd", one["meaning"], unit, *made, tag("small", f" Nothing on record: {one['absent']}."))


def _sources(told: Mapping[str, Any]) -> Iterator[Html]:
    for one in told["sources"]:
        yield tag("h3", one["cite"], id=f"source-{one['id']}")
        where = ", ".join(one[name] for name in ("authors", "journal", "publisher", "year") if one.get(name))
        yield tag("p", where, *_found(one))
        told_of = " ".join(one[name] for name in ("supports", "checked", "note") if one.get(name))
        if told_of:
            yield tag("p", tag("small", told_of))


def _found(one: Mapping[str, str]) -> Iterator[Html]:
    address = f"https://doi.org/{one['doi']}" if one.get("doi") else one.get("url", "")
    if address.startswith(("https://", "http://")):
        yield joined(" · ", tag("a", address.partition("://")[2], href=address, rel="noreferrer noopener"))


def _limits(told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h3", "Not meant for")
    yield _list(told["cautions"])
    yield tag("h3", "Known limits")
    yield _list(told["limits"])


def _list(texts: Sequence[str]) -> Html:
    return tag("ul", *(tag("li", one) for one in texts), class_="plain")


def _tests(told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("p", told["testing"])
    examples = told["examples"]
    count = f"{len(examples)} example{'' if len(examples) == 1 else 's'} that run at every load"
    lines = (tag("li", one["name"], ": ", tag("b", one["expect"])) for one in examples)
    yield tag("details", tag("summary", count), tag("ul", *lines, class_="plain"))


def _made(told: Mapping[str, Any]) -> Iterator[Html]:
    names = {"developer": "Developer", "funding": "Funding", "released": "Released", "upkeep": "Upkeep"}
    yield tag("dl", *_pairs(told, names))
    yield tag("p", review_said(told["review"]))
    lines = (
        tag("li", f"Version {one['version']}, {one['on']}, {one['by']}: {one['change']}") for one in told["changes"]
    )
    yield tag("details", tag("summary", "Changes"), tag("ul", *lines, class_="plain"))


def _attributes(told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag(
        "p",
        "What 45 CFR 170.315(b)(11)(iv)(A) asks of an evidence-based decision support intervention. The pages above "
        "are the basis on which a clinician can review the advice independently.",
        class_="soft",
    )
    pairs = (
        joined(tag("dt", f"{number}. {one['label']}"), tag("dd", one["value"]))
        for number, one in enumerate(told["sourceAttributes"], 1)
    )
    yield tag("dl", *pairs)
    predictive = told["predictiveSourceAttributes"]
    if predictive:
        yield tag("h3", "This rule is predictive: paragraph (b)(11)(iv)(B)")
        yield tag("dl", *(joined(tag("dt", PREDICTIVE[name]), tag("dd", said)) for name, said in predictive.items()))


def _written(written: str) -> Iterator[Html]:
    yield tag("details", tag("summary", "As the service reads it"), tag("pre", written))
