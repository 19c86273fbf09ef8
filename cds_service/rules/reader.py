"""Rule files → rules: each kind's own part, on top of what every rule has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cds_service.errors import PhraseError, Problem, nearest
from cds_service.findings import Activity, Advice, Indicator, ReasonOffer
from cds_service.rules.criteria import ALWAYS, Criterion, Scope, compile_block
from cds_service.rules.fields import Fields
from cds_service.rules.hints import hints
from cds_service.rules.metadata import CHOICES, ROLES, Desk, cite, read_examples, read_metadata, scope_of
from cds_service.rules.ratings import RATING_WORDS, Row
from cds_service.rules.rule import (
    Case,
    Check,
    Choice,
    Definition,
    Effect,
    Exception_,
    Level,
    Preference,
    Rule,
    Safety,
    Threshold,
    Topic,
    Variant,
)
from cds_service.vocabulary.exams import MODALITIES, Exam
from cds_service.vocabulary.facts import STATIC, Fact, Kind
from cds_service.vocabulary.quantities import Amount, quantity
from cds_service.yaml_source import Block, Text, line_of

TOPIC_EXPECTS = ("warning", "info", "preference", "no imaging", "ask", "silence")
CHECK_EXPECTS = ("warning", "info", "silence", "unknown")
SAFETY_EXPECTS = ("silences", "removes", "softens", "limits", "nothing")
_SHAPES = ("single-pass", "needed-regions")
_ONE_PASS = ("with", "without")
_APPROPRIATENESS = frozenset({Advice.INSTEAD, Advice.NO_IMAGING, Advice.PREFER, Advice.ASK})
_WORDS = {advice.value: advice for advice in Advice}


def read_rule(block: Any, file: str, desk: Desk, tuned: Mapping[str, Any] | None = None) -> Rule | None:
    """
    The rule of one file; None when it cannot be made. Problems go to ``desk.problems``.

    *tuned* holds the site's choices for this rule: threshold values and a status.
    """
    before = len(desk.problems)
    fields = Fields(block, file, desk.problems, "a rule")
    if len(desk.problems) > before:
        return None
    common = read_metadata(fields, desk)
    _tune(common, tuned or {})
    make = _KINDS.get(common["kind"])
    rule = make(fields, desk, common) if make is not None else None
    fields.finish()
    return rule if len(desk.problems) == before else None


def _tune(common: dict[str, Any], tuned: Mapping[str, Any]) -> None:
    thresholds: dict[str, Threshold] = common["thresholds"]
    for name, value in tuned.get("thresholds", {}).items():
        old = thresholds[name]
        thresholds[name] = replace(old, value=value, shipped=old.value)
    choice: Choice | None = tuned.get("choice")
    status = tuned.get("status", common["status"])
    if choice is not None and status != common["status"]:
        choice = choice._replace(status=common["status"])
    common |= {"status": status, "choice": choice}


def _exceptions(fields: Fields, scope: Scope, desk: Desk) -> tuple[Exception_, ...]:
    """Exceptions only take advice away: for them a suspicion is enough."""
    scope = scope._replace(suspected_counts=True)
    found = []
    for body in fields.items("unless"):
        one = Fields(body, fields.file, fields.problems, "an exception")
        because = one.text("because")
        unknown = one.text("unknown", "ignored", choices=("blocks", "ignored"))
        criterion = compile_block(body, scope, skip=("because", "unknown"))
        lines = hints(body, desk.defined, ("because", "unknown"))
        found.append(Exception_(because, criterion, unknown == "blocks", lines))
    return tuple(found)


def _unused(common: dict[str, Any], fields: Fields) -> None:
    """Thresholds that stand in no condition, readable or not; a slip in a condition is no reason to remove one."""
    written = set(_compared(fields.block))
    if written - set(fields.block_at("thresholds")):
        return
    for name, threshold in common["thresholds"].items():
        if name not in written:
            trouble = f"threshold {name} is not used"
            fields.problems.append(Problem(fields.file, threshold.line, trouble, "remove it"))


def _compared(node: Any) -> Iterator[str]:
    """Every threshold that conditions below *node* name, as in ``patient.age: {below: covered_age}``."""
    parts = node.items() if isinstance(node, Block) else (("", one) for one in node) if isinstance(node, list) else ()
    for key, value in parts:
        if "." in key and isinstance(value, Block):
            yield from (str(word) for how, word in value.items() if how != "result")
        elif key != "examples":
            yield from _compared(value)


def _reasons(block: Any) -> frozenset[str]:
    wanted = block.get(Text("order.reason")) if isinstance(block, Block) else None
    if wanted is None:
        return frozenset()
    return frozenset(str(word) for word in (wanted if isinstance(wanted, list) else [wanted]))


def _topic(fields: Fields, desk: Desk, common: dict[str, Any]) -> Topic:
    mentions: dict[str, set[Any]] = {}
    scope = scope_of(common["thresholds"], fields, desk)._replace(mentions=mentions)
    applies = fields.block_at("applies_to", required=True)
    reasons = _reasons(applies)
    if not reasons:
        fields.wrong(applies, "a topic applies to reasons", "add a line order.reason: … under applies_to")
    criterion = compile_block(applies, scope)
    unless = _exceptions(fields, scope, desk)
    variants = tuple(_variants(fields, desk, scope))
    card = Fields(fields.block_at("card"), fields.file, desk.problems, "card")
    overrides = _overrides(card, desk)
    card.finish()
    topic = Topic(
        **common,
        examples=read_examples(fields, desk, TOPIC_EXPECTS),
        applies_to=criterion,
        unless=unless,
        variants=variants,
        if_unknown=fields.text("if_unknown", "silence", choices=("silence", "ask")),
        questions=_questions(fields, desk),
        override_reasons=overrides,
        reasons=reasons,
        candidates=_candidates(variants),
        mentions={name: frozenset(values) for name, values in mentions.items()},
    )
    _unused(common, fields)
    return topic


def _overrides(card: Fields, desk: Desk) -> tuple[str, ...]:
    words = card.words("override_reasons")
    for word in words:
        if desk.override_reasons is not None and word not in desk.override_reasons:
            remedy = nearest(word, desk.override_reasons, "see rules/override-reasons.yaml")
            card.wrong(card.get("override_reasons"), f"{word} is not an override reason", remedy)
    return words


def _questions(fields: Fields, desk: Desk) -> dict[str, str]:
    questions = fields.block_at("questions")
    for name in questions:
        if name not in desk.facts:
            fields.wrong(name, f"{name} is not a fact", nearest(name, desk.facts, "see rules/FACTS.md"))
    return {str(name): str(question) for name, question in questions.items()}


def _candidates(variants: tuple[Variant, ...]) -> tuple[Exam, ...]:
    return tuple(dict.fromkeys(row.exam for variant in variants for row in variant.rows))


def _variants(fields: Fields, desk: Desk, scope: Scope) -> Iterator[Variant]:
    bodies = fields.items("variants")
    if not bodies:
        fields.wrong(fields.block, "a topic needs variants")
    seen: set[str] = set()
    for body in bodies:
        one = Fields(body, fields.file, desk.problems, "a variant")
        variant = _variant(one, desk, scope)
        if variant is None:
            continue
        if variant.id in seen:
            one.wrong(body, f"variant {variant.id} stands here twice", "give it another id")
        seen.add(variant.id)
        yield variant


def _variant(one: Fields, desk: Desk, scope: Scope) -> Variant | None:
    variant_id, situation = one.text("id"), one.text("situation")
    follows = one.text("follows", "")
    when = one.get("when")
    block = Block(one.line)
    block.update(when if isinstance(when, Block) else {})
    if follows and follows not in block:
        block[Text(follows, one.line_at("follows"))] = Text("some", one.line_at("follows"))
    criterion = compile_block(block, scope) if block else ALWAYS
    citation = cite(one.text("source"), one.get("source"), one, desk)
    rows = tuple(_rows(one))
    preferences = tuple(_preferences(one, desk))
    no_imaging, not_needed = one.text("no_imaging", ""), one.exams("not_needed")
    if not (rows or preferences or no_imaging):
        one.wrong(one.block, f"variant {variant_id} says nothing", "add ratings, preferences or no_imaging")
    if no_imaging and not rows and not not_needed:
        one.wrong(
            one.block, f"variant {variant_id} rates nothing", "say under not_needed which exams no_imaging is about"
        )
    overlap, yields = one.words("may_overlap"), one.words("yields_to")
    one.finish()
    if citation is None:
        return None
    return Variant(
        variant_id,
        situation,
        criterion,
        follows,
        citation,
        rows,
        no_imaging,
        not_needed,
        preferences,
        overlap,
        yields,
        _asked(block),
        one.line,
    )


def _asked(node: Any) -> frozenset[str]:
    """The reasons that help a block to hold: all it names, but for those that must not be there."""
    parts = [node] if isinstance(node, Block) else node if isinstance(node, list) else []
    found: frozenset[str] = frozenset()
    for part in parts:
        if isinstance(part, Block):
            found |= _reasons(part).union(*(_asked(inner) for key, inner in part.items() if key in ("any", "all")))
    return found


def _rows(one: Fields) -> Iterator[Row]:
    seen: dict[Exam, str] = {}
    ratings = Fields(one.block_at("ratings"), one.file, one.problems, "ratings")
    for words, rating in RATING_WORDS.items():
        for exam in ratings.exams(words):
            if exam in seen:
                ratings.wrong(ratings.get(words), f"{exam} is rated twice: {seen[exam]} and {words}", "keep one")
            seen[exam] = words
            yield Row(exam, rating)
    ratings.finish()


def _preferences(one: Fields, desk: Desk) -> Iterator[Preference]:
    for body in one.items("preferences"):
        fields = Fields(body, one.file, desk.problems, "a preference")
        citation = cite(fields.text("source"), body, fields, desk)
        prefer, over, because = fields.exams("prefer"), fields.exams("over"), fields.text("because")
        fields.finish()
        if citation is not None and prefer and over:
            yield Preference(prefer, over, citation, because)


def _check(fields: Fields, desk: Desk, common: dict[str, Any]) -> Check:
    scope = scope_of(common["thresholds"], fields, desk)
    applies = fields.get("applies_to")
    when = fields.block_at("when", required=True)
    advice = _WORDS.get(fields.text("advice", choices=tuple(_WORDS)), Advice.REMIND)
    derive = str(fields.get("alternatives")) if fields.get("alternatives") in _SHAPES else ""
    card = fields.inside("card", "{situation: …, because: …}")
    check = Check(
        **common,
        examples=read_examples(fields, desk, CHECK_EXPECTS),
        applies_to=compile_block(applies, scope) if applies is not None else ALWAYS,
        criterion=compile_block(when, scope),
        unless=_exceptions(fields, scope, desk),
        advice=advice,
        indicator=Indicator(card.text("indicator", "info", choices=("info", "warning")) or "info"),
        alternatives=() if derive else fields.exams("alternatives"),
        derive=derive,
        cancel=fields.yes("cancel"),
        offers=tuple(_offers(fields, desk)),
        situation=card.text("situation"),
        because=card.text("because"),
        if_unknown=fields.text("if_unknown", "silence", choices=("silence",)),
        override_reasons=_overrides(card, desk),
        modalities=_modalities(applies) or _modalities(when),
        levels=tuple(_levels(fields, scope)),
        wanted=dict(_wanted(fields, scope, desk)),
        note=fields.text("note", ""),
        contact=desk.contacts.get(fields.text("ask", "", choices=ROLES)),
    )
    card.finish()
    _unused(common, fields)
    return check


def _wanted(fields: Fields, scope: Scope, desk: Desk) -> Iterator[tuple[str, str]]:
    """The contrast of the one pass that answers each reason, each with its source."""
    for body in fields.items("wanted"):
        one = Fields(body, fields.file, fields.problems, "a wanted contrast")
        contrast = one.text("contrast", choices=_ONE_PASS)
        cite(one.text("source"), body, one, desk)
        reasons, known = one.words("reasons"), scope.facts["order.reason"].choices
        for reason in reasons:
            if known and reason not in known:
                one.wrong(one.block, f"{reason} is not a reason", nearest(reason, known, "see rules/codes/reasons"))
        one.finish()
        yield from ((reason, contrast) for reason in reasons)


def _levels(fields: Fields, scope: Scope) -> Iterator[Level]:
    for body in fields.items("levels"):
        one = Fields(body, fields.file, fields.problems, "a level")
        exams, text = one.exams("exam"), one.text("text")
        criterion = compile_block(one.block_at("when"), scope)
        activity = _activity(one) if one.get("activity") is not None else None
        one.finish()
        if len(exams) == 1:
            yield Level(exams[0], criterion, text, activity)
        else:
            one.wrong(one.block, "a level is that of one exam", "write exam: CT head without contrast")


def _activity(level: Fields) -> Activity:
    one = Fields(level.get("activity"), level.file, level.problems, "an activity")
    per_kg = [_amount_in(value, "MBq/kg", one) for value in one.items("per_kg")] or [0.0]
    least, most = one.get("least"), one.get("most")
    made = Activity(
        min(per_kg), max(per_kg), _amount_in(least, "MBq", one), 0 if most is None else _amount_in(most, "MBq", one)
    )
    one.finish()
    if 0 < made.most < made.least or not made.per_kg_low:
        one.wrong(one.block, "this activity is none", "give per_kg, and a most that is above the least")
    return made


def _amount_in(value: Any, unit: str, fields: Fields) -> float:
    try:
        amount = quantity(str(value))
    except PhraseError:
        amount = None
    if isinstance(amount, Amount) and amount.unit == unit and amount.value > 0:
        return amount.value
    fields.wrong(value, f"{value} is no activity", f"write it as in 37 {unit}")
    return 0.0


def _modalities(block: Any) -> frozenset[str]:
    wanted = block.get(Text("order.modality")) if isinstance(block, Block) else None
    return frozenset(str(word) for word in (wanted if isinstance(wanted, list) else [wanted] if wanted else []))


def _offers(fields: Fields, desk: Desk) -> Iterator[ReasonOffer]:
    for word in fields.items("offers"):
        reason = desk.reasons.get(str(word))
        concept = getattr(reason, "concept", None)
        if reason is None or concept is None:
            fields.wrong(word, f"{word} is not a reason that can be offered", "see rules/codes/reasons")
            continue
        yield ReasonOffer(str(word), reason.label, concept, frozenset(reason.regions))


def _safety(fields: Fields, desk: Desk, common: dict[str, Any]) -> Safety:
    scope = scope_of(common["thresholds"], fields, desk, suspected=True)
    when = fields.block_at("when", required=True)
    criterion = compile_block(when, scope)
    effect = fields.inside("effect", "{silence: all}")
    safety = Safety(
        **common,
        examples=read_examples(fields, desk, SAFETY_EXPECTS),
        criterion=criterion,
        unknown_acts=fields.text("unknown", "ignored", choices=("acts", "ignored")) == "acts",
        because=fields.text("because"),
        effect=Effect(
            _silences(effect),
            tuple(_removes(effect)),
            effect.text("soften", "", choices=("info",)) == "info",
            effect.text("limit", ""),
        ),
        scope=effect.get("silence") == "all" and criterion.facts <= {"patient.age"},
        hints=hints(when, desk.defined),
        each_alternative=any(name.startswith("alternative.") for name in criterion.facts),
        chosen=_chosen(fields, desk),
    )
    effect.finish()
    _unused(common, fields)
    return safety


def _chosen(fields: Fields, desk: Desk) -> bool:
    """Whether the site chose what the rule is for; a rule for no choice is always in force."""
    wanted = Fields(fields.block_at("site_choice"), fields.file, desk.problems, "site_choice")
    found = {name: wanted.text(name, "", choices=words) for name, words in CHOICES.items()}
    wanted.finish()
    return all(desk.choices.get(name, CHOICES[name][0]) == word for name, word in found.items() if word)


def _silences(effect: Fields) -> frozenset[Advice]:
    silenced: set[Advice] = set()
    for word in effect.words("silence"):
        if word == "all":
            silenced |= set(Advice)
        elif word == "appropriateness":
            silenced |= _APPROPRIATENESS
        elif word in _WORDS:
            silenced.add(_WORDS[word])
        else:
            effect.wrong(
                effect.get("silence"), f"{word} is not advice", "use all, appropriateness or " + ", ".join(_WORDS)
            )
    return frozenset(silenced)


def _removes(effect: Fields) -> Iterator[Exam | str]:
    for pattern in effect.items("remove"):
        if str(pattern) in MODALITIES:
            yield str(pattern)
        else:
            one = Fields(Block(line_of(pattern)), effect.file, effect.problems, "effect")
            one.block[Text("remove", line_of(pattern))] = [pattern]
            yield from one.exams("remove")


def _definition(fields: Fields, desk: Desk, common: dict[str, Any]) -> Definition:
    fact, meaning = fields.text("fact"), fields.text("meaning")
    if fact in STATIC:
        fields.wrong(fields.get("fact"), f"{fact} is always read and never defined", "name another fact")
    scope = scope_of(common["thresholds"], fields, desk, suspected=fact.startswith("safety."))
    values = fields.items("values")
    if values:
        cases = tuple(_case(body, fields, scope) for body in values)
    else:
        cases = (Case("present", compile_block(fields.block_at("when", required=True), scope)),)
    kind = Kind.CHOICE if values else Kind.FLAG
    expects = tuple(case.value for case in cases) if values else ("present", "absent")
    definition = Definition(
        **common,
        examples=read_examples(fields, desk, (*expects, "unknown")),
        fact=fact,
        fact_kind=kind,
        meaning=meaning,
        cases=cases,
    )
    _unused(common, fields)
    return definition


def _case(body: Any, fields: Fields, scope: Scope) -> Case:
    one = Fields(body, fields.file, fields.problems, "a value")
    case = Case(one.text("value"), compile_block(one.block_at("when", required=True), scope))
    one.finish()
    return case


def defined_fact(block: Any) -> Fact | None:
    """The fact a definition file defines, read before any rule is compiled; None when it defines none."""
    if not isinstance(block, Block) or block.get(Text("kind")) != "definition":
        return None
    name, values = block.get(Text("fact")), block.get(Text("values"))
    if not isinstance(name, Text) or name in STATIC:
        return None
    words = [one.get(Text("value")) for one in values if isinstance(one, Block)] if isinstance(values, list) else []
    kind = Kind.CHOICE if words else Kind.FLAG
    return Fact(str(name), kind, str(block.get(Text("meaning")) or ""), choices=frozenset(str(word) for word in words))


_KINDS: dict[str, Callable[[Fields, Desk, dict[str, Any]], Rule]] = {
    "appropriateness": _topic,
    "check": _check,
    "safety": _safety,
    "definition": _definition,
}

__all__ = ["Criterion", "defined_fact", "read_rule"]
