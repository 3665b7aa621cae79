"""German, Dutch, Danish, Swedish and Norwegian."""

from __future__ import annotations

from tts_toolkit.text.grammar import Grammar, Match, coins, units
from tts_toolkit.text.numerals import from_library, words_of


def _german_cardinal(number: int, gender: str) -> str:
    if number == 1:
        return {"m": "ein", "n": "ein", "f": "eine"}.get(gender, "eins")
    return from_library("de", number)


def _german_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if not 11 <= century <= 19:
        return from_library("de", year)
    return f"{from_library('de', century)}hundert{from_library('de', rest) if rest else ''}"


_WEAK = {"am", "im", "zum", "vom", "beim", "dem", "den", "des", "zur", "seit", "ab", "bis", "einem", "einen", "jedem",
"jeden",
         "unserem", "seinem", "ihrem", "meinem", "diesem", "unseren", "seinen", "ihren", "meinen",
         "diesen"}  # fmt: skip
_STRONG_E = {"der", "die", "das", "jede", "eine", "seine", "ihre", "meine", "unsere", "diese", "dieser", "dieses"}


_ANY = {"ein", "sein", "ihr", "mein", "unser", "kein", "dein", "und", "oder", "als", "platz", "auf"}


def _german_ordinal(number: int, before: str) -> str:
    stem = from_library("de", number, "ordinal").lower()
    if before in _WEAK:
        return f"{stem}n"
    return stem if before in _STRONG_E else f"{stem}r"


def _german_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_german_ordinal(day, before)} {_MONTHS_DE[month - 1] if month else ''}".rstrip()
    return words + (f" {_german_year(year)}" if year else "")


_MONTHS_DE = words_of("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")


def _german_spelled_ordinal(match: Match) -> str:
    before = match["before"]
    if before and before.lower() not in _WEAK | _STRONG_E | _ANY and not match["lower"]:
        return match[0]  # the end of a sentence
    return f"{before + ' ' if before else ''}{_german_ordinal(int(match['n']), (before or '').lower())}"


def _german_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{'ein' if hour == 1 else from_library('de', hour)} Uhr"
    if minute or second:
        words += f" {from_library('de', minute)}"
    return words + (f" und {_german_cardinal(second, 'f')} Sekunde{'' if second == 1 else 'n'}" if second else "")


