"""Indonesian, Vietnamese, Hindi, Arabic, Japanese and Chinese."""

from __future__ import annotations

from tts_toolkit.text.grammar import Grammar, Match, coins, units
from tts_toolkit.text.numerals import from_library, words_of


def _indonesian(number: int, gender: str) -> str:
    return from_library("id", number)


_MONTHS_ID = words_of("Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember")


def _indonesian_date(day: int, month: int, year: int | None, before: str) -> str:
    return (
        f"{_indonesian(day, '')} {_MONTHS_ID[month - 1] if month else ''}{' ' + _indonesian(year, '') if year else ''}"
    )


def _indonesian_time(hour: int, minute: int, second: int | None) -> str:
    words = _indonesian(hour, "")
    words += f" lewat {_indonesian(minute, '')} menit" if minute else ""
    return words + (f" {_indonesian(second, '')} detik" if second else "")


def _indonesian_ordinal(match: Match) -> str:
    number = int(match["n"])
    return "pertama" if number == 1 else f"ke{_indonesian(number, '')}"


def indonesian() -> Grammar:
    """Indonesian."""
    return Grammar(
        cardinal=_indonesian, date=_indonesian_date, time=_indonesian_time, months=" ".join(_MONTHS_ID),
        short_months="Jan Feb Mar Apr Mei Jun Jul Agu|Agt Sep Okt Nov Des",
        point="koma", minus="minus", to="sampai", over="per", address="titik at garis_miring strip garis_bawah",
        signs="dan tambah sama_dengan kali nomor kurang_dari lebih_dari kurang_lebih pasal sekitar",
        ordinal=_indonesian_ordinal, ordinals=r"\bke-(?P<n>\d{1,4})\b",
        clock_before="pukul|jam", coins_link=" ", few=lambda number: 0,
        magnitudes={"juta": "juta", "miliar": "miliar", "triliun": "triliun", "ribu": "ribu"},
        fractions={"1/2": "setengah", "1/3": "sepertiga", "2/3": "dua pertiga", "1/4": "seperempat",
        "3/4": "tiga perempat"},
        units=units("kilo senti mili mega giga tera", {
            "%": "persen", "‰": "permil", "°C": "derajat Celsius", "°": "derajat", "km/jam": "kilometer per jam",
            "km/h": "kilometer per jam", "m/s": "meter per detik",
            "m²": "meter persegi", "m2": "meter persegi", "km²": "kilometer persegi", "m³": "meter kubik",
            "kWh": "kilowatt jam", "jam": "jam", "menit": "menit", "detik": "detik",
            "t": "ton", "ha": "hektare", "V": "volt", "A": "ampere", "dB": "desibel",
        }, m="meter", g="gram", l="liter", W="watt", Hz="hertz", B="bita"),
        money=coins({"Rp Rp. IDR": "rupiah, sen", "€ EUR": "euro, sen", "$ USD US$": "dolar, sen",
        "£ GBP": "pound, penny", "¥ JPY": "yen, sen"}),
        per={"jam": "per jam", "h": "per jam", "s": "per detik", "kg": "per kilogram", "l": "per liter",
        "m²": "per meter persegi"},
        abbreviations={r"\bdll\.": "dan lain-lain", r"\bdsb\.": "dan sebagainya", r"\bdst\.": "dan seterusnya",
        r"\byg\b": "yang", r"\bNo\.\s?(?=\d)": "nomor ", r"\bJl\.": "Jalan",
                       r"\bDr\.|\bdr\.": "dokter", r"\bhlm\.|\bhal\.": "halaman", r"\bTlp\.|\bTelp\.": "telepon",
                       r"\bSM\b": "sebelum Masehi"},
    )  # fmt: skip


_ONES_VI = words_of("không một hai ba bốn năm sáu bảy tám chín")


def _below_thousand_vi(number: int, full: bool = False) -> str:
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    words = [f"{_ONES_VI[hundreds]} trăm"] if hundreds or full else []
    if tens == 0 and ones:
        words.append(f"lẻ {_ONES_VI[ones]}" if words else _ONES_VI[ones])
    elif tens:
        words.append("mười" if tens == 1 else f"{_ONES_VI[tens]} mươi")
        if ones:
            words.append("lăm" if ones == 5 else "mốt" if ones == 1 and tens > 1 else _ONES_VI[ones])
    return " ".join(words)


