"""Tables of the English normalizer: written forms and their words."""

from __future__ import annotations

from tts_toolkit.text.numerals import words_of

ABBREVIATIONS = {  # followed by a dot
    "mr": "mister", "mrs": "misses", "ms": "miz", "messrs": "messers", "dr": "doctor", "prof": "professor",
    "rev": "reverend", "gen": "general", "col": "colonel", "capt": "captain", "cpt": "captain", "lt": "lieutenant",
    "sgt": "sergeant", "cpl": "corporal", "pvt": "private", "maj": "major", "adm": "admiral", "cmdr": "commander",
    "gov": "governor", "sen": "senator", "rep": "representative", "pres": "president", "supt": "superintendent",
    "insp": "inspector", "hon": "honorable", "jr": "junior", "sr": "senior", "esq": "esquire", "st": "saint",
    "mt": "mount", "ft": "fort", "ave": "avenue", "blvd": "boulevard", "rd": "road", "ln": "lane", "hwy": "highway",
    "pkwy": "parkway", "sq": "square", "apt": "apartment", "dept": "department", "univ": "university",
    "est": "established", "approx": "approximately", "inc": "incorporated", "ltd": "limited", "corp": "corporation",
    "co": "company", "bros": "brothers", "assn": "association", "govt": "government", "vs": "versus",
    "etc": "et cetera", "fig": "figure", "figs": "figures", "vol": "volume", "vols": "volumes", "ch": "chapter",
    "chap": "chapter", "sec": "section", "eq": "equation", "ed": "edition", "pp": "pages", "pg": "page", "fr": "father",
    "mfg": "manufacturing", "nr": "number", "rm": "room", "bldg": "building", "rte": "route", "pt": "point",
    "ext": "extension",
    "tel": "telephone", "min": "minimum", "max": "maximum", "avg": "average", "cf": "compare", "viz": "namely",
    "ca": "circa", "misc": "miscellaneous", "temp": "temperature", "intl": "international", "natl": "national",
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july",
    "aug": "august", "sep": "september", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
    "mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "weds": "wednesday", "thu": "thursday",
    "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday",
}  # fmt: skip
STREETS = {
    "st": "street", "dr": "drive", "ave": "avenue", "blvd": "boulevard", "rd": "road", "ln": "lane", "ct": "court",
    "pl": "place", "sq": "square", "hwy": "highway", "pkwy": "parkway", "ter": "terrace", "cir": "circle",
}  # fmt: skip
MAY_END_A_SENTENCE = {
    "etc", "inc", "ltd", "jr", "sr", "co", "corp", "esq", "bros", "ave", "blvd", "rd", "ln", "hwy", "pkwy", "sq",
}  # fmt: skip
ONLY_BEFORE_A_CAPITAL = {  # words of their own else
    "st", "mt", "ft", "pt", "fr", "gen", "col", "rev", "hon", "est", "co", "dec", "sen", "rep", "pres", "maj", "adm",
    "mar",
    "jun", "jul", "insp",
}  # fmt: skip
ONLY_BEFORE_A_DIGIT = {
    "pg",
    "nr",
    "rm",
    "rte",
    "sec",
    "ed",
    "min",
    "max",
    "ch",
    "eq",
    "fig",
    "figs",
    "est",
    "ca",
    "ext",
    "tel",
    "temp",
}
CAPITALIZED_ONLY = {  # "co." in "the co." and "sat." at the end of a sentence are words
    "co", "mon", "tue", "wed", "fri", "mar", "apr", "jun", "jul", "aug", "oct", "nov", "dec", "sep", "jan", "feb",
    "thu", "thur", "tues", "thurs", "weds",
}  # fmt: skip
WITHIN_A_SENTENCE = {"sat", "sun"}  # only with words, numbers or a comma after them: "Sun. night"
TITLES_WITHOUT_DOT = ("Mr", "Mrs", "Ms", "Messrs", "Dr", "Prof", "St", "Mt", "Ft", "Lt", "Sgt", "Capt", "Cpl", "Col",
                      "Maj", "Adm", "Cmdr", "Rev", "Sen", "Gov", "Supt", "Insp")  # fmt: skip
DAY_NAMES = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Weds": "Wednesday", "Thu": "Thursday",
    "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Sep", "Oct", "Nov", "Dec")

Coins = tuple[str, str, str, str]  # one, many, one hundredth, many hundredths
_CENTS = ("cent", "cents")


