"""Markup of text in any language: typographic marks, HTML, Markdown; and digits of any script."""

from __future__ import annotations

import html
import re
import unicodedata

from tts_toolkit.text.parts import Rule
from tts_toolkit.text.typography import TYPOGRAPHY

Match = re.Match[str]
_TAGS = (
    "a|abbr|b|big|blockquote|body|br|button|center|cite|code|dd|del|div|dl|dt|em|emphasis|figure|font|footer|h[1-6]|"
    "head|"
    "header|hr|html|i|img|ins|kbd|label|li|main|mark|nav|ol|p|phoneme|pre|prosody|q|s|say-as|section|small|span|speak|"
    "strike|strong|sub|sup|table|tbody|td|th|thead|title|tr|tt|u|ul|voice|break"
)
_FOLDED = str.maketrans(
    TYPOGRAPHY
    | {"\u00b5": "\u03bc", "\u2126": "\u03a9", "\u2103": "\u00b0C", "\u2109": "\u00b0F", "\u2044": "/", "\u2215": "/"}
    | {"\u2122": "", "\u00ae": "", "\u2022": " ", "\u00b7": " ", "\u00ad": ""}
    | {
        "\uff05": "%",
        "\uffe5": "\u00a5",
        "\uff04": "$",
        "\uff0b": "+",
        "\uff0d": "-",
        "\uff0f": "/",
        "\ufe6a": "%",
        "\u066a": "%",
    }
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


def fold_marks(text: str) -> str:
    """Return `text` composed, with plain typographic marks and every digit, fraction or numeral sign in ASCII."""
    text = unicodedata.normalize("NFC", text).translate(_FOLDED)
    if text.isascii():
        return text
    return _WIDE_COLON.sub(":", _NUMERIC.sub(_numeric, _POWER.sub(_power, text)))


_WIDE_COLON = re.compile(r"(?<=\d)\uff1a(?=\d)")
_POWER = re.compile(r"(?<=[\w)])[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_NUMERIC = re.compile(r"[^\x00-\x7f²³]")


def _power(match: Match) -> str:
    return match[0] if match[0] in ("²", "³") else f"^{match[0].translate(_SUPERSCRIPTS)}"


def _numeric(match: Match) -> str:
    char = match[0]
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.decimal(char))
    if kind not in ("No", "Nl"):
        return char
    plain = unicodedata.normalize("NFKC", char).replace("\u2044", "/")  # vulgar fractions, roman and circled numerals
    if plain.isascii():
        return f" {plain}" if "/" in plain else plain
    return f" {int(unicodedata.numeric(char))} "


def _entity(match: Match) -> str:
    return html.unescape(match[0])


MARKUP: list[Rule] = [
    (re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,20}\d{0,2});"), _entity),
    (re.compile(r"<!--[^<>]{0,300}-->"), " "),
    (re.compile(r"<(?:br|p|div|li|hr|tr|td|/p|/div|/li|/h[1-6])\b[^<>]{0,200}>", re.I), " "),
    (re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]{{0,200}})?/?>", re.I), ""),
    (re.compile(r"!?\[(?P<text>[^\[\]]{1,200})\]\((?:https?://|www\.|/|#|mailto:)[^()\s]{0,300}\)"), r"\g<text>"),
    (re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*\n]{1,300}?)(?<=[^\s*])\1(?![\w*])"), r"\2"),
    (re.compile(r"(?<![\w_])(_{1,3})(?=[^\s_])([^_\n]{1,300}?)(?<=[^\s_])\1(?![\w_])"), r"\2"),
    (re.compile(r"~~(?=[^\s~])([^~]{1,300})~~"), r"\1"),
    (re.compile(r"(?<!`)(`{1,3})(?=[^\s`])([^`]{1,300})\1(?!`)"), r"\2"),
    (re.compile(r"(?<=[^\W\d_])[\u00b4`](?=[^\W\d_])"), "'"),  # "don`t"
]
LINES: list[Rule] = [  # marks at the start of a line; before line ends become blanks
    (re.compile(r"^[ \t]{0,8}#{1,6}[ \t]+(?=[^\W\d_])", re.M), ""),
    (re.compile(r"^[ \t]{0,8}(?:[*+>-][ \t]+){1,9}(?=[^\W\d_])", re.M), ""),
    (re.compile(r"^[ \t]{0,8}(?:[-*_][ \t]?){3,40}$", re.M), ""),
    (re.compile(r"^[ \t]{0,8}(\d{1,2}|[a-z])\)[ \t]+(?=\S)", re.M), r"\1, "),
]


def unlisted(text: str) -> str:
    """Return `text` without the marks of headings, quotes and list items."""
    for pattern, replace in LINES:
        text = pattern.sub(replace, text)
    return text
