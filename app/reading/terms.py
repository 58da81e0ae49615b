"""What of a sentence is compared: stems without stop words, character pairs where words have no spaces."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import Stemmer
from stopwordsiso import stopwords

from app.reading.sentences import CJK, MARKS

STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
SPACELESS = rf"{CJK}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
TOKEN = re.compile(rf"((?:[^\W{SPACELESS}]++|[{MARKS}]++)++)|([{SPACELESS}]+)")


def _unstemmed(word: str) -> str:
    return word


def _stemmer(algorithm: str) -> Callable[[str], str]:
    """Of some short words (Nepali "two") Snowball leaves nothing: these stand for themselves."""
    stem_word = Stemmer.Stemmer(algorithm).stemWord

    def stem(word: str) -> str:
        return stem_word(word) or word

    return stem


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How one language's words become terms."""

    stop_words: frozenset[str]
    stem: Callable[[str], str]

    def terms(self, text: str) -> list[str]:
        found: list[str] = []
        for word, spaceless in TOKEN.findall(text.lower()):
            if spaceless:
                found += [spaceless[at : at + 2] for at in range(max(1, len(spaceless) - 1))]
            elif word not in self.stop_words:
                found.append(self.stem(word))
        return found


@lru_cache(maxsize=64)
def vocabulary(language: str | None) -> Vocabulary:
    """An unknown language is compared by its whole words, which still finds what a text repeats."""
    code = language or ""
    stem = _stemmer(STEMMERS[code]) if code in STEMMERS else _unstemmed
    words = frozenset(stopwords(code)) if code else frozenset[str]()
    return Vocabulary(words, stem)
