"""What of a sentence is compared: stems without stop words, character pairs where words have no spaces."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import Stemmer
from stopwordsiso import stopwords

from app.reading.sentences import CJK, MARKS
from app.reading.tokens import Tokens

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
WORD = rf"(?:[^\W{SPACELESS}]++|[{MARKS}]++)++"
TOKEN = Tokens(rf"{WORD}|[{SPACELESS}]+", in_ascii=r"\w++")
IS_SPACELESS = re.compile(rf"[{SPACELESS}]")


Stems = Callable[[list[str]], list[str]]


def _unstemmed(words: list[str]) -> list[str]:
    return words


def _stemmer(algorithm: str) -> Stems:
    """Of some short words (Nepali "two") Snowball leaves nothing: these stand for themselves."""
    stem_words = Stemmer.Stemmer(algorithm).stemWords

    def stems(words: list[str]) -> list[str]:
        found: list[str] = stem_words(words)
        return [stem or word for stem, word in zip(found, words, strict=True)] if "" in found else found

    return stems


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How one language's words become terms."""

    stop_words: frozenset[str]
    stems: Stems

    def stem(self, word: str) -> str:
        return self.stems([word])[0]

    def terms(self, text: str) -> list[str]:
        found = TOKEN.findall(text.lower())
        runs = [] if text.isascii() else [run for run in found if IS_SPACELESS.match(run)]
        if runs:
            found = [word for word in found if not IS_SPACELESS.match(word)]
        stems = self.stems([word for word in found if word not in self.stop_words])
        return stems + [run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1))]


@lru_cache(maxsize=64)
def vocabulary(language: str | None) -> Vocabulary:
    """An unknown language is compared by its whole words, which still finds what a text repeats."""
    code = language or ""
    stems = _stemmer(STEMMERS[code]) if code in STEMMERS else _unstemmed
    words = frozenset(stopwords(code)) if code else frozenset[str]()
    return Vocabulary(words, stems)
