"""Readings of digits and signs in a language: a description (`Grammar`), and the reader that applies it.

A `Grammar` is a small table; `reader` makes it a function from text to spoken text. Numbers, ordinals, dates, times,
sums of money, percentages, units, ranges, fractions, telephone numbers and addresses become words; other words stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tts_toolkit.text.english_words import roman_value
from tts_toolkit.text.markup import MARKUP, fold_marks, unlisted
from tts_toolkit.text.numerals import words_of
from tts_toolkit.text.parts import Rule, apply, read

Match = re.Match[str]
MAX_DIGITS = 15  # longer ones are read digit by digit


@dataclass(frozen=True)
class Noun:
    """Forms of a counted noun: one; few, many and part of one in Slavic languages; or one and many."""

    gender: str
    forms: tuple[str, ...]

    def prefixed(self, prefix: str) -> Noun:
        """Return the unit that is a thousand, a hundredth, ... of this one."""
        return Noun(self.gender, tuple(f"{prefix}{form[0].lower()}{form[1:]}" for form in self.forms))


def noun(written: str) -> Noun:
    """Return the noun of "gender form/form": "m euro/euros"; the gender may be left out."""
    gender, _, forms = written.rpartition(" ") if written[1:2] == " " and " " not in written[2:] else ("", "", written)
    if not gender and written[1:2] == " ":
        gender, forms = written[0], written[2:]
    return Noun(gender, tuple(forms.split("/")))


def nouns(written: Mapping[str, str]) -> dict[str, Noun]:
    """Return a noun for each key."""
    return {key: noun(forms) for key, forms in written.items()}


def coins(written: Mapping[str, str]) -> dict[str, tuple[Noun, Noun]]:
    """Return (unit, hundredth) for the keys of "euro sign and code": {"€ EUR": "m euro/euros, m cent/cents"}."""
    table: dict[str, tuple[Noun, Noun]] = {}
    for keys, forms in written.items():
        unit, hundredth = (noun(part.strip()) for part in forms.split(","))
        table |= dict.fromkeys(keys.split(), (unit, hundredth))
    return table


def units(prefixes: str, other: Mapping[str, str], **base: str) -> dict[str, Noun]:
    """Return units of measure: meters, grams, liters, watts, hertz and bytes with their prefixes, and others.

    `prefixes` are the words for kilo, centi, milli, mega, giga and tera.
    """
    kilo, centi, milli, mega, giga, tera = prefixes.split()
    written = {
        "m": {"k": kilo, "c": centi, "m": milli}, "g": {"k": kilo, "m": milli}, "l": {"c": centi, "m": milli},
        "W": {"k": kilo, "M": mega, "G": giga}, "Hz": {"k": kilo, "M": mega, "G": giga},
        "B": {"k": kilo, "K": kilo, "M": mega, "G": giga, "T": tera},
    }  # fmt: skip
    table: dict[str, Noun] = {}
    for unit, forms in base.items():
        table |= {prefix + unit: noun(forms).prefixed(word) for prefix, word in written[unit].items()}
        if unit != "B":
            table[unit] = noun(forms)
    return table | {"L": noun(base["l"])} | nouns(other)


@dataclass(frozen=True)
class Grammar:
    """The digits and signs of a language, and their readings. Signs without a reading are not read."""

    cardinal: Callable[[int, str], str]  # of a number and a gender ("" counts)
    date: Callable[[int, int, int | None, str], str]  # day, month, year or none, the word before
    time: Callable[[int, int, int | None], str]  # hour, minute, second
    months: str  # twelve, as read in a date
    units: dict[str, Noun]
    money: dict[str, tuple[Noun, Noun]]
    point: str
    minus: str
    to: str  # between the ends of a range; empty where numbers are only joined
    over: str
    address: str  # dot at slash dash underscore
    signs: str  # of & + = * # < > plus-minus paragraph approximately; "_" for a blank
    ordinal: Callable[[Match], str] | None = None
    ordinals: str = ""  # pattern with a group n
    year: Callable[[int], str] | None = None  # where four digits differ from the number
    decimal: str = ","  # as written
    decimals: Callable[[int, str], str] | None = None  # of the whole and its decimals, where they differ
    decimals_as_number: bool = False  # three point fourteen
    few: Callable[[int], int] = field(default=lambda number: 0 if number == 1 else -1)
    many_link: Callable[[int], str] = field(default=lambda number: "")  # "de" in douăzeci de lei
    after_magnitude: str = ""  # "de" in millones de euros
    magnitudes: Mapping[str, str] = field(default_factory=dict)
    coins_link: str = " "
    per: Mapping[str, str] = field(default_factory=dict)  # h: per hour
    short_months: str = ""
    month_link: str = ""  # pattern between day and month, "de"
    day_mark: str = r"\."  # pattern after the digits of a day
    clock_after: str = ""  # pattern of words after a time that `time` already includes
    clock_before: str = ""  # pattern of words before a time that is written with a dot
    h_clock: bool = False  # 14h30
    dotted_days: bool = False  # 21.6. is a date
    year_first: bool = False  # 2024. május 1.
    fractions: Mapping[str, str] = field(default_factory=dict)
    mixed: str = " "  # between a number and its fraction
    abbreviations: Mapping[str, str] = field(default_factory=dict)  # pattern: words
    blanks: bool = True  # between words
    currency_first: bool = True
    fraction_first: bool = False  # the denominator is read first
    percent_first: str = ""  # word before the number
    gender_of: Callable[[str], str] = field(default=lambda word: "")  # of a noun that is in no table
    ratio: str = ""  # word between the numbers of a score
    romans: str = ""  # pattern with a group r: Roman numerals that are read as digits


_GROUPS = re.compile(r"\d{1,3}(?:(?:,\d\d)*,\d{3}|[. '’]\d{3}|,\d{3})+(?!\d)")
_SIGN_KEYS = words_of("& + = × # < > ± § ≈")


class Reader:
    """Reads the numbers of one language."""

    def __init__(self, grammar: Grammar) -> None:
        """Compile the rules of a grammar."""
        self.grammar = grammar
        self.months = grammar.months.split()
        named = [*grammar.units.values(), *(coin for pair in grammar.money.values() for coin in pair)]
        self.genders = {form.split(" ")[0].lower(): each.gender for each in named for form in each.forms}
        self.rules = [*MARKUP, *self._rules()]
        self.without_digits = [*MARKUP, *self._addresses(), *self._abbreviations(), *self._signs()]

    def read(self, text: str) -> str:
        """Return `text` as it is spoken."""
        spoken = read(
            fold_marks(unlisted(text)), lambda part: apply(self.rules, self.without_digits, part), self.digits
        )
        return unlisted(spoken)

    # words
    def gender_after(self, match: Match) -> str:
        """Return the gender of the noun that follows a number."""
        word = re.match(r"\s([^\W\d_]+)", match.string[match.end() : match.end() + 30])
        if not word:
            return ""
        return self.genders.get(word[1].lower()) or self.grammar.gender_of(word[1])

    def spaced(self, match: Match, words: str) -> str:
        """Return `words` separated from the letters and digits around the match."""
        if not self.grammar.blanks:
            return words
        before, after = match.string[: match.start()][-1:], match.string[match.end() : match.end() + 1]
        return f"{' ' if before.isalnum() else ''}{words}{' ' if after.isalnum() else ''}"

    def digits(self, text: str) -> str:
        """Return digits one by one."""
        joint = " " if self.grammar.blanks else ""
        return joint.join(self.grammar.cardinal(int(digit), "") for digit in text if digit.isdecimal())

    def parsed(self, written: str) -> tuple[str, str]:
        """Return the digits before and after the decimal mark of a number as written."""
        grouped = _GROUPS.match(written)
        decimal = self.grammar.decimal
        if grouped and (decimal not in grouped[0] or grouped[0].count(decimal) > 1):
            whole, rest = re.sub(r"\D", "", grouped[0]), written[grouped.end() :]
            return whole, rest[1:]
        whole, _, decimals = re.sub(r"[.,]", "|", written).partition("|")
        return re.sub(r"\D", "", whole), decimals

    def number(self, written: str, gender: str = "") -> str:
        """Return the words of a number as written, without a sign."""
        grammar = self.grammar
        whole, decimals = self.parsed(written)
        if len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0"):
            words = self.digits(whole)
        elif decimals and grammar.decimals and len(decimals) <= 3:
            return grammar.decimals(int(whole), decimals)
        else:
            words = grammar.cardinal(int(whole or 0), gender if not decimals else "")
        if not decimals:
            return words
        joint = " " if grammar.blanks else ""
        if grammar.decimals_as_number and len(decimals) <= 2 and decimals[0] != "0":
            return joint.join((words, grammar.point, grammar.cardinal(int(decimals), "")))
        return joint.join((words, grammar.point, self.digits(decimals)))

    def counted(self, written: str, what: Noun, magnitude: str = "") -> str:
        """Return a number with its noun, both in agreement."""
        grammar = self.grammar
        joint = " " if grammar.blanks else ""
        if magnitude:
            large = self.counted(written, noun(grammar.magnitudes[magnitude]))
            return f"{large}{joint}{grammar.after_magnitude}{self.form(what, 7)}"
        whole, decimals = self.parsed(written)
        if decimals:
            form = what.forms[3] if len(what.forms) > 3 else what.forms[-1]
            link = ""
        else:
            form, link = self.form(what, int(whole or 0)), grammar.many_link(int(whole or 0))
        return joint.join(filter(None, (self.number(written, what.gender), link, form)))

    def form(self, what: Noun, number: int) -> str:
        """Return the form of a noun after a whole number."""
        return what.forms[self.grammar.few(number)] if len(what.forms) > 1 else what.forms[0]

    def sum(self, written: str, currency: str, magnitude: str = "") -> str:
        """Return a sum of money: a number with its unit, and hundredths where there are two decimals."""
        unit, hundredth = self.grammar.money[currency]
        whole, decimals = self.parsed(written)
        if magnitude or len(decimals) not in (0, 2):
            return self.counted(written, unit, magnitude)
        parts = [self.counted(whole, unit)] if int(whole) or not int(decimals or 0) else []
        if int(decimals or 0):
            parts.append(self.counted(str(int(decimals)), hundredth))
        return self.grammar.coins_link.join(parts)

    # rules
    def _rules(self) -> list[Rule]:
        return [
            *self._addresses(), *self._abbreviations(), *self._dates(), *self._times(), *self._phones(), *self._money(),
            *self._ordinals(), *self._fractions(), *self._measures(), *self._numbers(), *self._signs(),
        ]  # fmt: skip

    def _addresses(self) -> list[Rule]:
        dot, at, slash, dash, underscore = (word.replace("_", " ") for word in self.grammar.address.split())
        words = {
            ".": dot,
            "@": at,
            "/": slash,
            "-": dash,
            "_": underscore,
            ":": "",
            "?": "",
            "=": "",
            "&": "",
            "#": "",
            "~": "",
        }
        joint = " " if self.grammar.blanks else ""

        def spelled(match: Match) -> str:
            address = re.sub(r"^(?:https?|ftp)://", "", match[0]).rstrip("/")
            marked = "".join(f"{joint}{words[c]}{joint}" if c in words else c for c in address)
            return " ".join(marked.split())

        tail = r"(?:/[\w./?=&:#~-]{0,200}\w)?"
        return [
            (
                re.compile(r"(?<![A-Za-z0-9.+-])[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"),
                spelled,
            ),
            (re.compile(r"(?:https?://|www\.)[A-Za-z0-9./?=&:#~_-]{0,300}[A-Za-z0-9]"), spelled),
            (
                re.compile(
                    r"(?<![A-Za-z0-9@.-])(?:[a-zA-Z0-9-]{1,63}\.){1,4}(?:com|org|net|edu|gov|info|eu|de|fr|es|it|pt|br|"
                    r"nl|dk|"
                    rf"se|fi|pl|cz|ru|ua|hu|ro|jp|cn|vn|uk|io)\b(?![.@-]?[A-Za-z0-9]){tail}",
                    re.A,
                ),
                spelled,
            ),
        ]

    def _abbreviations(self) -> list[Rule]:
        romans: list[Rule] = []
        if self.grammar.romans:
            romans = [(re.compile(self.grammar.romans), self._roman)]
        return romans + [(re.compile(pattern), words) for pattern, words in self.grammar.abbreviations.items()]

    def _roman(self, match: Match) -> str:
        numeral = next(found for found in match.groups() if found)
        return match[0].replace(numeral, str(roman_value(numeral)))

    def _date(self, day: str, month: str | int, year: str | None, match: Match) -> str:
        number = month if isinstance(month, int) else self._month(month)
        before = re.search(r"(\w+)\W*$", match.string[max(0, match.start() - 20) : match.start()])
        full = None if not year else int(year) + (0 if len(year) > 2 else 2000 if int(year) < 50 else 1900)
        return self.spaced(match, self.grammar.date(int(day), number, full, before[1].lower() if before else ""))

    def _month(self, written: str) -> int:
        lower = written.lower().rstrip(".")
        for names in (self.months, self.grammar.short_months.split()):
            for n, name in enumerate(names):
                if re.fullmatch(name.lower(), lower):
                    return n + 1
        raise ValueError(written)

    @property
    def _month_pattern(self) -> str:
        long = "|".join(self.months)
        short = "|".join(f"(?:{name})" for name in self.grammar.short_months.split())
        return rf"(?i:{long})(?!\w)" + (rf"|(?i:{short})\b\.?" if short else "")

    def _numeric_date(self, match: Match) -> str:
        day, month = int(match["day"]), int(match["month"])
        if month > 12 >= day:
            day, month = month, day
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return match[0]
        return self._date(str(day), month, match["year"], match)

    def _dates(self) -> list[Rule]:
        grammar = self.grammar
        rules: list[Rule] = [
            (re.compile(r"(?<=\d{4}-\d\d-\d\d)T(?=\d\d:)"), " "),
            (
                re.compile(
                    r"(?<![\d./-])(?P<year>[12]\d{3})(?P<sep>[-/.])\s?(?P<month>0?[1-9]|1[0-2])(?P=sep)"
                    r"\s?(?P<day>3[01]|[12]\d|0?[1-9])(?![\d/-])\.?(?!\d)"
                ),
                self._numeric_date,
            ),
            (
                re.compile(
                    r"(?<![\d./-])(?P<day>\d{1,2})(?P<sep>\.\s|[-/.])(?P<month>\d{1,2})(?P=sep)(?P<year>[12]\d{3})"
                    r"(?![\d/-])(?!\.\d)"
                ),
                self._numeric_date,
            ),
            (
                re.compile(
                    r"(?<![\d./-])(?P<day>\d{1,2})(?P<sep>[/.])(?P<month>\d{1,2})(?P=sep)(?P<year>\d{2})(?![\d/-])"
                    r"(?!\.\d)"
                ),
                self._numeric_date,
            ),
        ]
        to = f" {grammar.to or '-'} " if grammar.blanks else grammar.to
        rules.append((re.compile(r"(?<![\w.,/-])(?P<low>[12]\d{3})\s?-\s?(?=[12]\d{3}(?![\w/-]))"), rf"\g<low>{to}"))
        if grammar.dotted_days:
            rules.append(
                (
                    re.compile(
                        r"(?<![\d.,/])(?P<day>3[01]|[12]\d|0?[1-9])\.\s?(?P<month>1[0-2]|0?[1-9])\.(?P<year>)(?!\s?\d)"
                    ),
                    self._numeric_date,
                )
            )
        if self.months:
            rules += self._month_dates()
        if grammar.year:
            say = grammar.year
            rules.append(
                (
                    re.compile(r"(?<![\w.,€$£])(?:1[1-9]\d\d|20[1-9]\d)(?![\w%€$£]|[.,]\d|\s[€$£%]|\s\d{3})"),
                    lambda match: self.spaced(match, say(int(match[0]))),
                )
            )
        return rules

    def _month_dates(self) -> list[Rule]:
        grammar, month = self.grammar, self._month_pattern
        if grammar.year_first:
            return [
                (
                    re.compile(
                        rf"(?:(?<!\d)(?P<year>[12]\d{{3}})\.?\s)?\b(?P<month>{month})\s(?P<day>3[01]|[12]\d|0?[1-9])"
                        rf"(?!\d|[.,:]\d)\.?"
                    ),
                    lambda match: self._date(match["day"], match["month"], match["year"], match),
                ),
            ]
        link = rf"(?:\s(?:{grammar.month_link}))?" if grammar.month_link else ""
        mark = rf"(?:{grammar.day_mark})?"
        day = r"(?:3[01]|[12]\d|0?[1-9])"

        def ranged(match: Match) -> str:
            before = re.search(r"(\w+)\W*$", match.string[max(0, match.start() - 20) : match.start()])
            first = grammar.date(int(match["first"]), 0, None, before[1].lower() if before else "").strip()
            return self.spaced(
                match,
                f"{first} {grammar.to or '-'} {self._date(match['day'], match['month'], match['year'], match).strip()}",
            )

        dated = (
            rf"(?P<day>{day}){mark}{link}\s(?P<month>{month})"
            rf"(?:,?(?:\s(?:{grammar.month_link or 'de'}))?\s(?P<year>[12]\d{{3}})(?!\d|[.,]\d))?"
        )
        return [
            (re.compile(rf"(?<![\w.,/])(?P<first>{day}){mark}\s?-\s?{dated}"), ranged),
            (re.compile(rf"(?<![\w.,/:]){dated}"),
             lambda match: self._date(match["day"], match["month"], match["year"], match)),
        ]  # fmt: skip

    def _time(self, match: Match) -> str:
        second = match["second"]
        words = self.grammar.time(int(match["hour"]), int(match["minute"] or 0), int(second) if second else None)
        return self.spaced(match, words)

    def _times(self) -> list[Rule]:
        grammar = self.grammar
        after = rf"(?:\s?(?:{grammar.clock_after})(?!\w))" if grammar.clock_after else ""
        hour, minute = r"(?P<hour>[01]?\d|2[0-4])", r"(?P<minute>[0-5]\d)"
        to = f" {grammar.to or '-'} " if grammar.blanks else grammar.to
        clock = r"(?:[01]?\d|2[0-4])[:.h][0-5]\d"

        def ranged(match: Match) -> str:
            hour, _, minute = match["low"].replace(".", ":").replace("h", ":").partition(":")
            words = grammar.time(int(hour), int(minute), None) if minute else grammar.cardinal(int(hour), "")
            return f"{words}{to}"

        rules: list[Rule] = [
            (re.compile(rf"(?<![\d:.,])(?P<low>(?:[01]?\d|2[0-4])[:h][0-5]\d)\s?-\s?(?={clock})"), ranged),
            (
                re.compile(
                    rf"(?<![\d:.,]){hour}:{minute}(?::(?P<second>[0-5]\d))?(?![\d:]){after}{'?' if after else ''}"
                ),
                self._time,
            ),
        ]
        if after:
            rules.insert(
                0,
                (
                    re.compile(
                        rf"(?<![\d:.,-])(?P<low>(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?)\s?-\s?(?=(?:[01]?\d|2[0-4])"
                        rf"(?:[:.][0-5]\d)?{after})"
                    ),
                    ranged,
                ),
            )
            rules.append((re.compile(rf"(?<![\d:.,]){hour}\.{minute}(?P<second>){after}"), self._time))
            rules.append((re.compile(rf"(?<![\d:.,]){hour}(?P<minute>)(?P<second>){after}"), self._time))
        if grammar.clock_before:
            rules.append(
                (
                    re.compile(rf"\b(?P<clock>(?:{grammar.clock_before})\s){hour}\.{minute}(?P<second>)(?![\d.])"),
                    lambda match: match["clock"] + self._time(match),
                )
            )
        if grammar.h_clock:
            rules.append((re.compile(rf"(?<![\d:.,]){hour}\s?[hH]\s?{minute}(?P<second>)(?!\d)"), self._time))
        return rules

    def _phones(self) -> list[Rule]:
        plus = self._sign_words()["+"]

        def spelled(match: Match) -> str:
            n_digits = sum(c.isdigit() for c in match[0])
            if not 7 <= n_digits <= 19:
                return match[0]
            joint = " " if self.grammar.blanks else ""
            return self.spaced(match, f"{plus + joint if match[0][0] == '+' else ''}{self.digits(match[0])}")

        return [
            (re.compile(r"(?<![\d+])\+\d{1,3}(?:[ ./-]?\(?\d{1,6}\)?){1,7}(?![\d-])"), spelled),
            (re.compile(r"(?<![\d.,/+-])\(?0\d{1,5}\)?(?:[ ./-]{1,3}\d{2,8}){1,6}(?![\d-])(?![.,:]\d)"), spelled),
            (re.compile(r"(?<![\d.,/+-])\d{2,5}(?:-\d{2,5}){2,5}(?![\d-])"), spelled),
        ]

    @property
    def _amount(self) -> str:
        other = "." if self.grammar.decimal == "," else ","
        decimal = re.escape(self.grammar.decimal)
        if other == ",":
            return r"(?:\d{1,3}(?:(?:,\d\d)*,\d{3}|(?: \d{3})+)+(?!\d)(?:\.\d+)?|\d+\.\d+|\d+)"
        return rf"(?:\d{{1,3}}(?:[{other} ']\d{{3}})+(?!\d)(?:{decimal}\d+)?|\d+{decimal}\d+|\d+\.\d+|\d+)"

    @property
    def _magnitude(self) -> str:
        names = [name for name in self.grammar.magnitudes if len(name) > 1 or not self.grammar.blanks]
        return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or "(?!)"

    def _money(self) -> list[Rule]:
        grammar, amount = self.grammar, self._amount
        names = "|".join(re.escape(name) for name in sorted(grammar.money, key=len, reverse=True))
        symbol = rf"(?:(?<![^\W\d_])(?:{names})(?![^\W\d_])|[€$£])" if grammar.blanks else rf"(?:{names})"
        magnitude = self._magnitude + ("|M" if "M" in grammar.magnitudes else "")
        joint = " " if grammar.blanks else ""

        def in_words(match: Match) -> str:
            sign = grammar.minus + joint if match["sign"] else ""
            low = (
                f"{self.number(match['low'])}{f'{joint}{grammar.to}{joint}' if grammar.to else '-'}"
                if match["low"]
                else ""
            )
            return self.spaced(match, sign + low + self.sum(match["amount"], match["symbol"], match["magnitude"] or ""))

        return [
            (
                re.compile(
                    rf"(?P<sign>(?<![\w)])-\s?)?(?P<symbol>{symbol})\s?(?:(?P<low>{amount})\s?-\s?)"
                    rf"?(?P<amount>{amount})(?:\s?(?P<magnitude>{magnitude})(?!\w))?"
                ),
                in_words,
            ),
            (
                re.compile(
                    rf"(?P<sign>(?<![\w)])-\s?)?(?:(?P<low>(?<![\d.,]){amount})\s?-\s?)?(?P<amount>(?<![\d.,]){amount})"
                    rf"\s?(?:(?P<magnitude>{magnitude})\s?)?(?P<symbol>{symbol})"
                ),
                in_words,
            ),
        ]

    def _ordinals(self) -> list[Rule]:
        say = self.grammar.ordinal
        if not say:
            return []
        return [(re.compile(self.grammar.ordinals), lambda match: self.spaced(match, say(match)))]

    def _fraction(self, match: Match) -> str:
        grammar = self.grammar
        joint = " " if grammar.blanks else ""
        top, bottom, whole = match["top"], match["bottom"], match["whole"]
        words = grammar.fractions.get(f"{top}/{bottom}")
        if not words:
            parts = [grammar.cardinal(int(top), ""), grammar.over, grammar.cardinal(int(bottom), "")]
            words = joint.join(reversed(parts) if grammar.fraction_first else parts)
        return self.spaced(match, f"{self.number(whole)}{grammar.mixed}{words}" if whole else words)

    def _fractions(self) -> list[Rule]:
        return [
            (
                re.compile(
                    r"(?:(?<![\d.,/])(?P<whole>\d{1,3})\s)?(?<![\d/.,])(?P<top>\d{1,3})/(?P<bottom>\d{1,3})(?![\d/]|"
                    r"[.,]\d)"
                ),
                self._fraction,
            )
        ]

    def _unit(self, match: Match) -> str:
        grammar = self.grammar
        joint = " " if grammar.blanks else ""
        per = f"{joint}{grammar.per[match['per']]}" if match["per"] else ""
        sign = grammar.minus + joint if match["sign"] else ""
        if grammar.percent_first and match["unit"] == "%":
            return self.spaced(match, f"{grammar.percent_first}{sign}{self.number(match['amount'])}")
        counted = self.counted(match["amount"], grammar.units[match["unit"]], match["magnitude"] or "")
        return self.spaced(match, sign + counted + per)

    def _measures(self) -> list[Rule]:
        grammar, amount = self.grammar, self._amount
        unit = "|".join(re.escape(name) for name in sorted(grammar.units, key=len, reverse=True))
        per = "|".join(re.escape(name) for name in sorted(grammar.per, key=len, reverse=True)) or "(?!)"
        joint = " " if grammar.blanks else ""
        magnitude = self._magnitude
        letters = r"\w" if grammar.blanks else r"A-Za-z0-9"
        return [
            (
                re.compile(rf"(?P<low>(?<![\w.,-]){amount})(?:\s?(?:%|°C?))?\s?-\s?(?={amount}(?![\d-]|[.,:]\d))"),
                rf"\g<low>{joint}{grammar.to}{joint}" if grammar.to else r"\g<low>-",
            ),
            (
                re.compile(
                    rf"(?P<sign>(?<![\w)])-)?(?P<amount>(?<![\d.,]){amount})\s?(?:(?P<magnitude>{magnitude})\s?)"
                    rf"?(?P<unit>{unit})(?:/(?P<per>{per}))?(?![{letters}²³/^])"
                ),
                self._unit,
            ),
        ]

    def _numbers(self) -> list[Rule]:
        grammar, amount = self.grammar, self._amount
        joint = " " if grammar.blanks else ""
        point = f"{joint}{self.grammar.address.split()[0].replace('_', ' ')}{joint}"

        def dotted(match: Match) -> str:
            return self.spaced(match, point.join(self.number(part) for part in match[0].split(".")))

        def plain(match: Match) -> str:
            sign = grammar.minus + joint if match["sign"] else ""
            return self.spaced(match, sign + self.number(match["amount"], self.gender_after(match)))

        def large(match: Match) -> str:
            return self.spaced(match, self.counted(match["amount"], noun(grammar.magnitudes[match["magnitude"]])))

        times = self._sign_words()["×"]
        return [
            (re.compile(r"(?<![\d.,])(?!\d{1,3}(?:\.\d{3})+(?![\d.]))\d{1,5}(?:\.\d{1,5}){2,5}(?![.,]?\d)"), dotted),
            (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), f"{joint}{times}{joint}"),
            (
                re.compile(r"(?<=\d):(?=\d)"),
                (f" {grammar.ratio} " if grammar.ratio else " ") if grammar.blanks else "比",
            ),
            (re.compile(r"(?<=[^\W\d_])-(?=\d)"), " " if grammar.blanks else ""),
            (re.compile(rf"(?P<amount>(?<![\d.,]){amount})\s?(?P<magnitude>{self._magnitude})(?!\w)"), large),
            (re.compile(rf"(?P<sign>(?<![\w)-])-)?(?P<amount>{amount})"), plain),
        ]

    def _sign_words(self) -> dict[str, str]:
        words = dict(zip(_SIGN_KEYS, (word.replace("_", " ") for word in self.grammar.signs.split()), strict=True))
        at, units = self.grammar.address.split()[1], self.grammar.units
        return (
            words
            | {"@": at.replace("_", " "), "~": words["≈"], "%": units["%"].forms[-1], "°": units["°"].forms[-1]}
            | {
                "*": "",
                "^": "",
                "|": "",
                "÷": "/",
                "€": self.grammar.money["€"][0].forms[-1],
                "$": self.grammar.money["$"][0].forms[-1],
                "£": self.grammar.money["£"][0].forms[-1],
                "²": "",
                "³": "",
            }
        )

    def _signs(self) -> list[Rule]:
        words = self._sign_words()
        joint = " " if self.grammar.blanks else ""
        return [
            (re.compile("[" + "".join(map(re.escape, words)) + "]"), lambda match: f"{joint}{words[match[0]]}{joint}"),
            (re.compile(r"(?<=\w)\s?[/\\_]\s?(?=\w)"), joint),
            (re.compile(r"_+"), " "),
            (re.compile(r" (?=[,.;:!?])(?!\.\w)"), ""),
        ]


def reader(grammar: Grammar) -> Callable[[str], str]:
    """Return the function that reads texts by a grammar."""
    return lru_cache(maxsize=65536)(Reader(grammar).read)
