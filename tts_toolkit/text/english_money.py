"""Sums of money in English."""

from __future__ import annotations

import re

from tts_toolkit.text.english_numbers import NUMBER, Match, apart, spell_cardinal, spell_number
from tts_toolkit.text.english_tables import CURRENCY_CODES, CURRENCY_SIGNS, MAGNITUDES, PER, PER_WORDS
from tts_toolkit.text.parts import Rule

_CURRENCIES = CURRENCY_SIGNS | CURRENCY_CODES


def _any(names: dict[str, tuple[str, str, str, str]]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_MAGNITUDE = rf"(?:{'|'.join(sorted(MAGNITUDES, key=len, reverse=True))})"
_AMOUNT = rf"(?:\d{{1,3}}(?:\.\d{{3}})+,\d\d(?!\d)|{NUMBER}(?:,\d\d(?![\d,]))?|\.\d+)"
_SIGN = rf"(?:(?<![A-Za-z])(?:{_any(CURRENCY_SIGNS)})|(?<!\w)(?:{_any(CURRENCY_CODES)})\.?(?![A-Za-z]))"
_SIGNS_AFTER = "".join(re.escape(sign) for sign in CURRENCY_SIGNS if len(sign) == 1 and sign != "$")
_AFTER = rf"(?:[{_SIGNS_AFTER}]|\$(?![\d.])|(?:{_any(CURRENCY_CODES)})(?!\w))"
_HAS_A_NOUN = re.compile(
    r"\s(?!(?:or|and|to|in|on|at|is|was|for|from|per|a|an|the|each|more|less|of|with|by|as|but|if|now|away|then)\b)"
    r"[a-z]"
)
_BOUGHT = re.compile(r"\s(?:bill|note|coin|stamp|fee|fine|ticket|question|budget|deal|loan|deficit|bonus|voucher)s?\b")
_ARTICLE = re.compile(r"(?:^|\W)[aA]n?\s$")


def counts_a_noun(match: Match) -> bool:
    """Whether a measure is between an article and a noun: in "a $5 bill" it is one dollar."""
    before = match.string[max(0, match.start() - 4) : match.start()]
    if _BOUGHT.match(match.string, match.end()):
        return True
    return bool(_ARTICLE.search(before) and _HAS_A_NOUN.match(match.string, match.end()))


def _decimal(amount: str) -> str:
    european = re.fullmatch(r"([\d.]+),(\d\d)", amount)
    return f"{european[1].replace('.', '')}.{european[2]}" if european else amount.replace(",", "")


def _sum(amount: str, magnitude: str | None, coins: tuple[str, str, str, str], single: bool = False) -> str:
    one, many, hundredth, hundredths = coins
    if single:
        many, hundredths = one, hundredth
    if magnitude:
        return f"{spell_number(amount)} {MAGNITUDES[magnitude.lower()]} {many}"
    whole, _, decimals = amount.partition(".")
    if len(decimals) not in (0, 2):
        return f"{spell_number(amount if whole else '0' + amount)} {many}"
    parts = []
    if int(whole or 0) or not int(decimals or 0):
        parts.append(f"{spell_number(whole or '0')} {one if int(whole or 0) == 1 else many}")
    if int(decimals or 0):
        parts.append(f"{spell_cardinal(int(decimals))} {hundredth if int(decimals) == 1 else hundredths}")
    return " and ".join(parts)


def _money(match: Match) -> str:
    coins = _CURRENCIES[match["symbol"].rstrip(".")]
    low, sign = _decimal(match["amount"]), "minus " if match["sign"] or match["minus"] else ""
    high, magnitude, last = match["high"], match["magnitude"], match["last_magnitude"]
    if not high:
        return apart(match, sign + _sum(low, magnitude, coins, counts_a_noun(match)))
    high = _decimal(high)
    if ("." in low + high or match["again"]) and not (magnitude or last):
        return f"{sign}{_sum(low, None, coins)} to {_sum(high, None, coins)}"
    first = f" {MAGNITUDES[magnitude.lower()]}" if magnitude else ""
    return f"{sign}{spell_number(low)}{first} to {_sum(high, last or '', coins)}"


def _money_after(match: Match) -> str:
    coins = _CURRENCIES[match["symbol"]]
    sign = "minus " if match["sign"] else ""
    low = f"{spell_number(_decimal(match['low']))} to " if match["low"] else ""
    return sign + low + _sum(_decimal(match["amount"]), match["magnitude"], coins, counts_a_noun(match))


def _cents(match: Match) -> str:
    return f"{spell_number(match['amount'])} cent{'' if match['amount'] == '1' else 's'}"


def _pence(match: Match) -> str:
    return f"{spell_number(match['amount'])} {'penny' if match['amount'] == '1' else 'pence'}"


def _per(match: Match) -> str:
    per = match["per"]
    return f"{match['sum']} per {PER.get(per, per)}"


MONEY: list[Rule] = [
    (re.compile(rf"(?P<sum>(?:{_SIGN}\s?{_AMOUNT}|(?<![\w.]){_AMOUNT}\s?{_AFTER})(?:\s?{_MAGNITUDE}\b)?)\s?/\s?"
                rf"(?P<per>(?:{'|'.join(map(re.escape, sorted({*PER, *PER_WORDS}, key=len, reverse=True)))}))(?![\w])",
                re.I), _per),
    (re.compile(rf"(?P<sign>(?<![\w)])-\s?)?(?P<symbol>{_SIGN})\s?(?P<minus>-)?(?P<amount>{_AMOUNT})"
                rf"(?:\s?(?P<magnitude>(?i:{_MAGNITUDE}))\b(?!-[a-z]))?"
                rf"(?:\s?-\s?(?P<again>{_SIGN}\s?)?(?P<high>{_AMOUNT})(?:\s?(?P<last_magnitude>(?i:{_MAGNITUDE}))\b)"
                rf"?(?![\w-]))?(?:s\b)?(?!\d)"), _money),
    (re.compile(rf"(?P<sign>(?<![\w)])-)?(?:(?P<low>(?<![\w.]){_AMOUNT})\s?-\s?)?(?P<amount>(?<![\w.]){_AMOUNT})"
                rf"(?:\s?(?P<magnitude>(?i:{_MAGNITUDE}))(?=\s|{_AFTER}))?\s?(?P<symbol>{_AFTER})"), _money_after),
    (re.compile(rf"(?P<amount>(?<![\w.]){NUMBER})\s?¢"), _cents),
    (re.compile(r"(?<![\w.,:£])(?P<amount>[1-9]?\d)p\b(?!\.\s?\d)"), _pence),
]  # fmt: skip
