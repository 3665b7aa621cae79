"""Words in English that are not read as they are written: abbreviations, titles, Roman numerals, acronyms."""

from __future__ import annotations

import re

from tts_toolkit.text.english_numbers import Match, spell_cardinal, spell_ordinal, spell_year
from tts_toolkit.text.english_tables import (
    ABBREVIATIONS,
    CAPITALIZED_ONLY,
    MAY_END_A_SENTENCE,
    NEVER_SPELLED,
    ONLY_BEFORE_A_CAPITAL,
    ONLY_BEFORE_A_DIGIT,
    SPELLED_ACRONYMS,
    STREETS,
    TITLES_WITHOUT_DOT,
    WITHIN_A_SENTENCE,
)
from tts_toolkit.text.parts import Rule

_STREET_BEFORE = re.compile(r"(?:[A-Z][\w'-]{1,30}|\d(?:st|nd|rd|th)|(?:first|second|third|[a-z]{3,9}th))\s$")
_NUMBERED_STREET = re.compile(r"\d[A-Z]?\s(?:[NSEW]\.?\s)?(?:[A-Z\d][\w'-]{1,30}\s){1,3}$")


def _cased(spelled: str, like: str) -> str:
    return spelled.capitalize() if like[0].isupper() else spelled


def _abbreviation(match: Match) -> str:
    word, rest = match["word"].lower(), match["rest"]
    follows = match.string[match.end("word") + 1 :][:3]
    before_a_name = bool(re.match(r"\s+[A-Z]", follows))
    before_a_digit = bool(re.match(r"\s*\d", follows))
    at_the_end = match.end() == len(match.string) and not rest.strip()
    alone = at_the_end and match.start() == 0
    spelled, ends = ABBREVIATIONS[word], at_the_end and word in MAY_END_A_SENTENCE
    before = match.string[max(0, match.start() - 90) : match.start()]
    if word in ("st", "dr") and _is_street(before, before_a_name):
        spelled, ends = STREETS[word], at_the_end
    elif not alone and (
        _is_a_word(word, match, before_a_name, before_a_digit, at_the_end) or (word == "st" and not before_a_name)
    ):
        return match[0]
    if ends and alone and word not in MAY_END_A_SENTENCE:
        ends = False
    return _cased(spelled, match["word"]) + ("." if ends else "") + rest


def _is_street(before: str, before_a_name: bool) -> bool:
    """Whether "St." or "Dr." ends the name of a street rather than begins that of a person."""
    return bool(_NUMBERED_STREET.search(before) or (not before_a_name and _STREET_BEFORE.search(before)))


def _is_a_word(word: str, match: Match, before_a_name: bool, before_a_digit: bool, at_the_end: bool) -> bool:
    capital = match["word"][0].isupper()
    if word in WITHIN_A_SENTENCE:
        return not capital or at_the_end or before_a_name
    if word in CAPITALIZED_ONLY and not capital:
        return True
    if word in ONLY_BEFORE_A_DIGIT and before_a_digit:
        return False
    if word in ONLY_BEFORE_A_DIGIT and word not in ("est", "fig", "ch"):
        return True
    if word in ("ch", "fig"):
        return False
    return word in ONLY_BEFORE_A_CAPITAL and not before_a_name and not (word in CAPITALIZED_ONLY and capital)


def _dotless_title(match: Match) -> str:
    word = match["word"]
    before = match.string[max(0, match.start() - 90) : match.start()]
    if word in ("St", "Dr") and _NUMBERED_STREET.search(before):
        return STREETS[word.lower()].capitalize()
    return ABBREVIATIONS[word.lower()].capitalize()


def _dotless_street(match: Match) -> str:
    return f"{match['name']} {STREETS[match['word'].lower()].capitalize()}"


def _initials(match: Match) -> str:
    return " ".join(re.findall(r"[^\W\d_]", match[0])) + (" " if match[0][-1:].isspace() else "")


