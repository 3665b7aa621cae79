"""Dates, years and times in English."""

from __future__ import annotations

import re

from tts_toolkit.text.english_numbers import (
    Match,
    apart,
    plural,
    spell_cardinal,
    spell_digits,
    spell_number,
    spell_ordinal,
    spell_two_digits,
    spell_year,
)
from tts_toolkit.text.english_tables import BIBLE, DAY_NAMES, MONTHS, SHORT_MONTHS
from tts_toolkit.text.parts import Rule

_SHORT = "|".join([*SHORT_MONTHS, *(month.upper() for month in SHORT_MONTHS)])
_LONG = "|".join([*MONTHS, *(month.upper() for month in MONTHS)])
_MONTH = rf"(?:(?:{_LONG})\b|(?:{_SHORT})(?:\.|\b))"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:1\d\d\d|20\d\d)"
_NOT_A_DAY = r"(?![\w%])(?![:.,]\d)(?!\s?[ap]\.?m\b)"
_ODD_DAY = "1[3479]|2[12346789]|31|24"  # not used as fractions
_DAYS = "|".join(sorted(DAY_NAMES, key=len, reverse=True))
_CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d"
_HALF = r"[apAP][mM]\b"


def _day(written: str) -> str:
    return spell_ordinal(int(re.sub(r"\D", "", written)))


def month_name(written: str) -> str:
    """Return the month that a word or its abbreviation names."""
    return next(month for month in MONTHS if month.lower().startswith(written[:3].lower()))


def _month_day(match: Match) -> str:
    words = f"{month_name(match['month'])} {_day(match['day'])}"
    if match["last"]:
        month = f"{month_name(match['last_month'])} " if match["last_month"] else ""
        words += f" to {month}{_day(match['last'])}"
    return words + (f", {spell_year(int(match['year']))}" if match["year"] else "")


def _day_month(match: Match) -> str:
    last = f" to {_day(match['last'])}" if match["last"] else ""
    year = f" {_year_or_short(match['year'])}" if match["year"] else ""
    return f"{match['the'] or 'the '}{_day(match['day'])}{last} of {month_name(match['month'])}{year}"


def _year_or_short(written: str) -> str:
    return spell_two_digits(int(written.strip("'"))) if len(written) <= 3 else spell_year(int(written))


def _full_year(written: str) -> int:
    year = int(written)
    return year if len(written) == 4 else year + (2000 if year < 50 else 1900)


def _date(year: str, month: int, day: int) -> str:
    return f"{MONTHS[month - 1]} {spell_ordinal(day)}, {spell_year(_full_year(year))}"


def _iso_date(match: Match) -> str:
    return _date(match["year"], int(match["month"]), int(match["day"]))


def _numeric_date(match: Match) -> str:
    first, second = int(match["first"]), int(match["second"])
    month, day = (second, first) if first > 12 or match["sep"] == "." else (first, second)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    if match["sep"] == ".":
        return f"the {spell_ordinal(day)} of {MONTHS[month - 1]}, {spell_year(_full_year(match['year']))}"
    return _date(match["year"], month, day)


def _year_month(match: Match) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {spell_year(int(match['year']))}"


def _month_slash_day(match: Match) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {spell_ordinal(int(match['day']))}"


def _short_range(match: Match) -> str:
    year, last = int(match["year"]), int(match["last"])
    return f"{spell_year(year)} to {spell_two_digits(last)}" if last > year % 100 or last == 0 else match[0]


def _era(match: Match) -> str:
    letters = " ".join(re.sub(r"\W", "", match["era"]))
    year = spell_year(int(match["year"]))
    return f"{letters} {year}" if match["era"] == match[0][: len(match["era"])] else f"{year} {letters}"


def _day_range(match: Match) -> str:
    return f"{DAY_NAMES[match['low']]} to {DAY_NAMES[match['high']]}"


def _month_range(match: Match) -> str:
    return f"{month_name(match['low'])} to {month_name(match['high'])}"


def _decade(match: Match) -> str:
    century, decade = match["century"], int(match["decade"])
    if decade == 0:
        if not century:
            return "zeros"
        return "two thousands" if century == "20" else f"{spell_cardinal(int(century))} hundreds"
    tens = plural(spell_cardinal(decade))
    return f"{spell_cardinal(int(century))} {tens}" if century else tens


