"""Languages as they are spoken: tables of readings, and properties that hold for anything written in digits."""

import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_toolkit.evaluation.metrics.error_rates import scored_words
from tts_toolkit.system.errors import UserError
from tts_toolkit.text import languages
from tts_toolkit.text.asian import _HINDI
from tts_toolkit.text.languages import (
    LANGUAGES,
    counts_characters,
    language,
    looks_foreign,
    lower_case,
    normalizer,
    warn_where_foreign,
)

READINGS = Path(__file__).with_name("readings")
READ = [code for code, row in LANGUAGES.items() if row.grammar or code == "en"]


def readings(code):
    return [line.split("\t") for line in (READINGS / f"{code}.tsv").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("code", [code for code in READ if (READINGS / f"{code}.tsv").is_file()])
def test_readings(code):
    table = readings(code)
    assert len({written for written, _ in table}) == len(table) >= (300 if code == "en" else 40)
    read = normalizer(code)
    assert {written: read(written) for written, _ in table} == dict(table)
    assert {written: read(spoken) for written, spoken in table} == dict(table)  # once read, nothing is left to read


NUMBERS = st.integers(0, 10**17).map(str) | st.integers(0, 2100).map(str)
DECIMALS = st.tuples(st.sampled_from(["", "-"]), st.integers(0, 9999), st.sampled_from(".,"), st.integers(0, 9999))
DATES = st.tuples(st.integers(1, 31), st.integers(1, 12), st.integers(1000, 2100), st.sampled_from("./-"))
TIMES = st.tuples(st.integers(0, 24), st.integers(0, 59))
MONEY = st.tuples(
    st.sampled_from("€$£¥₽₴₺₹"), st.integers(0, 99999), st.sampled_from(["", ",50", ".05"]), st.booleans()
)
MEASURES = st.tuples(
    st.integers(0, 999),
    st.sampled_from(["", ".5", ",5"]),
    st.sampled_from(["km", "kg", "m²", "km/h", "°C", "GB", "h", "min", "l", "%", "x"]),
)
PIECES = st.one_of(
    NUMBERS,
    DECIMALS.map(lambda parts: "{}{}{}{}".format(*parts)),
    DATES.map(lambda date: f"{date[0]}{date[3]}{date[1]}{date[3]}{date[2]}"),
    DATES.map(lambda date: f"{date[2]}-{date[1]:02}-{date[0]:02}"),
    TIMES.map(lambda clock: f"{clock[0]}:{clock[1]:02}"),
    MONEY.map(lambda sum_: f"{sum_[0]}{sum_[1]}{sum_[2]}" if sum_[3] else f"{sum_[1]}{sum_[2]} {sum_[0]}"),
    MEASURES.map(lambda measure: "{}{} {}".format(*measure)),
    st.sampled_from(["Wort", "le", ".", ", ", "-", " - ", "1.", "2e", "3º", "№ 4", "½", "x²", "5-й", "(", "²", "#", "@", "/", "٣", "五", "Ⅳ", "'99"]),
)  # fmt: skip


@pytest.mark.parametrize("code", READ)
@settings(max_examples=60)
@given(pieces=st.lists(st.tuples(PIECES, st.sampled_from(["", " "])), max_size=8))
def test_no_digit_is_left_and_reading_repeats_itself(code, pieces):
    text = "".join(piece + blank for piece, blank in pieces)
    once = normalizer(code)(text)
    assert not any(c.isdigit() for c in once)
    assert normalizer(code)(once) == once


@pytest.mark.parametrize("code", ["en", "de", "ru", "zh"])
@pytest.mark.parametrize("repeated", [" ", "9", ".", "(", ")", "\n", "-", "\u00a0"])
def test_a_long_line_takes_time_linear_in_its_length(code, repeated):
    read = normalizer(code)
    read("5 x")
    start = time.process_time()
    read(f"x{repeated * 50_000}y")
    assert time.process_time() - start < 1.5  # 0.1 s where nothing else runs; quadratic rules took minutes


@pytest.mark.parametrize("code", ["en", "de"])
def test_twice_the_text_takes_no_more_than_four_times(code):
    read = normalizer(code)

    def seconds(n):
        start = time.process_time()
        read(f"On 3 May 2024, {n} people paid $5.50 for 20 km. " * n)
        return time.process_time() - start

    seconds(3)
    assert seconds(80) < 4 * max(seconds(40), 0.02)


@pytest.mark.parametrize("name", ["de", "DE", "de-DE", "de_AT", "deu", "ger", "German", "german"])
def test_a_language_has_many_names(name):
    assert language(name).code == "de"
    assert normalizer(name)("5 km") == "fünf Kilometer"


def test_a_language_that_is_not_known_keeps_its_digits():
    assert language("xyz") is None and language("").code == "en"
    assert normalizer("xyz")("3 \u201ex\u201c") == '3 "x"'
    assert normalizer("kor")("3") == "3"  # known, but its numbers are not read


def test_names_are_unique():
    names = [name.lower() for row in LANGUAGES.values() for name in {row.code.lower(), row.name.lower(), *row.aliases}]
    assert len(names) == len(set(names))
    assert len(_HINDI) == 100


def test_case_is_that_of_the_language():
    assert lower_case("ISPARTA \u0130ZM\u0130R", "tr") == "\u0131sparta izmir"
    assert lower_case("ISPARTA", "en") == "isparta"
    assert lower_case("STRASSE Straße", "de") == "strasse strasse"
    assert scored_words("I\u015eIK 5", "tr") == scored_words("\u0131\u015f\u0131k be\u015f", "tr")


def test_languages_without_blanks_count_characters():
    assert {code for code in LANGUAGES if counts_characters(code)} == {
        "ja", "zh", "yue", "wuu", "nan", "hak", "th", "lo", "km", "my",
    }  # fmt: skip
    assert counts_characters("jpn") and not counts_characters("deu") and not counts_characters("xyz")


FOREIGN = [
    ("en", "Das ist ein Haus und es ist nicht sehr gro\u00df, aber wir sind mit der Lage zufrieden."),
    ("en", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?"),
    ("en", "Je ne sais pas ce que vous avez dans la maison, mais elle est grande."),
    ("de", "The house is not very big and it was built with stones that they have."),
    ("ru", "This is not Russian"),
    ("ja", "this is romanized only"),
    ("da", "Das ist nicht das Haus und wir sind auch nicht in der Stadt mit der Bahn."),
]
NATIVE = [
    ("en", "He said: schadenfreude and zeitgeist are words that came from German."),
    ("en", "La Jolla"), ("en", "Die Hard"), ("en", "Ja."), ("en", ""), ("en", "123"), ("en", "Caf\u00e9 de la Paix, Paris"),
    ("de", "Das Meeting mit dem CEO war okay."), ("no", "Det er ikke jeg som har v\u00e6rt p\u00e5 hytta."),
    ("da", "Det er ikke mig, og jeg har ikke v\u00e6ret der."), ("ja", "\u6771\u4eac\u3067\u3059"), ("xyz", "anything at all"),
    ("zh", "OK"), ("es", "No me gusta la casa."), ("pt", "Ele n\u00e3o gosta da casa que comprou para a fam\u00edlia."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), FOREIGN)
def test_another_language_is_seen(name, text):
    assert looks_foreign([text], name) == [text]


@pytest.mark.parametrize(("name", "text"), NATIVE)
def test_a_text_of_the_language_is_not_suspected(name, text):
    assert looks_foreign([text], name) == []


def test_a_set_of_another_language_is_told_with_examples(caplog):
    german, english = FOREIGN[0][1], "There was no time for this."
    warn_where_foreign([english] * 9 + [german], "en")
    assert not caplog.text
    warn_where_foreign([english] * 8 + [german, german], "en")
    assert "2 of 10 texts are not English, as text.language=en has them read: 'Das ist ein Haus" in caplog.text


def test_only_a_few_examples_are_given():
    assert len(looks_foreign([FOREIGN[0][1]] * 10, "en")) == 3


@pytest.mark.parametrize(("value", "message"), [
    ("nowhere:GONE", r"the language eo = nowhere:GONE: cannot be imported \(ModuleNotFoundError: .*; repair or uninstall"),
    ("json:loads", "the language eo = json:loads: is not a Language of tts_toolkit.text.languages; repair or uninstall"),
    ("tts_toolkit.text.languages:LANGUAGES", "is not a Language"),
])  # fmt: skip
def test_a_package_whose_language_is_none_is_named(monkeypatch, value, message):
    languages.installed.cache_clear()
    entry = EntryPoint("eo", value, languages.ENTRY_POINTS)
    monkeypatch.setattr(languages, "entry_points", lambda group: [entry])
    with pytest.raises(UserError, match=message):
        languages.language("eo")
    assert languages.language("de").code == "de", "what the toolkit knows itself is not asked for"
    languages.installed.cache_clear()


def test_a_language_does_not_take_the_name_of_another(monkeypatch):
    class Entry:
        name, value, dist = "fi", "suomi:FI", None

        def load(self):
            return languages.Language("qfi", "Other Finnish", ("fin",), "LATIN")

    languages.installed.cache_clear()
    monkeypatch.setattr(languages, "entry_points", lambda group: [Entry()])
    with pytest.raises(
        UserError, match="the language fi = suomi:FI: the name 'fin' is one of Finnish; give it another"
    ):
        languages.language("qfi")
    languages.installed.cache_clear()
