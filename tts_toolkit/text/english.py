"""English text as it is spoken: numbers, times, money, ordinals and abbreviations become words.

One normaliser serves training transcripts, synthesis and the references and hypotheses of WER, so that all three
mean the same words. It is idempotent: what it returns holds nothing more to replace.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

FOLDED = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": " - ",
        "\u2015": " - ",
        "\u2212": "-",
        "\u2026": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\u00d7": " times ",
        "\u00f7": " divided by ",
        "\u00bd": " 1/2",
        "\u00bc": " 1/4",
        "\u00be": " 3/4",
    }
)

ABBREVIATIONS = {
    "mr": "mister",
    "mrs": "misses",
    "ms": "miz",
    "dr": "doctor",
    "prof": "professor",
    "rev": "reverend",
    "gen": "general",
    "col": "colonel",
    "capt": "captain",
    "lt": "lieutenant",
    "sgt": "sergeant",
    "gov": "governor",
    "sen": "senator",
    "hon": "honorable",
    "jr": "junior",
    "sr": "senior",
    "st": "saint",
    "mt": "mount",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "dept": "department",
    "est": "established",
    "approx": "approximately",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "co": "company",
    "vs": "versus",
    "etc": "et cetera",
    "fig": "figure",
    "vol": "volume",
    "ch": "chapter",
    "pp": "pages",
    "jan": "january",
    "feb": "february",
    "aug": "august",
    "sept": "september",
    "oct": "october",
    "nov": "november",
    "dec": "december",
}
ONLY_BEFORE_A_CAPITAL = {"st", "mt", "gen", "col", "rev", "hon", "est", "co", "dec", "sen"}  # words of their own else

CURRENCIES = {  # symbol or code: (one, many, one hundredth, many hundredths)
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "EUR": ("euro", "euros", "cent", "cents"),
}
MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
}
UNITS = {  # (one, many)
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "m": ("meter", "meters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "g": ("gram", "grams"),
    "lbs": ("pound", "pounds"),
    "lb": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ft": ("foot", "feet"),
    "ml": ("milliliter", "milliliters"),
    "l": ("liter", "liters"),
    "hrs": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "mins": ("minute", "minutes"),
    "min": ("minute", "minutes"),
    "secs": ("second", "seconds"),
    "sec": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
    "khz": ("kilohertz", "kilohertz"),
    "hz": ("hertz", "hertz"),
    "kb": ("kilobyte", "kilobytes"),
    "mb": ("megabyte", "megabytes"),
    "gb": ("gigabyte", "gigabytes"),
    "tb": ("terabyte", "terabytes"),
    "kw": ("kilowatt", "kilowatts"),
    "°c": ("degree celsius", "degrees celsius"),
    "°f": ("degree fahrenheit", "degrees fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
}
FRACTIONS = {"1/2": "one half", "1/4": "one quarter", "3/4": "three quarters", "1/3": "one third", "2/3": "two thirds"}
SYMBOLS = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "#": "number",
    "%": "percent",
    "°": "degrees",
    "~": "about",
}

NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MAGNITUDE = r"thousand|million|billion|trillion|bn|mn|tn|[kmb]"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_SPACES = re.compile(r"\s+")


@lru_cache(maxsize=65536)
def normalize_english(text: str) -> str:
    """Return `text` with what is not written as words spelled out, punctuation and case kept."""
    for pattern, replace in _RULES:
        text = pattern.sub(replace, text)
    return _SPACES.sub(" ", text).strip()


def spell_number(number: str) -> str:
    """Return the words of a number written in digits, with thousands commas and decimals, no sign."""
    whole, _, decimals = number.replace(",", "").partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) > 15:
        words = " ".join(_words(int(digit)) for digit in whole)  # a code or a phone number: digit by digit
    else:
        words = _words(int(whole))
    return words + (" point " + " ".join(_words(int(digit)) for digit in decimals) if decimals else "")


def spell_ordinal(number: int) -> str:
    """Return `number` as an ordinal in words: 3 -> third."""
    from num2words import num2words

    return _plain(num2words(number, to="ordinal"))


def spell_year(year: int) -> str:
    """Return a year from 1100 to 2099 as it is said: 1905 -> nineteen oh five."""
    century, rest = divmod(year, 100)
    if 2000 <= year < 2010:
        return _words(year)
    if rest == 0:
        return f"{_words(century)} hundred"
    return f"{_words(century)} {'oh ' if rest < 10 else ''}{_words(rest)}"


@lru_cache(maxsize=4096)
def _words(number: int) -> str:
    from num2words import num2words

    return _plain(num2words(number))


def _plain(words: str) -> str:
    return words.replace("-", " ").replace(",", "")


def _money(match: re.Match[str]) -> str:
    symbol, amount, magnitude = match["symbol"], match["amount"].replace(",", ""), match["magnitude"]
    one, many, hundredth, hundredths = CURRENCIES[symbol]
    if magnitude:
        return f"{spell_number(amount)} {MAGNITUDES[magnitude.lower()]} {many}"
    whole, _, decimals = amount.partition(".")
    if len(decimals) not in (0, 2):
        return f"{spell_number(amount)} {many}"
    parts = []
    if int(whole) or not int(decimals or 0):
        parts.append(f"{spell_number(whole)} {one if int(whole) == 1 else many}")
    if int(decimals or 0):
        parts.append(f"{_words(int(decimals))} {hundredth if int(decimals) == 1 else hundredths}")
    return " and ".join(parts)


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    words = _words(hour)
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{_words(minute)}"
    elif not half:
        words += " o'clock" if 0 < hour <= 12 else " hundred hours"
    return words + (f" {half[0].lower()} m" if half else "")


def _hour(match: re.Match[str]) -> str:
    return f"{_words(int(match['hour']))} {match['half'][0].lower()} m"


def _decade(match: re.Match[str]) -> str:
    century, decade = match["century"], int(match["decade"])
    if decade == 0:
        return f"{_words(int(century or 0))} hundreds" if century else "zeros"
    tens = "tens" if decade == 10 else _words(decade)[:-1] + "ies"
    return f"{_words(int(century))} {tens}" if century else tens


def _range(match: re.Match[str]) -> str:
    return f"{match['low']} to {match['high']}"


def _unit(match: re.Match[str]) -> str:
    one, many = UNITS[match["unit"].lower()]
    return f"{spell_number(match['number'])} {one if match['number'] == '1' else many}"


def _number(match: re.Match[str]) -> str:
    digits = match["number"]
    sign = "minus " if match["sign"] else ""
    magnitude = f" {MAGNITUDES[match['magnitude'].lower()]}" if match["magnitude"] else ""
    if not sign and not magnitude and re.fullmatch(r"(1[1-9]|20)\d\d", digits):
        return spell_year(int(digits))
    return sign + spell_number(digits) + magnitude


def _abbreviation(match: re.Match[str]) -> str:
    word, rest = match["word"].lower(), match["rest"]
    if word in ONLY_BEFORE_A_CAPITAL and not re.match(r"\s+[A-Z]", rest):
        return match[0]
    spelled = ABBREVIATIONS[word]
    ends_sentence = word in ("etc", "inc", "ltd", "jr", "sr", "co", "corp") and re.fullmatch(r"\s*", rest)
    return (spelled.capitalize() if match["word"][0].isupper() else spelled) + ("." if ends_sentence else "") + rest


def _initials(match: re.Match[str]) -> str:
    return " ".join(match[0].replace(".", " ").split())


_RULES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile("[" + "".join(map(re.escape, map(chr, FOLDED))) + "]"), lambda m: m[0].translate(FOLDED)),
    (re.compile(r"\be\.g\.,?", re.I), "for example,"),
    (re.compile(r"\bi\.e\.,?", re.I), "that is,"),
    (re.compile(r"(?<![\w.])[aA]\.\s?[mM]\.(?=\W|$)"), "am"),
    (re.compile(r"(?<![\w.])[pP]\.\s?[mM]\.(?=\W|$)"), "pm"),
    (re.compile(r"\bNo\.\s*(?=\d)"), "number "),
    (re.compile(rf"\b(?P<word>{'|'.join(ABBREVIATIONS)})\.(?P<rest>\s+[A-Za-z]?|$|(?=[,;:)]))", re.I), _abbreviation),
    (re.compile(r"\b(?:[A-Z]\.){2,}"), _initials),
    (re.compile(rf"(?P<symbol>[$£€¥])\s?(?P<amount>{NUMBER})\s?(?P<magnitude>(?:{_MAGNITUDE})\b)?", re.I), _money),
    (
        re.compile(
            rf"(?P<amount>\b(?:{NUMBER}))\s?(?P<magnitude>(?:{_MAGNITUDE})\s)?\s?(?P<symbol>[£€¥]|USD\b|GBP\b|EUR\b)"
        ),
        _money,
    ),
    (re.compile(r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?:\s?(?P<half>[ap]m\b))?", re.I), _time),
    (re.compile(r"\b(?P<hour>1[0-2]|[1-9])\s?(?P<half>[ap]m)\b", re.I), _hour),
    (re.compile(r"\b(?P<century>1[1-9]|20)?'?(?P<decade>\d0)'?s\b"), _decade),
    (
        re.compile(r"\b(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b", re.I),
        lambda m: spell_ordinal(int(m["number"].replace(",", ""))),
    ),
    (re.compile(r"(?<![\d/])(?:" + "|".join(FRACTIONS) + r")(?![\d/])"), lambda m: f" {FRACTIONS[m[0]]} "),
    (re.compile(rf"(?P<low>(?<![\w.-])(?:{NUMBER}))\s?-\s?(?P<high>(?:{NUMBER}))(?![\w-])"), _range),
    (
        re.compile(
            rf"(?P<number>(?<![\w.])(?:{NUMBER}))\s?(?P<unit>{_UNIT})(?![\w/])",
            re.I,
        ),
        _unit,
    ),
    (
        re.compile(rf"(?P<sign>(?<![\w)-])-)?(?P<number>{NUMBER})(?P<magnitude>\s?(?:bn|mn|tn|k)\b)?", re.I),
        lambda m: " " + _number(m) + " ",
    ),
    (re.compile("[" + "".join(map(re.escape, SYMBOLS)) + "]"), lambda m: f" {SYMBOLS[m[0]]} "),
    (re.compile(r"\s+(?=[,.;:!?])"), ""),
]