def _dollars(country: str = "") -> Coins:
    before = f"{country} " if country else ""
    return (f"{before}dollar", f"{before}dollars", *_CENTS)


def _coins(one: str, many: str = "", hundredth: str = "cent", hundredths: str = "cents") -> Coins:
    return (one, many or f"{one}s", hundredth, hundredths)


CURRENCY_SIGNS = {
    "$": _dollars(), "US$": _dollars("U S"), "CA$": _dollars("Canadian"), "C$": _dollars("Canadian"),
    "CAD$": _dollars("Canadian"), "AU$": _dollars("Australian"), "A$": _dollars("Australian"),
    "NZ$": _dollars("New Zealand"), "HK$": _dollars("Hong Kong"), "S$": _dollars("Singapore"),
    "SG$": _dollars("Singapore"), "NT$": _dollars("New Taiwan"), "J$": _dollars("Jamaican"),
    "TT$": _dollars("Trinidad and Tobago"), "MX$": _coins("Mexican peso", "", "centavo", "centavos"),
    "R$": _coins("real", "reais", "centavo", "centavos"), "£": _coins("pound", "", "penny", "pence"),
    "€": _coins("euro"), "¥": _coins("yen", "yen", "sen", "sen"), "JP¥": _coins("yen", "yen", "sen", "sen"),
    "CN¥": _coins("yuan", "yuan", "fen", "fen"), "₹": _coins("rupee", "", "paisa", "paise"),
    "₩": _coins("won", "won", "jeon", "jeon"), "₽": _coins("ruble", "", "kopeck", "kopecks"),
    "₿": _coins("bitcoin"), "₺": _coins("lira", "", "kurus", "kurus"),
    "₴": _coins("hryvnia", "", "kopiyka", "kopiykas"), "₦": _coins("naira", "naira", "kobo", "kobo"),
    "₱": _coins("peso", "", "centavo", "centavos"), "₫": _coins("dong", "dong", "xu", "xu"),
    "₪": _coins("shekel", "", "agora", "agorot"), "฿": _coins("baht", "baht", "satang", "satang"),
    "₡": _coins("colon", "colones", "centimo", "centimos"), "₲": _coins("guarani", "", "centimo", "centimos"),
    "₵": _coins("cedi", "", "pesewa", "pesewas"), "₸": _coins("tenge", "tenge", "tiyn", "tiyn"),
    "₭": _coins("kip", "kip", "att", "att"), "₮": _coins("tugrik", "tugrik", "mongo", "mongo"),
    "₼": _coins("manat", "", "qepik", "qepik"), "₾": _coins("lari", "lari", "tetri", "tetri"),
}  # fmt: skip
CURRENCY_CODES = {  # separate words before or after an amount
    "USD": _dollars("U S"), "GBP": _coins("pound", "", "penny", "pence"), "EUR": _coins("euro"),
    "JPY": _coins("yen", "yen", "sen", "sen"), "CHF": _coins("Swiss franc", "", "centime", "centimes"),
    "CAD": _dollars("Canadian"), "AUD": _dollars("Australian"), "NZD": _dollars("New Zealand"),
    "HKD": _dollars("Hong Kong"), "SGD": _dollars("Singapore"), "TWD": _dollars("New Taiwan"),
    "CNY": _coins("yuan", "yuan", "fen", "fen"), "RMB": _coins("yuan", "yuan", "fen", "fen"),
    "INR": _coins("rupee", "", "paisa", "paise"), "Rs": _coins("rupee", "", "paisa", "paise"),
    "KRW": _coins("won", "won", "jeon", "jeon"), "RUB": _coins("ruble", "", "kopeck", "kopecks"),
    "BRL": _coins("real", "reais", "centavo", "centavos"), "MXN": _coins("Mexican peso", "", "centavo", "centavos"),
    "SEK": _coins("Swedish krona", "Swedish kronor", "ore", "ore"),
    "NOK": _coins("Norwegian krone", "Norwegian kroner", "ore", "ore"),
    "DKK": _coins("Danish krone", "Danish kroner", "ore", "ore"), "kr": _coins("krone", "kroner", "ore", "ore"),
    "PLN": _coins("zloty", "zlotys", "grosz", "groszy"), "zł": _coins("zloty", "zlotys", "grosz", "groszy"),
    "CZK": _coins("Czech koruna", "Czech korunas", "haler", "haler"),
    "HUF": _coins("forint", "forints", "filler", "filler"), "TRY": _coins("lira", "", "kurus", "kurus"),
    "ZAR": _coins("rand", "rand"), "THB": _coins("baht", "baht", "satang", "satang"),
    "ILS": _coins("shekel", "", "agora", "agorot"), "UAH": _coins("hryvnia", "", "kopiyka", "kopiykas"),
    "PHP": _coins("peso", "", "centavo", "centavos"), "IDR": _coins("rupiah", "rupiah", "sen", "sen"),
    "VND": _coins("dong", "dong", "xu", "xu"), "AED": _coins("dirham", "", "fils", "fils"),
    "SAR": _coins("riyal", "", "halala", "halalas"), "BTC": _coins("bitcoin"),
}  # fmt: skip
MAGNITUDES = {
    "k": "thousand", "m": "million", "mn": "million", "mm": "million", "mln": "million", "mil": "million",
    "bn": "billion", "b": "billion", "bln": "billion", "tn": "trillion", "trn": "trillion", "t": "trillion",
    "hundred": "hundred", "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
    "lakh": "lakh", "lakhs": "lakh", "crore": "crore", "crores": "crore", "cr": "crore",
}  # fmt: skip