def german() -> Grammar:
    """German."""
    return Grammar(
        cardinal=_german_cardinal, date=_german_date, time=_german_time, months=" ".join(_MONTHS_DE), year=_german_year,
        short_months="Jan Feb Mär|Mrz Apr Mai Jun Jul Aug Sept?|Sep Okt Nov Dez", point="Komma", ratio="zu",
        minus="minus", to="bis",
        over="durch", address="Punkt ät Schrägstrich Strich Unterstrich",
        signs="und plus gleich mal Nummer kleiner_als größer_als plus_minus Paragraph ungefähr",
        ordinal=_german_spelled_ordinal,
        ordinals=r"(?:\b(?P<before>[A-Za-zÄÖÜäöüß]{2,12})\s|(?:^|(?<=[.!?:]\s)))(?P<n>\d{1,3})"
                 r"\.(?=\s(?P<lower>[a-zäöü])?[A-Za-zÄÖÜäöü]{2})",
        clock_after="Uhr", clock_before="um|ab|bis|gegen", dotted_days=True, coins_link=" und ",
        magnitudes={"Millionen": "f Million/Millionen", "Million": "f Million/Millionen", "Mio.": "f Million/Millionen",
        "Mio": "f Million/Millionen",
                    "Milliarden": "f Milliarde/Milliarden", "Milliarde": "f Milliarde/Milliarden",
                    "Mrd.": "f Milliarde/Milliarden", "Mrd": "f Milliarde/Milliarden",
                    "Tausend": "m tausend", "Tsd.": "m tausend"},
                    gender_of=lambda word: "m" if word[0].isupper() else "",
        romans=r"\b(?:Kapitel|Teil|Band|Akt|Weltkrieg)\s(?P<r>[IVX]+)\b",
        fractions={"1/2": "ein halb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel",
        "3/4": "drei Viertel", "1/5": "ein Fünftel",
                   "1/8": "ein Achtel", "1/10": "ein Zehntel"},
        units=units("Kilo Zenti Milli Mega Giga Tera", {
            "%": "n Prozent", "‰": "n Promille", "°C": "m Grad Celsius", "°F": "m Grad Fahrenheit", "°": "m Grad",
            "km/h": "m Kilometer pro Stunde",
            "m/s": "m Meter pro Sekunde", "m²": "m Quadratmeter", "m2": "m Quadratmeter", "km²": "m Quadratkilometer",
            "m³": "m Kubikmeter",
            "kWh": "f Kilowattstunde/Kilowattstunden", "h": "f Stunde/Stunden", "Std.": "f Stunde/Stunden",
            "min": "f Minute/Minuten", "Min.": "f Minute/Minuten",
            "s": "f Sekunde/Sekunden", "t": "f Tonne/Tonnen", "ha": "m Hektar", "V": "n Volt", "A": "n Ampere",
            "dB": "n Dezibel", "PS": "n P S",
        }, m="m Meter", g="n Gramm", l="m Liter", W="n Watt", Hz="n Hertz", B="n Byte"),
        money=coins({"€ EUR": "m Euro, m Cent", "$ USD US$": "m Dollar, m Cent", "£ GBP": "n Pfund, m Penny/Pence",
        "¥ JPY": "m Yen, m Sen",
                     "CHF Fr.": "m Franken, m Rappen"}),
        per={"h": "pro Stunde", "s": "pro Sekunde", "min": "pro Minute", "kg": "pro Kilogramm", "l": "pro Liter",
        "m²": "pro Quadratmeter",
             "m³": "pro Kubikmeter", "Tag": "pro Tag", "Monat": "pro Monat", "Jahr": "pro Jahr"},
        abbreviations={r"\bz\.\s?B\.": "zum Beispiel", r"\bd\.\s?h\.": "das heißt", r"\bu\.\s?a\.": "unter anderem",
        r"\busw\.": "und so weiter",
                       r"\bbzw\.": "beziehungsweise", r"\bca\.": "circa", r"\bDr\.(?=\s[A-ZÄÖÜ])": "Doktor",
                       r"\bProf\.(?=\s[A-ZÄÖÜ])": "Professor",
                       r"\bHr\.(?=\s[A-ZÄÖÜ])": "Herr", r"\bFr\.(?=\s[A-ZÄÖÜ])": "Frau", r"\bNr\.(?=\s?\d)": "Nummer ",
                       r"\bStr\.": "Straße",
                       r"(?<=[a-zäöü])str\.": "straße", r"\bSt\.(?=\s[A-ZÄÖÜ])": "Sankt", r"\bS\.(?=\s\d)": "Seite",
                       r"\bTel\.": "Telefon",
                       r"\bv\.\s?Chr\.": "vor Christus", r"\bn\.\s?Chr\.": "nach Christus", r"\bevtl\.": "eventuell",
                       r"\bvgl\.": "vergleiche"},
    )  # fmt: skip


def _dutch_cardinal(number: int, gender: str) -> str:
    return from_library("nl", number)


def _dutch_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if not 11 <= century <= 19:
        return from_library("nl", year)
    return f"{from_library('nl', century)}honderd{from_library('nl', rest) if rest else ''}"


_MONTHS_NL = words_of("januari februari maart april mei juni juli augustus september oktober november december")


def _dutch_date(day: int, month: int, year: int | None, before: str) -> str:
    return (
        f"{from_library('nl', day)} {_MONTHS_NL[month - 1] if month else ''}{' ' + _dutch_year(year) if year else ''}"
    )


def _dutch_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{from_library('nl', hour)} uur{' ' + from_library('nl', minute) if minute or second else ''}"
    return words + (f" en {from_library('nl', second)} seconde{'' if second == 1 else 'n'}" if second else "")


