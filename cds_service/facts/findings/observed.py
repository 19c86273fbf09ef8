"""Observations with their components, and the answers in filled forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cds_service.facts.findings.answers import Said, Valued, heard, in_words, meant
from cds_service.facts.findings.claims import Claim, Claims, Form, Heard, Origin, label_of
from cds_service.fhir.dates import When, when
from cds_service.fhir.resources import (
    Answer,
    CodeableConcept,
    Component,
    Item,
    Observation,
    Quantity,
    QuestionnaireResponse,
)
from cds_service.vocabulary.finding_codes import Assertions, plain
from cds_service.vocabulary.finding_facts import Assertion, FindingFact, Role, Sign, Value

_MAX_DEPTH: Final = 12
_DROPPED: Final = frozenset(("entered-in-error", "cancelled", "registered"))
_SETTLED: Final = frozenset(("final", "amended", "corrected"))
_FORM_DROPPED: Final = frozenset(("entered-in-error", "stopped"))


def observations(claims: Claims, items: Iterable[Observation]) -> None:
    """Note which observations and components speak about which fact."""
    lookup, statements = claims.lookup, claims.codes.general.statements
    for observation in items:
        if observation.status in _DROPPED:
            continue
        found = lookup(observation.code)
        if found:
            _note(claims, found, observation, observation)
            if statements and observation.valueCodeableConcept is not None:
                _state(claims, observation)
        if observation.component is not None:
            for component in observation.component:
                found = lookup(component.code)
                if found:
                    _note(claims, found, component, observation)


def _note(claims: Claims, found: Assertions, valued: Valued, source: Observation) -> None:
    heard = claims.heard
    for one in found:
        name = one.fact.name
        if name in heard:
            heard[name].append(Heard(one, valued, source))
        elif "Observation" in one.fact.read:
            heard[name] = [Heard(one, valued, source)]


def read_heard(claims: Claims, name: str) -> None:
    """Read the values noted for one fact; what is not final yet, or modified, can only worry, never reassure."""
    for one, valued, source in claims.heard.pop(name, ()):
        settled = source.status in _SETTLED and not _modified(source)
        for said, moment in _said(claims, one, valued, source):
            if settled or moment is not None or _worrying(one.fact, said):
                claims.add(one.fact, Claim(said, Form.ANSWER, source, label_of(valued.code), moment))


def _modified(source: Observation | QuestionnaireResponse) -> bool:
    """Whether anything may change the meaning of what is said."""
    return bool(source.modifierExtension or source.implicitRules)


def _state(claims: Claims, source: Observation) -> None:
    """Keep the coded answer of a question whose answers are findings by themselves."""
    concept = source.valueCodeableConcept
    if _states(claims, source.code):
        claims.state(claims.lookup(concept), Sign.YES, Origin(source, Form.ANSWER, label_of(concept)))


def _states(claims: Claims, question: CodeableConcept | None) -> bool:
    """Whether the coded answer to this question is a finding by itself."""
    known = claims.codes.general.statements
    codings = (question.coding if question is not None else None) or ()
    return any(coding.code in known.get(coding.system or "", ()) for coding in codings)


def _said(claims: Claims, one: Assertion, valued: Valued, source: Observation) -> Iterator[tuple[Said, When | None]]:
    if one.fact.time_since:
        moment = when(valued.valueDateTime)
        if moment is not None:
            yield Said(None), moment
        return
    answer = heard(valued, one.fact, claims.codes)
    if one.role is not Role.AT_SITE:
        said = meant(one, answer)
        if said is not None:
            yield said, None
    elif source.bodySite is not None:
        yield from ((said, None) for said in at_sites(one, (source.bodySite,), answer))


def at_sites(one: Assertion, sites: Iterable[CodeableConcept], answer: Value | Sign) -> Iterator[Said]:
    """What a general code says where it stands with a site; a no at one site isn't a no everywhere."""
    for site in sites:
        for coding in site.coding or ():
            value = one.sites.get(coding.system or "", {}).get(coding.code or "")
            if isinstance(value, Sign):
                yield in_words(one.fact, value)
            elif value is not None and answer is not Sign.NO:
                said = meant(Assertion(one.fact, Role.VALUE, value), answer)
                if said is not None:
                    yield said


def _worrying(fact: FindingFact, said: Said) -> bool:
    return said.suspected or (said.value is not None and not fact.reassuring(said.value))


def forms(claims: Claims, items: Iterable[QuestionnaireResponse]) -> None:
    """Read the answers of filled forms, by link id or by the text of the question; a half-filled form counts."""
    for form in items:
        if form.status not in _FORM_DROPPED:
            _items(claims, form, form.item, _MAX_DEPTH)


def _items(claims: Claims, form: QuestionnaireResponse, items: list[Item] | None, depth: int) -> None:
    for item in (items or ()) if depth else ():
        found = claims.codes.link_ids.get(plain(item.linkId), ()) if item.linkId else ()
        if not found and item.text:
            found = claims.codes.texts.get(plain(item.text), ())
        for answer in item.answer or ():
            for one in found:
                _form_answer(claims, one, answer, form, label=item.text or "")
            _items(claims, form, answer.item, depth - 1)
        _items(claims, form, item.item, depth - 1)


def _form_answer(claims: Claims, one: Assertion, answer: Answer, form: QuestionnaireResponse, *, label: str) -> None:
    if one.fact.time_since:
        moment = when(answer.valueDateTime or answer.valueDate)
        if moment is not None:
            claims.add(one.fact, Claim(Said(None), Form.ANSWER, form, label, moment))
        return
    said = meant(one, heard(as_component(answer), one.fact, claims.codes))
    if said is not None and (not _modified(form) or _worrying(one.fact, said)):
        claims.add_said(one, said, Origin(form, Form.ANSWER, label))


def as_component(answer: Answer) -> Component:
    """An answer of a form in the shape of an observation's component."""
    number = answer.valueQuantity
    if number is None and answer.valueDecimal is not None:
        number = Quantity(value=answer.valueDecimal)
    return Component(
        valueBoolean=answer.valueBoolean,
        valueCodeableConcept=CodeableConcept(coding=[answer.valueCoding]) if answer.valueCoding is not None else None,
        valueString=answer.valueString,
        valueInteger=answer.valueInteger,
        valueQuantity=number,
    )