def _forms(one: str, many: str = "") -> tuple[str, str]:
    return one, many or f"{one}s"


_PREFIXED = {  # unit: (its name, the prefixes it is written with)
    "m": ("meter", "kcmndμ"), "g": ("gram", "kmμ"), "l": ("liter", "mcdhμ"), "L": ("liter", "mcdhμ"),
    "W": ("watt", "kMGTm"), "V": ("volt", "kMmμ"), "Hz": ("hertz", "kMGT"), "B": ("byte", "kKMGTP"),
    "Pa": ("pascal", "khMG"), "J": ("joule", "kMG"), "Wh": ("watt hour", "kMGT"), "Ω": ("ohm", "kM"),
    "eV": ("electron volt", "kMGT"), "bps": ("bit per second", "kKMGT"), "b/s": ("bit per second", "kKMGT"),
    "B/s": ("byte per second", "kKMGT"), "bit": ("bit", "kMG"), "A": ("ampere", "mμ"), "Ah": ("ampere hour", "m"),
    "s": ("second", "mμn"), "cal": ("calorie", "k"), "N": ("newton", "k"), "F": ("farad", "μnp"),
    "mol": ("mole", "mμ"), "Bq": ("becquerel", "kM"), "Sv": ("sievert", "mμ"),
}  # fmt: skip
_PREFIXES = {
    "k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "c": "centi", "m": "milli",
    "d": "deci", "h": "hecto", "n": "nano", "μ": "micro", "p": "pico",
}  # fmt: skip
_ALONE = {  # units whose name has no prefix
    "m", "g", "l", "L", "W", "V", "A", "J", "Hz", "Pa", "Wh", "Ω", "eV", "bps", "Ah", "cal", "s", "mol", "Bq", "Sv",
}  # fmt: skip


def _plural_name(one: str) -> str:
    first, per, rest = one.partition(" per ")
    return f"{first if first.endswith('hertz') else first + 's'}{per}{rest}"


