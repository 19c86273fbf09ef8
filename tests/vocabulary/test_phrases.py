import pytest

from cds_service.vocabulary.phrases import LONGEST_READ, Phrases, plain, spellings, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("headache", "headache"),
        ("<b>head</b>ache", " head ache"),
        ("a<br/>b<p>c", "a\nb\nc"),
        ("GCS <14 & >3", "GCS <14 & >3"),
        ("fever &amp; cough", "fever & cough"),
        ("&lt;b&gt;fever&lt;/b&gt;", " fever "),
        ("Perthès", "Perthes"),
        ("won’t – “walk”", 'won\'t  -  "walk"'),
        ("ﬂank", "flank"),
        ("a\rb", "a\nb"),
    ],
)
def test_plain_text(text, expected):
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Headaches, seizures", ["headache", ",", "seizure"]),
        ("sinusitis abscess status", ["sinusitis", "abscess", "status"]),
        ("injuries", ["injury"]),
        ("Crohn's won't", ["crohn", "wont"]),
        ("the left hip", ["left", "hip"]),
        ("non-accidental - x", ["non", "accidental", "-", "x"]),
        ("8yo w/pain w/o fever", ["8", "yo", "w/", "pain", "w/o", "fever"]),
        ("abd/pelvis 1.5 cm 1st", ["abd", "/", "pelvis", "1.5", "cm", "1st"]),
        ("x3d T12", ["x3d", "t12"]),
        ("buckle # radius, bed #4", ["buckle", "#", "radius", ",", "bed", "4"]),
        ("боль 头痛", ["боль", "头痛"]),
    ],
)
def test_words(text, expected):
    assert words_of(text, {}).words == expected


def test_one_spelling_stands_for_several_also_in_the_plural():
    assert words_of("FX fxs tumours", {"fx": "fracture", "tumour": "tumor", "fxs": "fracture"}).words == [
        "fracture",
        "fracture",
        "tumor",
    ]
    assert words_of("kid's", {"kid": "child"}).words == ["child"]


def test_a_quote_is_what_was_written():
    words = words_of("Severe  RLQ-Pain, fever", {})
    assert words.quote(1, 2) == "RLQ-Pain"


def test_a_long_text_is_cut_and_says_so():
    words = words_of("ab " * LONGEST_READ, {})
    assert not words.whole
    assert len(words.words) <= LONGEST_READ
    assert words_of("ab", {}).whole


def test_alternatives_are_every_combination_cut_as_the_whole_phrase_is():
    assert [" ".join(one) for one in spellings("hips|(-) r/o|the c|d's", {})] == [
        *("hip r/o c", "hip r/o d", "hip c", "hip d"), *("(-) r/o c", "(-) r/o d", "(-) c", "(-) d")
    ]  # fmt: skip
    assert list(spellings("Kidney-Stones seen", {"seen": "found"})) == [["kidney", "stone", "found"]]


class TestPhrases:
    def phrases(self) -> Phrases[str]:
        known: Phrases[str] = Phrases()
        for phrase in ("hip", "hip pain", "hip pain after fall", "abdominal pelvic pain"):
            assert known.add(phrase.split(), phrase) is None
        return known

    @pytest.mark.parametrize(
        ("text", "at", "found"),
        [
            ("hip pain", 0, ("hip pain", 2)),
            ("hip pain after meals", 0, ("hip pain", 2)),
            ("hip", 0, ("hip", 1)),
            ("left hip", 0, None),
            ("left hip", 1, ("hip", 2)),
            ("abdominal / pelvic pain", 0, ("abdominal pelvic pain", 4)),
            ("abdominal /", 0, None),
            ("hip / knee", 0, ("hip", 1)),
        ],
    )
    def test_the_longest_phrase_wins(self, text, at, found):
        assert self.phrases().longest(text.split(), at) == found

    def test_a_phrase_of_two_meanings_tells_the_first(self):
        known = self.phrases()
        assert known.add(["hip"], "other") == "hip"
        assert known.longest(["hip"], 0) == ("hip", 1)

    def test_a_phrase_may_begin_another_whichever_comes_first(self):
        for order in (["hip"], ["hip", "pain"]), (["hip", "pain"], ["hip"]):
            known: Phrases[str] = Phrases()
            for words in order:
                assert known.add(words, " ".join(words)) is None
            assert known.add(["hip"], "another") == "hip" and known.add(["hip", "pain"], "another") == "hip pain"
            assert known.longest(["hip", "joint"], 0) == ("hip", 1)
            assert known.longest(["hip", "/", "pain"], 0) == ("hip pain", 3)
            assert known.longest(["hip", "pain", "today"], 0) == ("hip pain", 2)
