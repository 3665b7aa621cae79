"""Finnish, Hungarian and Turkish."""

from __future__ import annotations

from tts_toolkit.text.grammar import Grammar, Match, coins, units
from tts_toolkit.text.numerals import by_thousands, from_library, words_of


def _finnish(number: int, gender: str) -> str:
    return from_library("fi", number)


_MONTHS_FI = words_of(
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta "
    "marraskuuta joulukuuta"
)


def _finnish_date(day: int, month: int, year: int | None, before: str) -> str:
    ordinal = from_library("fi", day, "ordinal")
    return f"{ordinal} {_MONTHS_FI[month - 1] if month else ''}{' ' + _finnish(year, '') if year else ''}"


def _finnish_time(hour: int, minute: int, second: int | None) -> str:
    words = _finnish(hour, "")
    if minute:
        words += f" {'nolla ' if minute < 10 else ''}{_finnish(minute, '')}"
    return words + (f" ja {_finnish(second, '')} sekunti{'' if second == 1 else 'a'}" if second else "")


def finnish() -> Grammar:
    """Finnish: nominative numbers, and the partitive of what they count."""
    return Grammar(
        cardinal=_finnish, date=_finnish_date, time=_finnish_time, months=" ".join(_MONTHS_FI), point="pilkku",
        minus="miinus", to="viiva", over="jaettuna",
        address="piste ät kauttaviiva viiva alaviiva",
        signs="ja plus on kertaa numero pienempi_kuin suurempi_kuin plus_miinus pykälä noin",
        ordinal=lambda match: from_library("fi", int(match["n"]), "ordinal"),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.(?=\s[a-zäöå]{2})", clock_before="klo|kello",
        dotted_days=True, coins_link=" ", decimals_as_number=False,
        magnitudes={"miljoonaa": "miljoonaa", "miljoona": "miljoona", "milj.": "miljoonaa", "miljardia": "miljardia",
        "miljardi": "miljardi", "mrd.": "miljardia",
                    "tuhatta": "tuhatta"},
        fractions={"1/2": "puoli", "1/3": "yksi kolmasosa", "2/3": "kaksi kolmasosaa", "1/4": "yksi neljäsosa",
        "3/4": "kolme neljäsosaa"}, mixed=" ja ",
        units=units("kilo sentti milli mega giga tera", {
            "%": "prosentti/prosenttia", "‰": "promille/promillea", "°C": "celsiusaste/celsiusastetta",
            "°": "aste/astetta", "km/h": "kilometri tunnissa/kilometriä tunnissa",
            "m/s": "metri sekunnissa/metriä sekunnissa", "m²": "neliömetri/neliömetriä", "m2": "neliömetri/neliömetriä",
            "km²": "neliökilometri/neliökilometriä",
            "m³": "kuutiometri/kuutiometriä", "kWh": "kilowattitunti/kilowattituntia", "h": "tunti/tuntia",
            "t": "tunti/tuntia", "min": "minuutti/minuuttia",
            "s": "sekunti/sekuntia", "ha": "hehtaari/hehtaaria", "V": "voltti/volttia", "A": "ampeeri/ampeeria",
            "dB": "desibeli/desibeliä",
        }, m="metri/metriä", g="gramma/grammaa", l="litra/litraa", W="watti/wattia", Hz="hertsi/hertsiä",
        B="tavu/tavua"),
        money=coins({"€ EUR": "euro/euroa, sentti/senttiä", "$ USD": "dollari/dollaria, sentti/senttiä",
        "£ GBP": "punta/puntaa, penny/pennyä", "¥ JPY": "jeni/jeniä, sen/seniä",
                     "kr SEK": "kruunu/kruunua, äyri/äyriä"}),
        per={"h": "tunnissa", "s": "sekunnissa", "min": "minuutissa", "kg": "kilolta", "l": "litralta",
        "m²": "neliömetriltä"},
        abbreviations={r"\besim\.": "esimerkiksi", r"\bjne\.": "ja niin edelleen", r"\bym\.": "ynnä muuta",
        r"\bmm\.(?=\s[a-zäö])": "muun muassa", r"\bn\.(?=\s?\d)": "noin ",
                       r"\bs\.(?=\s\d)": "sivu", r"\bklo\b": "kello", r"\bnro\b\.?(?=\s?\d)": "numero",
                       r"\bpuh\.": "puhelin", r"\beKr\.": "ennen Kristusta", r"\bjKr\.": "jälkeen Kristuksen"},
    )  # fmt: skip


