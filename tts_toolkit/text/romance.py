"""French, Spanish, Italian, Portuguese and Romanian."""

from __future__ import annotations

import re

from tts_toolkit.text.grammar import Grammar, Match, coins, units
from tts_toolkit.text.numerals import from_library, words_of


def _french(number: int, gender: str) -> str:
    words = from_library("fr", number)
    return re.sub(r"\bun$", "une", words) if gender == "f" else words


def _french_ordinal(number: int, feminine: bool = False) -> str:
    words = from_library("fr", number, "ordinal")
    return "première" if number == 1 and feminine else words


_MONTHS_FR = words_of("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")


def _french_date(day: int, month: int, year: int | None, before: str) -> str:
    first = "premier" if day == 1 else _french(day, "")
    return f"{first} {_MONTHS_FR[month - 1] if month else ''}{' ' + _french(year, '') if year else ''}"


def _french_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_french(hour, 'f')} heure{'s' if hour > 1 else ''}"
    words += f" {_french(minute, 'f')}" if minute or second else ""
    return words + (f" et {_french(second, 'f')} seconde{'s' if second > 1 else ''}" if second else "")


def french() -> Grammar:
    """French."""
    return Grammar(
        cardinal=_french, date=_french_date, time=_french_time, months=" ".join(_MONTHS_FR),
        short_months="janv fév|févr avr avr mai juin juil août sept oct nov déc",
        point="virgule", ratio="à", minus="moins", to="à", over="sur", address="point arobase slash tiret tiret_bas",
        signs="et plus égale fois numéro inférieur_à supérieur_à plus_ou_moins paragraphe environ", day_mark="er",
        ordinal=lambda match: _french_ordinal(int(match["n"]), match["mark"] in ("re",
        "ère")) + ("s" if match["mark"].endswith("s") else ""),
        ordinals=r"(?<![\d.,])(?P<n>\d{1,4})(?P<mark>ers?|res?|ère|èmes?|emes?|e|es|nde?)\b",
        clock_after="heures?|h(?![\\d²])", h_clock=True, few=lambda number: 0 if number < 2 else -1, coins_link=" et ",
        decimals_as_number=True,
        magnitudes={"millions": "m million/millions", "million": "m million/millions", "M": "m million/millions",
        "milliards": "m milliard/milliards",
                    "milliard": "m milliard/milliards", "Md": "m milliard/milliards", "mille": "mille"},
        after_magnitude="d'",
        romans=r"\b(?P<r>[IVX]+)(?=(?:er|re|e|ème)\b)|\b(?:[cC]hapitre|[tT]ome|[pP]artie|[aA]cte)\s(?P<r2>[IVX]+)\b",
        fractions={"1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart", "3/4": "trois quarts",
        "1/5": "un cinquième"}, mixed=" et ",
        units=units("kilo centi milli méga giga téra", {
            "%": "m pour cent", "‰": "m pour mille", "°C": "m degré Celsius/degrés Celsius", "°": "m degré/degrés",
            "km/h": "m kilomètre-heure/kilomètres-heure",
            "m/s": "m mètre par seconde/mètres par seconde", "m²": "m mètre carré/mètres carrés",
            "m2": "m mètre carré/mètres carrés",
            "km²": "m kilomètre carré/kilomètres carrés", "m³": "m mètre cube/mètres cubes",
            "kWh": "m kilowattheure/kilowattheures", "h": "f heure/heures",
            "min": "f minute/minutes", "mn": "f minute/minutes", "s": "f seconde/secondes", "t": "f tonne/tonnes",
            "ha": "m hectare/hectares", "V": "m volt/volts",
            "A": "m ampère/ampères", "dB": "m décibel/décibels", "Mo": "m mégaoctet/mégaoctets",
            "Go": "m gigaoctet/gigaoctets", "To": "m téraoctet/téraoctets",
        }, m="m mètre/mètres", g="m gramme/grammes", l="m litre/litres", W="m watt/watts", Hz="m hertz",
        B="m octet/octets"),
        money=coins({"€ EUR": "m euro/euros, m centime/centimes", "$ USD US$": "m dollar/dollars, m cent/cents",
        "£ GBP": "f livre/livres, m penny/pence",
                     "¥ JPY": "m yen/yens, m sen", "CHF": "m franc suisse/francs suisses, m centime/centimes"}),
        per={"h": "par heure", "s": "par seconde", "min": "par minute", "kg": "par kilo", "l": "par litre",
        "m²": "par mètre carré", "jour": "par jour",
             "mois": "par mois", "an": "par an"},
        abbreviations={r"\bM\.(?=\s[A-ZÀ-Ý])": "monsieur", r"\bMme\b\.?": "madame", r"\bMlle\b\.?": "mademoiselle",
        r"\bDr\.?(?=\s[A-ZÀ-Ý])": "docteur",
                       r"\bp\.\s?ex\.": "par exemple", r"\betc\.(?=\s[a-zà-ÿ]|$)": "et cetera",
                       r"\bn°\s?(?=\d)": "numéro ", r"\bNo\.?\s(?=\d)": "numéro ",
                       r"\bp\.(?=\s\d)": "page", r"\bav\.\sJ\.-C\.": "avant Jésus-Christ", r"\benv\.": "environ",
                       r"\bSt(?=[ -][A-ZÀ-Ý])": "Saint",
                       r"\bSte(?=[ -][A-ZÀ-Ý])": "Sainte", r"\btél\.": "téléphone", r"\bc\.-à-d\.": "c'est-à-dire"},
    )  # fmt: skip


