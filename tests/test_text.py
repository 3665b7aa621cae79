import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_toolkit.data.clips import Clip
from tts_toolkit.data.transcripts import check_transcripts
from tts_toolkit.models.speecht5.checkpoint import build_tokenizer
from tts_toolkit.system.errors import UserError
from tts_toolkit.text.english import normalize_english
from tts_toolkit.text.frontend import TextFrontEnd
from tts_toolkit.text.sentences import split_text
from tts_toolkit.text.typography import fold


@pytest.fixture(scope="module")
def front_end():
    return TextFrontEnd(build_tokenizer("abcdefghijklmnopqrstuvwxyz'-,.;:?!", 100), normalize_english)


def test_what_the_tokenizer_does_not_know_is_found(front_end):
    assert front_end.unspeakable("Smørrebrød for 2 €") == ["ø", "ø"] + ["€"] * ("€" in normalize_english("for 2 €"))
    assert front_end.unspeakable("Plain WORDS, 42!") == []
    assert front_end.speakable("Bjørn runs.") == "Bjrn runs."
    assert not front_end.has_words("?!") and front_end.has_words("7")
    assert front_end.tokens("Hi") == front_end.tokens("hi") and front_end.tokens("hi")[-1] == 2


def transcripts(*texts):
    return [Clip(f"c{n}", None, text, "s", f"m.csv:{n + 2}") for n, text in enumerate(texts)]


def test_unspeakable_transcripts_are_counted_and_handled_as_told(front_end, caplog):
    clips = transcripts("fine", "æble og grød", "ø")
    with pytest.raises(
        UserError, match=r"cannot speak 2 characters, first at m.csv:3: 'æ' \(U\+00E6\) 1, 'ø' \(U\+00F8\) 1"
    ):
        check_transcripts(clips[:2], front_end, "error")
    assert check_transcripts(clips[:2], front_end, "warn") == clips[:2]
    assert "they are skipped" in caplog.text
    assert check_transcripts(clips[:2], front_end, "drop") == clips[:1]
    assert "1 clips are left out" in caplog.text
    with pytest.raises(UserError, match=r"m.csv:4: nothing in 'ø' can be spoken"):
        check_transcripts(clips, front_end, "warn")
    with pytest.raises(UserError, match="no clip is left"):
        check_transcripts(transcripts("æble"), front_end, "drop")


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=12), min_size=1, max_size=40), st.integers(12, 60))
def test_pieces_fit_and_lose_nothing(words, limit):
    text = " ".join(
        word + (". " if n % 5 == 4 else ", " if n % 3 == 2 else " ").strip() for n, word in enumerate(words)
    )
    limit += 1
    pieces = split_text(text, lambda piece: len(piece) <= limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert " ".join(pieces) == text


def test_sentences_come_before_clauses_and_clauses_before_words():
    def fits(piece):
        return len(piece) <= 30

    text = "One is here. Two is there. Three, far away from all of us."
    assert split_text(text, fits) == ["One is here. Two is there.", "Three,", "far away from all of us."]
    assert split_text("six words and no mark at all here", fits) == ["six words and no mark at all", "here"]
    with pytest.raises(ValueError, match="too long to be spoken at once"):
        split_text("a" * 31, fits)


def test_other_languages_keep_their_words_and_lose_their_typography():
    assert fold("3 \u00c4pfel") == "3 \u00c4pfel"
    assert (
        fold("\u201eA\u0308pfel\u201c \u2013 f\u00fcnf\u00a0St\u00fcck\u2026")
        == '"\u00c4pfel" - f\u00fcnf St\u00fcck...'
    )
    assert fold("Ti\u00adsch\u200b") == "Tisch"


MARKS = {
    'She said "go" and left.': "she said go and left.",
    "“Well,” he said, ‘go.’": "well, he said, 'go.'",
    "It rained (all day) here.": "it rained, all day, here.",
    "(All day) it rained.": "all day, it rained.",
    "It rained (all day).": "it rained, all day.",
    "One [two] {three} four": "one, two, three, four",
    "a good_thing": "a good thing",
    "He ran… away": "he ran... away",
    "Yes \N{EM DASH} no": "yes - no",
    "Good \N{GRINNING FACE}\N{EMOJI MODIFIER FITZPATRICK TYPE-3} morning\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}": "good morning",
    "zero\N{ZERO WIDTH SPACE}width\N{ZERO WIDTH JOINER}joined": "zerowidthjoined",
    "back\\slash | pipe": "back slash pipe",
    "bell\x07 and \x1b escape": "bell and escape",
    "bullet • point": "bullet point",
    "Rock & roll": "rock and roll",
    "«Bonjour» „Tag“": "bonjour tag",
}  # fmt: skip


@pytest.mark.parametrize("text", MARKS)
def test_marks_that_nobody_says_stop_no_training(front_end, text):
    tokenizer = front_end.tokenizer
    assert front_end.unspeakable(text) == [] and tokenizer.unk_token_id not in front_end.tokens(text)
    assert " ".join(front_end.spoken(text).lower().split()) == MARKS[text]
    assert check_transcripts(transcripts(text), front_end, "error")
    assert front_end.spoken(front_end.spoken(text)) == front_end.spoken(text)


def test_what_is_left_out_is_counted_and_told_and_letters_stay_an_error(front_end, caplog):
    caplog.set_level("INFO")
    check_transcripts(transcripts('a "b" (c)', "d [e]"), front_end, "error")
    assert """'"' (U+0022) 2, '(' (U+0028) 1, ')' (U+0029) 1""" in caplog.text
    with pytest.raises(UserError, match="'ß'"):
        check_transcripts(transcripts('"Straße"'), front_end, "error")
    with pytest.raises(UserError, match="nothing in"):
        check_transcripts(transcripts('"(-)"'), front_end, "error")
    plain = TextFrontEnd(front_end.tokenizer, fold)
    assert plain.spoken("ein *sehr* guter ~ Tag & mehr") == "ein sehr guter Tag mehr"
    assert plain.unspeakable("5 € = 50 %") == ["5", "€", "=", "5", "0", "%"]  # which are words


@given(st.text(max_size=60))
def test_any_text_is_spoken_without_a_mark_that_the_tokenizer_lacks(front_end, text):
    spoken = front_end.spoken(text)
    assert not front_end.silent(spoken)
    assert not spoken.startswith(",") or front_end.normalize(text).startswith(","), "a pause before the first word"
    assert all(c.isalnum() or not c.isascii() or c in "%#@+=<>$" for c in front_end.unspeakable(text))
