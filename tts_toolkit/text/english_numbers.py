"""Numbers in English words."""

from __future__ import annotations

import re
from functools import lru_cache

Match = re.Match[str]
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
MAX_DIGITS = 15  # longer ones are codes, read digit by digit


def spell_number(number: str) -> str:
    """Return the words of a number written in digits, with thousands commas and decimals, no sign."""
    whole, _, decimals = number.replace(",", "").partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) > MAX_DIGITS:
        words = spell_digits(whole)  # a code
    else:
        words = spell_cardinal(int(whole)) if whole else ""
    return f"{words} point {spell_digits(decimals)}".strip() if decimals else words


def spell_digits(digits: str) -> str:
    """Return digits one by one, other characters left out: 555-01 -> five five five zero one."""
    return " ".join(spell_cardinal(int(digit)) for digit in digits if digit.isdecimal())


@lru_cache(maxsize=4096)
def spell_ordinal(number: int) -> str:
    """Return `number` as an ordinal in words: 3 -> third."""
    from num2words import num2words

    return _plain(num2words(number, to="ordinal"))


def spell_year(year: int) -> str:
    """Return a year as it is said: 1905 -> nineteen oh five."""
    century, rest = divmod(year, 100)
    if year < 1000 or (century % 10 == 0 and rest < 10):
        return spell_cardinal(year)
    if rest == 0:
        return f"{spell_cardinal(century)} hundred"
    return f"{spell_cardinal(century)} {spell_two_digits(rest)}"


def spell_two_digits(number: int) -> str:
    """Return the last two digits of a year or the minutes of an hour: 5 -> oh five."""
    return f"{'oh ' if number < 10 else ''}{spell_cardinal(number)}"


def spell_fraction(top: int, bottom: int) -> str:
    """Return a fraction in words: 3/4 -> three quarters; 7/120 -> seven over one hundred and twenty."""
    if bottom == 0 or (bottom > 100 and bottom % 1000) or bottom == 1:
        return f"{spell_cardinal(top)} over {spell_cardinal(bottom)}"
    if bottom in (2, 4):
        one, many = ("half", "halves") if bottom == 2 else ("quarter", "quarters")
    else:
        one = spell_ordinal(bottom).removeprefix("one ")
        many = plural(one)
    return f"{spell_cardinal(top)} {one if top == 1 else many}"


def plural(words: str) -> str:
    """Return number words in the plural: forty seven -> forty sevens."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith("x") else f"{words}s"


@lru_cache(maxsize=4096)
def spell_cardinal(number: int) -> str:
    """Return a whole number in words, without hyphens and commas."""
    from num2words import num2words

    return _plain(num2words(number))


def apart(match: Match, words: str) -> str:
    """Return `words` with a blank on each side where the match touches a letter or a digit."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() : match.end() + 1]
    return f"{' ' if before.isalnum() else ''}{words}{' ' if after.isalnum() else ''}"


def _plain(words: str) -> str:
    return words.replace("-", " ").replace(",", "")
