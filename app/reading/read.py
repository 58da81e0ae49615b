"""The two stages that cost processor time, as the child process runs them."""

import time

from app.reading.article import (
    MEDIUM,
    Article,
    Digest,
    ExtractResult,
    Length,
    RawDocument,
    Sentence,
    Style,
    SummariseResult,
    Summary,
)
from app.reading.errors import ReadingError, Reason
from app.reading.extract import extract
from app.reading.language import primary_language
from app.reading.sentences import count_words, split_sentences
from app.reading.styles import cut_to_headline, laid_out
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


def summarise_article(
    article: Article, length: Length = MEDIUM, *, style: Style = Style.PARAGRAPH
) -> SummariseResult:
    """Under 80 words the page's own description says more than two chosen sentences of so little."""
    began = time.perf_counter()
    # A user's own choice may be "pt-BR"; stems and stop words are known by "pt".
    language = primary_language(article.language)
    summary = summarise(article.text, title=article.title, language=language, length=length, style=style)
    low_content = summary.word_count < LOW_CONTENT_WORDS
    described = low_content and article.description is not None
    if low_content and article.description is not None:
        summary = _described(summary, article.description, style)
    return SummariseResult(summary, low_content, described, _since(began))


def digest(document: RawDocument, length: Length = MEDIUM) -> Digest:
    extracted = extract_document(document)
    result = summarise_article(extracted.article, length)
    return Digest(extracted.article, result)


def _described(summary: Summary, description: str, style: Style) -> Summary:
    """No sentence offsets: a description does not stand in the text."""
    sentences = [sentence.text for sentence in split_sentences(description, None)] or [description]
    if style is Style.HEADLINE:
        sentences = [cut_to_headline(Sentence(sentences[0], 0, len(sentences[0]))).text]
    text = description if style is Style.PARAGRAPH else laid_out(sentences, style)
    return Summary(
        text=text,
        sentences=(),
        key_points=summary.key_points,
        keywords=summary.keywords,
        word_count=summary.word_count,
        summary_word_count=count_words(text),
        reading_minutes=summary.reading_minutes,
    )


def _since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