def _spanish(number: int, gender: str) -> str:
    words = from_library("es", number)
    if gender == "m":
        return re.sub(r"veintiuno$", "veintiún", re.sub(r"\buno$", "un", words))
    if gender == "f":
        return re.sub(r"cientos\b", "cientas", re.sub(r"quinientos\b", "quinientas", re.sub(r"uno$", "una", words)))
    return words


def _iberian_gender(word: str) -> str:
    """Return the gender that the plural of a noun shows in Spanish and Portuguese."""
    if word.endswith(("as", "ciones", "dades", "ções")):
        return "f"
    return "m" if word.endswith("s") and len(word) > 3 else ""


def _spanish_ordinal(match: Match) -> str:
    words, mark = from_library("es", int(match["n"]), "ordinal"), match["mark"]
    if mark in ("ª", "a"):
        return " ".join(re.sub(r"o$", "a", word) for word in words.split())
    return re.sub(r"(primer|tercer)o$", r"\1", words) if mark == "er" else words


_MONTHS_ES = words_of("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")


def _iberian_date(day: str, month: str, year: str) -> str:
    return f"{day}{' de ' + month if month else ''}{' de ' + year if year else ''}"


def _spanish_date(day: int, month: int, year: int | None, before: str) -> str:
    return _iberian_date(_spanish(day, ""), _MONTHS_ES[month - 1] if month else "", _spanish(year, "") if year else "")


def _spanish_time(hour: int, minute: int, second: int | None) -> str:
    words = _spanish(hour, "f")
    if minute or second:
        words += f" {'cero ' if 0 < minute < 10 else ''}{_spanish(minute, '')}"
    else:
        words += " hora" if hour == 1 else " horas"
    return words + (f" y {_spanish(second, 'm')} segundo{'' if second == 1 else 's'}" if second else "")


def _spanish_magnitude(number: int) -> str:
    return "de" if number and number % 10**6 == 0 else ""


