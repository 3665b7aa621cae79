"""Languages by name: their normalizers, lower case, error units, and detection of texts in another language."""

from __future__ import annotations

import importlib
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from tts_toolkit.system.errors import UserError, one_line
from tts_toolkit.text.english import is_english, normalize_english
from tts_toolkit.text.typography import fold

if TYPE_CHECKING:
    from tts_toolkit.text.grammar import Grammar

log = logging.getLogger(__name__)
ENTRY_POINTS = "tts_toolkit.languages"  # group in which other packages name their `Language` objects
_FOREIGN_SHARE = 0.1  # of texts that may look foreign without a warning
_UNSPOKEN = 3  # words of another language that a text must hold before it counts as foreign


@dataclass(frozen=True)
class Language:
    """A language that the toolkit knows by name."""

    code: str  # ISO 639-1, or 639-3 where there is none
    name: str  # in English
    aliases: tuple[str, ...]  # ISO 639-2 and 639-3
    script: str  # of its letters: LATIN, CYRILLIC, ... as Unicode names begin
    grammar: str | Callable[[], Grammar] = ""  # or module:function of tts_toolkit.text; empty: numbers are not read
    counts_characters: bool = False  # words are not separated by blanks: error rates count characters
    common: str = ""  # words of every text that other languages lack


def _table(*rows: Language) -> dict[str, Language]:
    return {row.code: row for row in rows}