NAMED_RANGES: list[Rule] = [
    (re.compile(rf"\b(?P<low>{_DAYS})\.?\s?-\s?(?P<high>{_DAYS})\b"), _day_range),
    (re.compile(rf"\b(?P<low>{_MONTH})\s?-\s?(?P<high>{_MONTH})(?!\w)"), _month_range),
]
DATES: list[Rule] = [
    (re.compile(r"(?<=\d{4}-\d\d-\d\d)T(?=\d\d:\d\d)"), " "),
    (re.compile(r"(?<=:\d\d)(?:\.\d{1,6})?Z\b"), " Z"),
    (re.compile(r"(?<![\w/.-])(?P<year>1\d\d\d|2\d\d\d)(?P<sep>[-/.])(?P<month>0?[1-9]|1[0-2])(?P=sep)(?P<day>3[01]|"
                r"[12]\d|0?[1-9])(?![\w/-])(?!\.\d)"),
     _iso_date),
    (re.compile(r"(?<![\w/.-])(?P<first>\d{1,2})(?P<sep>[./-])(?P<second>\d{1,2})(?P=sep)(?P<year>1\d\d\d|20\d\d)"
                r"(?![\w/-])(?!\.\d)"),
     _numeric_date),
    (re.compile(r"(?<![\w/.-])(?P<first>\d{1,2})(?P<sep>/)(?P<second>\d{1,2})/(?P<year>\d\d)(?![\w/-])(?!\.\d)"),
     _numeric_date),
    (re.compile(rf"\b(?:(?P<a>{_DAYS})\.?(?=,?\s+(?:the\s+)?(?:{_MONTH}\s+\d|{_DAY}\s+{_MONTH}|\d{{1,2}}(?::\d\d|"
                rf"\s?[ap]m))))"),
     lambda m: DAY_NAMES[m["a"]]),
    (re.compile(rf"\b(?P<month>{_MONTH})[\s-](?P<day>{_DAY}){_NOT_A_DAY}(?:(?:\s?-\s?|\sto\s)"
                rf"(?:(?P<last_month>{_MONTH})\s)"
                rf"?(?P<last>{_DAY})"
                rf"{_NOT_A_DAY}(?!-))?(?!/\d)(?:,?\s+(?P<year>{_YEAR})\b(?![,-]\d))?"), _month_day),
    (re.compile(rf"(?<![\w.,/:$£€-])(?P<the>[tT]he\s+)?(?P<day>{_DAY})(?:(?:\s?-\s?|\sto\s)(?P<last>{_DAY}))"
                rf"?(?:\s+of\s+|\s|-)(?P<month>{_MONTH})(?!\w)(?!-(?!\d{{2,4}}\b)\w)(?:,?[\s-](?P<year>{_YEAR}\b|"
                rf"'\d\d\b|\d\d(?=$|[.,;]?(?:\s|$))"
                rf"(?!\s?(?:%|[a-z]))))?"), _day_month),
    (re.compile(rf"\b(?P<name>{_DAYS})\.?(?=,?\s(?:0?[1-9]|1[0-2])/(?:3[01]|[12]\d|0?[1-9])\b)"),
     lambda m: DAY_NAMES[m["name"]]),
    (re.compile(r"(?<=\b[oO]n )(?P<month>0?[1-9]|1[0-2])/(?P<day>3[01]|[12]\d|0?[1-9])(?![\w/])(?!\.\d)"),
     _month_slash_day),
    (re.compile(r"(?P<before>day,?\s)(?P<month>0?[1-9]|1[0-2])/(?P<day>3[01]|[12]\d|0?[1-9])(?![\w/])(?!\.\d)"),
     lambda m: m["before"] + _month_slash_day(m)),
    (re.compile(rf"(?<![\w/.,-])(?P<month>1[0-2]|0?[1-9])/(?P<day>{_ODD_DAY})"
                r"(?![\w/]|[.,]\d| (?:of|inch|cup|mile)\b)"),
     _month_slash_day),
    (re.compile(rf"\b(?P<month>{_SHORT})\.?(?=,?\s(?:{_YEAR}|'\d\d)\b)"), lambda m: month_name(m["month"])),
    (re.compile(r"(?<![\w.-])(?P<year>1[1-9]\d\d|20\d\d)[-/](?P<last>\d\d)(?![\w/-])(?!\.\d)"), _short_range),
    (re.compile(r"(?<![\w.-])(?P<year>1[1-9]\d\d|20\d\d)-(?P<month>0[1-9]|1[0-2])(?![\w/-])"), _year_month),
    (re.compile(r"(?<![\w./-])(?P<low>1[1-9]\d\d|20\d\d)/(?P<high>1[1-9]\d\d|20\d\d)(?![\w/-])"),
     r"\g<low> to \g<high>"),
    (re.compile(r"\b(?P<year>\d{1,4})\s?(?P<era>A\.\s?D\.|B\.\s?C\.(?:\s?E\.)?|C\.\s?E\.|AD\b|BCE?\b|CE\b)"), _era),
    (re.compile(r"\b(?P<era>A\.\s?D\.|AD)\s(?P<year>\d{1,4})\b"), _era),
    (re.compile(r"(?:(?<![\w.,])(?P<century>1[1-9]|20)'?|(?<!\w)'|(?<![\w.,$£€]))(?P<decade>\d0)'?s\b(?!')"), _decade),
    (re.compile(r"(?<!\w)'(?P<year>\d\d)(?![\w'])"), lambda m: spell_two_digits(int(m["year"]))),
]  # fmt: skip


