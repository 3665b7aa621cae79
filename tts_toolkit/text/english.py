"""English text as it is spoken: numbers, dates, times, money, units, addresses and abbreviations become words.

One normaliser serves training transcripts, synthesis and the references and hypotheses of WER, so that all three
mean the same words. It is idempotent: what it returns holds nothing more to replace. The rules are applied in the order
of `_RULES`; each sees what the ones before it left.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tts_toolkit.text.english_numbers import (
    plural,
    spell_cardinal,
    spell_digits,
    spell_number,
    spell_ordinal,
    spell_year,
)
from tts_toolkit.text.english_tables import (
    ABBREVIATIONS,
    CAPITAL_UNITS,
    CURRENCIES,
    DENOMINATORS,
    FOLDED,
    LABELLED,
    MAGNITUDES,
    MAY_END_A_SENTENCE,
    MONTHS,
    ONLY_BEFORE_A_CAPITAL,
    POWERED,
    SYMBOLS,
    TOP_LEVEL_DOMAINS,
    UNITS,
)

Match = re.Match[str]
Rule = tuple[re.Pattern[str], str | Callable[[Match], str]]

_SPACES = re.compile(r"\s+")
MAX_PASSES = 8


NAMES = ("", "en", "eng", "english", "en-us", "en-gb")  # of the language; what names none is in English


def is_english(language: str) -> bool:
    """Return whether a language's name, in whichever case, is English."""
    return language.lower().replace("_", "-") in NAMES


@lru_cache(maxsize=65536)
def normalize_english(text: str) -> str:
    """Return `text` with what is not written as words spelled out, punctuation and case kept."""
    for _ in range(MAX_PASSES):  # what one rule leaves can be work for an earlier one: "0U.S."
        before = text
        for pattern, replace in _RULES:
            text = pattern.sub(replace, text)
        text = _SPACES.sub(" ", text).strip()
        if text == before:
            break
    return text


NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_MAGNITUDE = r"(?:thousand|million|billion|trillion|bn|mn|tn|[kmb])"
_SYMBOL = r"[$£€¥₹]"
_UNIT = "|".join(  # a single letter is a unit in lower case only: 5 g, but 5G
    f"(?-i:{unit})" if unit.isalpha() and len(unit) == 1 else re.escape(unit)
    for unit in sorted(UNITS, key=len, reverse=True)
)
_MONTH = "|".join([*MONTHS, *(rf"{month[:3]}\." for month in MONTHS), r"Sept\."])
_DOMAIN = rf"(?:[\w-]+\.)+(?:{'|'.join(TOP_LEVEL_DOMAINS)})\b"
_PATH = r"[\w./?=&:+#~%@-]*[\w/]"
_ADDRESS_MARKS = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    ":": "colon",
    "+": "plus",
    "#": "hash",
    "~": "tilde",
    "%": "percent",
}


def _address(match: Match) -> str:
    address = re.sub(r"^(?:https?|ftp)://", "", match[0], flags=re.I).rstrip("/")
    address = re.sub(r"^www(?=\.)", "w w w", address, flags=re.I)
    return " ".join(
        "".join(f" {_ADDRESS_MARKS.get(char, char)} " if char in _ADDRESS_MARKS else char for char in address).split()
    )


def _phone(match: Match) -> str:
    area = f"{spell_digits(match['area'])}, " if match["area"] else ""
    plus = f"plus {spell_digits(match['country'])} " if match["country"] else ""
    return f"{plus}{area}{spell_digits(match['local'])}"


def _dotted(match: Match) -> str:
    parts = match["parts"].split(".")
    if len(parts) == 4 and not match["v"]:
        return " dot ".join(spell_digits(part) for part in parts)
    return f"{match['v'] or ''} {' point '.join(spell_number(part) for part in parts)}".strip()


def _iso_date(match: Match) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {spell_ordinal(int(match['day']))}, {spell_year(int(match['year']))}"


def _month(written: str) -> str:
    return next(month for month in MONTHS if month.startswith(written[:3]))


def _month_day(match: Match) -> str:
    year = f", {spell_year(int(match['year']))}" if match["year"] else ""
    return f"{_month(match['month'])} {spell_ordinal(int(match['day']))}{year}"