def spanish() -> Grammar:
    """Spanish."""
    return Grammar(
        cardinal=_spanish, date=_spanish_date, time=_spanish_time, months=" ".join(_MONTHS_ES),
        short_months="ene feb mar abr may jun jul ago sept?|sep oct nov dic",
        point="coma", minus="menos", to="a", over="sobre", address="punto arroba barra guion guion_bajo",
        signs="y más igual_a por número menor_que mayor_que más_menos párrafo aproximadamente", day_mark="\\.?º|o",
        month_link="de|del",
        ordinal=_spanish_ordinal, ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.?(?P<mark>º|ª|er|°(?=\s[a-z])|[oa]\b)(?!\w)",
        clock_after="h(?:oras?|rs)?\\.?(?![\\d²])", h_clock=True, coins_link=" con ", decimals_as_number=True,
        many_link=_spanish_magnitude,
        magnitudes={"millones": "m millón/millones", "millón": "m millón/millones", "mil": "mil",
        "M": "m millón/millones"}, after_magnitude="de ",
        gender_of=_iberian_gender, romans=r"\b(?:[sS]iglos?|[cC]apítulo|[tT]omo|[pP]arte|[aA]cto)\s(?P<r>[IVX]+)\b",
        fractions={"1/2": "medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto", "3/4": "tres cuartos",
        "1/5": "un quinto"}, mixed=" y ",
        units=units("kilo centi mili mega giga tera", {
            "km": "m kilómetro/kilómetros", "cm": "m centímetro/centímetros", "mm": "m milímetro/milímetros",
            "%": "m por ciento", "‰": "m por mil", "°C": "m grado Celsius/grados Celsius", "°": "m grado/grados",
            "km/h": "m kilómetro por hora/kilómetros por hora",
            "m/s": "m metro por segundo/metros por segundo", "m²": "m metro cuadrado/metros cuadrados",
            "m2": "m metro cuadrado/metros cuadrados",
            "km²": "m kilómetro cuadrado/kilómetros cuadrados", "m³": "m metro cúbico/metros cúbicos",
            "kWh": "m kilovatio hora/kilovatios hora", "h": "f hora/horas",
            "min": "m minuto/minutos", "s": "m segundo/segundos", "t": "f tonelada/toneladas",
            "ha": "f hectárea/hectáreas", "V": "m voltio/voltios",
            "A": "m amperio/amperios", "dB": "m decibelio/decibelios",
        }, m="m metro/metros", g="m gramo/gramos", l="m litro/litros", W="m vatio/vatios", Hz="m hercio/hercios",
        B="m byte/bytes"),
        money=coins({"€ EUR": "m euro/euros, m céntimo/céntimos", "$ USD US$": "m dólar/dólares, m centavo/centavos",
        "£ GBP": "f libra/libras, m penique/peniques",
                     "¥ JPY": "m yen/yenes, m sen", "MXN": "m peso/pesos, m centavo/centavos"}),
        per={"h": "por hora", "s": "por segundo", "min": "por minuto", "kg": "por kilo", "l": "por litro",
        "m²": "por metro cuadrado", "día": "por día",
             "mes": "por mes", "año": "por año"},
        abbreviations={r"\bSr\.(?=\s)": "señor", r"\bSra\.(?=\s)": "señora", r"\bSrta\.": "señorita",
        r"\bDr\.(?=\s)": "doctor", r"\bDra\.(?=\s)": "doctora",
                       r"\bp\.\s?ej\.": "por ejemplo", r"\bUds\.": "ustedes", r"\bUd\.": "usted",
                       r"\bEE\.\s?UU\.": "Estados Unidos", r"\betc\.(?=\s[a-z]|$)": "etcétera",
                       r"\bn\.?[ºo°]\.?\s?(?=\d)": "número ", r"\bN[ºo°]\.?\s?(?=\d)": "número ", r"\bpág\.": "página",
                       r"\btel\.": "teléfono", r"\bav\.|\bAv\.|\bAvda\.": "avenida",
                       r"\ba\.\s?C\.": "antes de Cristo", r"\bd\.\s?C\.": "después de Cristo",
                       r"(?<=\d)\s?(?:€|euros)/u\b": "euros por unidad"},
    )  # fmt: skip