def dutch() -> Grammar:
    """Dutch."""
    return Grammar(
        cardinal=_dutch_cardinal, date=_dutch_date, time=_dutch_time, months=" ".join(_MONTHS_NL), year=_dutch_year,
        short_months="jan feb mrt apr mei jun jul aug sept?|sep okt nov dec", point="komma", minus="min", to="tot",
        over="gedeeld door",
        address="punt apenstaartje schuine_streep streepje laag_streepje",
        signs="en plus is keer nummer kleiner_dan groter_dan plus_min paragraaf ongeveer", day_mark="e|ste",
        ordinal=lambda match: from_library("nl", int(match["n"]), "ordinal"),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,4})(?:e|ste|de)\b",
        clock_after="uur|u\\.?", coins_link=" en ",
        magnitudes={"miljoen": "miljoen", "mln.": "miljoen", "mln": "miljoen", "miljard": "miljard", "mld.": "miljard",
        "mld": "miljard", "duizend": "duizend"},
        fractions={"1/2": "een half", "1/3": "een derde", "2/3": "twee derde", "1/4": "een kwart", "3/4": "drie kwart",
        "1/5": "een vijfde"},
        units=units("kilo centi milli mega giga tera", {
            "%": "procent", "‰": "promille", "°C": "graad Celsius/graden Celsius",
            "°F": "graad Fahrenheit/graden Fahrenheit", "°": "graad/graden",
            "km/h": "kilometer per uur", "km/u": "kilometer per uur", "m/s": "meter per seconde",
            "m²": "vierkante meter", "m2": "vierkante meter",
            "km²": "vierkante kilometer", "m³": "kubieke meter", "kWh": "kilowattuur", "h": "uur", "u": "uur",
            "min": "minuut/minuten", "s": "seconde/seconden",
            "t": "ton", "ha": "hectare", "V": "volt", "A": "ampère", "dB": "decibel", "pk": "pk",
        }, m="meter", g="gram", l="liter", W="watt", Hz="hertz", B="byte"),
        money=coins({"€ EUR": "euro, cent", "$ USD US$": "dollar, cent", "£ GBP": "pond, penny/pence",
        "¥ JPY": "yen, sen", "CHF": "Zwitserse frank, rappen"}),
        per={"h": "per uur", "u": "per uur", "s": "per seconde", "min": "per minuut", "kg": "per kilo",
        "l": "per liter", "m²": "per vierkante meter",
             "dag": "per dag", "maand": "per maand", "jaar": "per jaar"},
        abbreviations={r"\bbijv\.|\bbv\.": "bijvoorbeeld", r"\bd\.w\.z\.": "dat wil zeggen", r"\benz\.": "enzovoort",
        r"\bca\.": "circa",
                       r"\bdhr\.": "de heer", r"\bmevr\.": "mevrouw", r"\bdr\.(?=\s[A-Z])": "dokter",
                       r"\bprof\.(?=\s[A-Z])": "professor", r"\bnr\.(?=\s?\d)": "nummer ",
                       r"\bblz\.(?=\s\d)": "bladzijde", r"\bo\.a\.": "onder andere",
                       r"\bm\.b\.t\.": "met betrekking tot", r"\bt/m\b": "tot en met"},
    )  # fmt: skip


# Danish: its own numbers, as the library joins them wrongly from a thousand on
_TENS_DA = ["", "", "tyve", "tredive", "fyrre", "halvtreds", "tres", "halvfjerds", "firs", "halvfems"]
_ONES_DA = words_of(
    "nul en to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten"
)
_ORDINALS_DA = {0: "nulte", 1: "første", 2: "anden", 3: "tredje", 4: "fjerde", 5: "femte", 6: "sjette", 7: "syvende",
8: "ottende", 9: "niende",
                10: "tiende", 11: "ellevte", 12: "tolvte", 20: "tyvende", 30: "tredivte", 40: "fyrretyvende",
                50: "halvtredsindstyvende",
                60: "tresindstyvende", 70: "halvfjerdsindstyvende", 80: "firsindstyvende", 90: "halvfemsindstyvende",
                100: "hundrede", 1000: "tusinde"}  # fmt: skip