_SENTENCE_STARTS = (
    "The|It|He|She|They|We|You|I|A|An|In|On|At|But|And|Then|This|That|There|These|Those|What|When|Where|Why|How|If|So|"
    "As|For|"
    "To|My|His|Her|Our|Your|Their|Its|No|Yes|Not|Is|Are|Was|Were|Do|Does|Did|Can|Could|Would|Will|Now|Here|Who|With|"
    "From|By"
)
_SPEEDS = {"km/h": "kilometers per hour", "m/s": "meters per second", "mi/h": "miles per hour"}
_SIDES = {"N": "North", "S": "South", "E": "East", "W": "West"}
WORDS: list[Rule] = [
    (re.compile(r"\be\.\s?g\.,?", re.I), "for example,"),
    (re.compile(r"\bi\.\s?e\.,?", re.I), "that is,"),
    (re.compile(r"\betc\b(?!\.)"), "et cetera"),
    (re.compile(r"§§\s?(?=\d)"), "sections "),
    (re.compile(r"\bb\.\s(?=1\d\d\d\b|20\d\d\b)"), "born "),
    (re.compile(r"\bd\.\s(?=1\d\d\d\b|20\d\d\b)"), "died "),
    (re.compile(r"\bet al\b\.?"), "et al"),
    (re.compile(r"\bPh\.\s?D\b\.?|\bPhD\b"), "P H D"),
    (re.compile(r"(?<![\w/])[wW]/o(?![\w/])"), "without"),
    (re.compile(r"(?<![\w/])[wW]/(?=\s|[a-z]{2}|$)"), "with "),
    (re.compile(r"\baka\b"), "a k a"),
    (re.compile(r"(?<![\w/])(?<![\d.] )(?P<unit>km/h|m/s|mi/h)(?![\w/²^])"), lambda m: _SPEEDS[m["unit"]]),
    (re.compile(r"\b(?P<grade>[A-D])-(?=$|[.,;!?]|\s(?:grade|student|average|rating|minus)\b)"), r"\g<grade> minus"),
    (re.compile(r"#(?=\d+[A-Za-z])"), "hashtag "),
    (re.compile(r"(?<![\w/])c/o(?![\w/])"), "care of"),
    (re.compile(r"(?<![\w/])b/c(?![\w/])"), "because"),
    (re.compile(r"(?<![\w/])[nN]/[aA](?![\w/])"), "N A"),
    (re.compile(r"\b[nN]o\.(?=\s?\d)|\bNo(?=\s\d{1,5}\b(?!\s[a-z]))"), "number "),
    (re.compile(r"\b[nN]os\.\s?(?=\d)"), "numbers "),
    (re.compile(r"(?<=\b[tT]he )[nN]o\.(?=\s[a-z])"), "number"),
    (re.compile(r"(?<![^\W_])\u2116\s?(?=\w)"), "number "),
    (re.compile(r"#(?=\s?\d)"), "number "),
    (re.compile(r"\bp\.\s?(?=\d)"), "page "),
    (re.compile(r"\b[lL]\.\s?(?=\d)"), "line "),
    (re.compile(r"\bc\.\s?(?=1\d\d\d|20\d\d)"), "circa "),
    (re.compile(r"\bv(?:s|\.)(?=\s[A-Z])(?!\.)"), "versus"),
    (re.compile(r"\bvs\b(?!\.)"), "versus"),
    (re.compile(r"\bapprox\b(?!\.)"), "approximately"),
    (re.compile(r"\b(?P<a>[aA])pt\.?(?=\s#?\d|\s[A-Z]\b)"), r"\g<a>partment"),
    (re.compile(r"\b[sS]te\.?(?=\s\d)"), "Suite"),
    (re.compile(r"\b(?P<word>Hwy|Rte|Rm|Bldg|Pg)(?=\s#?\d)"), lambda m: ABBREVIATIONS[m["word"].lower()].capitalize()),
    (re.compile(r"\b(?P<a>[aA])pt\.?(?=\s(?:#|number))"), r"\g<a>partment"),
    (re.compile(r"(?<=\d\s)(?P<side>[NSEW])\.?(?=\s(?:[A-Z][\w']+|\d+(?:st|nd|rd|th))\s)"),
     lambda m: _SIDES[m["side"]]),
    (re.compile(r"(?<=\d(?:st|nd|rd|th))[ -]c\.(?!\w)"), " century"),
    (re.compile(r"\b(?:P\.\s?O\.|PO)(?=\s(?:[bB]ox|BOX)\b)"), "P O"),
    (re.compile(r"\b(?P<first>[A-Z]{1,2})&(?P<second>[A-Z]{1,2})\b"),
     lambda m: f"{' '.join(m['first'])} and {' '.join(m['second'])}"),
]  # fmt: skip
_ABBREVIATED = "|".join(sorted(ABBREVIATIONS, key=len, reverse=True))
_STREET_WORD = "|".join(street.capitalize() for street in STREETS)
ABBREVIATED: list[Rule] = [
    (re.compile(rf"\b(?P<word>{_ABBREVIATED})\.(?P<rest>\s+[A-Za-z]?|$|(?=[,;:)\d/'\"!?-]))", re.I), _abbreviation),
    (re.compile(rf"\b(?P<word>{'|'.join(TITLES_WITHOUT_DOT)})(?=\s[A-Z][\w'-]*)"), _dotless_title),
    (re.compile(rf"(?P<name>\b\d{{1,5}}[A-Z]?\s(?:[NSEW]\.?\s)?(?:(?!{_STREET_WORD})[A-Z\d][\w'-]{{1,30}}\s)"
                rf"{{0,2}}(?!{_STREET_WORD})[A-Z\d][\w'-]{{1,30}})\s"
                rf"(?P<word>{_STREET_WORD})\b(?!\.)"), _dotless_street),
    (re.compile(r"(?P<name>\b(?:[A-Z][\w'-]{1,30}|\d{1,3}(?:st|nd|rd|th)))\s(?P<word>Ave|Blvd|Rd|Hwy|Pkwy|St|Dr)"
                r"\b(?![.'])(?!\s[A-Z])"),
     _dotless_street),
    (re.compile(r"\b(?:[A-Za-z]\.){2,}(?![A-Za-z])|\b(?:[A-Z]\.\s){2,}(?=[A-Z][a-z])"), _initials),
    (re.compile(rf"\b(?P<first>[A-Z][a-z]+)\s(?P<letter>[A-Z])\.(?=\s[A-Z][a-z])(?!\s(?:{_SENTENCE_STARTS})\b)"),
     r"\g<first> \g<letter>"),
]  # fmt: skip

