"""What reading returns, as the columns that keep it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func

from app.reading.article import MEDIUM, NAMED_LENGTHS, Article, Length, LengthUnit, Sentence, SummariseResult
from app.summaries.models import Summary
from app.summaries.vocabulary import Status

UNSTORABLE = str.maketrans({"\x00": "\ufffd"})


def chosen_length(options: Mapping[str, Any]) -> Length:  # Any: JSON that we wrote
    """From `{"length": "short" | {"words": n} | {"sentences": n}}`."""
    length = options.get("length")
    if isinstance(length, dict):
        unit, amount = next(iter(length.items()))
        return Length(amount, LengthUnit(unit))
    return NAMED_LENGTHS.get(length or "", MEDIUM)


def storable(text: str) -> str:
    """Without U+0000 and lone surrogates, which PostgreSQL refuses; of the same length, for the offsets."""
    return text.translate(UNSTORABLE).encode("utf-8", "replace").decode()


def finished_values(article: Article, result: SummariseResult) -> dict[str, Any]:  # Any: column values
    return finished_facts(article, result) | page_values(article)


def finished_facts(article: Article, result: SummariseResult) -> dict[str, Any]:  # Any: as above
    """The same in values alone: the title is the page's."""
    summary = result.summary
    return page_facts(article) | {
        "status": Status.READY,
        "failure_reason": None,
        "failure_retryable": None,
        "language": _storable(article.language),
        "summary": storable(summary.text),
        "key_points": [storable(point) for point in summary.key_points],
        "keywords": [storable(word) for word in summary.keywords],
        "sentences": [_span(sentence) for sentence in summary.sentences],
        "source_word_count": summary.word_count,
        "summary_word_count": summary.summary_word_count,
        "reading_minutes": summary.reading_minutes,
        "low_content": result.low_content,
    }


def page_values(article: Article) -> dict[str, Any]:  # Any: column values
    """What a page says of itself; the user's own title wins."""
    facts = page_facts(article)
    title = func.coalesce(facts["title"], Summary.title)
    return facts | {"title": case((Summary.own_title, Summary.title), else_=title)}


def page_facts(article: Article) -> dict[str, Any]:  # Any: column values
    return {
        "title": _storable(article.title),
        "author": _storable(article.author),
        "published_at": _aware(article.published_at),
        "site_name": _storable(article.site_name),
    }


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _span(sentence: Sentence) -> dict[str, Any]:  # Any: JSON
    return {"text": storable(sentence.text), "start": sentence.start, "end": sentence.end}


def _aware(moment: datetime | None) -> datetime | None:
    """A page seldom names its zone: taken for UTC. None where UTC has no such year."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
