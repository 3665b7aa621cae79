"""Tables of the English normaliser: what is written, and the words it stands for."""

from __future__ import annotations

from tts_toolkit.text.folding import TYPOGRAPHY

FOLDED = str.maketrans(
    TYPOGRAPHY
    | {
        "\u00d7": " times ",
        "\u00f7": " divided by ",
        "\u00bd": " 1/2",
        "\u00bc": " 1/4",
        "\u00be": " 3/4",
        "\u2122": "",
        "\u00ae": "",
    }
)

ABBREVIATIONS = {
    "mr": "mister",
    "mrs": "misses",
    "ms": "miz",
    "dr": "doctor",
    "prof": "professor",
    "rev": "reverend",
    "gen": "general",
    "col": "colonel",
    "capt": "captain",
    "lt": "lieutenant",
    "sgt": "sergeant",
    "gov": "governor",
    "sen": "senator",
    "hon": "honorable",
    "jr": "junior",
    "sr": "senior",
    "st": "saint",
    "mt": "mount",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "dept": "department",
    "est": "established",
    "approx": "approximately",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "co": "company",
    "vs": "versus",
    "etc": "et cetera",
    "fig": "figure",
    "vol": "volume",
    "ch": "chapter",
    "pp": "pages",
    "jan": "january",
    "feb": "february",
    "aug": "august",
    "sept": "september",
    "oct": "october",
    "nov": "november",
    "dec": "december",
}
STREETS = {"ave", "blvd", "rd"}
MAY_END_A_SENTENCE = {"etc", "inc", "ltd", "jr", "sr", "co", "corp"} | STREETS
ONLY_BEFORE_A_CAPITAL = {"st", "mt", "gen", "col", "rev", "hon", "est", "co", "dec", "sen"}  # words of their own else

CURRENCIES = {  # symbol or code: (one, many, one hundredth, many hundredths)
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "EUR": ("euro", "euros", "cent", "cents"),
}
MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
    "thousand": "thousand",
    "million": "million",
    "billion": "billion",
    "trillion": "trillion",
}
UNITS = {  # (one, many)
    "kwh": ("kilowatt hour", "kilowatt hours"),
    "m/s": ("meter per second", "meters per second"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "m": ("meter", "meters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "g": ("gram", "grams"),
    "lbs": ("pound", "pounds"),
    "lb": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ft": ("foot", "feet"),
    "ml": ("milliliter", "milliliters"),
    "l": ("liter", "liters"),
    "hrs": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "mins": ("minute", "minutes"),
    "min": ("minute", "minutes"),
    "secs": ("second", "seconds"),
    "sec": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
    "ghz": ("gigahertz", "gigahertz"),
    "mhz": ("megahertz", "megahertz"),
    "khz": ("kilohertz", "kilohertz"),
    "hz": ("hertz", "hertz"),
    "kb": ("kilobyte", "kilobytes"),
    "mb": ("megabyte", "megabytes"),
    "gb": ("gigabyte", "gigabytes"),
    "tb": ("terabyte", "terabytes"),
    "db": ("decibel", "decibels"),
    "kw": ("kilowatt", "kilowatts"),
    "°c": ("degree celsius", "degrees celsius"),
    "°f": ("degree fahrenheit", "degrees fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
}
POWERED = {  # (unit, power): (one, many)
    (unit, power): (f"{word} {one}", f"{word} {many}")
    for unit, (one, many) in UNITS.items()
    if unit in ("km", "m", "cm", "mm", "ft")
    for power, word in (("²", "square"), ("³", "cubic"))
}
CAPITAL_UNITS = {  # "5 v 3" is none
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
    "A": ("ampere", "amperes"),
    "L": ("liter", "liters"),
}
LABELLED = {  # what is told apart by a number and a letter: in "room 5B" nothing is counted
    "apartment", "appendix", "block", "bus", "chapter", "class", "figure", "flat", "form", "gate", "highway", "house",
    "number", "platform", "room", "route", "row", "seat", "section", "suite", "table", "track", "unit",
}  # fmt: skip
DENOMINATORS = {  # of fractions: (one, many)
    2: ("half", "halves"),
    3: ("third", "thirds"),
    4: ("quarter", "quarters"),
    5: ("fifth", "fifths"),
    6: ("sixth", "sixths"),
    8: ("eighth", "eighths"),
    10: ("tenth", "tenths"),
    16: ("sixteenth", "sixteenths"),
    100: ("hundredth", "hundredths"),
}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
TOP_LEVEL_DOMAINS = ("com", "org", "net", "edu", "gov", "io", "info", "uk", "de", "fr", "eu", "us", "ca", "au", "ai")
SYMBOLS = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "#": "number",
    "*": "star",
    ">": "greater than",
    "<": "less than",
    "§": "section",
    "©": "copyright",
    "¢": "cents",
    "²": "squared",
    "³": "cubed",
    "%": "percent",
    "°": "degrees",
    "~": "about",
}
