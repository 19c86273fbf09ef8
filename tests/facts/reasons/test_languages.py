"""Reasons in German, French and Italian: with their small words, and open where a word is not known."""

import pytest

from cds_service.vocabulary.reason_codes import ReasonCodes
from tests.facts.reasons.orders import narrowest, reasons_of, worded
from tests.recognition.benchmark import examples


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("V.a. perforierte Appendizitis", {"complicated-appendicitis"}),
        ("Appendizitis, perforiert", {"complicated-appendicitis"}),
        ("Va Appendicitis mit Abszess", {"complicated-appendicitis"}),
        ("appendicite perforée avec abcès", {"complicated-appendicitis"}),
        ("appendicite compliquée, abcès", {"complicated-appendicitis"}),
        ("appendicite con ascesso", {"complicated-appendicitis"}),
        ("suspicion d'appendicite", {"suspected-appendicitis"}),
        ("Ausschluss Appendizitis", {"suspected-appendicitis"}),
        ("Appendizitis nicht ausgeschlossen", {"suspected-appendicitis"}),
        ("kein Anhalt für Appendizitis, V.a. Pankreatitis", {"biliary-pancreatic"}),
        ("Kein Hinweis auf Pneumonie. Husten", {"bronchiolitis-asthma-cough"}),
        ("absence d'appendicite, pancréatite", {"biliary-pancreatic"}),
        ("non appendicite, sospetta pancreatite", {"biliary-pancreatic"}),
        ("Abklaerung Huefte: Hueftdysplasie", {"ddh"}),
        ("rezidivierende Harnwegsinfekte", {"recurrent-urinary-tract-infection"}),
        ("infection urinaire récidivante", {"recurrent-urinary-tract-infection"}),
        ("infezione urinaria febbrile recidivante", {"recurrent-urinary-tract-infection"}),
        ("infection urinaire fébrile", {"febrile-urinary-tract-infection"}),
        ("bekannter Nierenstein, Planung ESWL", {"suspected-kidney-stone", "pre-op-planning"}),
        ("lithiase rénale, bilan préopératoire", {"suspected-kidney-stone", "pre-op-planning"}),
        ("idronefrosi all'ecografia", {"vur-hydronephrosis"}),
        ("Verdacht auf Misshandlung", {"suspected-physical-abuse"}),
        ("nicht akzidentelle Verletzung", {"suspected-physical-abuse"}),
        ("maltraitance", {"suspected-physical-abuse"}),
        ("sospetto maltrattamento", {"suspected-physical-abuse"}),
        ("Nierentumor", {"solid-tumor"}),
        ("masse hépatique", {"liver-lesion"}),
        ("Kopfschmerzen bei Leukämie", {"headache", "leukemia"}),
        ("Kopfschmerzen mit Stauungspapille", {"headache", "raised-icp"}),
        ("chronische Sinusitis", {"chronic-sinusitis"}),
        ("sinusite chronique", {"chronic-sinusitis"}),
        ("sinusite cronica", {"chronic-sinusitis"}),
        ("Skoliose präoperativ", {"scoliosis", "pre-op-planning"}),
        ("scoliose post-opératoire", {"scoliosis", "postoperative"}),
        ("convulsione febbrile semplice", {"simple-febrile-seizure"}),
    ],
)
def test_a_reason_is_read_with_its_grammar(text: str, names: set[str], codes: ReasonCodes) -> None:
    reasons = reasons_of(codes, worded(text))
    assert narrowest(reasons, codes) == names
    assert reasons.names.complete


@pytest.mark.parametrize(
    "text",
    [
        "St.n. Appendizitis",
        "Z. n. Appendicitis",
        "Status nach Appendizitis",
        "antécédent d'appendicite",
        "stato dopo appendicite",
    ],
)
def test_what_is_over_is_past(text: str, codes: ReasonCodes) -> None:
    reasons = reasons_of(codes, worded(text))
    assert reasons.histories == {"suspected-appendicitis"}
    assert not reasons.names.values


@pytest.mark.parametrize("text", ["Appendizitis ausgeschlossen", "pas de pneumonie", "senza polmonite", "Fieber: nein"])
def test_what_is_denied_is_no_reason(text: str, codes: ReasonCodes) -> None:
    assert not reasons_of(codes, worded(text)).names.values


@pytest.mark.parametrize(
    "text",
    [
        "Appendizitis mit Xyzzt",
        "Appendizitis, kein Xyzzt",
        "appendicite avec xyzzt",
        "appendicite con xyzzt",
        "V.a. Appendicitis mit Xyzzt",
        "apendicitis con xyzzt, niño",
    ],
)
def test_an_unknown_word_leaves_a_text_that_is_not_english_open(text: str, codes: ReasonCodes) -> None:
    assert not reasons_of(codes, worded(text)).names.complete


def test_an_unknown_word_beside_an_english_reason_does_not(codes: ReasonCodes) -> None:
    assert reasons_of(codes, worded("appendicitis with xyzzt")).names.values >= {"suspected-appendicitis"}


@pytest.mark.parametrize(
    "text", ["appendicitis con fever", "no fever, headache", "headache sans fever", "mit headache"]
)
def test_small_words_of_others_leave_english_as_it_is(text: str, codes: ReasonCodes) -> None:
    assert not codes.wording.languages.of(text)


def test_no_english_reason_is_taken_for_another_language(codes: ReasonCodes) -> None:
    sets = ("tuning", "held", "third", "fourth", "fifth", "sixth")
    texts = [one.text for name in sets for one in examples(name, "reasons")]
    assert len(texts) > 3000
    assert [text for text in texts if codes.wording.languages.of(text)] == []
