"""Measures in English: units, ranges, fractions, dimensions, and all other numbers."""

from __future__ import annotations

import re

from tts_toolkit.text.english_money import counts_a_noun
from tts_toolkit.text.english_numbers import (
    NUMBER,
    Match,
    apart,
    plural,
    spell_cardinal,
    spell_digits,
    spell_fraction,
    spell_number,
    spell_ordinal,
    spell_two_digits,
    spell_year,
)
from tts_toolkit.text.english_tables import CAPITAL_UNITS, LABELLED, LENGTHS, MAGNITUDES, PER, UNITS, UNITS_WITH_DOT
from tts_toolkit.text.parts import Rule

_SIGN = r"(?P<sign>(?<![\w)])-)?"
_WORDLIKE = {"A", "B", "F", "J", "N", "V", "W", "L"}  # in capitals: "5 A" is a unit, "5 ABC" is not
_UNIT = "|".join(re.escape(unit) for unit in sorted({*UNITS} - CAPITAL_UNITS, key=len, reverse=True))
_PER = "|".join(re.escape(unit) for unit in sorted({*PER} - {"each"}, key=len, reverse=True))
_UNIT_AFTER = re.compile(rf"\s?(?:{_UNIT}|inch|feet|meter|pixel)\b")
_POWERS = {"²": "square", "2": "square", "^2": "square", "³": "cubic", "3": "cubic", "^3": "cubic"}


def _signed(match: Match) -> str:
    return "minus " if match["sign"] else ""


def _unit(match: Match) -> str:
    unit, number, power = match["unit"], match["number"], match["power"] or ""
    if unit == "s" and f"{number}s" in match[0] and "." not in number:  # the 12s
        return match[0]
    if power and unit not in LENGTHS:
        if power not in "²³":
            return match[0]
        power = ""
    one, many = UNITS[unit]
    single = number == "1" or counts_a_noun(match) or bool(match["dash"]) or match["joint"] == "-"
    words = f"{_POWERS[power] + ' ' if power else ''}{one if single else many}"
    per = match["per"]
    if per:
        per_power = _POWERS.get(match["per_power"] or "", "")
        if per == "s" and per_power:
            words += f" per second {'squared' if per_power == 'square' else 'cubed'}"
        else:
            words += f" per {per_power + ' ' if per_power else ''}{PER[per]}"
    return f"{_signed(match)}{spell_number(number)} {words}{' ' if match['dash'] is None else '-'}".rstrip()


def _unit_dot(match: Match) -> str:
    return f"{match['number']} {match['unit']}"


def _area(match: Match) -> str:
    power = "square" if match["word"].lower().startswith("sq") else "cubic"
    one, many = {"in": ("inch", "inches")}.get(match["unit"]) or UNITS[match["unit"]]
    return f"{spell_number(match['number'])} {power} {one if match['number'] == '1' or counts_a_noun(match) else many}"


def _capital_unit(match: Match) -> str:
    before = match.string[max(0, match.start() - 40) : match.start()].split()
    if not match["joint"] and before and before[-1].lower().strip(".,") in LABELLED:
        return match[0]  # suite 5A
    one, many = UNITS[match["unit"]]
    return f"{spell_number(match['number'])} {one if match['number'] == '1' else many}"


def _height(match: Match) -> str:
    inches = f" {spell_number(match['inches'])}" if match["inches"] else ""
    return f"{spell_number(match['feet'])} foot{inches}"


def _marked(words: tuple[str, str]) -> Rule:
    mark = "'" if words[0] == "foot" else '"'
    pattern = re.compile(
        rf"(?<![\w.,'\"])(?P<number>\d{{1,4}}(?:\.\d+)?){mark}(?![\w{mark}])(?=\s(?:x|by|tall|long|wide|high|deep|"
        rf"thick)\b)"
    )
    return pattern, lambda m: f"{spell_number(m['number'])} {words[m['number'] != '1']}"


def _screen(match: Match) -> str:
    if match.string.count('"') != 1:
        return match[0]
    single = match["number"] == "1" or re.match(r"\s[a-z]", match.string[match.end() :])
    return f"{spell_number(match['number'])} {'inch' if single else 'inches'}"


def _lone_feet(match: Match) -> str:
    if match.string.count("'") != 1:
        return match[0]
    return f"{spell_number(match['number'])} {'foot' if match['number'] == '1' else 'feet'}"


