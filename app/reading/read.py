"""The two stages that cost processor time, as the child process runs them."""

import time

from app.reading.article import (
    MEDIUM,
    Article,
    Digest,
    ExtractResult,
    Length,
    RawDocument,
    SummariseResult,
    Summary,
)
from app.reading.errors import ReadingError, Reason
from app.reading.extract import extract
from app.reading.sentences import count_words
from app.reading.summarize import summarise

FEWEST_WORDS = 20
LOW_CONTENT_WORDS = 80


def extract_document(document: RawDocument) -> ExtractResult:
    """Raise empty_extraction without text, too_short under 20 words when no description can stand in."""
    began = time.perf_counter()
    article = extract(document)
    words = count_words(article.text)
    if words == 0:
        raise ReadingError(Reason.EMPTY_EXTRACTION)
    if words < FEWEST_WORDS and not article.description:
        raise ReadingError(Reason.TOO_SHORT, f"{words} words")
    return ExtractResult(article, _since(began))


def summarise_article(article: Article, length: Length = MEDIUM) -> SummariseResult:
    """Under 80 words the page's own description says more than two chosen sentences of so little."""
    began = time.perf_counter()
    summary = summarise(article.text, title=article.title, language=article.language, length=length)
    low_content = summary.word_count < LOW_CONTENT_WORDS
    described = low_content and article.description is not None
    if low_content and article.description is not None:
        summary = _described(summary, article.description)
    return SummariseResult(summary, low_content, described, _since(began))


def digest(document: RawDocument, length: Length = MEDIUM) -> Digest:
    extracted = extract_document(document)
    result = summarise_article(extracted.article, length)
    return Digest(extracted.article, result, extracted.milliseconds, result.milliseconds)


def _described(summary: Summary, description: str) -> Summary:
    """No sentence offsets: a description does not stand in the text."""
    return Summary(
        text=description,
        sentences=(),
        key_points=summary.key_points,
        keywords=summary.keywords,
        word_count=summary.word_count,
        summary_word_count=count_words(description),
        reading_minutes=summary.reading_minutes,
    )


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