def _below_hundred_da(number: int) -> str:
    if number < 20:
        return _ONES_DA[number]
    tens, ones = divmod(number, 10)
    return f"{_ONES_DA[ones]}og{_TENS_DA[tens]}" if ones else _TENS_DA[tens]


def _danish(number: int) -> str:
    for size, one, many in (
        (10**12, "en billion", "billioner"),
        (10**9, "en milliard", "milliarder"),
        (10**6, "en million", "millioner"),
    ):
        if number >= size:
            count, rest = divmod(number, size)
            words = one if count == 1 else f"{_danish(count)} {many}"
            return words + (f"{' og' if rest < 100 else ''} {_danish(rest)}" if rest else "")
    if number >= 1000:
        count, rest = divmod(number, 1000)
        words = f"{'et' if count == 1 else _danish(count)} tusind"
        return words + (f"{' og' if rest < 100 else ''} {_danish(rest)}" if rest else "")
    if number >= 100:
        count, rest = divmod(number, 100)
        words = f"{'et' if count == 1 else _ONES_DA[count]} hundrede"
        return words + (f" og {_below_hundred_da(rest)}" if rest else "")
    return _below_hundred_da(number)


def _danish_cardinal(number: int, gender: str) -> str:
    words = _danish(number)
    return f"{words[:-2]}et" if number % 100 == 1 and gender in ("", "n") else words


def _danish_ordinal(number: int) -> str:
    if number in _ORDINALS_DA:
        return _ORDINALS_DA[number]
    if number < 20:
        return f"{_ONES_DA[number]}de"
    if number < 100:
        tens, ones = divmod(number, 10)
        return f"{_ONES_DA[ones]}og{_ORDINALS_DA[tens * 10]}"
    whole, rest = divmod(number, 100)
    return f"{_danish(whole * 100)} og {_danish_ordinal(rest)}" if rest else f"{_danish(number)}"


def _danish_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if not 11 <= century <= 19:
        return _danish(year)
    return f"{_ONES_DA[century]} hundrede{' og ' + _below_hundred_da(rest) if rest else ''}"


_MONTHS_DA = words_of("januar februar marts april maj juni juli august september oktober november december")


def _danish_date(day: int, month: int, year: int | None, before: str) -> str:
    return f"{_danish_ordinal(day)} {_MONTHS_DA[month - 1] if month else ''}{' ' + _danish_year(year) if year else ''}"


def _danish_time(hour: int, minute: int, second: int | None) -> str:
    words = _danish_cardinal(hour, "")
    if minute:
        words += f" {'nul ' if minute < 10 else ''}{_danish_cardinal(minute, '')}"
    return words + (f" og {_danish_cardinal(second, 'n')} sekund{'' if second == 1 else 'er'}" if second else "")