def _feet_inches(match: Match) -> str:
    feet, inches = match["feet"], match["inches"]
    return (
        f"{spell_number(feet)} {'foot' if feet == '1' else 'feet'} "
        f"{spell_number(inches)} {'inch' if inches == '1' else 'inches'}"
    )


_NOUN = re.compile(r"\s(?!(?:is|was|has|and|or|to|in|at|on|the|a)\b)[a-z]")


def _large(match: Match) -> str:
    before = match.string[max(0, match.start() - 40) : match.start()].split()
    is_whole = "." not in match["number"]
    if is_whole and before and before[-1].lower().strip(".,") in LABELLED:
        return match[0]
    if (
        is_whole
        and match["magnitude"] == "B"
        and len(match["number"]) > 2
        and not _NOUN.match(match.string, match.end())
    ):
        return match[0]  # 221B is a house
    return f"{_signed(match)}{spell_number(match['number'])} {MAGNITUDES[match['magnitude'].lower()]}"


def _fraction(match: Match) -> str:
    whole, top, bottom = match["whole"], int(match["top"]), int(match["bottom"])
    if (top, bottom) in ((24, 7), (9, 11)) or (top == bottom and not whole) or bottom == 0:
        return apart(match, f"{spell_cardinal(top)} {spell_cardinal(bottom)}")
    before = f"{_signed(match)}{spell_number(whole)} and " if whole else _signed(match)
    if top >= 100 and top > bottom:
        return apart(match, f"{before}{spell_cardinal(top)} over {spell_cardinal(bottom)}")
    return apart(match, f"{before}{spell_fraction(top, bottom)}{' inch' if match['inch'] else ''}")


_MODEL = re.compile(r"\b(?:Boeing|Airbus|Area|Model) $")


def _dimensions(match: Match) -> str:
    sides = [float(side.replace(",", "")) for side in re.findall(NUMBER, match[0])]
    power = match.string.startswith(("^", " to the power"), match.end())
    by = _BY.search(match[0]) or min(sides) >= 100 or _UNIT_AFTER.match(match.string, match.end())
    joint = "by" if by and not power else "times"
    return f" {joint} ".join(re.split(r"\s?[x\u00d7*]\s?", match[0]))


_BY = re.compile(r"\dx\d|\"|(?<=\d)\u00d7(?=\d)")


def _range(match: Match) -> str:
    low, high = (float(match[name].replace(",", "")) for name in ("low", "high"))
    if match["spaced"] and low >= high:
        return f"{match['low']} minus {match['high']}"
    if low == high or _MODEL.search(match.string[max(0, match.start() - 10) : match.start()]):
        return f"{match['low']} {match['high']}"
    return f"{match['low']} to {match['high']}"


def _ordinal(match: Match) -> str:
    words = spell_ordinal(int(match["number"].replace(",", "")))
    return f"{words}s" if match["many"] else words


_IN_A_YEAR = re.compile(
    r"\b(?:in|since|from|until|till|by|before|after|circa|during|early|late|mid|year|years|spring|summer|autumn|fall|"
    r"winter|"
    r"January|February|March|April|May|June|July|August|September|October|November|December|established|copyright|pre|"
    r"post|"
    r"back to|between)[ -](?:the )?$",
    re.I,
)
_ADJECTIVES = "more|other|old|new|young|small|large|big|dead|wild|different|such|of the|of these|of those|of them|of"
_NO_PLURALS = (
    "was|is|has|does|goes|as|this|his|its|us|thus|always|perhaps|plus|minus|versus|across|besides|unless|towards|"
    "afterwards|"
    "sometimes|yes|times|hours|series|news|hers|ours|theirs|yours|says|sees|seems|brings|marks|begins|starts|ends|"
    "remains|"
    "comes|makes|takes|shows|gives|becomes|includes|looks|feels|means|needs|wants|gets|lets|census|campus|virus|crisis"
)
_ALWAYS_PLURAL = (
    "people|men|women|children|sheep|fish|feet|mice|police|cattle|dogs|cats|copies|soldiers|troops|years|dollars|euros"
)
_COUNTED = re.compile(
    rf"\s(?:(?:{_ADJECTIVES})\s)?(?!(?:{_NO_PLURALS})\b)(?:[a-z]{{2,}}[^s\W]s|{_ALWAYS_PLURAL})\b(?!')"
)
_SURELY_COUNTED = re.compile(rf"\s(?:(?:{_ADJECTIVES})\s)?(?:{_ALWAYS_PLURAL})\b")
_OWNED = re.compile(r"(?:\b(?:the|this|that|his|her|its|our|their|my|your|every)|'s) $", re.I)
_AMOUNT_BEFORE = re.compile(
    r"\b(?:about|over|nearly|almost|than|least|most|roughly|approximately|exactly|some|only|another) $", re.I
)