UNITS: dict[str, tuple[str, str]] = {  # (one, many)
    f"{prefix}{unit}": (
        f"{_PREFIXES.get(prefix, '')}{name}",
        _plural_name(f"{_PREFIXES.get(prefix, '')}{name}"),
    )
    for unit, (name, prefixes) in _PREFIXED.items()
    for prefix in [*prefixes, *([""] if unit in _ALONE else [])]
} | {
    "KiB": _forms("kibibyte"), "MiB": _forms("mebibyte"), "GiB": _forms("gibibyte"), "TiB": _forms("tebibyte"),
    "dB": _forms("decibel"), "dBA": _forms("decibel"), "mcg": _forms("microgram"), "t": _forms("ton"),
    "lb": _forms("pound"), "lbs": _forms("pound"), "oz": _forms("ounce"), "fl oz": _forms("fluid ounce"),
    "ft": ("foot", "feet"), "yd": _forms("yard"), "yds": _forms("yard"), "mi": _forms("mile"),
    "nmi": _forms("nautical mile"), "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"), "kmh": ("kilometer per hour", "kilometers per hour"),
    "mpg": ("mile per gallon", "miles per gallon"), "kt": _forms("knot"), "kts": _forms("knot"),
    "gal": _forms("gallon"), "pt": _forms("pint"), "cc": ("C C", "C C"), "qt": _forms("quart"),
    "tsp": _forms("teaspoon"), "tbsp": _forms("tablespoon"),
    "Tbsp": _forms("tablespoon"), "ac": _forms("acre"), "ha": _forms("hectare"), "psi": ("P S I", "P S I"),
    "rpm": ("R P M", "R P M"), "RPM": ("R P M", "R P M"), "bpm": ("B P M", "B P M"), "BPM": ("B P M", "B P M"),
    "dpi": ("D P I", "D P I"), "fps": ("frame per second", "frames per second"), "hp": ("horsepower", "horsepower"),
    "ppm": ("part per million", "parts per million"), "ppb": ("part per billion", "parts per billion"),
    "px": _forms("pixel"), "mmHg": ("millimeter of mercury", "millimeters of mercury"), "kΩ": _forms("kilohm"),
    "MP": _forms("megapixel"), "sq": ("square", "square"), "atm": _forms("atmosphere"),
    "h": _forms("hour"), "hr": _forms("hour"), "hrs": _forms("hour"), "min": _forms("minute"),
    "mins": _forms("minute"), "sec": _forms("second"), "secs": _forms("second"), "msec": _forms("millisecond"),
    "wk": _forms("week"), "wks": _forms("week"), "mo": _forms("month"), "mos": _forms("month"), "yr": _forms("year"),
    "yrs": _forms("year"), "°C": ("degree celsius", "degrees celsius"),
    "°F": ("degree fahrenheit", "degrees fahrenheit"), "°K": ("degree kelvin", "degrees kelvin"),
    "°": _forms("degree"), "%": ("percent", "percent"), "‰": ("per mille", "per mille"),
    "% pts": ("percentage point", "percentage points"),
}  # fmt: skip
for _written in ("km", "kg", "cm", "mm", "lb", "lbs", "ft", "mph", "ml", "oz", "kph"):  # often in capitals
    UNITS.setdefault(_written.upper(), UNITS[_written])
for _written in ("GHz", "MHz", "kHz", "Hz", "KB", "MB", "GB", "TB", "dB", "kW", "kWh", "Mbps", "Gbps", "Kbps"):
    UNITS.setdefault(_written.lower(), UNITS[_written])
UNITS |= {"Kg": UNITS["kg"], "Km": UNITS["km"], "KHz": UNITS["kHz"], "KWh": UNITS["kWh"], "KW": UNITS["kW"],
          "Kw": UNITS["kW"], "°c": UNITS["°C"], "°f": UNITS["°F"], "MPH": UNITS["mph"],
          "km/hr": UNITS["kph"]}  # fmt: skip
LENGTHS = {"m", "km", "cm", "mm", "nm", "dm", "μm", "ft", "in", "mi", "yd", "KM"}  # that have squares and cubes
PER = {  # after a slash: "per ..."
    **{unit: one for unit, (one, _) in UNITS.items() if unit not in ("%", "°", "A", "V", "t")},
    "wk": "week", "mo": "month", "yr": "year", "hr": "hour", "h": "hour", "s": "second", "sec": "second",
    "min": "minute", "d": "day", "pp": "person", "ea": "each", "in": "inch", "gal": "gallon",
}  # fmt: skip
PER_WORDS = (
    "hour", "day", "night", "week", "month", "year", "quarter", "minute", "second", "person", "head", "unit", "item",
    "piece", "share", "barrel", "ton", "pound", "gallon", "liter", "litre", "mile", "kilometer", "square", "user",
    "seat", "student", "child", "ticket", "page", "word", "token", "gram", "ounce", "bottle", "case", "dozen",
)  # fmt: skip
UNITS_WITH_DOT = ("ft", "in", "lb", "lbs", "oz", "min", "mins", "sec", "secs", "hr", "hrs", "yd", "yds", "mi", "gal",
"qt",
                  "pt", "tsp", "tbsp", "wk", "wks", "mo", "mos", "yr", "yrs", "sq", "cu", "km", "kg", "cm", "mm", "g",
                  "m")  # fmt: skip