def _time(match: Match) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    words = spell_cardinal(hour)
    if minute:
        words += f" {spell_two_digits(minute)}"
    elif not half and not match["second"]:
        words += " o'clock" if 0 < hour <= 12 else " hundred hours"
    if match["second"]:
        words += f" and {spell_cardinal(int(match['second']))} second{'' if int(match['second']) == 1 else 's'}"
    return apart(match, words + (f" {half[0].lower()} m" if half else ""))


def _hour(match: Match) -> str:
    return f"{spell_cardinal(int(match['hour']))} {match['half'][0].lower()} m"


def _half(match: Match) -> str:
    half = match["half"].lower()
    text = match.string
    words = f" {half}m" if text[: match.start()].rstrip()[-1:].isdigit() else f"{half} m"
    return words + ("." if match["dot"] and _NEW_SENTENCE.match(text, match.end()) else "")


_NEW_SENTENCE = re.compile(  # the dot of "p.m." ends a sentence, too
    r"\s+(?!(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|East|Pacific|Central|"
    r"Mountain|"
    r"Greenwich|London|New York)[a-z]*\b)(?:[A-Z][a-z]|I\b|A\s)"
)


def _verse(match: Match) -> str:
    verse = int(match["verse"])
    last = f" to {spell_cardinal(int(match['last']))}" if match["last"] else ""
    return (
        f"{match['book']} {spell_number(match['chapter'])} {'' if verse > 9 else 'verse '}{spell_cardinal(verse)}{last}"
    )


def _military(match: Match) -> str:
    digits = match["digits"]
    hour = spell_digits(digits[:2]) if digits[0] == "0" else spell_cardinal(int(digits[:2]))
    return f"{hour} {'hundred' if digits[2:] == '00' else spell_two_digits(int(digits[2:]))} hours"


def _duration(match: Match) -> str:
    names = {"h": "hour", "m": "minute", "s": "second"}
    found = re.findall(r"(\d+)\s?([hm]?)", match[0].lower())
    words = []
    for number, letter in found:
        name = names.get(letter, "minute")
        words.append(f"{spell_number(str(int(number)))} {name}{'' if int(number) == 1 else 's'}")
    if not found[-1][1]:  # 1h30
        words[-1] = spell_two_digits(int(found[-1][0])) if int(found[-1][0]) < 10 else spell_cardinal(int(found[-1][0]))
    return " ".join(words)


HALVES: list[Rule] = [
    (re.compile(r"(?:(?<=\d)\s?|(?<![\w.]))(?P<half>[aApP])\.\s?[mM](?P<dot>\.)?(?![\w.])"), _half),
]
TIMES: list[Rule] = [
    (re.compile(rf"(?<=\b)(?P<book>{BIBLE})\s(?P<chapter>\d{{1,3}}):(?P<verse>\d{{1,3}})(?:-(?P<last>\d{{1,3}}))"
                rf"?(?![\d:])"),
     _verse),
    (re.compile(r"\b(?P<low>noon|midnight|dawn|dusk|[Nn]oon|[Mm]idnight)\s?-\s?(?=\d)"), r"\g<low> to "),
    (re.compile(rf"(?<![\w.:/$£€-])(?P<low>\d{{1,2}}(?::\d\d)?(?:\s?{_HALF})?)\s?-\s?"
                rf"(?=\d{{1,2}}(?::[0-5]\d)?\s?{_HALF}|{_CLOCK}(?!\d))", re.I), r"\g<low> to "),
    (re.compile(rf"(?<![\w.,:])(?P<hour>0?\d|1[0-2])\.(?P<minute>[0-5]\d)(?P<second>)\s?(?P<half>{_HALF})", re.I),
     _time),
    (re.compile(r"(?<![\w.:])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])"
                rf"(?:\s?(?P<half>{_HALF}))?(?:\s(?:hrs|hours|hundred hours)\b)?", re.I), _time),
    (re.compile(rf"(?<![\w.,:])(?P<hour>1[0-2]|0?[1-9])\s?(?P<half>{_HALF})", re.I), _hour),
    (re.compile(r"(?<![\w.,:])(?P<digits>(?:[01]\d|2[0-4])[0-5]\d)\s?(?:hours|hrs)\b"), _military),
    (re.compile(r"(?<![\w.,:])\d{1,3}\s?h\s?[0-5]?\d(?:\s?m(?:in)?)?\b|(?<![\w.,:])\d{1,3}m\s?[0-5]?\ds\b"), _duration),
    (re.compile(r"(?<![\w.:])(?P<low>\d+(?:\.\d+)?):(?P<high>\d+(?:\.\d+)?)(?![\w:])"), r"\g<low> to \g<high>"),
]  # fmt: skip