def _italian(number: int, gender: str) -> str:
    words = from_library("it", number)
    if number == 1:
        return {"m": "un", "f": "una"}.get(gender, "uno")
    return words


def _italian_ordinal(match: Match) -> str:
    words = from_library("it", int(match["n"]), "ordinal")
    return re.sub(r"o$", "a", words) if match["mark"] in ("ª", "a") else words


_MONTHS_IT = words_of("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre")


def _italian_date(day: int, month: int, year: int | None, before: str) -> str:
    first = "primo" if day == 1 else _italian(day, "")
    return f"{first} {_MONTHS_IT[month - 1] if month else ''}{' ' + _italian(year, '') if year else ''}"


def _italian_time(hour: int, minute: int, second: int | None) -> str:
    words = "una" if hour == 1 else "zero" if hour == 0 else _italian(hour, "")
    words += f" e {_italian(minute, '')}" if minute or second else ""
    return words + (f" e {_italian(second, 'm')} second{'o' if second == 1 else 'i'}" if second else "")


def italian() -> Grammar:
    """Italian."""
    return Grammar(
        cardinal=_italian, date=_italian_date, time=_italian_time, months=" ".join(_MONTHS_IT),
        short_months="genn?|gen febb?|feb mar apr mag giu lug ago sett?|set ott nov dic",
        point="virgola", minus="meno", to="a", over="su", address="punto chiocciola barra trattino trattino_basso",
        signs="e più uguale per numero minore_di maggiore_di più_o_meno paragrafo circa", day_mark="º|°",
        ordinal=_italian_ordinal, ordinals=r"(?<![\d.,])(?P<n>\d{1,4})(?P<mark>º|ª|°(?=\s[a-z])|[oa](?=\s[a-z]))(?!\w)",
        clock_before="ore|alle|dalle", h_clock=True, coins_link=" e ", decimals_as_number=True,
        magnitudes={"milioni": "m milione/milioni", "milione": "m milione/milioni", "mln": "m milione/milioni",
        "miliardi": "m miliardo/miliardi",
                    "miliardo": "m miliardo/miliardi", "mld": "m miliardo/miliardi"},
        after_magnitude="di ", romans=r"\b(?:[cC]apitolo|[tT]omo|[pP]arte|[aA]tto)\s(?P<r>[IVX]+)\b",
        fractions={"1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto", "3/4": "tre quarti",
        "1/5": "un quinto"}, mixed=" e ",
        units=units("chilo centi milli mega giga tera", {
            "%": "m per cento", "‰": "m per mille", "°C": "m grado Celsius/gradi Celsius", "°": "m grado/gradi",
            "km/h": "m chilometro orario/chilometri orari",
            "m/s": "m metro al secondo/metri al secondo", "m²": "m metro quadrato/metri quadrati",
            "m2": "m metro quadrato/metri quadrati", "mq": "m metro quadrato/metri quadrati",
            "km²": "m chilometro quadrato/chilometri quadrati", "m³": "m metro cubo/metri cubi",
            "kWh": "m chilowattora", "h": "f ora/ore", "min": "m minuto/minuti",
            "s": "m secondo/secondi", "t": "f tonnellata/tonnellate", "ha": "m ettaro/ettari", "V": "m volt",
            "A": "m ampere", "dB": "m decibel",
        }, m="m metro/metri", g="m grammo/grammi", l="m litro/litri", W="m watt", Hz="m hertz", B="m byte"),
        money=coins({"€ EUR": "m euro, m centesimo/centesimi", "$ USD US$": "m dollaro/dollari, m centesimo/centesimi",
        "£ GBP": "f sterlina/sterline, m penny/pence",
                     "¥ JPY": "m yen, m sen", "CHF": "m franco svizzero/franchi svizzeri, m centesimo/centesimi"}),
        per={"h": "all'ora", "s": "al secondo", "min": "al minuto", "kg": "al chilo", "l": "al litro",
        "m²": "al metro quadrato", "mq": "al metro quadrato",
             "giorno": "al giorno", "mese": "al mese", "anno": "all'anno"},
        abbreviations={r"\bSig\.(?=\s)|\bsig\.(?=\s)": "signor", r"\bSig\.ra|\bsig\.ra": "signora",
        r"\bDott\.(?=\s)|\bdott\.(?=\s)": "dottor", r"\bProf\.(?=\s)": "professor",
                       r"\bIng\.(?=\s)": "ingegner", r"\becc\.": "eccetera", r"\bes\.(?=\s)": "esempio",
                       r"\bn\.\s?(?=\d)": "numero ", r"\bn°\s?(?=\d)": "numero ",
                       r"\bpag\.": "pagina", r"\btel\.": "telefono", r"\ba\.\s?C\.": "avanti Cristo",
                       r"\bd\.\s?C\.": "dopo Cristo"},
    )  # fmt: skip