def _vietnamese(number: int, gender: str) -> str:
    if number < 1000:
        return _below_thousand_vi(number) or "không"
    names = ("", "nghìn", "triệu", "tỷ", "nghìn tỷ", "triệu tỷ")
    groups = []
    while number:
        number, group = divmod(number, 1000)
        groups.append(group)
    words: list[str] = []
    for power in range(len(groups) - 1, -1, -1):
        if groups[power]:
            words.append(f"{_below_thousand_vi(groups[power], full=bool(words))} {names[power]}".strip())
    return " ".join(words)


def _vietnamese_date(day: int, month: int, year: int | None, before: str) -> str:
    name = "tư" if month == 4 else _vietnamese(month, "")
    words = f"{'' if before == 'ngày' else 'ngày '}{_vietnamese(day, '')} tháng {name}"
    return words + (f" năm {_vietnamese(year, '')}" if year else "")


def _vietnamese_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_vietnamese(hour, '')} giờ{' ' + _vietnamese(minute, '') + ' phút' if minute else ''}"
    return words + (f" {_vietnamese(second, '')} giây" if second else "")


def _vietnamese_ordinal(match: Match) -> str:
    number = int(match["n"])
    return f"{match['word']} {'nhất' if number == 1 else 'tư' if number == 4 else _vietnamese(number, '')}"


def vietnamese() -> Grammar:
    """Vietnamese, as the north reads numbers: nghìn, lẻ."""
    return Grammar(
        cardinal=_vietnamese, date=_vietnamese_date, time=_vietnamese_time, months="", point="phẩy", minus="âm",
        to="đến", over="phần",
        address="chấm a_còng gạch_chéo gạch_ngang gạch_dưới",
        signs="và cộng bằng nhân số nhỏ_hơn lớn_hơn cộng_trừ mục khoảng",
        ordinal=_vietnamese_ordinal, ordinals=r"\b(?P<word>[tT]hứ)\s(?P<n>\d{1,3})\b", clock_after="giờ", h_clock=True,
        few=lambda number: 0,
        magnitudes={"nghìn": "nghìn", "ngàn": "ngàn", "triệu": "triệu", "tỷ": "tỷ", "tỉ": "tỉ", "tr": "triệu"},
        coins_link=" ",
        fractions={"1/2": "một phần hai", "1/3": "một phần ba", "2/3": "hai phần ba", "1/4": "một phần tư",
        "3/4": "ba phần tư"},
        units=units("ki-lô- xen-ti- mi-li- mê-ga- gi-ga- tê-ra-", {
            "km": "ki-lô-mét", "kg": "ki-lô-gam", "cm": "xen-ti-mét", "mm": "mi-li-mét", "%": "phần trăm",
            "‰": "phần nghìn", "°C": "độ C", "°": "độ",
            "km/h": "ki-lô-mét trên giờ", "km/giờ": "ki-lô-mét trên giờ", "m/s": "mét trên giây", "m²": "mét vuông",
            "m2": "mét vuông", "km²": "ki-lô-mét vuông",
            "m³": "mét khối", "kWh": "ki-lô-oát giờ", "h": "giờ", "giờ": "giờ", "phút": "phút", "giây": "giây",
            "s": "giây", "ha": "héc-ta", "V": "vôn", "A": "am-pe", "dB": "đề-xi-ben",
        }, m="mét", g="gam", l="lít", W="oát", Hz="héc", B="bai"),
        money=coins({"₫ đ VND VNĐ": "đồng, xu", "€ EUR": "ơ-rô, xu", "$ USD": "đô-la, xu", "£ GBP": "bảng, xu",
        "¥ JPY": "yên, xu"}),
        per={"h": "trên giờ", "giờ": "trên giờ", "s": "trên giây", "kg": "trên ki-lô-gam", "l": "trên lít",
        "tháng": "một tháng", "ngày": "một ngày"},
        abbreviations={r"\bTP\.\s?": "thành phố ", r"\bv\.v\.?": "vân vân", r"\bTS\.(?=\s)": "tiến sĩ",
        r"\bGS\.(?=\s)": "giáo sư", r"\bĐT:?(?=\s?\d)": "điện thoại", r"\btr\.(?=\s\d)": "trang"},
    )  # fmt: skip


