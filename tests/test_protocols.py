"""Golden cases of each protocol, worked out by running the published rules."""

import pytest

from tts_toolkit.evaluation.metrics import protocols
from tts_toolkit.evaluation.metrics.error_rates import Wer, scored_characters, scored_words
from tts_toolkit.evaluation.metrics.protocols import PROTOCOLS, protocol
from tts_toolkit.evaluation.metrics.published import MEASUREMENTS, measurement
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.units import is_unspaced

NORMALISED = {
    "seed_tts_eval": [
        ("Take these capsules over to Mrs. David's house.", "take these capsules over to mrs david's house"),
        ("He worked for Wal-Mart as a fitness trainer.", "he worked for walmart as a fitness trainer"),
        ("I don’t know — it’s a well-known tip.", "i dont know its a wellknown tip"),
        ("I don't know - it's a well-known tip.", "i don't know it's a wellknown tip"),
        ("Dr. Smith paid $45.50 for twenty-one colours at 9:30 a.m.", "dr smith paid 4550 for twentyone colours at 930 am"),
        ("café naïve…  Æther 50% — 1,234", "café naïve æther 50 1234"),
        ("rock 'n' roll", "rock 'n' roll"),
        ("...", ""),
    ],
    "f5": [
        ("Take these capsules over to Mrs. David's house.", "take these capsules over to mrs davids house"),
        ("I don't know - it's a well-known tip.", "i dont know its a wellknown tip"),
        ("we're two hundred and one, aren't we?", "were two hundred and one arent we"),
        ("It's kinda late, 'cause Emma didn't leave.", "its kinda late cause emma didnt leave"),
        ("rock 'n' roll", "rock n roll"),
        ("Dr. Smith paid $45.50 for twenty-one colours at 9:30 a.m.", "dr smith paid 4550 for twentyone colours at 930 am"),
    ],
    "open_tts_leaderboard": [
        ("Take these capsules over to Mrs. David's house.", "take these capsules over to missus david s house"),
        ("Um, she said (quietly) that John's all right, ok?", "she said that john s alright okay"),
        ("Dr. Smith paid $45.50 for twenty-one colours at 9:30 a.m.", "doctor smith paid $45.50 for 21 colors at 9 30 am"),
        ("The B B C e-mailed us in the 1960s.", "the bbce mailed us in the 1960s"),
        ("It's kinda late, 'cause Emma didn't leave.", "it is kinda late cause emma did not leave"),
        ("I don’t know", "i don t know"),
        ("we're two hundred and one, aren't we?", "we are 201 are not we"),
    ],
    "voicehub_arena": [
        ("Take these capsules over to Mrs. David's house.", "take these capsules over to missus david is house"),
        ("Dr. Smith paid $45.50 for twenty-one colours at 9:30 a.m.", "doctor smith paid $45.50 for 21 colors at 9 30 a m"),
        ("Um, she said (quietly) that John's all right, ok?", "she said that john is all right ok"),
        ("The cause of it.", "the because of it"),
        ("Well...", "well ."),
        ("She paid forty five dollars.", "she paid $45"),
        ("one two three four", "1234"),
        ("uh", ""),
    ],
    "strict": [
        ("He worked for Wal-Mart.", "he worked for wal mart"),
        ("It's 9:30, and she paid $45.50.", "it's nine thirty and she paid forty five dollars and fifty cents"),
        ("the 3rd of 50 turns", "the third of fifty turns"),
        ("rock 'n' roll", "rock n roll"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "normalized"), [(name, *case) for name, cases in NORMALISED.items() for case in cases]
)
def test_texts_are_read_as_the_benchmark_reads_them(name, text, normalized):
    assert " ".join(PROTOCOLS[name].normalize(text).split()) == normalized


RATES = [
    ("seed_tts_eval", "The primary coil has fifty turns.", " The primary coil has 50 turns.", 1 / 6),
    ("f5", "The primary coil has fifty turns.", " The primary coil has 50 turns.", 1 / 6),
    ("voicehub_arena", "The primary coil has fifty turns.", " The primary coil has 50 turns.", 0.0),
    ("strict", "The primary coil has fifty turns.", " The primary coil has 50 turns.", 0.0),
    ("seed_tts_eval", "He worked for Wal-Mart.", "He worked for Wal Mart.", 0.5),
    ("strict", "He worked for Wal-Mart.", "He worked for Wal Mart.", 0.0),
    ("seed_tts_eval", "Big Brother's house rules.", " Big Brothers house rules.", 0.25),
    ("f5", "Big Brother's house rules.", " Big Brothers house rules.", 0.0),
    ("seed_tts_eval", "I don't know.", " I don’t know.", 1 / 3),
    ("open_tts_leaderboard", "He worked for walmart", "he worked for wal mart", 0.0),
    ("open_tts_leaderboard", "John's dog", "johns dog", 0.0),
    ("voicehub_arena", "hello world", "", 1.0),
    ("voicehub_arena", "one", "seven apples pears", 3.0),
]


@pytest.mark.parametrize(("name", "text", "hypothesis", "rate"), RATES)
def test_word_error_rates(name, text, hypothesis, rate):
    counts = PROTOCOLS[name].words(text, hypothesis)
    assert counts.errors / counts.n_reference == pytest.approx(rate)


# Rates that the benchmarks' own functions gave, run on these pairs: seed-tts-eval's, F5-TTS's, the leaderboard's with its
# table of names, VoiceHub's.
BENCHMARKS = ("seed_tts_eval", "f5", "open_tts_leaderboard", "voicehub_arena")
ENGLISH = [
    (
        "The mother-in-law's well-known e-mail, sent at 9:30 a.m.",
        "the mother in laws well known email sent at 9 30 am",
        7 / 8,
        7 / 8,
        0,
        2 / 5,
    ),
    ("We met at 5 G street; the U.S.A. won 3-2.", "we met at 5g street the usa won 3 2", 2 / 5, 2 / 5, 0, 3 / 13),
    ("Wi-fi and sci-fi are all right, et cetera.", "wifi and scifi are alright etc", 1 / 2, 1 / 2, 0, 4 / 5),
    (
        "It costs $20.50 or twenty dollars and fifty cents",
        "it costs twenty dollars and fifty cents or $20.50",
        4 / 9,
        4 / 9,
        0,
        0,
    ),
    ("O.K., how ever you like it, I'ma go", "okay however you like it i am going to go", 7 / 8, 7 / 8, 0, 1 / 3),
    ("The colour of the theatre's grey façade", "the color of the theaters gray facade", 4 / 7, 4 / 7, 0, 1 / 4),
    ("ok mm uh huh", "okay", 1, 1, 0, 1),
    ("one\u00a0two  three\u3000four", "one two three four", 2, 2, 0, 0),
    ("she’s\u2009here—isn’t she?", "she is here is not she", 5 / 2, 5 / 2, 1 / 2, 1 / 2),
    ("3.14 per cent of 1,234 is half", "3 14 % of 1234 is 1/2", 4 / 7, 4 / 7, 4 / 5, 4 / 5),
    ("...", "well then", 2, 2, 2, 2),
    ("uh, um", "hm", 1, 1, 0, 1),
    ("“Quote” ‘me’ on 21st of May", "quote me on the twenty first of may", 1 / 2, 1 / 2, 1 / 6, 1 / 6),
    ("a b c d and x-rays on t-shirts", "abcd and xrays on tshirts", 1 / 2, 1 / 2, 0, 4 / 5),
    ("double oh seven and nineteen ninety nine", "007 and 1999", 6 / 7, 6 / 7, 1 / 3, 1 / 3),
    ("travelogues were archaeological flyers", "travelogs were archeological fliers", 3 / 4, 3 / 4, 1 / 4, 1 / 4),
    ("kinda late 'cause dunno", "kind of late because do not know", 3 / 2, 3 / 2, 3 / 2, 0),
    ("John's dog can't, won't and shan't", "johns dog can not will not and shall not", 7 / 6, 1, 1 / 10, 3 / 10),
    ("ten thousand and a half", "10000.5", 1, 1, 0, 0),
    ("white paper whitepaper", "whitepaper white paper", 2 / 3, 2 / 3, 0, 2 / 3),
]
CHINESE = [
    ("今天天气很好,我们去公园散步。", "今天天汽很好我们去公园散步", 1 / 13),
    ("我有 2 个 iPhone 15 手机！", "我有两个iphone十五手机", 2 / 7),
    ("“你好”——他说。", "你 好 她 说", 1 / 4),
    ("它的中文名字", "他地中文名子", 1 / 2),
    ("二零零六年", "2006年", 4 / 5),
    ("OK，没问题", "ok 没问题", 2 / 5),
]


@pytest.mark.parametrize("case", ENGLISH, ids=lambda case: case[0])
def test_rates_are_those_of_the_benchmarks_themselves(case):
    text, hypothesis, *rates = case
    found = [PROTOCOLS[name].words(text, hypothesis).rate for name in BENCHMARKS]
    assert found == pytest.approx(rates, abs=1e-12)


@pytest.mark.parametrize(("text", "hypothesis", "rate"), CHINESE)
@pytest.mark.parametrize("name", ["seed_tts_eval", "f5"])
@pytest.mark.parametrize("language", ["zh", "zh-CN", "cmn"])
def test_chinese_is_read_by_characters_as_published(name, text, hypothesis, rate, language):
    counts = PROTOCOLS[name].words(text, hypothesis, language)
    assert counts.rate == pytest.approx(rate) and PROTOCOLS[name].unit(language) == "characters"
    assert PROTOCOLS[name].characters(text, hypothesis, language).rate == pytest.approx(rate)


@pytest.mark.parametrize(("text", "hypothesis", "language", "errors", "n"), [
    ("它的中文名字", "他地中文名子", "zh", 1, 6),  # homophones are one
    ("二〇二〇年", "2020年", "zh", 0, 5),
    ("カタカナの俳優です。", "かたかなの俳優 です", "ja", 0, 9),
    ("的", "地", "ja", 1, 1),
    ("안녕 하세요", "안녕하세요", "ko", 0, 5),
    ("สวัสดี ครับ", "สวัสดีครับ", "th", 0, 10),
    ("Der Donau-Dampfer fährt um 17 Uhr.", "der Donau Dampfer fährt um siebzehn Uhr", "de", 0, 7),
    ("Donaudampfer legen ab", "donau dampfer legen ab", "de", 0, 3),
])  # fmt: skip
def test_the_leaderboard_reads_other_languages_its_own_way(text, hypothesis, language, errors, n):
    counts = PROTOCOLS["open_tts_leaderboard"].words(text, hypothesis, language)
    assert (counts.errors, counts.n_reference) == (errors, n)


@pytest.mark.parametrize("language", ["zh", "yue", "ja", "th", "lo", "km", "my", "zh-Hans_CN", "tha", "khm"])
def test_languages_without_blanks_are_read_by_characters_under_every_protocol(language):
    assert is_unspaced(language)
    assert {protocol.unit(language) for protocol in PROTOCOLS.values()} == {"characters"}
    for found in PROTOCOLS.values():
        assert len(found.units("天气很好", language)) == 4, "one character, one unit"


@pytest.mark.parametrize(("text", "language", "units", "characters"), [
    ("今天 天气很好。", "zh", ["今", "天", "天", "气", "很", "好"], "今天天气很好"),
    ("我有 iPhone 15！", "zh", ["我", "有", "iphone", "十", "五"], "我有iphone十五"),
    ("open the 门 please", "zh", ["open", "the", "门", "please"], "open the门please"),
    ("東京タワーへ行く", "ja", list("東京タワーへ行く"), "東京タワーへ行く"),
    ("ＡＢＣ と 日本", "ja", ["abc", "と", "日", "本"], "abcと日本"),
    ("ไปไหน", "th", list("ไปไหน"), "ไปไหน"),
    ("안녕 하세요", "ko", ["안녕", "하세요"], "안녕 하세요"),
    ("Guten Tag", "de", ["guten", "tag"], "guten tag"),
])  # fmt: skip
def test_mixed_scripts_have_mixed_units(text, language, units, characters):
    """Each character of a script without blanks, each word of any other: the mixed error rate."""
    assert PROTOCOLS["strict"].units(text, language) == scored_words(text, language).split() == units
    assert scored_characters(text, language) == characters
    assert PROTOCOLS["strict"].characters(text, "", language).n_reference == len(characters)
    rate = Wer(language, keep_in_memory=True).compute(predictions=[""], references=[text])
    assert rate["n_reference_words"] == len(units)


def test_traditional_hypotheses_become_simplified_where_it_can_be_done(monkeypatch):
    monkeypatch.setattr(protocols, "_zhconv", lambda: lambda text, to: text.replace("氣", "气"))
    assert PROTOCOLS["seed_tts_eval"].convert("天氣", "zh") == "天气"
    assert PROTOCOLS["seed_tts_eval"].convert("天氣", "ja") == "天氣" == PROTOCOLS["strict"].convert("天氣", "zh")
    assert PROTOCOLS["open_tts_leaderboard"].words("天气", "天氣", "zh").errors == 0


def test_protocols_know_what_their_definitions_are_for():
    assert PROTOCOLS["seed_tts_eval"].defines("zh-CN") and not PROTOCOLS["seed_tts_eval"].defines("ja")
    assert not PROTOCOLS["voicehub_arena"].defines("de") and PROTOCOLS["strict"].defines("sw")


def test_measurements_are_of_protocols_and_pinned_where_a_hub_keeps_them():
    assert {m.protocol for m in MEASUREMENTS} == set(PROTOCOLS) - {"strict"}
    seed = measurement("seed_tts_eval", "en-US")
    assert seed.recognizer.name == "openai/whisper-large-v3" and len(seed.recognizer.revision) == 40
    assert measurement("seed_tts_eval", "zh").recognizer.nearest and measurement("voicehub_arena", "zh") is None
    for found in MEASUREMENTS:
        assert PROTOCOLS[found.protocol].defines(found.language)


def test_character_rates_count_spaces():
    counts = PROTOCOLS["voicehub_arena"].characters("Hello, world!", "helloworld")
    assert (counts.errors, counts.n_reference) == (1, 11)


def test_a_text_without_words_counts_what_was_heard_as_inserted():
    counts = PROTOCOLS["seed_tts_eval"].words("...", "well then")
    assert (counts.insertions, counts.n_reference) == (2, 0)


def test_unknown_protocols_are_named_with_those_there_are():
    with pytest.raises(UserError, match="'wer' is unknown; allowed are strict, seed_tts_eval"):
        protocol("wer")