def is_year(match: Match) -> bool:
    """Whether four digits, without a comma, are a year: most are, but "1500 sheep" are counted."""
    number = int(match["number"])
    before, after = match.string[max(0, match.start() - 20) : match.start()], match.end()
    if _IN_A_YEAR.search(before):
        return 1000 <= number < 3000
    if not (1100 <= number < 2100) or _AMOUNT_BEFORE.search(before):
        return False
    if _SURELY_COUNTED.match(match.string, after):
        return False
    if number % 100 and (_OWNED.search(before) or not before.strip()):
        return True
    return not _COUNTED.match(match.string, after)


def _number(match: Match) -> str:
    digits = match["number"]
    magnitude = f" {MAGNITUDES[match['magnitude'].strip().lower()]}" if match["magnitude"] else ""
    if (
        not match["sign"]
        and not magnitude
        and re.fullmatch(r"[12]\d\d\d", digits)
        and (match["many"] or is_year(match))
    ):
        words = spell_year(int(digits))
    else:
        words = _signed(match) + spell_number(digits) + magnitude
    return apart(match, plural(words) if match["many"] else words)


_SCREEN_K = (
    r"(?=\s(?:TVs?|video|videos|resolution|display|displays|monitors?|screens?|footage|camera|UHD|content|streaming)\b)"
)


def _coordinates(match: Match) -> str:
    seconds = f" {match['seconds']} seconds" if match["seconds"] else ""
    return apart(match, f"{match['degrees']} degrees {match['minutes']} minutes{seconds}")


def _lines_of_video(match: Match) -> str:
    return f"{spell_number(match['high'])} {spell_two_digits(int(match['low']))} {match['scan']}"


def _power(match: Match) -> str:
    power = match["power"]
    words = {"2": "squared", "3": "cubed"}.get(power)
    return apart(match, f" {words or 'to the power of ' + power.replace('-', 'minus ')}")


