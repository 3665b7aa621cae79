"""Polish, Czech, Russian and Ukrainian."""

from __future__ import annotations

import re

from tts_toolkit.text.grammar import Grammar, Match, Noun, coins, units
from tts_toolkit.text.numerals import from_library, words_of


def _east_few(number: int) -> int:
    """Return the form of a noun in Russian and Ukrainian: 21 has that of 1."""
    if number % 10 == 1 and number % 100 != 11:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


def _polish_few(number: int) -> int:
    if number == 1:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


def _czech_few(number: int) -> int:
    return 0 if number == 1 else 1 if number in (2, 3, 4) else 2


def _last(words: str, endings: dict[str, str]) -> str:
    """Return words with the last one in another gender."""
    *before, last = words.split(" ")
    return " ".join([*before, endings.get(last, last)])


def _polish(number: int, gender: str) -> str:
    words = from_library("pl", number)
    if gender == "f":
        return _last(words, {"dwa": "dwie"} | ({"jeden": "jedna"} if number == 1 else {}))
    return _last(words, {"jeden": "jedno"}) if gender == "n" and number == 1 else words


def _polish_genitive(words: str) -> str:
    """Return an ordinal of one or more words in the genitive: dwudziesty pierwszy -> dwudziestego pierwszego."""
    return " ".join(re.sub(r"y$", "ego", re.sub(r"i$", "iego", word)) for word in words.split())


def _polish_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if not rest:
        return _polish_genitive(from_library("pl", year, "ordinal"))
    before = f"{from_library('pl', century * 100)} " if century else ""
    return f"{before}{_polish_genitive(from_library('pl', rest, 'ordinal'))}"


_MONTHS_PL = words_of(
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
)


def _polish_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_polish_genitive(from_library('pl', day, 'ordinal'))} {_MONTHS_PL[month - 1] if month else ''}"
    return words + (f" {_polish_year(year)}" if year else "")


def _feminine(words: str) -> str:
    return " ".join(
        re.sub(r"y$", "a", re.sub(r"(g|k)i$", r"\1a", re.sub(r"ci$", "cia", word))) for word in words.split()
    )


def _polish_time(hour: int, minute: int, second: int | None) -> str:
    words = _feminine(from_library("pl", hour, "ordinal")) if hour else "zero"
    if minute or second or not hour:
        words += f" {'zero ' if minute < 10 else ''}{_polish(minute, '')}"
    return words + (
        f" i {_polish(second, 'f')} {('sekunda', 'sekundy', 'sekund')[_polish_few(second)]}" if second else ""
    )


def _polish_ordinal(match: Match) -> str:
    if match["year"]:
        return _polish_year(int(match["year"]))
    words, mark = from_library("pl", int(match["n"]), "ordinal"), match["mark"] or ""
    if mark.endswith("go"):
        return _polish_genitive(words)
    if mark == "ej":
        return " ".join(f"{word[:-1]}ej" for word in _feminine(words).split())
    if mark.endswith("a"):
        return _feminine(words)
    return " ".join(re.sub(r"y$", "e", word) for word in words.split()) if mark.endswith("e") else words