def danish() -> Grammar:
    """Danish."""
    return Grammar(
        cardinal=_danish_cardinal, date=_danish_date, time=_danish_time, months=" ".join(_MONTHS_DA), year=_danish_year,
        short_months="jan feb mar apr maj jun jul aug sept?|sep okt nov dec", point="komma", minus="minus", to="til",
        over="divideret med",
        address="punktum snabel-a skråstreg bindestreg understreg",
        signs="og plus er_lig_med gange nummer mindre_end større_end plus_minus paragraf cirka",
        ordinal=lambda match: _danish_ordinal(int(match["n"])),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.(?=\s[a-zæøå]{2})",
        clock_before="kl\\.|klokken", coins_link=" og ", decimals_as_number=True, dotted_days=True,
        magnitudes={"millioner": "c million/millioner", "million": "c million/millioner", "mio.": "c million/millioner",
        "mio": "c million/millioner",
                    "milliarder": "c milliard/milliarder", "mia.": "c milliard/milliarder",
                    "milliard": "c milliard/milliarder", "tusind": "tusind"},
        fractions={"1/2": "en halv", "1/3": "en tredjedel", "2/3": "to tredjedele", "1/4": "en fjerdedel",
        "3/4": "tre fjerdedele"}, mixed=" og ",
        units=units("kilo centi milli mega giga tera", {
            "%": "c procent", "‰": "c promille", "°C": "c grad celsius/grader celsius", "°": "c grad/grader",
            "km/t": "c kilometer i timen",
            "km/h": "c kilometer i timen", "m/s": "c meter i sekundet", "m²": "c kvadratmeter", "m2": "c kvadratmeter",
            "km²": "c kvadratkilometer",
            "m³": "c kubikmeter", "kWh": "c kilowatttime/kilowatttimer", "t": "c time/timer", "h": "c time/timer",
            "min": "n minut/minutter",
            "min.": "n minut/minutter", "s": "n sekund/sekunder", "ha": "c hektar", "V": "c volt", "A": "c ampere",
            "dB": "c decibel",
        }, m="c meter", g="n gram", l="c liter", W="c watt", Hz="c hertz", B="c byte"),
        money=coins({"kr. kr DKK": "c krone/kroner, c øre", "€ EUR": "c euro, c cent", "$ USD": "c dollar, c cent",
        "£ GBP": "n pund, c penny/pence",
                     "¥ JPY": "c yen, c sen"}),
        per={"t": "i timen", "h": "i timen", "s": "i sekundet", "min": "i minuttet", "kg": "per kilo", "l": "per liter",
        "m²": "per kvadratmeter",
             "dag": "om dagen", "år": "om året"},
        abbreviations={r"\bf\.eks\.|\bfx\b": "for eksempel", r"\bosv\.": "og så videre", r"\bdvs\.": "det vil sige",
        r"\bca\.": "cirka",
                       r"\bkl\.": "klokken", r"\bnr\.(?=\s?\d)": "nummer ", r"\bs\.(?=\s\d)": "side",
                       r"\bbl\.a\.": "blandt andet", r"\bhr\.(?=\s[A-ZÆØÅ])": "herr",
                       r"\bdr\.(?=\s[A-ZÆØÅ])": "doktor", r"\bprof\.": "professor", r"\btlf\.": "telefon"},
    )  # fmt: skip


def _swedish(number: int) -> str:
    for size, one, many in (
        (10**12, "en biljon", "biljoner"),
        (10**9, "en miljard", "miljarder"),
        (10**6, "en miljon", "miljoner"),
    ):
        if number >= size:
            count, rest = divmod(number, size)
            words = one if count == 1 else f"{_swedish(count)} {many}"
            return words + (f" {_swedish(rest)}" if rest else "")
    if number >= 1000:
        count, rest = divmod(number, 1000)
        return f"{'ett' if count == 1 else _swedish(count)} tusen{' ' + _swedish(rest) if rest else ''}"
    return from_library("sv", number)


def _swedish_cardinal(number: int, gender: str) -> str:
    words = _swedish(number)
    return "en" if number == 1 and gender == "c" else words


def _swedish_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if year < 1100 or (2000 <= year < 2010):
        return _swedish(year)
    return f"{from_library('sv', century)}hundra{from_library('sv', rest) if rest else ''}"


_MONTHS_SV = words_of("januari februari mars april maj juni juli augusti september oktober november december")


def _swedish_date(day: int, month: int, year: int | None, before: str) -> str:
    ordinal = from_library("sv", day, "ordinal")
    return f"{ordinal} {_MONTHS_SV[month - 1] if month else ''}{' ' + _swedish_year(year) if year else ''}"


def _swedish_time(hour: int, minute: int, second: int | None) -> str:
    words = _swedish(hour)
    if minute:
        words += f" {'noll ' if minute < 10 else ''}{_swedish(minute)}"
    return words + (f" och {_swedish_cardinal(second, 'c')} sekund{'' if second == 1 else 'er'}" if second else "")