def _day_month(match: Match) -> str:
    year = f" {spell_year(int(match['year']))}" if match["year"] else ""
    return f"{match['the'] or 'the '}{spell_ordinal(int(match['day']))} of {_month(match['month'])}{year}"


def _era(match: Match) -> str:
    return f"{spell_year(int(match['year']))} {' '.join(match['era'])}"


def _money(match: Match) -> str:
    symbol, amount, magnitude = match["symbol"], match["amount"].replace(",", ""), match["magnitude"]
    one, many, hundredth, hundredths = CURRENCIES[symbol]
    sign = "minus " if match["sign"] else ""
    if match["country"]:
        many = one = f"{' '.join(match['country'])} {many}"
    if match["high"]:
        return f"{sign}{spell_number(amount)} to {spell_number(match['high'])} {many}"
    if magnitude:
        return f"{sign}{spell_number(amount)} {MAGNITUDES[magnitude.lower()]} {many}"
    whole, _, decimals = amount.partition(".")
    if len(decimals) not in (0, 2):
        return f"{sign}{spell_number(amount)} {many}"
    parts = []
    if int(whole) or not int(decimals or 0):
        parts.append(f"{spell_number(whole)} {one if int(whole) == 1 else many}")
    if int(decimals or 0):
        parts.append(f"{spell_cardinal(int(decimals))} {hundredth if int(decimals) == 1 else hundredths}")
    return sign + " and ".join(parts)


def _time(match: Match) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    words = spell_cardinal(hour)
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{spell_cardinal(minute)}"
    elif not half and not match["second"]:
        words += " o'clock" if 0 < hour <= 12 else " hundred hours"
    if match["second"]:
        words += f" and {spell_cardinal(int(match['second']))} second{'' if int(match['second']) == 1 else 's'}"
    return words + (f" {half[0].lower()} m" if half else "")


def _hour(match: Match) -> str:
    return f"{spell_cardinal(int(match['hour']))} {match['half'][0].lower()} m"


def _decade(match: Match) -> str:
    century, decade = match["century"], int(match["decade"])
    if decade == 0:
        return f"{spell_cardinal(int(century or 0))} hundreds" if century else "zeros"
    tens = plural(spell_cardinal(decade))
    return f"{spell_cardinal(int(century))} {tens}" if century else tens


def _ordinal(match: Match) -> str:
    words = spell_ordinal(int(match["number"].replace(",", "")))
    return f"{words}s" if match["many"] else words


def _fraction(match: Match) -> str:
    whole, top, bottom = match["whole"], int(match["top"]), int(match["bottom"])
    if bottom not in DENOMINATORS or top >= bottom or top == 0:
        return match[0]
    one, many = DENOMINATORS[bottom]
    before = f"{spell_number(whole)} and " if whole else ""
    return f" {before}{spell_cardinal(top)} {one if top == 1 else many} "


def _height(match: Match) -> str:
    inches = f" {spell_number(match['inches'])}" if match["inches"] else ""
    return f"{spell_number(match['feet'])} foot{inches}"


def _feet_inches(match: Match) -> str:
    feet, inches = match["feet"], match["inches"]
    return (
        f"{spell_number(feet)} {'foot' if feet == '1' else 'feet'} "
        f"{spell_number(inches)} {'inch' if inches == '1' else 'inches'}"
    )


def _large(match: Match) -> str:
    before = match.string[: match.start()].split()
    if before and before[-1].lower() in LABELLED:
        return match[0]
    sign = "minus " if match["sign"] else ""
    return f"{sign}{spell_number(match['number'])} {MAGNITUDES[match['magnitude'].lower()]}"


def _unit(match: Match) -> str:
    unit, number = match["unit"], match["number"]
    power = match["power"] or ""
    one, many = POWERED.get((unit.lower(), power)) or UNITS[unit.lower()]
    rest = f" {SYMBOLS[power]}" if power and (unit.lower(), power) not in POWERED else ""
    sign = "minus " if match["sign"] else ""
    return f"{sign}{spell_number(number)} {one if number == '1' else many}{rest}"


def _capital_unit(match: Match) -> str:
    one, many = CAPITAL_UNITS[match["unit"]]
    return f"{spell_number(match['number'])} {one if match['number'] == '1' else many}"


