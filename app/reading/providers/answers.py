"""A model's answer, judged against the document. Runs in a child process: it reads all of both."""

import re
from collections.abc import Callable

from app.reading.article import HEADLINE_WORDS, Article, Judged, Length, LengthUnit, Style
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.providers.faithfulness import unfounded
from app.reading.sentences import count_words, split_sentences
from app.reading.styles import laid_out

THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
BULLET = re.compile(r"\A(?:[-*\u2022\u2013]|\d{1,2}[.)])\s+")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# A model counts badly; over this it did not try.
TOLERANCE = 2
SPARE_WORDS = 20


def judge_answer(answer: str, article: Article, *, length: Length, style: Style) -> Judged:
    """Raises ProviderError: provider_unfaithful or provider_invalid_answer."""
    readable = UNPRINTABLE.sub(" ", THOUGHTS.sub("", answer.replace("\r\n", "\n")))
    text = LAYOUTS[style](readable, article.language)
    # After the layout: a list's own numbers are none of the document's.
    if strange := unfounded(text, f"{article.title or ''}\n{article.text}"):
        raise ProviderError(FallbackReason.UNFAITHFUL, f"{len(strange)} not in the document")
    words = count_words(text)
    if not words:
        raise ProviderError(FallbackReason.INVALID_ANSWER, "no words")
    if _is_too_long(text, words, language=article.language, length=length, style=style):
        raise ProviderError(FallbackReason.INVALID_ANSWER, f"{words} words")
    return Judged(text, words)


def _is_too_long(text: str, words: int, *, language: str | None, length: Length, style: Style) -> bool:
    if style is Style.HEADLINE:
        return words > TOLERANCE * HEADLINE_WORDS
    if length.unit is LengthUnit.SENTENCES:
        return len(split_sentences(text, language)) > TOLERANCE * length.amount
    return words > TOLERANCE * length.amount + SPARE_WORDS


def _paragraph(answer: str, _language: str | None) -> str:
    """Paragraphs stay apart; what a model broke into lines for looks is joined."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", answer))
    return "\n\n".join(part for part in paragraphs if part)


def _bullets(answer: str, language: str | None) -> str:
    lines = [" ".join(line.split()) for line in answer.split("\n") if line.strip()]
    if len(lines) == 1 and not BULLET.match(lines[0]):
        lines = [sentence.text for sentence in split_sentences(lines[0], language)]
    return laid_out([BULLET.sub("", line) for line in lines], Style.BULLETS)


def _headline(answer: str, _language: str | None) -> str:
    return " ".join(answer.split()).strip("\"'\u201c\u201d#* ")


LAYOUTS: dict[Style, Callable[[str, str | None], str]] = {
    Style.PARAGRAPH: _paragraph,
    Style.BULLETS: _bullets,
    Style.HEADLINE: _headline,
}