def swedish() -> Grammar:
    """Swedish."""
    return Grammar(
        cardinal=_swedish_cardinal, date=_swedish_date, time=_swedish_time, months=" ".join(_MONTHS_SV),
        year=_swedish_year,
        short_months="jan feb mar apr maj jun jul aug sept?|sep okt nov dec", point="komma", minus="minus", to="till",
        over="genom",
        address="punkt snabel-a snedstreck bindestreck understreck",
        signs="och plus är_lika_med gånger nummer mindre_än större_än plus_minus paragraf ungefär",
        day_mark=":[ae]|\\.",
        ordinal=lambda match: from_library("sv", int(match["n"]), "ordinal"),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,4}):[ae]\b",
        clock_before="kl\\.|kl|klockan", coins_link=" och ", decimals_as_number=True,
        magnitudes={"miljoner": "c miljon/miljoner", "miljon": "c miljon/miljoner", "mn": "c miljon/miljoner",
        "miljarder": "c miljard/miljarder",
                    "md": "c miljard/miljarder", "miljard": "c miljard/miljarder", "tusen": "tusen"},
        fractions={"1/2": "en halv", "1/3": "en tredjedel", "2/3": "två tredjedelar", "1/4": "en fjärdedel",
        "3/4": "tre fjärdedelar"}, mixed=" och ",
        units=units("kilo centi milli mega giga tera", {
            "%": "c procent", "‰": "c promille", "°C": "c grad Celsius/grader Celsius", "°": "c grad/grader",
            "km/h": "c kilometer i timmen",
            "km/tim": "c kilometer i timmen", "m/s": "c meter per sekund", "m²": "c kvadratmeter",
            "m2": "c kvadratmeter", "km²": "c kvadratkilometer",
            "m³": "c kubikmeter", "kWh": "c kilowattimme/kilowattimmar", "h": "c timme/timmar", "tim": "c timme/timmar",
            "min": "c minut/minuter",
            "s": "c sekund/sekunder", "t": "n ton", "ha": "n hektar", "V": "c volt", "A": "c ampere", "dB": "c decibel",
        }, m="c meter", g="n gram", l="c liter", W="c watt", Hz="c hertz", B="c byte"),
        money=coins({"kr SEK": "c krona/kronor, n öre", "€ EUR": "c euro, c cent", "$ USD": "c dollar, c cent",
        "£ GBP": "n pund, c penny/pence",
                     "¥ JPY": "c yen, c sen"}),
        per={"h": "i timmen", "s": "per sekund", "min": "per minut", "kg": "per kilo", "l": "per liter",
        "m²": "per kvadratmeter", "dag": "per dag", "år": "per år"},
        abbreviations={r"\bt\.\s?ex\.": "till exempel", r"\bosv\.": "och så vidare", r"\bdvs\.": "det vill säga",
        r"\bca\.?(?=\s)": "cirka",
                       r"\bkl\.(?=\s)": "klockan", r"\bnr\.?(?=\s\d)": "nummer", r"\bs\.(?=\s\d)": "sidan",
                       r"\bbl\.\s?a\.": "bland annat", r"\bm\.m\.": "med mera",
                       r"\bdr\.?(?=\s[A-ZÅÄÖ])": "doktor", r"\bprof\.": "professor", r"\btel\.": "telefon"},
    )  # fmt: skip


def _norwegian_cardinal(number: int, gender: str) -> str:
    return "ett" if number == 1 and gender == "n" else from_library("no", number)


def _norwegian_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if year < 1100 or year in range(2000, 2010):
        return from_library("no", year)
    if century == 20:
        return f"tjue {from_library('no', rest)}"
    years = f"{'null ' if rest < 10 else ''}{from_library('no', rest)}" if rest else "hundre"
    return f"{from_library('no', century)} {years}"


_MONTHS_NO = words_of("januar februar mars april mai juni juli august september oktober november desember")


