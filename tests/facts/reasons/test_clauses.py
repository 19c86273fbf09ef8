"""Clauses of free text: where they end, and what no, history and asking reach."""

import pytest

from cds_service.facts.reasons import Clause, clauses


def flagged(text: str) -> list[str]:
    """Each clause with - for denied, < for past, ? for asked for."""
    return [
        "".join(sign for sign, on in (("-", one.negated), ("<", one.history), ("?", one.query)) if on) + one.text
        for one in clauses(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" , ; . ", []),
        ("fever", ["fever"]),
        ("fever, cough; rash. limp\npain", ["fever", "cough", "rash", "limp", "pain"]),
        ("fever and cough with rash but limp", ["fever", "cough", "rash", "limp"]),
        ("1.5 cm mass", ["1.5 cm mass"]),
        ("fever - cough (rash)", ["fever", "cough", "rash"]),
        ("post-ictal", ["<ictal"]),
        # no
        ("no fever", ["-fever"]),
        ("no fever, cough", ["-fever", "cough"]),
        ("no fever or cough", ["-fever", "-cough"]),
        ("no fever/cough", ["-fever", "-cough"]),
        ("no fever, cough, or rash", ["-fever", "-cough", "-rash"]),
        ("limp, fever, or rash", ["limp", "fever", "rash"]),
        ("no fever. cough or rash", ["-fever", "cough", "rash"]),
        ("no fever with cough, rash or limp", ["-fever", "cough", "rash", "limp"]),
        ("no fever and cough", ["-fever", "cough"]),
        ("denies fever, cough and rash. limp", ["-fever", "-cough", "-rash", "limp"]),
        ("denies fever, cough, but has rash", ["-fever", "-cough", "has rash"]),
        ("denies fever, r/o fracture", ["-fever", "?fracture"]),
        ("negative for fever, cough", ["-fever", "-cough"]),
        ("negative fever", ["-fever"]),
        ("strep negative", ["-strep"]),
        ("no, fever", ["fever"]),
        ("No: fever, cough", ["-fever", "-cough"]),
        ("fracture ruled out", ["-fracture"]),
        ("fracture, ruled out", ["-fracture"]),
        ("ruled out", []),
        ("r/o fracture unlikely", ["-?fracture"]),
        ("fracture unlikely", ["-fracture"]),
        ("fracture, unlikely", ["-fracture"]),
        ("unlikely fracture, limp", ["-fracture", "limp"]),
        ("limp, fracture is unlikely", ["limp", "-fracture"]),
        ("fracture not suspected", ["-fracture"]),
        ("unlikely to be fracture", ["-fracture"]),
        ("low likelihood of fracture", ["-fracture"]),
        ("unlikely", []),
        ("limp. unlikely, rash", ["limp", "rash"]),
        ("no evidence of fracture", ["-fracture"]),
        ("no h/o trauma", ["-<trauma"]),
        ("fever without cough", ["fever", "-cough"]),
        ("fever w/o cough", ["fever", "-cough"]),
        ("not associated with cough", ["-cough"]),
        ("no / fever", ["-fever"]),
        ("or fever", ["fever"]),
        ("seizures: none", ["-seizures"]),
        ("appy: negative", ["-appy"]),
        ("LOC: no. cough: yes", ["-LOC", "cough", "yes"]),
        ("fever - none, cough", ["-fever", "cough"]),
        ("fever no, cough no", ["-fever", "-cough"]),
        ("trauma denied, limp", ["-trauma", "limp"]),
        ("fever -ve, (-) cough", ["-fever", "-cough"]),
        ("fracture not seen", ["-fracture"]),
        ("rash, infection less likely", ["rash", "-infection"]),
        ("fracture, MRI without", ["fracture", "MRI"]),
        # past
        ("h/o asthma", ["<asthma"]),
        ("h/o asthma, cough", ["<asthma", "cough"]),
        ("h/o asthma or cough", ["<asthma", "<cough"]),
        ("PMH: asthma, cough. limp", ["<asthma", "<cough", "limp"]),
        ("PMH of asthma", ["<asthma"]),
        ("Hx: cough", ["cough"]),
        ("history of cough", ["<cough"]),
        ("Indication: cough", ["Indication", "cough"]),
        ("mother has migraine", ["<migraine"]),
        ("FHx: migraine, stones", ["<migraine", "<stones"]),
        ("s/p fall and bruise", ["<fall", "<bruise"]),
        ("prior fracture", ["<fracture"]),
        ("rash resolved", ["<rash"]),
        ("rash, now resolved", ["<rash"]),
        ("resolved", []),
        ("resolved rash, limp", ["<rash", "limp"]),
        # of relatives
        ("father w/ stones, limp", ["<stones", "limp"]),
        ("sister hospitalized with croup and rash", ["<croup", "<rash"]),
        ("limp, FHx lupus, rash", ["limp", "<lupus", "<rash"]),
        ("FHx lupus, rash", ["<lupus", "rash"]),
        ("rash in brother, limp", ["<rash", "limp"]),
        ("mother with history of stroke", ["<stroke"]),
        ("brother fell, limp", ["<fell", "limp"]),
        ("hit by brother, limp", ["hit by", "limp"]),
        ("mother has rash but limp", ["<rash", "limp"]),
        # asked for
        ("r/o fracture", ["?fracture"]),
        ("limp r/o fracture vs sprain", ["limp", "?fracture", "?sprain"]),
        ("?fracture", ["?fracture"]),
        ("limp ?fracture", ["limp", "?fracture"]),
        ("fracture?", ["?fracture"]),
        ("fracture? sprain", ["?fracture", "sprain"]),
        ("? fracture", ["?fracture"]),
        ("fracture suspected", ["?fracture"]),
        ("cannot exclude fracture", ["?fracture"]),
        ("no concern for fracture", ["-fracture"]),
        ("evaluation for fracture", ["?fracture"]),
    ],
)
def test_clauses(text, expected):
    assert flagged(text) == expected


def test_a_clause_is_quoted_as_written():
    assert clauses("Pt w/  RLQ\t Pain, NO fever") == (
        Clause("Pt"),
        Clause("RLQ Pain"),
        Clause("fever", negated=True),
    )
