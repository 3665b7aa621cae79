"""English as it is spoken: a table of what is written, and properties that hold for anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_toolkit.text.english import normalize_english
from tts_toolkit.text.english_numbers import plural, spell_year

SPOKEN = {
    # cardinals
    "0 items": "zero items",
    "7 cats": "seven cats",
    "I'm 30.": "I'm thirty.",
    "21 days": "twenty one days",
    "100 men": "one hundred men",
    "101 ways": "one hundred and one ways",
    "999": "nine hundred and ninety nine",
    "1,234 people": "one thousand two hundred and thirty four people",
    "12,000 fans": "twelve thousand fans",
    "1,000,000 stars": "one million stars",
    "3.14": "three point one four",
    "0.5 seconds": "zero point five seconds",
    "10.05": "ten point zero five",
    ".5 of it": "point five of it",
    "-3 degrees": "minus three degrees",
    "a -40 winter": "a minus forty winter",
    "+5 points": "plus five points",
    "Room 007": "Room zero zero seven",
    "x2": "x two",
    "B2B": "B two B",
    "COVID-19": "COVID nineteen",
    "Boeing 747s": "Boeing seven hundred and forty sevens",
    "2.5 million users": "two point five million users",
    "5k run": "five thousand run",
    "1.2 bn people": "one point two billion people",
    "chapter 3": "chapter three",
    "1234567": "one million two hundred and thirty four thousand five hundred and sixty seven",
    # ranges, fractions, ratios
    "5-10 people": "five to ten people",
    "pages 12\u201315": "pages twelve to fifteen",
    "1/2 cup": "one half cup",
    "3/4 of it": "three quarters of it",
    "1 1/2 hours": "one and one half hours",
    "2\u00bd cups": "two and one half cups",
    "5/8 inch": "five eighths inch",
    "2/3 of them": "two thirds of them",
    "a 3:1 ratio": "a three to one ratio",
    "24/7": "twenty four seven",
    # ordinals
    "the 1st": "the first",
    "the 2nd floor": "the second floor",
    "the 3rd and the 10th": "the third and the tenth",
    "the 12th man": "the twelfth man",
    "her 21st birthday": "her twenty first birthday",
    "the 100th": "the one hundredth",
    "the 1,000th visitor": "the one thousandth visitor",
    "the 5ths": "the fifths",
    # years and dates
    "in 1984": "in nineteen eighty four",
    "in 1900 and 1905": "in nineteen hundred and nineteen oh five",
    "in 2000": "in two thousand",
    "in 2005 and 2010": "in two thousand and five and twenty ten",
    "since 1066 AD": "since ten sixty six A D",
    "the 1990s": "the nineteen nineties",
    "the '80s": "the eighties",
    "the 1800s": "the eighteen hundreds",
    "1939-1945": "nineteen thirty nine to nineteen forty five",
    "March 3, 2021": "March third, twenty twenty one",
    "March 3rd": "March third",
    "on 3 March 2021": "on the third of March twenty twenty one",
    "Jan. 5": "January fifth",
    "on 2021-03-04": "on March fourth, twenty twenty one",
    # times
    "at 12:30 we met": "at twelve thirty we met",
    "9:05 pm": "nine oh five p m",
    "7 a.m.": "seven a m",
    "at 8:00": "at eight o'clock",
    "13:45": "thirteen forty five",
    "00:15": "zero fifteen",
    "10 AM sharp": "ten a m sharp",
    "5 p.m. today": "five p m today",
    "2:30:15": "two thirty and fifteen seconds",
    # money
    "£20m was paid": "twenty million pounds was paid",
    "It cost $5.50.": "It cost five dollars and fifty cents.",
    "$1": "one dollar",
    "$2 bills": "two dollar bills",
    "$100": "one hundred dollars",
    "$1,299.99": "one thousand two hundred and ninety nine dollars and ninety nine cents",
    "€1.01": "one euro and one cent",
    "£0.01": "one penny",
    "$0.99": "ninety nine cents",
    "$3bn": "three billion dollars",
    "$1.5 million": "one point five million dollars",
    "50 EUR": "fifty euros",
    "50€": "fifty euros",
    "99¢": "ninety nine cents",
    "¥500": "five hundred yen",
    "₹200": "two hundred rupees",
    "-$5": "minus five dollars",
    "US$10": "ten U S dollars",
    "$5-10": "five to ten dollars",
    # units
    "3 kg": "three kilograms",
    "1 km": "one kilometer",
    "5km away": "five kilometers away",
    "20°C": "twenty degrees celsius",
    "-5 °F": "minus five degrees fahrenheit",
    "90° turn": "ninety degrees turn",
    "50%": "fifty percent",
    "2.5% of it": "two point five percent of it",
    "60 mph": "sixty miles per hour",
    "100 km/h": "one hundred kilometers per hour",
    "5 m/s": "five meters per second",
    "6 ft 2 in": "six feet two inches",
    "12 oz": "twelve ounces",
    "16 GB": "sixteen gigabytes",
    "2.4 GHz": "two point four gigahertz",
    "220 V": "two hundred and twenty volts",
    "60 W": "sixty watts",
    "10 m²": "ten square meters",
    "3 cm³": "three cubic centimeters",
    "30 min": "thirty minutes",
    "45 secs": "forty five seconds",
    "8 hrs": "eight hours",
    "500 ml": "five hundred milliliters",
    "2 kWh": "two kilowatt hours",
    "10 dB": "ten decibels",
    "5'11\"": "five foot eleven",
    "5 g of salt": "five grams of salt",
    "5m tall": "five meters tall",
    "2 l of milk": "two liters of milk",
    "2L of milk": "two liters of milk",
    # a letter after a number that is no unit
    "a 5G network": "a five G network",
    "4G and 5G": "four G and five G",
    "5M users": "five million users",
    "1.5M of them": "one point five million of them",
    "5B people": "five billion people",
    "$5M": "five million dollars",
    "$2.5B a year": "two point five billion dollars a year",
    "room 5B": "room five B",
    "Room 12M is here": "Room twelve M is here",
    # symbols
    "12 & 3": "twelve and three",
    "salt & pepper": "salt and pepper",
    "2 + 2 = 4": "two plus two equals four",
    "3 × 4": "three times four",
    "10 ÷ 2": "ten divided by two",
    "#1 hit": "number one hit",
    "~20 people": "about twenty people",
    "No. 5": "number five",
    "and/or": "and or",
    "© 2020": "copyright twenty twenty",
    "Acme™": "Acme",
    "A* grade": "A star grade",
    "x > 3": "x greater than three",
    "§ 5": "section five",
    # abbreviations
    "Dr. Smith met Mr. O'Neil": "Doctor Smith met Mister O'Neil",
    "Mrs. Jones": "Misses Jones",
    "Ms. Lee": "Miz Lee",
    "Prof. Lee": "Professor Lee",
    "Gen. Grant": "General Grant",
    "e.g. this": "for example, this",
    "i.e. that": "that is, that",
    "and so on, etc.": "and so on, et cetera.",
    "cats, dogs, etc., too": "cats, dogs, et cetera, too",
    "St. Mary": "Saint Mary",
    "Main St.": "Main Street.",
    "12 Main St. is here": "twelve Main Street is here",
    "5th Ave.": "fifth Avenue.",
    "Mt. Everest": "Mount Everest",
    "Acme Inc. sold it": "Acme Incorporated sold it",
    "Tom vs. Jerry": "Tom versus Jerry",
    "approx. five": "approximately five",
    "Fig. 3": "Figure three",
    "Jan. was cold": "January was cold",
    "Dept. of Health": "Department of Health",
    "John Smith Jr.": "John Smith Junior.",
    "p. 5": "page five",
    "pp. 5-7": "pages five to seven",
    "Sgt. Pepper": "Sergeant Pepper",
    "w/o sugar": "without sugar",
    # initials and acronyms
    "the U.S.A. team": "the U S A team",
    "J. K. Rowling": "J K Rowling",
    "J.K. Rowling": "J K Rowling",
    "a Ph.D. student": "a P H D student",
    "U.S. law": "U S law",
    "the U.K.": "the U K",
    # e-mail, web, phone
    "mail me@example.com": "mail me at example dot com",
    "first.last@mail.co.uk": "first dot last at mail dot co dot uk",
    "see www.example.com": "see w w w dot example dot com",
    "https://example.org/a-b": "example dot org slash a dash b",
    "example.com": "example dot com",
    "call 555-1234": "call five five five one two three four",
    "call (212) 555-0199": "call two one two, five five five zero one nine nine",
    "+1 212 555 0199": "plus one two one two five five five zero one nine nine",
    "v2.0.1": "v two point zero point one",
    "192.168.0.1": "one nine two dot one six eight dot zero dot one",
    "@name": "at name",
    "#winning": "hashtag winning",
    # what stays
    "It's a well-known fact: yes!": "It's a well-known fact: yes!",
    "\u201cCurly\u201d quotes \u2018fold\u2019\u2026": "\"Curly\" quotes 'fold'...",
    "The co. and the est. were here": "The co. and the est. were here",
    "He said no. Five came.": "He said no. Five came.",
    "I am in. Then out.": "I am in. Then out.",
    "It was a gen two.": "It was a gen two.",
    "rock 'n' roll": "rock 'n' roll",
}


@pytest.mark.parametrize("written", SPOKEN)
def test_english_as_it_is_spoken(written):
    assert normalize_english(written) == SPOKEN[written]


@pytest.mark.parametrize(
    ("year", "spoken"),
    [(850, "eight hundred and fifty"), (999, "nine hundred and ninety nine"), (1000, "one thousand"),
     (1005, "one thousand and five"), (1010, "ten ten"), (1066, "ten sixty six"), (1100, "eleven hundred"),
     (1109, "eleven oh nine"), (1999, "nineteen ninety nine"), (2000, "two thousand"), (2009, "two thousand and nine"),
     (2010, "twenty ten"), (2026, "twenty twenty six"), (2100, "twenty one hundred"), (3001, "three thousand and one")],
)  # fmt: skip
def test_years(year, spoken):
    assert spell_year(year) == spoken


@pytest.mark.parametrize(
    ("words", "many"), [("forty seven", "forty sevens"), ("twenty", "twenties"), ("six", "sixes"), ("ten", "tens")]
)
def test_numbers_in_the_plural(words, many):
    assert plural(words) == many


def test_the_table_is_long():
    assert len(SPOKEN) >= 150


PIECES = st.sampled_from([*"abcgmkBGLMXYZ 0123456789.,:;!?'\"$£€%&@#+-/°²*<>()", " st. ", "No. ", " am", "bn ", "ft ", "http://", "www.", ".com",
                          " Jan. ", "March ", "1/2", "U.S.", "e.g.", "v2", "'80s", " km/h", "th ", "AD", "US$", "\u00bd", "w/o"])  # fmt: skip


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_normalizing_leaves_no_digit_and_repeats_itself(text):
    once = normalize_english(text)
    assert not any(c.isdigit() and c.isascii() for c in once)
    assert normalize_english(once) == once


@given(st.text(max_size=40))
def test_any_text_is_normalized(text):
    assert isinstance(normalize_english(text), str)
