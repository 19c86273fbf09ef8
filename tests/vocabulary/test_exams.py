"""Exam phrases: read, written back, and refused with what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import PhraseError
from cds_service.vocabulary.exams import BOTH, CONTRASTS, MODALITIES, TECHNIQUES, WITH, WITHOUT, Exam, exam, name
from cds_service.vocabulary.regions import REGIONS, mask

ABDOMEN = frozenset({"abdomen", "pelvis"})


@pytest.mark.parametrize(
    ("phrase", "read"),
    [
        ("CT abdomen+pelvis with contrast", Exam("CT", ABDOMEN, WITH, 1)),
        ("CT pelvis+abdomen with contrast", Exam("CT", ABDOMEN, WITH, 1)),
        ("CT head without and with contrast", Exam("CT", frozenset({"head"}), BOTH, 2)),
        ("CT head", Exam("CT", frozenset({"head"}))),
        ("MRI head without contrast", Exam("MR", frozenset({"head"}), WITHOUT, 1)),
        ("MRA head without and with contrast", Exam("MR", frozenset({"head"}), BOTH, 1, frozenset({"angiography"}))),
        ("CT liver multiphase", Exam("CT", frozenset({"liver"}), None, 3)),
        ("CT head without contrast 2 passes", Exam("CT", frozenset({"head"}), WITHOUT, 2)),
        ("US appendix", Exam("US", frozenset({"appendix"}))),
        (
            "fluoroscopy cystography urinary-tract",
            Exam("RF", frozenset({"urinary-tract"}), None, 0, frozenset({"cystography"})),
        ),
        ("MR fast head without contrast", Exam("MR", frozenset({"head"}), WITHOUT, 1, frozenset({"fast"}))),
        ("PET/CT whole-body", Exam("PT", frozenset({"whole-body"}), None, 0, frozenset({"hybrid"}))),
        ("  US   appendix ", Exam("US", frozenset({"appendix"}))),
    ],
)
def test_a_phrase_is_read(phrase, read):
    assert exam(phrase) == read


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("", "an exam phrase is empty"),
        ("   ", "an exam phrase is empty"),
        ("USS abdomen", "'USS' in 'USS abdomen' is not a modality; did you mean US?"),
        ("Qx abdomen", "is not a modality; use CT, MR, US, XR, RF, NM, PT, XA"),
        ("US apendix", "'apendix' in 'US apendix' is not a region; did you mean appendix?"),
        ("CT", "needs one word for the regions, such as abdomen+pelvis; it has none"),
        ("CT abdomen pelvis", "it has abdomen pelvis"),
        ("CT abdomen+ with contrast", "'' in"),
        ("CT head contrast", "write 'with', 'without' or 'without and with' before 'contrast'"),
        ("US abdomen with contrast", "contrast is written for CT and MR only; leave it out"),
        ("CT head 0 passes", "'0' is not a number of passes from 1 to 9"),
        ("CT head many passes", "'many' is not a number of passes"),
        ("CT head 10 passes", "'10' is not a number of passes"),
        ("ct head", "is not a modality"),
    ],
)
def test_what_is_no_phrase_is_refused_with_what_was_meant(phrase, said):
    with pytest.raises(PhraseError) as caught:
        exam(phrase)
    assert said in str(caught.value)


@given(
    st.sampled_from(sorted(MODALITIES)),
    st.sets(st.sampled_from(sorted(REGIONS)), min_size=1, max_size=3),
    st.sampled_from([None, *CONTRASTS]),
    st.sets(st.sampled_from(sorted(TECHNIQUES)), max_size=2),
)
def test_what_is_written_reads_back(modality, regions, contrast, techniques):
    words = [modality, *sorted(techniques), "+".join(sorted(regions))]
    words += [contrast, "contrast"] if contrast and modality in ("CT", "MR") else []
    read = exam(" ".join(words))
    assert exam(str(read)) == read and read.mask == mask(regions)
    assert name(read) and name(read).isprintable()


@pytest.mark.parametrize(
    "phrase", ["CT liver multiphase", "CT head without contrast 3 passes", "CT head without and with contrast 4 passes"]
)
def test_passes_are_written_when_contrast_does_not_tell_them(phrase):
    assert exam(str(exam(phrase))) == exam(phrase)


@pytest.mark.parametrize(
    "text", [" ".join(["CT", "head"] * 5), "CT head\nwith contrast", "\0", "CT " + "head+" * 500 + "head"]
)
def test_odd_phrases_are_read_or_refused(text):
    try:
        exam(text)
    except PhraseError as error:
        assert str(error)


def test_only_ultrasound_and_mri_use_no_radiation():
    assert {modality for modality in MODALITIES if not Exam(modality, frozenset()).ionizing} == {"US", "MR"}


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("CT chest+abdomen+pelvis with contrast", "CT chest, abdomen and pelvis with contrast"),
        ("US urinary-tract", "ultrasound of the kidneys and bladder"),
        ("XR chest", "chest radiograph"),
        ("XR decubitus chest", "radiograph decubitus chest"),
        ("fluoroscopy upper-gi", "fluoroscopy upper GI tract"),
        ("MR fast head without contrast", "MRI fast head without contrast"),
        ("MR diffusion-tensor brain", "MRI DTI brain"),
        ("CT liver multiphase", "CT liver in 3 passes"),
        ("MR head+sinuses without and with contrast", "MRI head and sinuses without and with contrast"),
    ],
)
def test_an_exam_is_named_as_clinicians_do(phrase, said):
    assert name(exam(phrase)) == said
