"""Numbers in English words."""

from __future__ import annotations

from functools import lru_cache


def spell_number(number: str) -> str:
    """Return the words of a number written in digits, with thousands commas and decimals, no sign."""
    whole, _, decimals = number.replace(",", "").partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) > 15:
        words = spell_digits(whole)  # a code
    else:
        words = spell_cardinal(int(whole)) if whole else ""
    return f"{words} point {spell_digits(decimals)}".strip() if decimals else words


def spell_digits(digits: str) -> str:
    """Return digits one by one, other characters left out: 555-01 -> five five five zero one."""
    return " ".join(spell_cardinal(int(digit)) for digit in digits if digit.isdecimal())


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
    return f"{spell_cardinal(century)} {'oh ' if rest < 10 else ''}{spell_cardinal(rest)}"


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


def _plain(words: str) -> str:
    return words.replace("-", " ").replace(",", "")