LANGUAGES = _table(
    Language("en", "English", ("eng",), "LATIN",
    common="the and of is that it was with for this are have not you they from which were would there"),
    Language("de", "German", ("deu", "ger"), "LATIN", "germanic:german",
    common="der die das und ist nicht ein eine ich wir mit auf für sich auch wird dem den werden sind oder über nach"),
    Language("nl", "Dutch", ("nld", "dut"), "LATIN", "germanic:dutch",
    common="het een van dat niet zijn ik op voor met maar ook naar wij heeft hij deze worden uit"),
    Language("da", "Danish", ("dan",), "LATIN", "germanic:danish",
    common="og det er ikke jeg til på med af har som blev deres efter være også"),
    Language("sv", "Swedish", ("swe",), "LATIN", "germanic:swedish",
    common="och det är inte jag som på med att har för av också eller från efter blev"),
    Language("no", "Norwegian", ("nor", "nob", "nb", "nno", "nn"), "LATIN", "germanic:norwegian",
    common="og det er ikke jeg til på med av har som etter være også ble fra"),
    Language("fr", "French", ("fra", "fre"), "LATIN", "romance:french",
    common="le les des est et une dans pour que qui pas avec sur nous vous sont cette mais il elle du au"),
    Language("es", "Spanish", ("spa",), "LATIN", "romance:spanish",
    common="el los las del que una por con para está pero como más muy también este esta ser sus hay"),
    Language("it", "Italian", ("ita",), "LATIN", "romance:italian",
    common="il che di non una per sono con gli della questo questa anche più nel alla come dei"),
    Language("pt", "Portuguese", ("por",), "LATIN", "romance:portuguese",
    common="não uma que com para dos das mais como está você mas seu sua foi também isso pelo"),
    Language("ro", "Romanian", ("ron", "rum"), "LATIN", "romance:romanian",
    common="și este nu pe cu care din pentru sunt mai fost această acest într lui la"),
    Language("pl", "Polish", ("pol",), "LATIN", "slavic:polish",
    common="nie się jest że na do jak ale tak było już tego przez może ich być"),
    Language("cs", "Czech", ("ces", "cze"), "LATIN", "slavic:czech",
    common="že není jsem na která jako ale být jeho které také když tak nebo před byl"),
    Language("ru", "Russian", ("rus",), "CYRILLIC", "slavic:russian",
    common="и не на что он как это по но все она так его из для был"),
    Language("uk", "Ukrainian", ("ukr",), "CYRILLIC", "slavic:ukrainian",
    common="і не на що він як це та але є його для був від які також"),
    Language("fi", "Finnish", ("fin",), "LATIN", "uralic_turkic:finnish",
    common="ja on ei että se hän mutta oli myös kun tai joka ovat niin kuin"),
    Language("hu", "Hungarian", ("hun",), "LATIN", "uralic_turkic:hungarian",
    common="és nem hogy egy az van meg volt csak már még mint vagy ezt"),
    Language("tr", "Turkish", ("tur",), "LATIN", "uralic_turkic:turkish",
    common="ve bir bu için ile da çok olarak daha gibi kadar ama değil sonra var"),
    Language("id", "Indonesian", ("ind",), "LATIN", "asian:indonesian",
    common="yang dan di ini itu dengan untuk tidak dari pada adalah akan ke juga"),
    Language("vi", "Vietnamese", ("vie",), "LATIN", "asian:vietnamese",
    common="là của và không có được cho người một trong với các này đã"),
    Language("hi", "Hindi", ("hin",), "DEVANAGARI", "asian:hindi"),
    Language("ar", "Arabic", ("ara", "arb"), "ARABIC", "asian:arabic"),
    Language("ja", "Japanese", ("jpn",), "CJK HIRAGANA KATAKANA", "asian:japanese", counts_characters=True),
    Language("zh", "Chinese", ("zho", "chi", "cmn", "mandarin"), "CJK", "asian:chinese", counts_characters=True),
    Language("yue", "Cantonese", (), "CJK", "asian:chinese", counts_characters=True),
    Language("wuu", "Wu", (), "CJK", "asian:chinese", counts_characters=True),
    Language("nan", "Southern Min", (), "CJK", "asian:chinese", counts_characters=True),
    Language("hak", "Hakka", (), "CJK", "asian:chinese", counts_characters=True),
    Language("th", "Thai", ("tha",), "THAI", counts_characters=True),
    Language("lo", "Lao", ("lao",), "LAO", counts_characters=True),
    Language("km", "Khmer", ("khm",), "KHMER", counts_characters=True),
    Language("my", "Burmese", ("mya", "bur"), "MYANMAR", counts_characters=True),
    Language("ko", "Korean", ("kor",), "HANGUL"),
    Language("el", "Greek", ("ell", "gre"), "GREEK"),
    Language("he", "Hebrew", ("heb",), "HEBREW"),
    Language("az", "Azerbaijani", ("aze", "azj"), "LATIN"),
    Language("bg", "Bulgarian", ("bul",), "CYRILLIC"),
    Language("ca", "Catalan", ("cat",), "LATIN"),
    Language("fa", "Persian", ("fas", "per", "pes"), "ARABIC"),
)  # fmt: skip


def _by_name(languages: Iterable[Language]) -> dict[str, Language]:
    return {name.lower(): row for row in languages for name in (row.code, row.name, *row.aliases)}


_BY_NAME = _by_name(LANGUAGES.values())


@cache
def installed() -> dict[str, Language]:
    """Languages of other installed packages, by code: the entry points `tts_toolkit.languages`.

    Raises UserError for one that cannot be imported, is not a `Language`, or has the name of another.
    """
    found: dict[str, Language] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        row, taken = _loaded(entry), _BY_NAME | _by_name(found.values())
        if clash := next((name for name in _by_name([row]) if name in taken), None):
            raise UserError(
                f"{_package(entry)}: the name {clash!r} is one of {taken[clash].name}; give it another name"
            )
        found[row.code] = row
    return found


def _loaded(entry: EntryPoint) -> Language:
    try:
        row = entry.load()
    except Exception as error:  # of a module that is not ours
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"{_package(entry)}: cannot be imported ({reason}); repair or uninstall it") from error
    if not isinstance(row, Language):
        raise UserError(f"{_package(entry)}: is not a Language of tts_toolkit.text.languages; repair or uninstall it")
    return row


