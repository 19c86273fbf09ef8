"""How parts of the body stand in an order's text: by kinds of names, each in several organs and languages."""

from __future__ import annotations

from itertools import permutations

import pytest

from cds_service.facts.exams import Recognised, recognise
from cds_service.facts.exams.wording import text_says
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.vocabulary.exam_codes import ExamCodes

READ = {
    "a question inside the exam": {
        "USS Abdo and pelvis ?ovarian cyst": "US abdomen+pelvis",
        "CT ABDOMEN ?LIVER LESION": "CT abdomen",
        "XR WRIST ?SCAPHOID FRACTURE": "XR wrist",
        "XR CHEST R/O RIB FRACTURE": "XR chest",
        "CT ABDOMEN S/P KIDNEY TRANSPLANT": "CT abdomen",
        "RX torace sospetto frattura costale": "XR chest",
    },
    "a question that narrows an ultrasound": {
        "US ABDOMEN ?APPENDICITIS": "US appendix",
        "Sono Abdomen V.a. Appendizitis": "US appendix",
    },
    "a question alone": {"US ?PYLORIC STENOSIS": "US pylorus", "US FOR HIPS": "US hip"},
    "a known range": {
        "XR HIP TO ANKLE": "XR lower-limb",
        "PET CT VERTEX TO MID THIGH": "PT hybrid whole-body",
        "PET/CT ORBITS-THIGHS": "PT hybrid whole-body",
        "PET-CT Schädelbasis bis Mitte Oberschenkel": "PT hybrid whole-body",
        "TEP-TDM de la base du crâne à mi-cuisses": "PT hybrid whole-body",
        "PET/TC dalla base cranica alla coscia": "PT hybrid whole-body",
    },
    "the head or neck of a bone or organ": {
        "XR NECK OF FEMUR": "XR hip",
        "CT HEAD OF PANCREAS": "CT pancreas",
        "US BLADDER NECK": "US bladder",
        "XR HUMERAL HEAD": "XR shoulder",
        "Röntgen Femurkopf": "XR hip",
        "IRM tête fémorale": "MR hip",
        "Radio tête humérale": "XR shoulder",
        "TC collo del femore": "CT hip",
        "RX testa omerale": "XR shoulder",
    },
    "a kidney and its pelvis": {
        "US RENAL PELVIS": "US kidney",
        "US PELVIC KIDNEY": "US kidney",
        "US KIDNEY TRANSPLANT IN RIGHT ILIAC FOSSA": "US kidney",
        "USS kidneys: pelvic dilatation": "US kidney",
        "Sono Nierenbecken": "US kidney",
        "Échographie rénale, dilatation du bassinet": "US kidney",
        "Ecografia pelvi renale": "US kidney",
    },
    "a bladder to be filled": {
        "US ABDO & PELVIS (FULL BLADDER)": "US abdomen+pelvis",
        "Sono Becken mit voller Blase": "US pelvis",
        "Échographie pelvienne vessie pleine": "US pelvis",
    },
    "a sinus of the brain": {
        "CT VENOGRAM DURAL SINUSES": "CT venography head",
        "MRV SINUS": "MR venography head",
        "CT-Venographie Sinus": "CT venography head",
        "CT SINUS": "CT sinuses",
        "XR SINUS TARSI": "XR ankle",
    },
    "without, then with": {
        "CT HEAD NON CON AND CONTRAST": "CT head without and with contrast",
        "MRT Becken nativ + KM": "MR pelvis without and with contrast",
        "IRM abdominale sans produit de contraste puis avec produit de contraste": (
            "MR abdomen without and with contrast"
        ),
        "RM ginocchio senza/con mezzo di contrasto": "MR knee without and with contrast",
        "CT HEAD WO C-SPINE WO": "CT cervical-spine+head without contrast",
        "MRI BRAIN WITH GRADIENT ECHO": "MR head",
        "CT HEAD +/- CONTRAST": "CT head",
        "MRT Kopf nativ, bei Befund KM": "MR head",
        "TC addome con mdc orale": "CT abdomen",
        "CT ABD W CONTRAST ORAL": "CT abdomen",
        "CT FACE WO W 3D": "CT face",
    },
    "an echo of an organ": {
        "Écho foie et rate": "US liver+spleen",
        "Echo rénale": "US kidney",
        "Écho-Doppler des TSA": "US doppler neck",
        "Écho pleurale": "US chest",
        "ECHO PULMONARY HYPERTENSION": "US echocardiography heart",
        "ECHO LIMITED": "US echocardiography heart",
        "Echo cardiaque": "US echocardiography heart",
    },
    "words that share their end": {
        "MRT Hals-, Brust- und Lendenwirbelsäule": "MR cervical-spine+lumbar-spine+thoracic-spine",
        "Röntgen Ober- und Unterarm": "XR forearm+upper-arm",
        "Röntgen Hand- und Sprunggelenk": "XR ankle+wrist",
        "Nieren-Blasen-Sono": "US urinary-tract",
        "Sono Leber u. Abdomen": "US abdomen",
    },
    "articles and other false friends": {
        "IRM de la hanche et le genou": "MR hip+knee",
        "Radio du thorax face": "XR chest",
        "CT Thorax, Ausschluss LE": "CT chest",
        "CT LE LEFT": "CT lower-limb",
        "Sono Knie, ob Erguss": "US knee",
        "BONE SCAN TIBIAS STRESS FRACTURE": "NM bone-scan lower-leg",
        "RAD US ABDOMEN": "US abdomen",
        "IRM périnéale": "MR pelvis",
        "MRI Thorax Spital Braun": "MR chest",
        "XR CHEST RIGHT ARM PICC": "XR chest",
        "ginocchio sinistro RX": "XR knee",
        "Echo poignet et main": "US hand+wrist",
        "Scanner face": "CT face",
        "US ABDOMEN INCLUDING KIDNEYS": "US abdomen",
    },
}
UNREAD = {
    "left out": [
        "US Abdomen, not including pelvis",
        "US ABDOMEN WITHOUT PELVIS",
        "CT ABDOMEN W/O PELVIS W CONTRAST",
        "US SOFT TISSUE NECK NON THYROID",
        "CT Abdomen ohne Becken",
        "IRM rachis sans sacrum",
        "TC addome senza pelvi",
    ],
    "a reason outside the exam": [
        "CT HEAD ?C-SPINE INJURY",
        "XR CHEST S/P SPINAL FUSION",
        "CT HEAD COMPARE TO CT CHEST 2019",
        "MRI ANKLE PRIOR KNEE SURGERY",
        "XR CHEST NECK PAIN",
        "IRM cérébrale pour bilan rachis",
        "XR KNEE FELL ON HAND",
        "CT ABD PELVIS W L SPINE RECON",
        "CT L SPINE RECON FROM ABD",
        "Röntgen Handgelenk, Sturz auf Ellbogen",
        "CT SINUS ORBITAL CELLULITIS",
        "XR HEAD NECK PAIN",
        "US ABDOMEN FOR PELVIC PAIN",
    ],
    "a range with unnamed parts between": [
        "CT NECK TO PELVIS",
        "MRI C-SPINE THROUGH L-SPINE",
        "CT Hals bis Becken",
        "IRM de la hanche à la cheville",
        "Scanner du cou jusqu'au bassin",
        "PET Unbekannt bis Oberschenkel",
    ],
    "half a name": [
        "Sono Leber und Prostatitis",
        "Écho parties molles",
        "RX rachide cervico-xy-lombare",
        "MRT Xyz- und Unterbauch",
    ],
    "more than one exam": [
        "UGI AND VCUG",
        "US RENAL AND VCUG",
        "ECHO AND RENAL ULTRASOUND",
        "Echo coeur et reins",
        "ECHO LUNG",
    ],
    "no imaging, or none of this patient": [
        "UGI ENDOSCOPY",
        "Koloskopie Darm",
        "MRI FETAL BRAIN",
        "IRM fœtale cérébrale",
    ],
    "either of two parts": ["US KIDNEYS PELVIS", "CT Lunge LE", "CT NECK C-SPINE", "MRI NECK SPINE", "US NECK/AXILLA"],
}


