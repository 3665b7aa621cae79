"""Addresses in English: e-mail, the web, files, telephones, versions, postal codes."""

from __future__ import annotations

import re

from tts_toolkit.text.english_numbers import Match, spell_digits, spell_number
from tts_toolkit.text.english_tables import FILE_ENDINGS, SHY_DOMAINS, TOP_LEVEL_DOMAINS
from tts_toolkit.text.parts import Rule

_MARKS = {
    ".": "dot", "/": "slash", "\\": "backslash", "-": "dash", "_": "underscore", "@": "at", "?": "question mark",
    "=": "equals", "&": "and", ":": "colon", "+": "plus", "#": "hash", "~": "tilde", "%": "percent",
}  # fmt: skip
_PATH = r"[\w./?=&:+#~%@-]{0,300}[\w/]"
_LABEL = r"[\w-]{1,63}"
_SURE = "|".join(domain for domain in TOP_LEVEL_DOMAINS if domain not in SHY_DOMAINS)
_DOMAIN = rf"(?<![\w@.-])(?:{_LABEL}\.){{1,6}}(?:(?:{_SURE})\b(?![\w-])|[a-z]{{2,6}}(?=:\d{{2,5}}\b|/\w))"
_ENDINGS = "|".join(sorted(FILE_ENDINGS, key=len, reverse=True))


def _address(match: Match) -> str:
    address = re.sub(r"^(?:https?|ftp|mailto)://", "", match[0], flags=re.I).rstrip("/")
    address = re.sub(r"^www(?=\.)", "w w w", address, flags=re.I)
    address = re.sub(r"\d{3,}", lambda m: f" {spell_digits(m[0])} ", address)
    return " ".join("".join(f" {_MARKS[char]} " if char in _MARKS else char for char in address).split())


def _phone(match: Match) -> str:
    written = match[0]
    area = re.match(r"\((\d{1,5})\)", written)
    start = f"{spell_digits(area[1])}, " if area else ""
    plus = "plus " if written.startswith("+") else ""
    named = re.search(r"[A-Z]{3,}$", written)
    letters = f" {named[0].lower()}" if named else ""
    return f"{plus}{start}{spell_digits(written[area.end() if area else 0 :])}{letters}"


def _dialed(match: Match) -> str:
    return f"{match['verb']}{spell_digits(match['number'])}"


def _groups(match: Match) -> str:
    """Read digit groups as a telephone number unless they are one number with blanks at its thousands."""
    groups = re.split(r"[ .-]", match[0])
    n_digits = sum(map(len, groups))
    thousands = all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3 and groups[0][0] != "0"
    if "-" not in match[0] and "." not in match[0] and thousands:
        return match[0]
    return spell_digits(match[0]) if 7 <= n_digits <= 19 else match[0]


def _joined_thousands(match: Match) -> str:
    return match[0].replace(" ", "")


def _dotted(match: Match) -> str:
    parts = match["parts"].split(".")
    if len(parts) == 4 and not match["v"]:
        return " dot ".join(spell_digits(part) for part in parts)
    return f"{match['v'] or ''} {' point '.join(spell_number(part) for part in parts)}".strip()


def _postcode(match: Match) -> str:
    return " ".join(spell_digits(char) if char.isdigit() else char for char in match[0] if char != " ")


ADDRESSES: list[Rule] = [
    (re.compile(rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,6}}\b"), _address),
    (re.compile(rf"\b(?:https?|ftp)://{_PATH}|\bwww\.{_PATH}", re.I), _address),
    (re.compile(rf"{_DOMAIN}(?::\d{{2,5}}\b)?(?:/{_PATH})?"), _address),
    (
        re.compile(r"(?<!\w)[A-Z]:\\[\w\\.-]{0,300}|(?<![\w/])(?:~|\.\.?)?/(?:[\w.-]{1,80}/){1,20}[\w.-]{0,80}\w"),
        _address,
    ),
    (re.compile(rf"(?<![\w.@-])(?:[\w-]{{1,80}}\.){{1,4}}(?:{_ENDINGS})\b(?![\w-])", re.I), _address),
]
PHONES: list[Rule] = [
    (re.compile(r"(?<![\w+])\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){1,7}(?![\w-])"), lambda m: _phone(m) if len(
        re.sub(r"\D", "", m[0])) >= 8 else m[0]),
    (re.compile(r"(?<![\w-])(?:1[ .-])?\(\d{2,5}\)[ .-]?\d{2,5}(?:[ .-]\d{2,5}){0,3}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.,/-])\d{3} 0\d{3}(?![\w-])(?!\s\d)"), _phone),
    (re.compile(r"(?<![\w.-])1[ .-](?:8\d\d|900)[ .-](?:\d{3}[ .-]\d{4}|[A-Z]{5,9})\b"), _phone),
    (re.compile(r"(?<![\w./-])\d{3}[ .-]\d{3}[ .-]\d{4}(?![\w-])|(?<![\w./-])\d{3}-\d{4}(?![\w-])"), _phone),
    (re.compile(r"(?P<verb>\b(?:[Cc]all(?:ed|s|ing)?|[Dd]ial(?:ed|s|ing)?|[Pp]hone|[Tt]el|[Tt]elephone|[Ff]ax|[Rr]ing|"
                r"[Tt]ext|[Pp]in"
                r"|PIN|[Ee]xtension|[Ee]xt|[Zz]ip(?: code)?|ZIP(?: code)?|[Pp]ostcode)\b\.?:?\s(?:(?:us|me|him|her|"
                r"them|at|on|"
                r"number|is|code|to) ){0,2})"
                r"(?P<number>\d{3,}(?:[ .-]\d{2,}){0,6})(?![\w-])(?![.,]\d)(?!\s(?:people|times|men|women|[a-z]{3,}s)"
                r"\b)"), _dialed),
    (re.compile(r"(?<![\w.,$£€-])(?:911|999(?= emergency)|112(?= emergency))(?![\w.,-]?\d)"),
     lambda m: spell_digits(m[0])),
    (re.compile(r"(?<![\w.,/-])0\d{1,5}(?:[ -]\d{2,8}){1,6}(?![\w-])(?![.,:/]\d)(?!\s\d)"), _groups),
    (re.compile(r"(?<![\w.,/-])\d{1,5}(?:[ -]\d{2,6}){2,7}(?![\w-])(?![.,:/]\d)(?!\s\d)"), _groups),
    (re.compile(r"(?<![\w.,/-])\d{1,7}(?:-\d{1,7}){3,6}(?![\w-])"), lambda m: spell_digits(m[0])),
    (re.compile(r"(?<![\w.,/-])(?:\d{4}[ -]){3}\d{4}(?![\w-])"), lambda m: spell_digits(m[0])),
    (re.compile(r"(?<=\b[A-Z]{2} )\d{5}(?:-\d{4})?(?![\w-])(?![.,]\d)|(?<=\bD\.C\. )\d{5}(?:-\d{4})?(?![\w-])"),
     lambda m: spell_digits(m[0])),
    (re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"), _postcode),
    (re.compile(r"(?<![\w.,-])\d{1,3}(?: \d{3}){1,5}(?![\w-])(?!\s\d)"), _joined_thousands),
    (re.compile(r"\b(?P<v>[vV])?(?P<parts>\d{1,6}(?:\.\d{1,6}){2,6})(?![\w.]*\d)"), _dotted),
]  # fmt: skip