# Roman numerals
_ROMAN = r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?<=\w)"  # not empty: a blank is before it
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_LABELS = (
    "chapter|part|act|scene|volume|vol|book|section|article|phase|stage|type|class|level|war|bowl|episode|season|"
    "appendix|"
    "figure|table|title|grade|mark|version|category|group|unit|lesson|canto|apollo|saturn|division|plan|schedule|"
    "exhibit|page|"
    "tier|round|period|amendment|generation|gen|corps|legion|olympiad|symphony|sonata|opus|psalm|rule|clause|line|"
    "question|"
    "problem|theorem|proposition|step|wave|game|fantasy|zone|district|region|sector|quest|kombat|tournament|"
    "wrestlemania|movement"
)
_REGNAL = (
    "Henry|Louis|Charles|George|Edward|Richard|William|James|Elizabeth|Mary|John|Paul|Pius|Benedict|Leo|Gregory|"
    "Clement|Innocent|"
    "Urban|Alexander|Nicholas|Peter|Catherine|Frederick|Philip|Ferdinand|Francis|Napoleon|Wilhelm|Otto|Ivan|Haakon|"
    "Harald|Olav|"
    "Christian|Gustav|Carl|Karl|Ramesses|Ramses|Ptolemy|Cleopatra|Darius|Xerxes|Artaxerxes|Antiochus|Thutmose|"
    "Amenhotep|Victor|"
    "Emmanuel|Emanuel|Umberto|Alfonso|Juan|Carlos|Felipe|Pedro|Sixtus|Julius|Celestine|Boniface|Adrian|Stephen|"
    "Margaret|Anne|"
    "Robert|David|Malcolm|Kenneth|Edmund|Harold|Baldwin|Leopold|Albert|Rainier|Mehmed|Murad|Selim|Suleiman|Mahmud|"
    "Hamid|Rama|"
    "Maximilian|Rudolf|Joseph|Sigismund|Casimir|Vladimir|Theodore|Constantine|Justinian|Basil|Michael|Manuel|Isaac|"
    "Alexios|"
    "Philippe|Henri|Willem|Juliana|Wilhelmina|Beatrix|Hussein|Abdullah|Faisal|Hassan|Mohammed|Muhammad|Fuad|Zog|"
    "Margrethe|"
    "Christina|Isabella|Maria|Joan|Sigurd|Magnus|Eric|Erik|Valdemar|Canute|Cnut|Conrad|Lothar|Ludwig|Friedrich|"
    "Heinrich|"
    "Nebuchadnezzar|Cyrus|Mithridates|Tutmose|Seti|Mentuhotep|Amenemhat|Pepi|Bertrand|Thomas|Walter|Howell|Harry|Frank|"
    "Hugh"
)
_CAPITAL_ROMAN = r"(?=[IVXLCDM])" + _ROMAN
_LONG_ROMAN = r"(?=[IVX]{2,}\b|L[IVX]{2,}\b|[IVXL]{3,}\b|XL[IVX]+\b)" + _ROMAN