_HINDI = words_of(
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस इक्कीस बाईस "
    "तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस "
    "तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस चालीस इकतालीस बयालीस तैंतालीस चवालीस पैंतालीस "
    "छियालीस सैंतालीस अड़तालीस उनचास पचास इक्यावन "
    "बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर "
    "इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर "
    "छिहत्तर सतहत्तर अठहत्तर उन्यासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी नब्बे "
    "इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे "
    "सत्तानवे अट्ठानवे निन्यानवे"
)


def _hindi(number: int, gender: str) -> str:
    words = []
    for size, name in (
        (10**13, "नील"),
        (10**11, "खरब"),
        (10**9, "अरब"),
        (10**7, "करोड़"),
        (10**5, "लाख"),
        (1000, "हज़ार"),
        (100, "सौ"),
    ):
        count, number = divmod(number, size)
        if count:
            words.append(f"{_hindi(count, '')} {name}")
    if number or not words:
        words.append(_HINDI[number])
    return " ".join(words)


_MONTHS_HI = words_of("जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर")


def _hindi_date(day: int, month: int, year: int | None, before: str) -> str:
    return f"{_hindi(day, '')} {_MONTHS_HI[month - 1] if month else ''}{' ' + _hindi_year(year) if year else ''}"


def _hindi_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if not 11 <= century <= 19:
        return _hindi(year, "")
    return f"{_HINDI[century]} सौ{' ' + _HINDI[rest] if rest else ''}"


def _hindi_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_hindi(hour, '')} {'बजकर ' + _hindi(minute, '') + ' मिनट' if minute else 'बजे'}"
    return words + (f" {_hindi(second, '')} सेकंड" if second else "")


_ORDINALS_HI = {1: "पहल", 2: "दूसर", 3: "तीसर", 4: "चौथ", 6: "छठ"}


def _hindi_ordinal(match: Match) -> str:
    number, mark = int(match["n"]), match["mark"]
    if number in _ORDINALS_HI:
        return _ORDINALS_HI[number] + {"ली": "ी", "री": "ी", "थी": "ी", "वीं": "ी", "ठी": "ी"}.get(
            mark, "े" if mark in ("ले", "रे", "थे", "वें") else "ा"
        )
    return f"{_hindi(number, '')}{mark if mark in ('वीं', 'वें') else 'वाँ'}"


def hindi() -> Grammar:
    """Hindi: numbers in lakh and crore."""
    return Grammar(
        cardinal=_hindi, date=_hindi_date, time=_hindi_time, months=" ".join(_MONTHS_HI),
        short_months="जन फ़र|फर मार्च अप्रै मई जून जुल अग सित अक्तू|अक्टू नव दिस", point="दशमलव", minus="माइनस",
        to="से", over="बटा", address="डॉट ऐट स्लैश डैश अंडरस्कोर",
        signs="और प्लस बराबर गुणा नंबर से_कम से_ज़्यादा प्लस_माइनस धारा लगभग", decimal=".", year=_hindi_year,
        ordinal=_hindi_ordinal,
        ordinals=r"(?<![\d.,])(?P<n>\d{1,3})\s?-?(?P<mark>वाँ|वां|वीं|वें|ला|ली|ले|रा|री|रे|था|थी|थे|ठा|ठी)(?!\w)",
        clock_after="बजे",
        magnitudes={"लाख": "लाख", "करोड़": "करोड़", "अरब": "अरब", "हज़ार": "हज़ार", "हजार": "हज़ार"}, coins_link=" ",
        fractions={"1/2": "आधा", "1/3": "एक तिहाई", "2/3": "दो तिहाई", "1/4": "एक चौथाई", "3/4": "तीन चौथाई"},
        units=units("किलो सेंटी मिली मेगा गीगा टेरा", {
            "%": "प्रतिशत", "‰": "प्रति हज़ार", "°C": "डिग्री सेल्सियस", "°": "डिग्री", "km/h": "किलोमीटर प्रति घंटा",
            "m/s": "मीटर प्रति सेकंड", "m²": "वर्ग मीटर", "m2": "वर्ग मीटर",
            "km²": "वर्ग किलोमीटर", "m³": "घन मीटर", "kWh": "किलोवाट घंटा", "किमी": "किलोमीटर", "कि.मी.": "किलोमीटर",
            "मी": "मीटर", "किग्रा": "किलोग्राम", "कि.ग्रा.": "किलोग्राम",
            "ग्रा": "ग्राम", "h": "घंटा/घंटे", "min": "मिनट", "s": "सेकंड", "t": "टन", "ha": "हेक्टेयर", "V": "वोल्ट",
            "A": "एम्पियर", "dB": "डेसिबल",
        }, m="मीटर", g="ग्राम", l="लीटर", W="वाट", Hz="हर्ट्ज़", B="बाइट"),
        money=coins({"₹ रु. रु INR Rs. Rs": "रुपया/रुपये, पैसा/पैसे", "€ EUR": "यूरो, सेंट", "$ USD": "डॉलर, सेंट",
        "£ GBP": "पाउंड, पेनी", "¥ JPY": "येन, सेन"}) ,
        per={"h": "प्रति घंटा", "घंटा": "प्रति घंटा", "s": "प्रति सेकंड", "kg": "प्रति किलो", "किग्रा": "प्रति किलो",
        "l": "प्रति लीटर", "m²": "प्रति वर्ग मीटर"},
        abbreviations={r"\bडॉ\.": "डॉक्टर", r"\bप्रो\.": "प्रोफ़ेसर", r"\bश्री\.": "श्री", r"\bई\.\s?पू\.": "ईसा पूर्व",
        r"\bनं\.\s?(?=\d)": "नंबर ", r"\bपृ\.\s?(?=\d)": "पृष्ठ "},
    )  # fmt: skip