def polish() -> Grammar:
    """Polish."""
    return Grammar(
        cardinal=_polish, date=_polish_date, time=_polish_time, months=" ".join(_MONTHS_PL),
        short_months="sty lut mar kwi maj cze lip sie wrz paź lis gru",
        point="przecinek", minus="minus", to="", over="przez", address="kropka małpa ukośnik myślnik podkreślenie",
        signs="i plus równa_się razy numer mniejsze_niż większe_niż plus_minus paragraf około", few=_polish_few,
        coins_link=" ", decimals_as_number=True,
        ordinal=_polish_ordinal,
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})(?:-(?P<mark>sz[yae]|g[iae]|ci|cia|t[yae]|m[yae]|ego|ej|go|[ayei])\b|"
                 r"\.(?=\s(?:rok|wiek|klas|miejsc|pi[ęe]tr|dzie[nń]|raz)))|(?<!\d)(?P<year>\d{4})(?=\sr(?:oku|\.))",
        clock_before="godz\\.|godzinie|godzina|godziny", dotted_days=True,
        magnitudes=dict.fromkeys(("mln", "milion", "miliony", "milionów"), "m milion/miliony/milionów/miliona")
        | dict.fromkeys(("mld", "miliard", "miliardy", "miliardów"),
        "m miliard/miliardy/miliardów/miliarda") | {"tys.": "m tysiąc/tysiące/tysięcy/tysiąca"},
        fractions={"1/2": "jedna druga", "1/3": "jedna trzecia", "2/3": "dwie trzecie", "1/4": "jedna czwarta",
        "3/4": "trzy czwarte"}, mixed=" i ",
        units=units("kilo centy mili mega giga tera", {
            "%": "m procent/procent/procent/procent", "‰": "m promil/promile/promili/promila",
            "°C": "m stopień Celsjusza/stopnie Celsjusza/stopni Celsjusza/stopnia Celsjusza",
            "°": "m stopień/stopnie/stopni/stopnia",
            "km/h": "m kilometr na godzinę/kilometry na godzinę/kilometrów na godzinę/kilometra na godzinę",
            "m/s": "m metr na sekundę/metry na sekundę/metrów na sekundę/metra na sekundę",
            "m²": "m metr kwadratowy/metry kwadratowe/metrów kwadratowych/metra kwadratowego",
            "m2": "m metr kwadratowy/metry kwadratowe/metrów kwadratowych/metra kwadratowego",
            "km²": "m kilometr kwadratowy/kilometry kwadratowe/kilometrów kwadratowych/kilometra kwadratowego",
            "m³": "m metr sześcienny/metry sześcienne/metrów sześciennych/metra sześciennego",
            "kWh": "f kilowatogodzina/kilowatogodziny/kilowatogodzin/kilowatogodziny",
            "h": "f godzina/godziny/godzin/godziny", "godz.": "f godzina/godziny/godzin/godziny",
            "min": "f minuta/minuty/minut/minuty", "s": "f sekunda/sekundy/sekund/sekundy",
            "t": "f tona/tony/ton/tony", "ha": "m hektar/hektary/hektarów/hektara", "V": "m wolt/wolty/woltów/wolta",
            "A": "m amper/ampery/amperów/ampera",
            "dB": "m decybel/decybele/decybeli/decybela",
        }, m="m metr/metry/metrów/metra", g="m gram/gramy/gramów/grama", l="m litr/litry/litrów/litra",
        W="m wat/waty/watów/wata", Hz="m herc/herce/herców/herca",
            B="m bajt/bajty/bajtów/bajta"),
        money=coins({"zł PLN": "m złoty/złote/złotych/złotego, m grosz/grosze/groszy/grosza",
        "€ EUR": "n euro, m cent/centy/centów/centa",
                     "$ USD": "m dolar/dolary/dolarów/dolara, m cent/centy/centów/centa",
                     "£ GBP": "m funt/funty/funtów/funta, m pens/pensy/pensów/pensa",
                     "¥ JPY": "m jen/jeny/jenów/jena, m sen/seny/senów/sena"}),
        per={"h": "na godzinę", "s": "na sekundę", "min": "na minutę", "kg": "za kilogram", "l": "za litr",
        "m²": "za metr kwadratowy"},
        abbreviations={r"\bnp\.": "na przykład", r"\bitd\.": "i tak dalej", r"\bitp\.": "i tym podobne",
        r"\btzn\.": "to znaczy", r"\bok\.(?=\s)": "około",
                       r"\bdr(?=\s[A-ZŁŚŻ])": "doktor", r"\bprof\.": "profesor", r"\bnr(?=\s\d)": "numer",
                       r"\bstr\.(?=\s\d)": "strona", r"\bul\.": "ulica", r"\bgodz\.(?=\s\d)": "godzina",
                       r"\bp\.n\.e\.": "przed naszą erą", r"\bn\.e\.": "naszej ery", r"\btel\.": "telefon",
                       r"\br\.(?=$|\s[a-z]|[,;])": "roku"},
    )  # fmt: skip