def _hungarian(number: int, gender: str) -> str:
    words = from_library("hu", number)
    return words[: -len("kettő")] + "két" if gender and words.endswith("kettő") else words


_MONTHS_HU = words_of(
    "január február március április május június július augusztus szeptember október november december"
)


def _hungarian_day(day: int) -> str:
    if day == 1:
        return "elseje"
    ordinal = from_library("hu", day, "ordinal")
    return ordinal + ("a" if ordinal.endswith(("adik", "odik", "ásodik")) else "e")


def _hungarian_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_MONTHS_HU[month - 1]} {_hungarian_day(day)}" if month else _hungarian_day(day)
    return f"{_hungarian(year, '')} {words}" if year else words


def _hungarian_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_hungarian(hour, 'n')} óra{' ' + _hungarian(minute, 'n') + ' perc' if minute else ''}"
    return words + (f" {_hungarian(second, 'n')} másodperc" if second else "")


def _hungarian_decimals(whole: int, decimals: str) -> str:
    part = {1: "tized", 2: "század", 3: "ezred"}[len(decimals)]
    return f"{_hungarian(whole, '')} egész {_hungarian(int(decimals), 'n')} {part}"


def hungarian() -> Grammar:
    """Hungarian."""
    return Grammar(
        cardinal=_hungarian, date=_hungarian_date, time=_hungarian_time, months=" ".join(_MONTHS_HU),
        short_months="jan feb(?:r)? márc ápr máj jún júl aug szept okt nov dec",
        point="egész", decimals=_hungarian_decimals, minus="mínusz", to="", over="per",
        address="pont kukac perjel kötőjel alulvonás",
        signs="és plusz egyenlő szorozva száma kisebb_mint nagyobb_mint plusz-mínusz paragrafus körülbelül",
        year_first=True, few=lambda number: 0,
        ordinal=lambda match: from_library("hu", int(match["n"]), "ordinal"),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.(?=\s[a-záéíóöőúüű]{2})", clock_after="óra(?:kor)?",
        magnitudes={"millió": "millió", "milliárd": "milliárd", "ezer": "ezer", "M": "millió", "Mrd": "milliárd"},
        coins_link=" ",
        fractions={"1/2": "fél", "1/3": "egyharmad", "2/3": "kétharmad", "1/4": "egynegyed", "3/4": "háromnegyed"},
        mixed=" és ",
        units=units("kilo centi milli mega giga tera", {
            "%": "n százalék", "‰": "n ezrelék", "°C": "n Celsius-fok", "°": "n fok", "km/h": "n kilométer per óra",
            "m/s": "n méter per szekundum", "m²": "n négyzetméter",
            "m2": "n négyzetméter", "km²": "n négyzetkilométer", "m³": "n köbméter", "kWh": "n kilowattóra",
            "h": "n óra", "perc": "n perc", "min": "n perc", "s": "n másodperc",
            "mp": "n másodperc", "t": "n tonna", "ha": "n hektár", "V": "n volt", "A": "n amper", "dB": "n decibel",
        }, m="n méter", g="n gramm", l="n liter", W="n watt", Hz="n hertz", B="n bájt"),
        money=coins({"Ft HUF": "n forint, n fillér", "€ EUR": "n euró, n cent", "$ USD": "n dollár, n cent",
        "£ GBP": "n font, n penny", "¥ JPY": "n jen, n szen"}),
        per={"h": "óránként", "s": "másodpercenként", "min": "percenként", "kg": "kilogrammonként", "l": "literenként",
        "m²": "négyzetméterenként"},
        abbreviations={r"(?<=ik)a-án\b": "án", r"(?<=ik)e-én\b": "én", r"(?<=else)je-jén\b": "jén",
        r"(?<=ik)[ae]-i\b": "ai", r"\bpl\.": "például", r"\bstb\.": "és a többi", r"\bkb\.": "körülbelül",
        r"\bdr\.|\bDr\.": "doktor", r"\bprof\.": "professzor", r"\bu\.\s?n\.": "úgynevezett",
                       r"\bi\.\s?e\.": "időszámításunk előtt", r"\bi\.\s?sz\.": "időszámításunk szerint",
                       r"\btel\.": "telefon", r"\bold\.": "oldal", r"\bún\.": "úgynevezett"},
    )  # fmt: skip