CAPITAL_UNITS = {"V", "W", "A", "L", "B", "J", "N", "F"}
LABELLED = {  # nouns identified by a number and a letter: in "room 5B" nothing is counted
    "apartment", "apt", "appendix", "block", "bus", "chapter", "class", "figure", "flat", "form", "gate", "highway",
    "house", "number", "platform", "room", "route", "row", "seat", "section", "suite", "table", "track", "unit",
    "building", "exhibit", "exit", "hall", "level", "line", "model", "part", "schedule", "study", "terminal", "version",
    "at", "fig", "grade", "group", "item", "page", "question", "size", "step", "type", "zone", "floor", "bay", "stand",
    "box",
}  # fmt: skip
TOP_LEVEL_DOMAINS = (
    "com", "org", "net", "edu", "gov", "mil", "int", "io", "info", "biz", "uk", "de", "fr", "eu", "us", "ca", "au",
    "ai", "co", "app", "dev", "tv", "fm", "gg", "ly", "sh", "xyz", "online", "site", "tech", "blog", "shop", "cloud",
    "nl", "ch", "jp", "cn", "ru", "br", "es", "se", "dk", "nz", "ie", "za", "pl", "cz", "fi", "kr", "be", "at", "it",
    "news", "museum", "me", "in",
)  # fmt: skip
SHY_DOMAINS = {"be", "at", "it", "me", "in", "us", "es", "int", "no", "museum", "news", "shop", "site", "online"}
FILE_ENDINGS = (
    "txt", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml",
    "html", "htm", "css", "js", "ts", "py", "rb", "rs", "go", "java", "cpp", "sql", "md", "tex", "ipynb", "sh", "bat",
    "exe", "dll", "zip", "tar", "gz", "rar", "7z", "jpg", "jpeg", "png", "gif", "svg", "webp", "bmp", "tiff", "mp3",
    "mp4", "wav", "flac", "ogg", "avi", "mov", "mkv", "log", "ini", "cfg", "conf", "toml", "lock", "parquet", "apk",
    "iso", "dmg", "deb", "rpm", "net", "env", "rtf", "epub", "bak", "tmp", "bin", "dat", "db",
)  # fmt: skip
SYMBOLS = {
    "&": "and", "@": "at", "+": "plus", "=": "equals", "#": "number", "*": "star", ">": "greater than",
    "<": "less than", "§": "section", "¶": "paragraph", "©": "copyright", "¢": "cents", "²": "squared", "³": "cubed",
    "%": "percent", "‰": "per mille", "°": "degrees", "~": "about", "≈": "about", "≤": "less than or equal to",
    "≥": "greater than or equal to", "≠": "not equal to", "±": "plus or minus", "×": "times", "÷": "divided by",
    "√": "square root of", "∛": "cube root of", "∞": "infinity", "→": "to", "⇒": "implies", "∑": "sum", "∫": "integral",
    "∂": "partial",
    "∆": "delta", "∈": "in", "∪": "union", "∩": "intersection", "^": "caret", "µ": "micro",
    "$": "dollars", "£": "pounds", "€": "euros", "¥": "yen", "₹": "rupees", "\u2116": "number",
}  # fmt: skip
_GREEK_NAMES = words_of(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", _GREEK_NAMES, strict=True))
SPELLED_ACRONYMS = {  # with vowels, but not words; those without a vowel are recognized by that
    "USA", "UK", "EU", "UN", "UAE", "USSR", "FBI", "CIA", "NSA", "IRS", "IBM", "AI", "API", "GPU", "CPU", "USB", "URL",
    "UFO", "VIP", "IQ", "ATM", "CEO", "CFO", "CTO", "COO", "DIY", "FAQ", "IPO", "NBA", "NFL", "NHL", "MBA", "DNA",
    "RNA", "MRI", "ICU", "UTC", "ETA", "EV", "ISP", "IP", "UI", "UX", "ID", "OCR", "ASR",
    "LLM", "GDP", "GPA", "NGO", "IMF", "ECB", "EPA", "FDA", "FAA", "FCC", "UCLA", "BBC", "CNN", "ABC", "CBS", "NBC",
}  # fmt: skip
NEVER_SPELLED = {"HMM", "SHH", "PSST", "BRR", "GRR", "PFFT", "TSK", "NTH", "MR", "MRS", "DR", "ST", "MT", "VS", "MS",
"FT",
                 "SSH", "HM", "MM", "ZZZ", "ZZ", "PH"}  # fmt: skip
BIBLE = (
    "Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles|Ezra|Nehemiah|Esther|Job|"
    "Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Lamentations|Ezekiel|Daniel|Hosea|Joel|Amos|Micah|Matthew|Mark|Luke|"
    "John|Acts|Romans|Corinthians|Galatians|Ephesians|Philippians|Colossians|Thessalonians|Timothy|Titus|Hebrews|James|"
    "Peter|Jude|Revelation|Surah?|Quran"
)
