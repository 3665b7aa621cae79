"""placeholder"""
from tts_toolkit.text.english import is_english, normalize_english
from tts_toolkit.text.folding import fold
def normalizer(language: str):
    return normalize_english if is_english(language) else fold
def lower_case(text: str, language: str) -> str:
    return text.casefold()