def read(text: str, codes: ExamCodes) -> Recognised:
    return recognise(ServiceRequest(code=CodeableConcept(text=text)), codes)


@pytest.mark.parametrize(
    ("text", "exam"),
    [pytest.param(*pair, id=f"{kind}: {pair[0]}") for kind, names in READ.items() for pair in names.items()],
)
def test_a_name_is_read(codes: ExamCodes, text: str, exam: str) -> None:
    assert str(read(text, codes).exam) == exam


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{kind}: {text}") for kind, names in UNREAD.items() for text in names]
)
def test_a_name_in_doubt_stays_unread(codes: ExamCodes, text: str) -> None:
    found = read(text, codes)
    assert found.exam is None
    assert found.why


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("XR C-ARM < 1 HR", "guidance"),
        ("FL ESOPHAGEAL DILATATION", "guidance"),
        ("US RENAL PELVIS DILATATION", ""),
        ("NM RENAL PELVIS DRAINAGE MAG3", ""),
        ("US PELVIS NOT PREGNANT", ""),
    ],
)
def test_what_it_is_for(codes: ExamCodes, text: str, purpose: str) -> None:
    said = text_says(text, codes.words)
    assert said.purpose == purpose
    assert "obstetric" not in said.techniques


PARTS = {
    "MRI": ("head", "thorax", "knee", "hip", "kidneys", "spleen", "wrist", "cervical spine"),
    "MRT": ("Schädel", "Thorax", "Knie", "Hüfte", "Nieren", "Milz", "Handgelenk", "HWS"),
    "IRM": ("tête", "thorax", "genou", "hanche", "reins", "rate", "poignet", "rachis cervical"),
    "RM": ("cranio", "torace", "ginocchio", "anca", "reni", "milza", "polso", "rachide cervicale"),
}
JOINED = {"MRI": ("and", "&", "/"), "MRT": ("und", "u.", "/"), "IRM": ("et", "et le", "/"), "RM": ("e", "ed", "/")}
BESIDE = {
    "MRI": "without|no|excluding|to|compare to|?|prior|hx|post|for|s/p|except|minus|r/o|fell on|not including",
    "MRT": "ohne|kein|bis|ausser|Z.n.|V.a.|bei|?|Frage|Sturz auf|nach OP",
    "IRM": "sans|sauf|pas de|hors|pour|après chirurgie|jusqu'à|à|?|recherche|chute sur",
    "RM": "senza|escluso|tranne|fino a|per|sospetto|esiti|?|caduta su",
}


@pytest.mark.parametrize("modality", PARTS)
def test_two_parts_joined_are_both_read_and_a_part_beside_widens_nothing(codes: ExamCodes, modality: str) -> None:
    parts = PARTS[modality]
    alone = {part: read(f"{modality} {part}", codes).exam for part in parts}
    for (one, first), (other, second) in permutations(alone.items(), 2):
        assert first is not None
        assert second is not None
        for word in JOINED[modality]:
            both = read(f"{modality} {one} {word} {other}", codes).exam
            assert both is not None
            assert both.regions == first.regions | second.regions
        for word in BESIDE[modality].split("|"):
            assert read(f"{modality} {one} {word} {other}", codes).exam in (None, first)