_ONES_TR = ["", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz"]
_TENS_TR = ["", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan"]


def _below_thousand_tr(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    hundred = "" if not hundreds else "yüz" if hundreds == 1 else f"{_ONES_TR[hundreds]} yüz"
    return " ".join(filter(None, (hundred, _TENS_TR[rest // 10], _ONES_TR[rest % 10])))


def _turkish(number: int, gender: str) -> str:
    if not number:
        return "sıfır"
    return by_thousands(number, _below_thousand_tr, ("bin", "milyon", "milyar", "trilyon"), one="bin")


def _turkish_ordinal(number: int) -> str:
    words = _turkish(number, "")
    if words.endswith("dört"):
        return f"{words[:-1]}düncü"
    last = next(c for c in reversed(words) if c in "aeıioöuü")
    vowel = {"a": "ı", "ı": "ı", "e": "i", "i": "i", "o": "u", "u": "u", "ö": "ü", "ü": "ü"}[last]
    return f"{words}{'nc' + vowel if words[-1] in 'aeıioöuü' else vowel + 'nc' + vowel}"


_MONTHS_TR = words_of("Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık")


def _turkish_date(day: int, month: int, year: int | None, before: str) -> str:
    return f"{_turkish(day, '')} {_MONTHS_TR[month - 1] if month else ''}{' ' + _turkish(year, '') if year else ''}"


def _turkish_time(hour: int, minute: int, second: int | None) -> str:
    words = _turkish(hour, "")
    if minute:
        words += f" {'sıfır ' if minute < 10 else ''}{_turkish(minute, '')}"
    return words + (f" {_turkish(second, '')} saniye" if second else "")


def _turkish_spelled_ordinal(match: Match) -> str:
    return _turkish_ordinal(int(match["n"]))


def turkish() -> Grammar:
    """Turkish: numbers in separate words; nouns stay singular."""
    return Grammar(
        cardinal=_turkish, date=_turkish_date, time=_turkish_time, months=" ".join(_MONTHS_TR), point="virgül",
        minus="eksi", to="ila", over="bölü",
        address="nokta et eğik_çizgi tire alt_çizgi",
        signs="ve artı eşittir çarpı numara küçüktür büyüktür artı_eksi paragraf yaklaşık",
        ordinal=_turkish_spelled_ordinal,
        ordinals=r"(?<![\d.,])(?P<n>\d{1,4})(?:\.(?=\s[a-zçğıöşü]{2})|'?(?:[iıuü]nc[iıuü]|nc[iıuü])\b)",
        clock_before="saat", dotted_days=True,
        magnitudes={"milyon": "milyon", "milyar": "milyar", "trilyon": "trilyon", "bin": "bin", "mn": "milyon",
        "mr": "milyar"}, coins_link=" ", few=lambda number: 0,
        fractions={"1/2": "yarım", "1/3": "üçte bir", "2/3": "üçte iki", "1/4": "çeyrek", "3/4": "dörtte üç"},
        percent_first="yüzde ", decimals_as_number=True,
        units=units("kilo santi mili mega giga tera", {
            "%": "yüzde", "‰": "binde", "°C": "santigrat derece", "°": "derece", "km/h": "kilometre saat",
            "km/sa": "kilometre saat", "m/s": "metre saniye",
            "m²": "metrekare", "m2": "metrekare", "km²": "kilometrekare", "m³": "metreküp", "kWh": "kilovatsaat",
            "sa": "saat", "sa.": "saat", "dk": "dakika", "dk.": "dakika",
            "sn": "saniye", "s": "saniye", "t": "ton", "ha": "hektar", "V": "volt", "A": "amper", "dB": "desibel",
        }, m="metre", g="gram", l="litre", W="vat", Hz="hertz", B="bayt"),
        money=coins({"₺ TL TRY": "lira, kuruş", "€ EUR": "avro, sent", "$ USD": "dolar, sent", "£ GBP": "sterlin, peni",
        "¥ JPY": "yen, sen"}),
        per={"h": "bölü saat", "sa": "bölü saat", "s": "bölü saniye", "dk": "bölü dakika", "kg": "bölü kilogram",
        "l": "bölü litre"},
        abbreviations={r"(?<!\w)%\s?(?=\d)": "yüzde ", r"\bvb\.": "ve benzeri", r"\bvs\.": "vesaire",
        r"\börn\.": "örneğin", r"\bDr\.": "doktor", r"\bProf\.": "profesör",
                       r"\bs\.(?=\s\d)": "sayfa", r"\bNo\.?:?\s?(?=\d)": "numara ", r"\bCad\.": "caddesi",
                       r"\bSok\.": "sokağı", r"\bM\.?Ö\.": "milattan önce", r"\bM\.?S\.": "milattan sonra",
                       r"\btel\.": "telefon"},
    )  # fmt: skip