def _czech(number: int, gender: str) -> str:
    words = from_library("cs", number)
    if gender == "m":
        return _last(words, {"jedna": "jeden"})
    if gender in ("f", "n"):
        words = _last(words, {"dva": "dvě"})
    return _last(words, {"jedna": "jedno"}) if gender == "n" else words


_ONES_CS = words_of(
    "nultý první druhý třetí čtvrtý pátý šestý sedmý osmý devátý desátý jedenáctý dvanáctý třináctý čtrnáctý patnáctý "
    "šestnáctý sedmnáctý osmnáctý devatenáctý"
)
_TENS_CS = words_of("dvacátý třicátý čtyřicátý padesátý šedesátý sedmdesátý osmdesátý devadesátý")


def _czech_ordinal(number: int) -> str:
    """Return an ordinal of one to 999; larger ones are read as cardinals."""
    if number < 20:
        return _ONES_CS[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS_CS[tens - 2] + (f" {_ONES_CS[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        if not rest:
            return ["stý", "dvoustý", "třístý", "čtyřstý", "pětistý", "šestistý", "sedmistý", "osmistý", "devítistý"][
                hundreds - 1
            ]
        return f"{from_library('cs', hundreds * 100)} {_czech_ordinal(rest)}"
    return "tisící" if number == 1000 else from_library("cs", number)


def _czech_genitive(words: str) -> str:
    return " ".join(re.sub(r"ý$", "ého", re.sub(r"í$", "ího", word)) for word in words.split())


_MONTHS_CS = words_of("ledna února března dubna května června července srpna září října listopadu prosince")


def _czech_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_czech_genitive(_czech_ordinal(day))} {_MONTHS_CS[month - 1] if month else ''}"
    return words + (f" {from_library('cs', year)}" if year else "")


def _czech_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_czech(hour, 'f')} {('hodina', 'hodiny', 'hodin')[_czech_few(hour)]}"
    if minute:
        words += f" {_czech(minute, 'f')} {('minuta', 'minuty', 'minut')[_czech_few(minute)]}"
    return words + (f" {_czech(second, 'f')} {('sekunda', 'sekundy', 'sekund')[_czech_few(second)]}" if second else "")


def _czech_decimals(whole: int, decimals: str) -> str:
    name = ("celá", "celé", "celých")[_czech_few(whole) if whole else 0]
    zeros = len(decimals) - len(decimals.lstrip("0"))
    rest = " ".join([*["nula"] * zeros, *([_czech(int(decimals), "f")] if int(decimals) else [])])
    return f"{_czech(whole, 'f')} {name} {rest}"