_FEMININE_AR = words_of("واحدة اثنتان ثلاث أربع خمس ست سبع ثماني تسع عشر")  # before feminine nouns


def _arabic(number: int, gender: str) -> str:
    if gender == "f" and 0 < number <= 10:
        return _FEMININE_AR[number - 1]
    return from_library("ar", number) if number else "صفر"


_MONTHS_AR = words_of("يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر")
_DAYS_AR = words_of(
    "الأول,الثاني,الثالث,الرابع,الخامس,السادس,السابع,الثامن,التاسع,العاشر,الحادي عشر,الثاني عشر,الثالث عشر,الرابع "
    "عشر,الخامس عشر,السادس عشر,السابع عشر,الثامن عشر,"
    "التاسع عشر,العشرون,الحادي والعشرون,الثاني والعشرون,الثالث والعشرون,الرابع والعشرون,الخامس والعشرون,السادس "
    "والعشرون,السابع والعشرون,الثامن والعشرون,"
    "التاسع والعشرون,الثلاثون,الحادي والثلاثون",
    ",",
)


def _arabic_date(day: int, month: int, year: int | None, before: str) -> str:
    return (
        f"{_DAYS_AR[day - 1]}{' من ' + _MONTHS_AR[month - 1] if month else ''}{' ' + _arabic(year, '') if year else ''}"
    )


_HOURS_AR = [
    "الواحدة",
    "الثانية",
    "الثالثة",
    "الرابعة",
    "الخامسة",
    "السادسة",
    "السابعة",
    "الثامنة",
    "التاسعة",
    "العاشرة",
    "الحادية عشرة",
    "الثانية عشرة",
]


def _arabic_time(hour: int, minute: int, second: int | None) -> str:
    words = _HOURS_AR[(hour - 1) % 12] if 1 <= hour <= 12 else _arabic(hour, "")
    words += f" و{_arabic(minute, 'f')} {'دقائق' if 3 <= minute <= 10 else 'دقيقة'}" if minute else ""
    return words + (f" و{_arabic(second, '')} ثانية" if second else "")


def _arabic_few(number: int) -> int:
    return 1 if 3 <= number % 100 <= 10 else 0


