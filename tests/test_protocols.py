"""Golden cases of each protocol, worked out by running the published rules."""

import pytest

from tts_toolkit.errors import UserError
from tts_toolkit.scoring.protocols import PROTOCOLS, protocol

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
    ("name", "text", "normalised"), [(name, *case) for name, cases in NORMALISED.items() for case in cases]
)
def test_texts_are_read_as_the_benchmark_reads_them(name, text, normalised):
    assert " ".join(PROTOCOLS[name].normalize(text).split()) == normalised


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


def test_character_rates_count_spaces():
    counts = PROTOCOLS["voicehub_arena"].characters("Hello, world!", "helloworld")
    assert (counts.errors, counts.n_reference) == (1, 11)


def test_a_text_without_words_counts_what_was_heard_as_inserted():
    counts = PROTOCOLS["seed_tts_eval"].words("...", "well then")
    assert (counts.insertions, counts.n_reference) == (2, 0)


def test_unknown_protocols_are_named_with_those_there_are():
    with pytest.raises(UserError, match="'wer' is unknown; allowed are strict, seed_tts_eval"):
        protocol("wer")