FRACTIONS: list[Rule] = [
    (re.compile(rf"{_SIGN}(?:(?P<whole>(?<![\w./,])\d+)[ -])?(?<![\d/.,])(?P<top>\d{{1,3}})/(?P<bottom>\d{{1,4}})"
                r"(?:rds?|ths?|nds?)?(?P<inch>(?<!\"\d/\d)\"|\sin\.)?(?![\d/])(?!\.\d)(?!,\d)"), _fraction),
]  # fmt: skip
LETTER_RANGES: list[Rule] = [
    (re.compile(r"(?<=[a-z]{2}\s)(?P<low>[A-Z])-(?P<high>[A-Z])(?![\w-])"), r"\g<low> to \g<high>"),
]
RANGES: list[Rule] = [
    (re.compile(r"(?<=\d)\^\(?(?P<power>-?\d{1,9})\)?"), _power),
    *LETTER_RANGES,
    (re.compile(r"\b(?P<number>\d{1,3}(?:,\d{3})+|\d{1,9})(?:st|nd|rd|th)(?P<many>s)?\b", re.I), _ordinal),
    (re.compile(r"(?<=\d)-to-(?=\d)"), " to "),
    (re.compile(rf"(?<![\w.-])(?P<low>{NUMBER})\s?-\s?(?P<high>{NUMBER})(?=\s?=)"), r"\g<low> minus \g<high>"),
    (re.compile(rf"(?P<low>(?<![\w.-]){NUMBER})(?P<spaced>\s)?-\s?(?P<high>{NUMBER})(?![\d-]|[A-Za-z]+\d)"
                r"(?!\s?-\s?\d)"), _range),
    (re.compile(rf"(?P<low>(?<![\w.-]){NUMBER}\s?(?:%|°[CF]?|[a-zA-Zμ]{{1,4}}))\s?-\s?(?={NUMBER}\s?(?:%|°|[a-zA-Zμ]))"),
        r"\g<low> to "),
    (re.compile(rf"(?<![\w.]){NUMBER}\"?(?:\s?[x\u00d7*]\s?-?{NUMBER}\"?){{1,5}}(?!\w*\d)"), _dimensions),
]  # fmt: skip
MEASURES: list[Rule] = [
    (re.compile(r"\b(?P<feet>\d)'\s?(?P<inches>\d{1,2})(?:\"|''|(?![\w.,']))"), _height),
    (re.compile(rf"(?<![\w.])(?P<feet>{NUMBER})\s?ft\.?\s(?P<inches>{NUMBER})\s?in\b\.?"), _feet_inches),
    (re.compile(r"(?<![\w.])(?P<degrees>\d{1,3})°\s?(?P<minutes>\d{1,2}(?:\.\d+)?)'(?:\s?(?P<seconds>\d{1,2}(?:\.\d+)?)"
                r"(?:\"|''))?"),
     _coordinates),
    _marked(("foot", "feet")),
    _marked(("inch", "inches")),
    (re.compile(r"(?<![\w.,'\"])(?P<number>\d{1,3}(?:\.\d+)?)\"(?!\w)"), _screen),
    (re.compile(rf"(?<![\w.])(?P<number>{NUMBER})\s?(?P<word>sq|cu|Sq|square|cubic)\.?\s?(?P<unit>ft|m|km|mi|in|yd|cm|"
                rf"mm)\b\.?"), _area),
    (re.compile(rf"(?P<number>(?<![\w.]){NUMBER}) in\.(?=\s[a-z\d]|$|[,;)])"),
     lambda m: f"{spell_number(m['number'])} inch{'' if m['number'] == '1' else 'es'}"),
    (re.compile(rf"(?P<number>(?<![\w.]){NUMBER})\s?(?P<unit>{'|'.join(UNITS_WITH_DOT)})\.(?=\s[a-z\d(]|[,;:)]|$)"),
     _unit_dot),
    (re.compile(r"(?<![\w.])(?P<number>\d+(?:\.\d+)?)\s?[kK]" + _SCREEN_K), lambda m: f"{spell_number(m['number'])} K"),
    (re.compile(r"(?<![\w.,$])(?P<number>[48])K(?=$|[.,;!?)](?!\w)|\s[A-Z])"),
     lambda m: f"{spell_number(m['number'])} K"),
    (re.compile(r"(?<=[A-Z])(?P<number>\d)K\b"), lambda m: f" {spell_number(m['number'])} K"),
    (re.compile(r"(?<![\w.])(?P<number>\d{3,}|\d+\.\d+) K(?![\w'])"), lambda m: f"{spell_number(m['number'])} kelvin"),
    (re.compile(r"(?<![\w.])(?P<number>\d{1,3})\s?pt(?=\s(?:font|type|text)\b)"),
     lambda m: f"{spell_number(m['number'])} point"),
    (re.compile(r"(?<![\w.,'\"])(?P<number>\d{1,4})'(?=$|\s)"), _lone_feet),
    (re.compile(rf"{_SIGN}(?P<number>(?<![\w.])(?<![A-Za-z]-){NUMBER})(?P<magnitude>[MB])(?!\w|\.\w|-|\s[A-Z])"),
     _large),
    (re.compile(rf"{_SIGN}(?P<number>(?<![\w.]){NUMBER})(?P<joint>\s|-)?(?P<unit>{_UNIT})(?P<power>[²³]|"
                rf"\^?[23](?![\d.]))?"
                rf"(?:/(?P<per>{_PER})(?P<per_power>[²³]|\^?[23](?!\d))?)?(?P<dash>-(?=[a-z]))?(?![\w/²³]|[.&]\w)"),
                _unit),
    (re.compile(rf"(?P<number>(?<![\w.]){NUMBER})(?P<joint>\s)?(?P<unit>[VWALJ])(?!\w|[.&']\w|\s[A-Z])"),
     _capital_unit),
]  # fmt: skip
NUMBERS: list[Rule] = [
    (re.compile(r"(?<=[\w)])\^\(?(?P<power>-?\d{1,9}|[a-z]\b)\)?"), _power),
    (
        re.compile(r"(?P<number>(?<![\w.])\d+(?:\.\d+)?)[eE](?P<power>[+-]?\d{1,4})\b"),
        lambda m: f"{spell_number(m['number'])} e {m['power'].replace('-', 'minus ').lstrip('+')}",
    ),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    (re.compile(r"(?<![\w.])(?P<high>\d{1,2})(?P<low>[2-9]0)(?P<scan>[pi])\b(?!\.\w)"), _lines_of_video),
    (re.compile(r"(?<![\w.])\.(?P<decimals>\d+)"), lambda m: f" point {spell_digits(m['decimals'])} "),
    (
        re.compile(
            rf"(?P<sign>(?<![\w)-])-)?(?P<number>{NUMBER})(?:(?P<many>s)\b|(?P<magnitude>\s?(?:bn|mn|tn|[kK])\b))?"
        ),
        _number,
    ),
]