def arabic() -> Grammar:
    """Arabic: numbers in the plain masculine form of speech; nouns singular, or plural after three to ten."""
    return Grammar(
        cardinal=_arabic, date=_arabic_date, time=_arabic_time, months=" ".join(_MONTHS_AR), point="فاصلة",
        minus="سالب", to="إلى", over="على", decimal=".",
        address="نقطة آت شرطة_مائلة شرطة شرطة_سفلية",
        signs="و زائد يساوي في رقم أصغر_من أكبر_من زائد_أو_ناقص فقرة حوالي", few=_arabic_few,
        magnitudes={"مليون": "مليون", "ملايين": "ملايين", "مليار": "مليار", "ألف": "ألف"}, coins_link=" و",
        fractions={"1/2": "نصف", "1/3": "ثلث", "2/3": "ثلثان", "1/4": "ربع", "3/4": "ثلاثة أرباع"}, mixed=" و",
        units=units("كيلو سنتي ملي ميغا غيغا تيرا", {
            "km": "كيلومتر/كيلومترات", "cm": "سنتيمتر/سنتيمترات", "mm": "مليمتر/مليمترات", "%": "بالمئة", "٪": "بالمئة",
            "‰": "بالألف", "°C": "f درجة مئوية/درجات مئوية",
            "°": "f درجة/درجات", "km/h": "كيلومتر في الساعة/كيلومترات في الساعة",
            "كم/س": "كيلومتر في الساعة/كيلومترات في الساعة", "م²": "متر مربع/أمتار مربعة",
            "m²": "متر مربع/أمتار مربعة", "m2": "متر مربع/أمتار مربعة", "km²": "كيلومتر مربع/كيلومترات مربعة",
            "m³": "متر مكعب/أمتار مكعبة", "kWh": "كيلوواط ساعة", "كم": "كيلومتر/كيلومترات",
            "سم": "سنتيمتر/سنتيمترات", "كغ": "كيلوغرام/كيلوغرامات", "كجم": "كيلوغرام/كيلوغرامات", "h": "f ساعة/ساعات",
            "min": "f دقيقة/دقائق", "s": "f ثانية/ثوان", "V": "فولت", "A": "أمبير", "dB": "ديسيبل",
        }, m="متر/أمتار", g="غرام/غرامات", l="لتر/لترات", W="واط", Hz="هرتز", B="بايت"),
        money=coins({"€ EUR": "يورو, سنت", "$ USD": "دولار/دولارات, سنت/سنتات",
        "£ GBP": "جنيه إسترليني/جنيهات إسترلينية, بنس/بنسات", "¥ JPY": "ين, سن", "ر.س SAR": "ريال/ريالات, f هللة/هللات",
                     "ج.م EGP": "جنيه/جنيهات, قرش/قروش", "د.إ AED": "درهم/دراهم, فلس/فلوس"}),
        per={"h": "في الساعة", "س": "في الساعة", "s": "في الثانية", "kg": "للكيلوغرام", "كغ": "للكيلوغرام",
        "l": "للتر"},
        abbreviations={r"\bد\.(?=\s)": "الدكتور", r"\bأ\.(?=\s)": "الأستاذ", r"\bق\.\s?م\.?": "قبل الميلاد",
        r"(?<=\d)\s?م(?=[\s.,]|$)(?!\s?\d)": " ميلادي", r"\bص\.\s?(?=\d)": "صفحة "},
    )  # fmt: skip


_HAN = "零一二三四五六七八九"


def _below_ten_thousand(number: int) -> str:
    words, zero = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            words += ("零" if zero and words else "") + _HAN[digit] + name
            zero = False
        else:
            zero = True
    return words


def _chinese(number: int, gender: str) -> str:
    if number < 10:
        return "两" if number == 2 and gender == "个" else _HAN[number]
    groups = []
    while number:
        number, group = divmod(number, 10000)
        groups.append(group)
    words = ""
    for power in range(len(groups) - 1, -1, -1):
        group = groups[power]
        if group:
            words += (
                ("零" if words and group < 1000 else "") + _below_ten_thousand(group) + ("", "万", "亿", "万亿")[power]
            )
    if words.startswith("二") and words[1:2] in ("千", "万", "亿"):
        return f"两{words[1:]}"
    return words.removeprefix("一") if words.startswith("一十") else words


def _chinese_digits(number: int) -> str:
    return "".join(_HAN[int(digit)] for digit in str(number))


def _chinese_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_chinese_digits(year)}年" if year else ""
    return words + (f"{_chinese(month, '')}月" if month else "") + f"{_chinese(day, '')}日"


def _chinese_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_chinese(hour, '个')}点{'零' if 0 < minute < 10 else ''}{_chinese(minute, '') + '分' if minute else ''}"
    return words + (f"{_chinese(second, '')}秒" if second else "")


_MEASURE_WORDS = "个只条本张位名家件次台辆间座把杯瓶碗双天岁周小时分钟公里公斤米元块斤种项所部层页首场人点"