def roman_value(numeral: str) -> int:
    """Return the value of a Roman numeral: XIV -> 14."""
    values = [_VALUES[letter] for letter in numeral.upper()]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def _regnal(match: Match) -> str:
    numeral = match["roman"]
    if numeral == "X" and match["name"].endswith("Malcolm"):
        return match[0]
    return f"{match['name']} the {spell_ordinal(roman_value(numeral))}"


def _labeled(match: Match) -> str:
    words = f"{match['label']} {spell_cardinal(roman_value(match['roman']))}"
    if match["more"]:
        link = {"-": "to", "&": "and", ",": ","}.get(match["link"].strip(), match["link"].strip())
        words += f"{'' if link == ',' else ' '}{link} {spell_cardinal(roman_value(match['more']))}"
    return words


def _roman(match: Match) -> str:
    return f"{match['before']}{spell_cardinal(roman_value(match['roman']))}"


ROMANS: list[Rule] = [
    (re.compile(r"\bWW(?P<number>[12])\b"), lambda m: f"World War {spell_cardinal(int(m['number']))}"),
    (re.compile(rf"\b(?P<roman>(?=M[MDCLXVI]{{3}}){_ROMAN})\b(?!['.]\w)"),
     lambda m: spell_year(roman_value(m["roman"]))),
    (re.compile(r"\bWW(?P<roman>II?I?)\b"), lambda m: f"World War {spell_cardinal(roman_value(m['roman']))}"),
    (re.compile(rf"(?P<name>\b(?:{_REGNAL})(?:\s[A-Z][a-z]+)?)\s(?P<roman>(?=[IVXL]{{2}}|[VX]\b|I\b(?=$|[.,;:!?')]|"
                rf"\s(?:of|was|ruled|reigned|died|became|"
                rf"had|who|is|and|succeeded|came|built|made|signed|married|visited|opened)\b)){_ROMAN})\b(?!\.\w)"),
                _regnal),
    (re.compile(rf"(?P<name>\b(?:King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Sultan|Pharaoh|Prince|Duke|Shah|"
                rf"Saint|St)(?:\s[A-Z][a-z]+){{1,3}})\s"
                rf"(?P<roman>(?=[IVXL]{{2}}|[VX]\b){_ROMAN})\b(?!\.\w)"), _regnal),
    (re.compile(rf"(?P<label>\b(?i:{_LABELS})s?\.?)\s(?P<roman>(?=[IVXL]){_ROMAN}|(?=[ivxl]{{2}})(?i:{_ROMAN}))"
                rf"\b(?!['.]\w)(?!\s(?:am|was|have|had|will|would|can|think)\b)"
                rf"(?:(?P<link>\s?[-&,]\s?|\s(?:and|to|or|through)\s)(?P<more>{_CAPITAL_ROMAN})\b(?!'))?"), _labeled),
    (re.compile(rf"\b(?P<roman>(?=[IVX]{{2}}|[VX]\b){_ROMAN})(?=(?:st|nd|rd|th)?\s[cC]entur(?:y|ies)\b)"),
     lambda m: spell_ordinal(roman_value(m["roman"]))),
    (re.compile(rf"(?P<before>\b[A-Z][a-z'-]+\s)(?P<roman>{_LONG_ROMAN})\b(?!['.-]\w)"), _roman),
    (re.compile(rf"(?P<before>^\(?|\()(?P<roman>(?=[IVX]{{2}}|[ivx]{{2}})(?i:{_ROMAN}))\b(?=[.)])"), _roman),
]  # fmt: skip


def _spelled(match: Match) -> str:
    word = match[0]
    if word in NEVER_SPELLED or not (word in SPELLED_ACRONYMS or not re.search(r"[AEIOUY]", word)):
        return word
    return word if _shouted(match) else " ".join(word)


def _shouted(match: Match) -> bool:
    """Whether the words around are in capitals too, so that capitals do not mark an acronym."""
    around = re.findall(r"[^\W\d_]{2,}", match.string[max(0, match.start() - 60) : match.end() + 60])
    capitals = [word for word in around if word.isupper()]
    return len(capitals) >= 3 and 2 * len(capitals) > len(around)


ACRONYMS: list[Rule] = [
    (re.compile(r"\b[A-Z]{2,3}(?=\d)|(?<=\d)[A-Z]{2,3}\b"), lambda m: " ".join(m[0])),
    (re.compile(r"(?<![\w.'&@#-])[A-Z]{2,5}(?![\w&'@])(?!\.\w)"), _spelled),
]