def _number(match: Match) -> str:
    digits = match["number"]
    sign = "minus " if match["sign"] else ""
    magnitude = f" {MAGNITUDES[match['magnitude'].strip().lower()]}" if match["magnitude"] else ""
    if not sign and not magnitude and re.fullmatch(r"(1[1-9]|20)\d\d", digits):
        words = spell_year(int(digits))
    else:
        words = sign + spell_number(digits) + magnitude
    return f" {plural(words) if match['many'] else words} "


def _abbreviation(match: Match) -> str:
    word, rest = match["word"].lower(), match["rest"]
    before_a_name = re.match(r"\s+[A-Z]", rest)
    spelled, at_the_end = ABBREVIATIONS[word], match.end() == len(match.string) and not rest.strip()
    if word == "st" and not before_a_name:
        if not re.search(r"[A-Z]\w*\s+$", match.string[: match.start()]):
            return match[0]
        spelled, ends_sentence = "street", at_the_end
    elif word in ONLY_BEFORE_A_CAPITAL and not before_a_name:
        return match[0]
    else:
        ends_sentence = at_the_end and word in MAY_END_A_SENTENCE
    return (spelled.capitalize() if match["word"][0].isupper() else spelled) + ("." if ends_sentence else "") + rest


_RULES: list[Rule] = [
    (re.compile("[" + "".join(map(re.escape, map(chr, FOLDED))) + "]"), lambda m: m[0].translate(FOLDED)),
    # addresses, phone numbers, versions
    (re.compile(r"(?<![\w.])[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), _address),
    (re.compile(rf"\b(?:https?|ftp)://{_PATH}|\bwww\.{_PATH}|(?<![\w@.]){_DOMAIN}(?:/{_PATH})?", re.I), _address),
    (re.compile(r"(?<!\w)(?<![\w-])(?:\+(?P<country>\d{1,3})[ -])?(?:(?:\((?P<area>\d{3})\)\s?)?"
                r"(?P<local>\d{3}-\d{4}|\d{3}[ -]\d{3}[ -]\d{4}|(?<=\) )\d{3} \d{4}))(?![\w-])"), _phone),
    (re.compile(r"\b(?P<v>[vV])?(?P<parts>\d+(?:\.\d+){2,})(?![\w.]*\d)"), _dotted),
    # abbreviations
    (re.compile(r"\be\.g\.,?", re.I), "for example,"),
    (re.compile(r"\bi\.e\.,?", re.I), "that is,"),
    (re.compile(r"\bPh\.\s?D\b\.?"), "P H D"),
    (re.compile(r"(?<!\w)w/o(?!\w)"), "without"),
    (re.compile(r"(?<!\w)w/(?=\s)"), "with"),
    (re.compile(r"(?<![\w.])[aA]\.\s?[mM]\.(?=\W|$)"), "am"),
    (re.compile(r"(?<![\w.])[pP]\.\s?[mM]\.(?=\W|$)"), "pm"),
    (re.compile(r"\bNo\.\s*(?=\d)"), "number "),
    (re.compile(r"\bp\.\s*(?=\d)"), "page "),
    # dates, before the months' abbreviations lose their dots
    (re.compile(r"\b(?P<year>1[1-9]\d\d|20\d\d)-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])\b"), _iso_date),
    (re.compile(rf"\b(?P<month>{_MONTH})\s+(?P<day>[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\b(?![:.]\d)(?!\s?[ap]m\b)"
                r"(?:,?\s+(?P<year>1[1-9]\d\d|20\d\d)\b)?"), _month_day),
    (re.compile(r"\b(?P<the>[tT]he\s+)?(?P<day>[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\s+(?:of\s+)?"
                rf"(?P<month>{_MONTH})(?!\w)" r"(?:,?\s+(?P<year>1[1-9]\d\d|20\d\d)\b)?"), _day_month),
    (re.compile(r"\b(?P<year>\d{2,4})\s(?P<era>AD|BC|CE|BCE)\b"), _era),
    (re.compile(rf"\b(?P<word>{'|'.join(ABBREVIATIONS)})\.(?P<rest>\s+[A-Za-z]?|$|(?=[,;:)]))", re.I), _abbreviation),
    (re.compile(r"\b(?:[A-Z]\.){2,}|\b(?:[A-Z]\.\s){2,}(?=[A-Z][a-z])"), lambda m: m[0].replace(".", " ")),
    # money
    (re.compile(rf"(?P<sign>(?<![\w)])-)?(?P<country>\b(?:US|CA|AU|C|A))?(?P<symbol>{_SYMBOL})\s?(?P<amount>{NUMBER})"
                rf"(?:-(?P<high>{NUMBER})(?!\w))?(?:\s?(?P<magnitude>{_MAGNITUDE})\b)?", re.I), _money),
    (re.compile(rf"(?P<sign>(?<![\w)])-)?(?P<amount>(?<![\w.]){NUMBER})(?:\s?(?P<magnitude>{_MAGNITUDE})(?=\s))?\s?"
                rf"(?P<symbol>[£€¥₹]|(?:USD|GBP|EUR)\b)(?P<country>)(?P<high>)"), _money),
    (re.compile(rf"(?P<amount>(?<![\w.]){NUMBER})\s?¢"),
     lambda m: f"{spell_number(m['amount'])} cent{'' if m['amount'] == '1' else 's'}"),
    # times and ratios
    (re.compile(r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?!\d)"
                r"(?:\s?(?P<half>[ap]m\b))?", re.I), _time),
    (re.compile(r"\b(?P<hour>1[0-2]|[1-9])\s?(?P<half>[ap]m)\b", re.I), _hour),
    (re.compile(r"(?<![\w.:])(?P<low>\d+):(?P<high>\d+)(?![\w:])"), r"\g<low> to \g<high>"),
    (re.compile(r"(?:\b(?P<century>1[1-9]|20)'?|(?<!\w)'|\b)(?P<decade>\d0)'?s\b"), _decade),
    (re.compile(r"\b(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)(?P<many>s)?\b", re.I), _ordinal),
    (re.compile(r"(?:(?P<whole>(?<![\w./])\d+)\s)?(?<![\d/.,])(?P<top>\d{1,2})/(?P<bottom>\d{1,3})(?![\d/])"),
     _fraction),
    (re.compile(rf"(?P<low>(?<![\w.-]){NUMBER})\s?-\s?(?P<high>{NUMBER})(?![\w-])"), r"\g<low> to \g<high>"),
    # measures
    (re.compile(r"\b(?P<feet>\d)'\s?(?:(?P<inches>\d{1,2})(?:\"|''))"), _height),
    (re.compile(rf"(?<![\w.])(?P<feet>{NUMBER})\s?ft\.?\s(?P<inches>{NUMBER})\s?in\b\.?"), _feet_inches),
    (re.compile(rf"(?P<sign>(?<![\w)])-)?(?P<number>(?<![\w.]){NUMBER})(?P<magnitude>[MB])(?!\w|\.\w)"), _large),
    (re.compile(rf"(?P<sign>(?<![\w)])-)?(?P<number>(?<![\w.]){NUMBER})\s?(?P<unit>{_UNIT})(?P<power>[²³])?(?![\w/])",
                re.I), _unit),
    (re.compile(rf"(?P<number>(?<![\w.]){NUMBER})\s?(?P<unit>[{''.join(CAPITAL_UNITS)}])(?!\w|\.\w)"), _capital_unit),
    # what is left of numbers
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    (re.compile(r"(?<![\w.])\.(?P<decimals>\d+)"), lambda m: f" point {spell_digits(m['decimals'])} "),
    (re.compile(rf"(?P<sign>(?<![\w)-])-)?(?P<number>{NUMBER})(?:(?P<many>s)\b|(?P<magnitude>\s?(?:bn|mn|tn|k)\b))?",
                re.I), _number),
    # symbols
    (re.compile(r"#(?=[A-Za-z])"), "hashtag "),
    (re.compile("[" + "".join(map(re.escape, SYMBOLS)) + "]"), lambda m: f" {SYMBOLS[m[0]]} "),
    (re.compile(r"(?<=\w)\s?/\s?(?=\w)"), " "),
    (re.compile(r"\s+(?=[,.;:!?])"), ""),
]  # fmt: skip