def czech() -> Grammar:
    """Czech."""
    return Grammar(
        cardinal=_czech, date=_czech_date, time=_czech_time, months=" ".join(_MONTHS_CS), point="celá",
        decimals=_czech_decimals, minus="minus", to="až", over="lomeno",
        address="tečka zavináč lomítko pomlčka podtržítko",
        signs="a plus rovná_se krát číslo menší_než větší_než plus_minus paragraf asi", few=_czech_few,
        ordinal=lambda match: _czech_ordinal(int(match["n"])),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.(?=\s[a-zěščřžýáíéúů]{2})", clock_after="hod\\.?|h(?![\\d²])",
        dotted_days=True,
        magnitudes=dict.fromkeys(("mil.", "milion", "miliony", "milionů"), "m milion/miliony/milionů/milionu")
        | dict.fromkeys(("mld.", "miliarda", "miliardy", "miliard"),
        "f miliarda/miliardy/miliard/miliardy") | {"tis.": "m tisíc/tisíce/tisíc/tisíce"}, coins_link=" ",
        fractions={"1/2": "jedna polovina", "1/3": "jedna třetina", "2/3": "dvě třetiny", "1/4": "jedna čtvrtina",
        "3/4": "tři čtvrtiny"}, mixed=" a ",
        units=units("kilo centi mili mega giga tera", {
            "%": "n procento/procenta/procent/procenta", "‰": "n promile",
            "°C": "m stupeň Celsia/stupně Celsia/stupňů Celsia/stupně Celsia", "°": "m stupeň/stupně/stupňů/stupně",
            "km/h": "m kilometr za hodinu/kilometry za hodinu/kilometrů za hodinu/kilometru za hodinu",
            "m/s": "m metr za sekundu/metry za sekundu/metrů za sekundu/metru za sekundu",
            "m²": "m metr čtvereční/metry čtvereční/metrů čtverečních/metru čtverečního",
            "m2": "m metr čtvereční/metry čtvereční/metrů čtverečních/metru čtverečního",
            "km²": "m kilometr čtvereční/kilometry čtvereční/kilometrů čtverečních/kilometru čtverečního",
            "m³": "m metr krychlový/metry krychlové/metrů krychlových/metru krychlového",
            "kWh": "f kilowatthodina/kilowatthodiny/kilowatthodin/kilowatthodiny", "h": "f hodina/hodiny/hodin/hodiny",
            "min": "f minuta/minuty/minut/minuty",
            "s": "f sekunda/sekundy/sekund/sekundy", "t": "f tuna/tuny/tun/tuny",
            "ha": "m hektar/hektary/hektarů/hektaru", "V": "m volt/volty/voltů/voltu",
            "A": "m ampér/ampéry/ampérů/ampéru", "dB": "m decibel/decibely/decibelů/decibelu",
        }, m="m metr/metry/metrů/metru", g="m gram/gramy/gramů/gramu", l="m litr/litry/litrů/litru",
        W="m watt/watty/wattů/wattu", Hz="m hertz/hertze/hertzů/hertzu",
            B="m bajt/bajty/bajtů/bajtu"),
        money=coins({"Kč CZK": "f koruna/koruny/korun/koruny, m haléř/haléře/haléřů/haléře",
        "€ EUR": "n euro/eura/eur/eura, m cent/centy/centů/centu",
                     "$ USD": "m dolar/dolary/dolarů/dolaru, m cent/centy/centů/centu",
                     "£ GBP": "f libra/libry/liber/libry, f pence",
                     "¥ JPY": "m jen/jeny/jenů/jenu, m sen/seny/senů/senu"}),
        per={"h": "za hodinu", "s": "za sekundu", "min": "za minutu", "kg": "za kilogram", "l": "za litr",
        "m²": "za metr čtvereční"},
        abbreviations={r"\bnapř\.": "například", r"\batd\.": "a tak dále", r"\btzn\.": "to znamená",
        r"\btj\.": "to jest", r"\bcca\.?(?=\s)": "cirka", r"\bč\.\s?(?=\d)": "číslo ",
                       r"\bstr\.(?=\s\d)": "strana", r"\bul\.": "ulice", r"\bDr\.|\bdr\.": "doktor",
                       r"\bprof\.": "profesor", r"\bpř\.\s?n\.\s?l\.": "před naším letopočtem",
                       r"\bn\.\s?l\.": "našeho letopočtu", r"\btel\.": "telefon", r"\bp\.(?=\s[A-ZČŘŠŽ])": "pan"},
    )  # fmt: skip


def _russian(number: int, gender: str) -> str:
    words = from_library("ru", number)
    if gender == "f":
        return _last(words, {"один": "одна", "два": "две"})
    return _last(words, {"один": "одно"}) if gender == "n" else words


_MONTHS_RU = words_of("января февраля марта апреля мая июня июля августа сентября октября ноября декабря")