def _portuguese(number: int, gender: str) -> str:
    words = from_library("pt_BR", number)
    if gender == "f":
        words = re.sub(r"\bum$", "uma", re.sub(r"\bdois$", "duas", words))
        words = re.sub(r"(duz|trez|quatroc|quinh|seisc|setec|oitoc|novec)entos\b", r"\1entas", words)
    return words


def _portuguese_ordinal(match: Match) -> str:
    words = from_library("pt_BR", int(match["n"]), "ordinal")
    return " ".join(re.sub(r"o$", "a", word) for word in words.split()) if match["mark"] in ("ª", "a") else words


_MONTHS_PT = words_of("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro")


def _portuguese_date(day: int, month: int, year: int | None, before: str) -> str:
    first = "primeiro" if day == 1 else _portuguese(day, "")
    return _iberian_date(first, _MONTHS_PT[month - 1] if month else "", _portuguese(year, "") if year else "")


def _portuguese_time(hour: int, minute: int, second: int | None) -> str:
    words = _portuguese(hour, "f")
    words += f" e {_portuguese(minute, '')}" if minute or second else " hora" if hour in (0, 1) else " horas"
    return words + (f" e {_portuguese(second, 'm')} segundo{'' if second == 1 else 's'}" if second else "")


def portuguese() -> Grammar:
    """Portuguese."""
    return Grammar(
        cardinal=_portuguese, date=_portuguese_date, time=_portuguese_time, months=" ".join(_MONTHS_PT),
        short_months="jan fev mar abr mai jun jul ago set out nov dez", point="vírgula", minus="menos", to="a",
        over="sobre",
        address="ponto arroba barra hífen sublinhado",
        signs="e mais igual_a vezes número menor_que maior_que mais_ou_menos parágrafo aproximadamente",
        day_mark="\\.?º|o", month_link="de", ordinal=_portuguese_ordinal,
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\.?(?P<mark>º|ª|°(?=\s[a-z])|[oa](?=\s[a-z]))(?!\w)",
        clock_after="h(?:oras?|rs)?(?![\\d²])", h_clock=True, coins_link=" e ", decimals_as_number=True,
        many_link=_spanish_magnitude, magnitudes={"milhões": "m milhão/milhões", "milhão": "m milhão/milhões",
        "mi": "m milhão/milhões", "bilhões": "m bilhão/bilhões",
                    "bilhão": "m bilhão/bilhões", "bi": "m bilhão/bilhões", "mil": "mil"}, after_magnitude="de ",
                    gender_of=_iberian_gender,
        romans=r"\b(?:[sS]éculos?|[cC]apítulo|[tT]omo|[pP]arte|[aA]to)\s(?P<r>[IVX]+)\b",
        fractions={"1/2": "meio", "1/3": "um terço", "2/3": "dois terços", "1/4": "um quarto", "3/4": "três quartos",
        "1/5": "um quinto"}, mixed=" e ",
        units=units("quilo centi mili mega giga tera", {
            "km": "m quilômetro/quilômetros", "cm": "m centímetro/centímetros", "mm": "m milímetro/milímetros",
            "%": "m por cento", "‰": "m por mil", "°C": "m grau Celsius/graus Celsius", "°": "m grau/graus",
            "km/h": "m quilômetro por hora/quilômetros por hora",
            "m/s": "m metro por segundo/metros por segundo", "m²": "m metro quadrado/metros quadrados",
            "m2": "m metro quadrado/metros quadrados",
            "km²": "m quilômetro quadrado/quilômetros quadrados", "m³": "m metro cúbico/metros cúbicos",
            "kWh": "m quilowatt-hora/quilowatts-hora", "h": "f hora/horas",
            "min": "m minuto/minutos", "s": "m segundo/segundos", "t": "f tonelada/toneladas",
            "ha": "m hectare/hectares", "V": "m volt/volts", "A": "m ampere/amperes",
            "dB": "m decibel/decibéis",
        }, m="m metro/metros", g="m grama/gramas", l="m litro/litros", W="m watt/watts", Hz="m hertz",
        B="m byte/bytes"),
        money=coins({"R$ BRL": "m real/reais, m centavo/centavos", "€ EUR": "m euro/euros, m cêntimo/cêntimos",
        "$ USD US$": "m dólar/dólares, m centavo/centavos",
                     "£ GBP": "f libra/libras, m pêni/pence", "¥ JPY": "m iene/ienes, m sen"}),
        per={"h": "por hora", "s": "por segundo", "min": "por minuto", "kg": "por quilo", "l": "por litro",
        "m²": "por metro quadrado", "dia": "por dia",
             "mês": "por mês", "ano": "por ano"},
        abbreviations={r"\bSr\.(?=\s)": "senhor", r"\bSra\.(?=\s)": "senhora", r"\bDr\.(?=\s)": "doutor",
        r"\bDra\.(?=\s)": "doutora", r"\bp\.\s?ex\.": "por exemplo",
                       r"\betc\.(?=\s[a-z]|$)": "etcétera", r"\bn\.?[ºo°]\.?\s?(?=\d)": "número ", r"\bpág\.": "página",
                       r"\btel\.": "telefone", r"\bAv\.": "avenida",
                       r"\ba\.\s?C\.": "antes de Cristo", r"\bd\.\s?C\.": "depois de Cristo"},
    )  # fmt: skip