def _package(entry: EntryPoint) -> str:
    """The origin of an entry point, for messages."""
    of_package = f" of the package {entry.dist.name}" if entry.dist else ""
    return f"the language {entry.name} = {entry.value}{of_package}"


def language(name: str) -> Language | None:
    """Return the language of a code, a tag or a name: de, de-DE, deu, ger, German; None where it is unknown."""
    if not name:
        return LANGUAGES["en"]
    lower = name.strip().lower().replace("_", "-")
    code = lower.split("-")[0]
    if found := _BY_NAME.get(lower) or _BY_NAME.get(code):
        return found
    others = _by_name(installed().values())
    return others.get(lower) or others.get(code)


def normalizer(name: str) -> Callable[[str], str]:
    """Return the normalizer of a language, from text to spoken text.

    For an unknown language it only simplifies typography. The empty name is English.
    """
    if is_english(name):
        return normalize_english
    known = language(name)
    return _reader(known.grammar) if known and known.grammar else fold


@cache
def _reader(grammar: str | Callable[[], Grammar]) -> Callable[[str], str]:
    from tts_toolkit.text.grammar import reader

    if callable(grammar):
        return reader(grammar())
    module, function = grammar.split(":")
    return reader(getattr(importlib.import_module(f"tts_toolkit.text.{module}"), function)())


def counts_characters(name: str) -> bool:
    """Whether error rates of a language count characters, as its words are not separated by blanks."""
    known = language(name)
    return bool(known and known.counts_characters)


_DOTTED_I = str.maketrans({"I": "\u0131", "\u0130": "i"})


def lower_case(text: str, name: str) -> str:
    """Return `text` casefolded for comparison, in Turkish and Azerbaijani with their two letters i."""
    known = language(name)
    if known and known.code in ("tr", "az"):
        text = unicodedata.normalize("NFC", text).translate(_DOTTED_I)
    return text.casefold()


def looks_foreign(texts: Iterable[str], name: str, n_examples: int = 3) -> list[str]:
    """Return examples of the texts that are clearly not in a language; empty where all may be.

    A text is foreign where most of its letters are of another script, or where the common words of another language are
    three times as many as its own and at least a fifth of all. A few words, names and loanwords never are.
    """
    known = language(name)
    if not known:
        return []
    examples = []
    for text in texts:
        if _of_another_script(text, known) or _of_another_language(text, known):
            examples.append(text)
            if len(examples) == n_examples:
                break
    return examples


def warn_where_foreign(texts: Sequence[str], name: str) -> None:
    """Log examples where more than a tenth of the texts are clearly not in the configured language."""
    foreign = looks_foreign(texts, name, len(texts))
    if len(foreign) > _FOREIGN_SHARE * len(texts):
        listed = "; ".join(repr(text[:60]) for text in foreign[:3])
        log.warning(
            "%d of %d texts are not %s, as text.language=%s has them read: %s; set text.language to theirs",
            len(foreign), len(texts), getattr(language(name), "name", name), name, listed,
        )  # fmt: skip


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def _of_another_script(text: str, known: Language) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    scripts = known.script.split()
    foreign = sum(_script(letter) not in scripts for letter in letters)
    return len(letters) >= 4 and foreign > 0.6 * len(letters)


@cache
def _common() -> dict[str, frozenset[str]]:
    rows = (*LANGUAGES.values(), *installed().values())
    return {row.code: frozenset(row.common.split()) for row in rows if row.common}


def _of_another_language(text: str, known: Language) -> bool:
    if not known.common:
        return False
    words = re.findall(r"[^\W\d_]+", text.lower())
    found = Counter({code: sum(word in common for word in words) for code, common in _common().items()})
    own = found[known.code]
    most = max(found[code] for code in found if code != known.code)
    return most >= max(_UNSPOKEN, 3 * own, len(words) / 5)