def chinese() -> Grammar:
    """Mandarin Chinese: years digit by digit; 两 before measure words."""
    return Grammar(
        cardinal=_chinese, date=_chinese_date, time=_chinese_time, months="", point="点", minus="负", to="到",
        over="分之",
        decimal=".", blanks=False, fraction_first=True,
        address="点 艾特 斜杠 杠 下划线", signs="和 加 等于 乘 号 小于 大于 正负 第 约", few=lambda number: 0,
        clock_after="分",
        ordinal=_chinese_year_or_count,
        ordinals=rf"(?P<year>\d{{4}})(?=年)|(?<![\d.,])(?P<n>2)(?=[{_MEASURE_WORDS}])(?!月)",
        magnitudes={"万亿": "万亿", "万": "万", "亿": "亿", "千": "千", "百万": "百万"}, coins_link="",
        fractions={"1/2": "二分之一"}, mixed="又", percent_first="百分之",
        units=units("千 厘 毫 兆 吉 太", {
            "km": "公里", "cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克", "ml": "毫升", "kW": "千瓦", "%": "",
            "‰": "千分之",
            "°C": "摄氏度", "°": "度", "km/h": "公里每小时", "m/s": "米每秒",
            "m²": "平方米", "m2": "平方米", "km²": "平方公里", "m³": "立方米", "kWh": "千瓦时", "h": "小时",
            "min": "分钟", "s": "秒",
            "t": "吨", "ha": "公顷", "V": "伏", "A": "安", "dB": "分贝",
        }, m="米", g="克", l="升", W="瓦", Hz="赫兹", B="字节"),
        money=coins({"¥ CNY RMB": "元, 分", "€ EUR": "欧元, 分", "$ USD US$": "美元, 分", "£ GBP": "英镑, 便士",
        "HK$": "港元, 分",
        "NT$": "新台币, 分"}),
        per={"h": "每小时", "s": "每秒", "kg": "每公斤", "l": "每升", "m²": "每平方米"},
    )  # fmt: skip


def _chinese_year_or_count(match: Match) -> str:
    return _chinese_digits(int(match["year"])) if match["year"] else "两"


def _japanese(number: int, gender: str) -> str:
    return from_library("ja", number) if number else "零"


def _japanese_date(day: int, month: int, year: int | None, before: str) -> str:
    words = f"{_japanese(year, '')}年" if year else ""
    return words + (f"{_japanese(month, '')}月" if month else "") + f"{_japanese(day, '')}日"


def _japanese_time(hour: int, minute: int, second: int | None) -> str:
    words = f"{_japanese(hour, '')}時{_japanese(minute, '') + '分' if minute else ''}"
    return words + (f"{_japanese(second, '')}秒" if second else "")


def japanese() -> Grammar:
    """Japanese: numbers in kanji."""
    return Grammar(
        cardinal=_japanese, date=_japanese_date, time=_japanese_time, months="", point="点", minus="マイナス",
        to="から",
        over="分の", decimal=".", blanks=False, fraction_first=True,
        address="ドット アット スラッシュ ハイフン アンダーバー",
        signs="アンド プラス イコール かける 番 小なり 大なり プラスマイナス 第 約", few=lambda number: 0,
        magnitudes={"億": "億", "万": "万", "千": "千", "兆": "兆"}, coins_link="", fractions={"1/2": "二分の一"},
        mixed="と",
        units=units("キロ センチ ミリ メガ ギガ テラ", {
            "km": "キロメートル", "%": "パーセント", "‰": "パーミル", "°C": "度", "°": "度", "km/h": "キロメートル毎時",
            "m/s": "メートル毎秒",
            "m²": "平方メートル", "m2": "平方メートル",
            "km²": "平方キロメートル", "m³": "立方メートル", "kWh": "キロワット時", "h": "時間", "min": "分", "s": "秒",
            "t": "トン",
            "ha": "ヘクタール", "V": "ボルト", "A": "アンペア", "dB": "デシベル",
        }, m="メートル", g="グラム", l="リットル", W="ワット", Hz="ヘルツ", B="バイト"),
        money=coins({"¥ JPY": "円, 銭", "€ EUR": "ユーロ, セント", "$ USD US$": "ドル, セント",
        "£ GBP": "ポンド, ペンス"}),
        per={"h": "毎時", "s": "毎秒", "kg": "毎キロ", "l": "毎リットル"},
    )  # fmt: skip