def _romanian(number: int, gender: str) -> str:
    words = from_library("ro", number)
    if number == 1:
        return {"m": "un", "n": "un", "f": "o"}.get(gender, "unu")
    if gender in ("f", "n"):
        words = re.sub(r"\bdoi$", "două", words)
        words = re.sub(r"doisprezece$", "douăsprezece", words)
    if gender == "f":
        words = re.sub(r"\bunu$", "una", words)
    return words


_MONTHS_RO = words_of(
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie"
)


def _romanian_date(day: int, month: int, year: int | None, before: str) -> str:
    first = "întâi" if day == 1 else _romanian(day, "")
    return f"{first} {_MONTHS_RO[month - 1] if month else ''}{' ' + _romanian(year, '') if year else ''}"


def _romanian_time(hour: int, minute: int, second: int | None) -> str:
    words = _romanian(hour, "f") if hour != 1 else "unu"
    words += f" și {_romanian(minute, 'n') if minute != 1 else 'un minut'}" if minute or second else ""
    return words + (f" și {_romanian(second, 'f')} secund{'ă' if second == 1 else 'e'}" if second else "")


def _romanian_of(number: int) -> str:
    return "de" if (number % 100 == 0 and number) or number % 100 >= 20 else ""


def _romanian_ordinal(match: Match) -> str:
    number = int(match["n"])
    if match["article"] == "a":
        words = {2: "doua", 3: "treia", 4: "patra", 8: "opta"}.get(number) or re.sub(
            r"ă$", "", _romanian(number, "f")
        ) + "a"
        return f"a {words}"
    words = from_library("ro", number, "ordinal")
    return words if words.startswith("al ") else f"al {words}"