def _norwegian_date(day: int, month: int, year: int | None, before: str) -> str:
    ordinal = from_library("no", day, "ordinal")
    return f"{ordinal} {_MONTHS_NO[month - 1] if month else ''}{' ' + _norwegian_year(year) if year else ''}"


def _norwegian_time(hour: int, minute: int, second: int | None) -> str:
    words = _norwegian_cardinal(hour, "n")
    if minute:
        words += f" {'null ' if minute < 10 else ''}{_norwegian_cardinal(minute, 'n')}"
    return words + (f" og {_norwegian_cardinal(second, 'n')} sekund{'' if second == 1 else 'er'}" if second else "")


def norwegian() -> Grammar:
    """Norwegian Bokmål."""
    return Grammar(
        cardinal=_norwegian_cardinal, date=_norwegian_date, time=_norwegian_time, months=" ".join(_MONTHS_NO),
        year=_norwegian_year,
        short_months="jan feb mar apr mai jun jul aug sept?|sep okt nov des", point="komma", minus="minus", to="til",
        over="delt på",
        address="punktum krøllalfa skråstrek bindestrek understrek",
        signs="og pluss er_lik ganger nummer mindre_enn større_enn pluss_minus paragraf cirka",
        ordinal=lambda match: from_library("no", int(match["n"]), "ordinal"),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.(?=\s[a-zæøå]{2})",
        clock_before="kl\\.|klokken|klokka", coins_link=" og ", decimals_as_number=True, dotted_days=True,
        magnitudes={"millioner": "m million/millioner", "million": "m million/millioner",
        "mill.": "m million/millioner", "milliarder": "m milliard/milliarder",
                    "mrd.": "m milliard/milliarder", "milliard": "m milliard/milliarder",
                    "tusen": "tusen"},
        fractions={"1/2": "en halv", "1/3": "en tredel", "2/3": "to tredeler", "1/4": "en fjerdedel",
        "3/4": "tre fjerdedeler"}, mixed=" og ",
        units=units("kilo centi milli mega giga tera", {
            "%": "m prosent", "‰": "m promille", "°C": "m grad celsius/grader celsius", "°": "m grad/grader",
            "km/t": "m kilometer i timen",
            "km/h": "m kilometer i timen", "m/s": "m meter i sekundet", "m²": "m kvadratmeter", "m2": "m kvadratmeter",
            "km²": "m kvadratkilometer",
            "m³": "m kubikkmeter", "kWh": "m kilowattime/kilowattimer", "t": "m time/timer", "h": "m time/timer",
            "min": "n minutt/minutter",
            "min.": "n minutt/minutter", "s": "n sekund/sekunder", "ha": "n hektar", "V": "m volt", "A": "m ampere",
            "dB": "m desibel",
        }, m="m meter", g="n gram", l="m liter", W="m watt", Hz="m hertz", B="m byte"),
        money=coins({"kr. kr NOK": "m krone/kroner, n øre", "€ EUR": "m euro, m cent", "$ USD": "m dollar, m cent",
        "£ GBP": "n pund, m penny/pence",
                     "¥ JPY": "m yen, m sen"}),
        per={"t": "i timen", "h": "i timen", "s": "i sekundet", "min": "i minuttet", "kg": "per kilo", "l": "per liter",
        "m²": "per kvadratmeter",
             "dag": "per dag", "år": "per år"},
        abbreviations={r"\bf\.eks\.": "for eksempel", r"\bosv\.": "og så videre", r"\bdvs\.": "det vil si",
        r"\bca\.": "cirka", r"\bkl\.": "klokka",
                       r"\bnr\.(?=\s?\d)": "nummer ", r"\bs\.(?=\s\d)": "side", r"\bbl\.a\.": "blant annet",
                       r"\bdr\.(?=\s[A-ZÆØÅ])": "doktor", r"\bprof\.": "professor",
                       r"\btlf\.": "telefon"},
    )  # fmt: skip