def _russian_genitive(words: str) -> str:
    *before, last = words.split()
    last = {"третий": "третьего"}.get(last) or re.sub(r"(?:ый|ой)$", "ого", re.sub(r"ий$", "его", last))
    return " ".join([*before, last])


def _russian_year(year: int) -> str:
    return _russian_genitive(_compound_ordinal(year, "ru"))


def _compound_ordinal(number: int, language: str) -> str:
    """Return an ordinal whose hundreds and thousands are cardinals: две тысячи двадцать четвёртый."""
    high, rest = divmod(number, 100)
    if not rest or not high:
        return from_library(language, number, "ordinal")
    before = from_library(language, high * 100)
    return f"{before.removeprefix('одна ')} {from_library(language, rest, 'ordinal')}"


def _russian_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_russian_genitive(from_library('ru', day, 'ordinal'))} {_MONTHS_RU[month - 1] if month else ''}"
    return words + (f" {_russian_year(year)}" if year else "")


def _russian_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_russian(hour, 'm')} {('час', 'часа', 'часов')[_east_few(hour)]}"
    if minute:
        words += f" {_russian(minute, 'f')} {('минута', 'минуты', 'минут')[_east_few(minute)]}"
    return words + (f" {_russian(second, 'f')} {('секунда', 'секунды', 'секунд')[_east_few(second)]}" if second else "")


def _russian_decimals(whole: int, decimals: str) -> str:
    part = {1: ("десятая", "десятых"), 2: ("сотая", "сотых"), 3: ("тысячная", "тысячных")}[len(decimals)]
    count = int(decimals)
    return (
        f"{_russian(whole, 'f')} {'целая' if _east_few(whole) == 0 else 'целых'} "
        f"{_russian(count, 'f')} {part[0] if _east_few(count) == 0 else part[1]}"
    )


_ENDINGS_RU = {"я": "ая", "ая": "ая", "е": "ое", "ое": "ое", "го": "ого", "ого": "ого", "му": "ому", "ом": "ом",
"м": "ом", "ю": "ую", "ую": "ую", "х": "ых",
               "ых": "ых", "ые": "ые", "й": "", "ый": "", "ой": "", "ий": "", "ей": "ой"}  # fmt: skip


def _russian_ordinal(match: Match) -> str:
    if match["year"]:
        words, ending = (
            _compound_ordinal(int(match["year"]), "ru"),
            {"": "", "а": "ого", "у": "ом", "ом": "ым"}[match["case"]],
        )
    else:
        words, ending = _compound_ordinal(int(match["n"]), "ru"), _ENDINGS_RU.get(match["mark"], "")
    if not ending:
        return words
    if words.endswith("третий"):
        soft = {
            "ая": "ья",
            "ое": "ье",
            "ого": "ьего",
            "ому": "ьему",
            "ом": "ьем",
            "ую": "ью",
            "ых": "ьих",
            "ые": "ьи",
            "ой": "ьей",
        }
        return words[:-2] + soft.get(ending, "ий")
    return re.sub(r"(?:ый|ой|ий)$", ending, words)