def romanian() -> Grammar:
    """Romanian."""
    return Grammar(
        cardinal=_romanian, date=_romanian_date, time=_romanian_time, months=" ".join(_MONTHS_RO),
        short_months="ian feb mar apr mai iun iul aug sept?|sep oct noi|nov dec",
        point="virgulă", minus="minus", to="până la", over="supra", address="punct arond slash cratimă liniuță_jos",
        signs="și plus egal ori numărul mai_mic_decât mai_mare_decât plus_minus paragraful aproximativ",
        ordinal=_romanian_ordinal, ordinals=r"\b(?P<article>al?)\s(?P<n>\d{1,3})-(?:lea|a)\b", clock_before="ora",
        coins_link=" și ", decimals_as_number=True,
        many_link=_romanian_of, magnitudes={"milioane": "n milion/milioane", "milion": "n milion/milioane",
        "mil.": "n milion/milioane", "miliarde": "n miliard/miliarde",
                    "miliard": "n miliard/miliarde", "mld.": "n miliard/miliarde"},
        after_magnitude="de ", romans=r"\bal\s(?P<r>[IVX]+)(?=-lea\b)|\b[cC]apitolul\s(?P<r2>[IVX]+)\b",
        fractions={"1/2": "o jumătate", "1/3": "o treime", "2/3": "două treimi", "1/4": "un sfert",
        "3/4": "trei sferturi"}, mixed=" și ",
        units=units("kilo centi mili mega giga tera", {
            "%": "n la sută", "‰": "n la mie", "°C": "n grad Celsius/grade Celsius", "°": "n grad/grade",
            "km/h": "m kilometru pe oră/kilometri pe oră",
            "m/s": "m metru pe secundă/metri pe secundă", "m²": "m metru pătrat/metri pătrați",
            "m2": "m metru pătrat/metri pătrați", "mp": "m metru pătrat/metri pătrați",
            "km²": "m kilometru pătrat/kilometri pătrați", "m³": "m metru cub/metri cubi",
            "kWh": "m kilowatt-oră/kilowați-oră", "h": "f oră/ore", "min": "n minut/minute",
            "s": "f secundă/secunde", "t": "f tonă/tone", "ha": "n hectar/hectare", "V": "m volt/volți",
            "A": "m amper/amperi", "dB": "m decibel/decibeli",
        }, m="m metru/metri", g="n gram/grame", l="m litru/litri", W="m watt/wați", Hz="m hertz/hertzi",
        B="m byte/byți"),
        money=coins({"lei RON leu": "m leu/lei, m ban/bani", "€ EUR": "m euro, m cent/cenți",
        "$ USD": "m dolar/dolari, m cent/cenți", "£ GBP": "f liră/lire, m penny/pence",
                     "¥ JPY": "m yen/yeni, m sen"}),
        per={"h": "pe oră", "s": "pe secundă", "min": "pe minut", "kg": "pe kilogram", "l": "pe litru",
        "m²": "pe metru pătrat", "zi": "pe zi", "lună": "pe lună", "an": "pe an"},
        abbreviations={r"\bdl\.": "domnul", r"\bdna\.|\bd-na\b": "doamna", r"\bdr\.(?=\s[A-Z])": "doctor",
        r"\bprof\.": "profesor", r"\betc\.": "et cetera", r"\bnr\.\s?(?=\d)": "numărul ",
                       r"\bp\.\s?ex\.": "de exemplu", r"\bstr\.": "strada", r"\bpag\.": "pagina", r"\btel\.": "telefon",
                       r"\bî\.\s?Hr\.": "înainte de Hristos",
                       r"\bd\.\s?Hr\.": "după Hristos"},
    )  # fmt: skip