def russian() -> Grammar:
    """Russian."""
    metre = units("кило санти милли мега гига тера", {
        "%": "m процент/процента/процентов/процента", "‰": "n промилле",
        "°C": "m градус Цельсия/градуса Цельсия/градусов Цельсия/градуса Цельсия",
        "°": "m градус/градуса/градусов/градуса",
        "км/ч": "m километр в час/километра в час/километров в час/километра в час",
        "м/с": "m метр в секунду/метра в секунду/метров в секунду/метра в секунду",
        "м²": "m квадратный метр/квадратных метра/квадратных метров/квадратного метра",
        "км²": "m квадратный километр/квадратных километра/квадратных километров/квадратного километра",
        "м³": "m кубический метр/кубических метра/кубических метров/кубического метра",
        "кВт·ч": "m киловатт-час/киловатт-часа/киловатт-часов/киловатт-часа", "ч": "m час/часа/часов/часа",
        "мин": "f минута/минуты/минут/минуты", "мин.": "f минута/минуты/минут/минуты",
        "с": "f секунда/секунды/секунд/секунды", "сек": "f секунда/секунды/секунд/секунды",
        "т": "f тонна/тонны/тонн/тонны", "га": "m гектар/гектара/гектаров/гектара",
        "В": "m вольт/вольта/вольт/вольта", "дБ": "m децибел/децибела/децибел/децибела",
    }, m="m метр/метра/метров/метра", g="m грамм/грамма/граммов/грамма", l="m литр/литра/литров/литра",
    W="m ватт/ватта/ватт/ватта", Hz="m герц/герца/герц/герца",
        B="m байт/байта/байт/байта")  # fmt: skip
    return Grammar(
        cardinal=_russian, date=_russian_date, time=_russian_time, months=" ".join(_MONTHS_RU),
        short_months="янв февр|фев мар апр мая июн июл авг сент?|сен окт нояб?|ноя дек",
        point="запятая", decimals=_russian_decimals, minus="минус", to="", over="дробь",
        address="точка собака слэш дефис подчёркивание",
        signs="и плюс равно умножить_на номер меньше больше плюс-минус параграф примерно", few=_east_few,
        coins_link=" ",
        ordinal=_russian_ordinal,
        ordinals=r"(?<![\d.,])(?P<n>\d{1,4})-(?P<mark>ого|ая|ое|ую|ый|ой|ий|ых|ые|ом|го|му|ей|й|я|е|м|ю|х)\b|(?<!\d)"
                 r"(?P<year>\d{4})(?=\sгод(?P<case>ом|[ау]|)\b)", dotted_days=True,
        magnitudes=dict.fromkeys(("млн", "млн.", "миллион", "миллиона", "миллионов"),
        "m миллион/миллиона/миллионов/миллиона")
        | dict.fromkeys(("млрд", "млрд.", "миллиард", "миллиарда", "миллиардов"),
        "m миллиард/миллиарда/миллиардов/миллиарда")
        | {"тыс.": "f тысяча/тысячи/тысяч/тысячи"},
        fractions={"1/2": "одна вторая", "1/3": "одна треть", "2/3": "две трети", "1/4": "одна четверть",
        "3/4": "три четверти"}, mixed=" и ",
        units=metre | _cyrillic(metre),
        money=coins({"₽ руб. руб RUB": "m рубль/рубля/рублей/рубля, f копейка/копейки/копеек/копейки",
        "€ EUR": "m евро, m цент/цента/центов/цента",
                     "$ USD": "m доллар/доллара/долларов/доллара, m цент/цента/центов/цента",
                     "£ GBP": "m фунт/фунта/фунтов/фунта, m пенс/пенса/пенсов/пенса",
                     "¥ JPY": "f иена/иены/иен/иены, m сен/сена/сенов/сена",
                     "₴ UAH": "f гривна/гривны/гривен/гривны, f копейка/копейки/копеек/копейки"}),
        per={"ч": "в час", "с": "в секунду", "мин": "в минуту", "кг": "за килограмм", "л": "за литр",
        "м²": "за квадратный метр"},
        abbreviations={r"\bт\.\s?е\.": "то есть", r"\bт\.\s?д\.": "так далее", r"\bт\.\s?п\.": "тому подобное",
        r"\bнапр\.": "например", r"\bг\.(?=\s[А-ЯЁ])": "город",
                       r"(?<=\bого)\sг\.|(?<=его)\sг\.": " года", r"\bул\.": "улица", r"\bд\.(?=\s\d)": "дом",
                       r"\bстр\.(?=\s\d)": "страница", r"№\s?": "номер ",
                       r"\bдо н\.\s?э\.": "до нашей эры", r"\bн\.\s?э\.": "нашей эры", r"\bтел\.": "телефон",
                       r"\bпроф\.": "профессор"},
    )  # fmt: skip


_CYRILLIC = {"km": "км", "cm": "см", "mm": "мм", "m": "м", "kg": "кг", "mg": "мг", "g": "г", "l": "л", "ml": "мл",
"kW": "кВт", "W": "Вт", "MW": "МВт", "Hz": "Гц", "kHz": "кГц",
             "MHz": "МГц", "GHz": "ГГц", "KB": "КБ", "MB": "МБ", "GB": "ГБ", "TB": "ТБ"}  # fmt: skip


def _cyrillic(table: dict[str, Noun]) -> dict[str, Noun]:
    return {written: table[unit] for unit, written in _CYRILLIC.items() if unit in table}


def _ukrainian(number: int, gender: str) -> str:
    words = from_library("uk", number)
    if gender == "f":
        return _last(words, {"один": "одна", "два": "дві"})
    return _last(words, {"один": "одне"}) if gender == "n" else words


_MONTHS_UK = words_of("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня")


def _ukrainian_genitive(words: str) -> str:
    *before, last = words.split()
    return " ".join([*before, re.sub(r"ій$", "ього", re.sub(r"ий$", "ого", last))])


def _ukrainian_feminine(words: str) -> str:
    *before, last = words.split()
    return " ".join([*before, re.sub(r"ій$", "я", re.sub(r"ий$", "а", last))])


def _ukrainian_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_ukrainian_genitive(from_library('uk', day, 'ordinal'))} {_MONTHS_UK[month - 1] if month else ''}"
    return words + (f" {_ukrainian_genitive(_compound_ordinal(year, 'uk'))}" if year else "")


def _ukrainian_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_ukrainian_feminine(from_library('uk', hour, 'ordinal')) if hour else 'нуль'} година"
    if not hour:
        words = "нуль годин"
    if minute:
        words += f" {_ukrainian(minute, 'f')} {('хвилина', 'хвилини', 'хвилин')[_east_few(minute)]}"
    return words + (
        f" {_ukrainian(second, 'f')} {('секунда', 'секунди', 'секунд')[_east_few(second)]}" if second else ""
    )


def _ukrainian_decimals(whole: int, decimals: str) -> str:
    part = {1: ("десята", "десятих"), 2: ("сота", "сотих"), 3: ("тисячна", "тисячних")}[len(decimals)]
    count = int(decimals)
    return (
        f"{_ukrainian(whole, 'f')} {'ціла' if _east_few(whole) == 0 else 'цілих'} "
        f"{_ukrainian(count, 'f')} {part[0] if _east_few(count) == 0 else part[1]}"
    )


def _ukrainian_ordinal(match: Match) -> str:
    if match["year"]:
        words = _compound_ordinal(int(match["year"]), "uk")
        return {"рік": words, "року": _ukrainian_genitive(words)}.get(match["case"]) or re.sub(
            r"ого$", "ому", _ukrainian_genitive(words)
        )
    words, mark = _compound_ordinal(int(match["n"]), "uk"), match["mark"]
    if mark in ("а", "ша", "га", "тя", "та"):
        return _ukrainian_feminine(words)
    if mark in ("го", "ого"):
        return _ukrainian_genitive(words)
    return re.sub(r"ій$", "є", re.sub(r"ий$", "е", words)) if mark in ("е", "ше", "ге", "тє", "те") else words


def ukrainian() -> Grammar:
    """Ukrainian."""
    metre = units("кіло санти мілі мега гіга тера", {
        "%": "m відсоток/відсотки/відсотків/відсотка", "‰": "n проміле",
        "°C": "m градус Цельсія/градуси Цельсія/градусів Цельсія/градуса Цельсія",
        "°": "m градус/градуси/градусів/градуса",
        "км/год": "m кілометр на годину/кілометри на годину/кілометрів на годину/кілометра на годину",
        "м/с": "m метр на секунду/метри на секунду/метрів на секунду/метра на секунду",
        "м²": "m квадратний метр/квадратні метри/квадратних метрів/квадратного метра",
        "км²": "m квадратний кілометр/квадратні кілометри/квадратних кілометрів/квадратного кілометра",
        "м³": "m кубічний метр/кубічні метри/кубічних метрів/кубічного метра",
        "кВт·год": "f кіловат-година/кіловат-години/кіловат-годин/кіловат-години",
        "год": "f година/години/годин/години", "хв": "f хвилина/хвилини/хвилин/хвилини",
        "с": "f секунда/секунди/секунд/секунди", "т": "f тонна/тонни/тонн/тонни",
        "га": "m гектар/гектари/гектарів/гектара", "В": "m вольт/вольти/вольтів/вольта",
        "дБ": "m децибел/децибели/децибелів/децибела",
    }, m="m метр/метри/метрів/метра", g="m грам/грами/грамів/грама", l="m літр/літри/літрів/літра",
    W="m ват/вати/ватів/вата", Hz="m герц/герци/герців/герца",
        B="m байт/байти/байтів/байта")  # fmt: skip
    return Grammar(
        cardinal=_ukrainian, date=_ukrainian_date, time=_ukrainian_time, months=" ".join(_MONTHS_UK),
        short_months="січ лют бер квіт трав черв лип серп вер жовт лист груд",
        point="кома", decimals=_ukrainian_decimals, minus="мінус", to="", over="дріб",
        address="крапка равлик скісна дефіс підкреслення",
        signs="і плюс дорівнює помножити_на номер менше більше плюс-мінус параграф приблизно", few=_east_few,
        coins_link=" ",
        ordinal=_ukrainian_ordinal,
        ordinals=r"(?<![\d.,])(?P<n>\d{1,4})-(?P<mark>ого|го|ша|га|тя|та|ше|ге|тє|те|ий|ій|й|а|е)\b|(?<!\d)"
                 r"(?P<year>\d{4})(?=\s(?P<case>рік|року|році)\b)", dotted_days=True,
        magnitudes=dict.fromkeys(("млн", "мільйон", "мільйони", "мільйонів"), "m мільйон/мільйони/мільйонів/мільйона")
        | dict.fromkeys(("млрд", "мільярд", "мільярди", "мільярдів"),
        "m мільярд/мільярди/мільярдів/мільярда") | {"тис.": "f тисяча/тисячі/тисяч/тисячі"},
        fractions={"1/2": "одна друга", "1/3": "одна третя", "2/3": "дві третіх", "1/4": "одна четверта",
        "3/4": "три четвертих"}, mixed=" і ",
        units=metre | _cyrillic(metre),
        money=coins({"₴ грн грн. UAH": "f гривня/гривні/гривень/гривні, f копійка/копійки/копійок/копійки",
        "€ EUR": "m євро, m цент/центи/центів/цента",
                     "$ USD": "m долар/долари/доларів/долара, m цент/центи/центів/цента",
                     "£ GBP": "m фунт/фунти/фунтів/фунта, m пенс/пенси/пенсів/пенса",
                     "¥ JPY": "f єна/єни/єн/єни, m сен/сени/сенів/сена",
                     "₽ RUB": "m рубль/рублі/рублів/рубля, f копійка/копійки/копійок/копійки"}),
        per={"год": "на годину", "с": "на секунду", "хв": "на хвилину", "кг": "за кілограм", "л": "за літр",
        "м²": "за квадратний метр"},
        abbreviations={r"\bт\.\s?д\.": "так далі", r"\bнапр\.": "наприклад", r"\bм\.(?=\s[А-ЯІЇЄ])": "місто",
        r"\bвул\.": "вулиця", r"\bбуд\.(?=\s\d)": "будинок",
                       r"\bс\.(?=\s\d)": "сторінка", r"№\s?": "номер ", r"\bдо н\.\s?е\.": "до нашої ери",
                       r"\bн\.\s?е\.": "нашої ери", r"\bтел\.": "телефон", r"\bпроф\.": "професор"},
    )  # fmt: skip
