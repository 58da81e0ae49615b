"""Who writes a summary: the built-in engine, and in its place the language model where it was asked for.

The extractive summary is always made. It costs milliseconds, brings key points and counts that hold for
either, and is at hand whenever the model fails.
"""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from app.reading.article import Article, Length, Style, SummariseResult
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.providers.provider import Workshop, Written
from app.summaries.results import chosen_length
from app.summaries.vocabulary import Engine

# A model's 60 s, and what finding out that they are over may take.
PROVIDER_SECONDS = 65

log = structlog.get_logger(__name__)


class Reader(Workshop, Protocol):
    async def summarise_article(
        self, article: Article, length: Length, *, style: Style
    ) -> SummariseResult: ...


class LanguageModel(Protocol):
    """`app.reading.providers.provider.Provider`."""

    async def summarise(
        self, article: Article, *, length: Length, style: Style, workshop: Workshop
    ) -> Written: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a summary's options the engines obey."""

    length: Length
    style: Style
    engine: Engine

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Wish":  # Any: JSON that we wrote
        style = Style(options.get("style", Style.PARAGRAPH))
        return cls(chosen_length(options), style, Engine(options.get("engine", Engine.EXTRACTIVE)))


@dataclass(frozen=True, slots=True)
class Composed:
    result: SummariseResult
    engine: Engine = Engine.EXTRACTIVE
    model: str | None = None
    usage: Mapping[str, int] | None = None
    fallback_reason: FallbackReason | None = None

    def columns(self) -> dict[str, Any]:  # Any: column values
        """All four, each time: a summary made anew forgets who wrote the one before."""
        return {
            "engine": self.engine,
            "model": self.model,
            "usage": self.usage,
            "fallback_reason": self.fallback_reason,
        }


def extra_seconds(options: Mapping[str, Any]) -> int:  # Any: JSON that we wrote
    """What a job needs beyond reading a page."""
    return PROVIDER_SECONDS if options.get("engine") == Engine.PROVIDER else 0


async def compose(article: Article, wish: Wish, *, reader: Reader, model: LanguageModel | None) -> Composed:
    """Raises ReadingError where the page cannot be summarised; never for what the model does."""
    result = await reader.summarise_article(article, wish.length, style=wish.style)
    if wish.engine is Engine.EXTRACTIVE:
        return Composed(result)
    if model is None:
        return Composed(result, fallback_reason=FallbackReason.UNCONFIGURED)
    if result.from_description:
        return Composed(result, fallback_reason=FallbackReason.NOT_ASKED)
    began = time.monotonic()
    try:
        written = await model.summarise(article, length=wish.length, style=wish.style, workshop=reader)
    except ProviderError as error:
        log.warning("provider_failed", reason=error.reason, internal=error.internal)
        composed = Composed(result, usage=error.usage, fallback_reason=error.reason)
    else:
        composed = Composed(_written(result, written), Engine.PROVIDER, written.model, written.usage)
    return dataclasses.replace(composed, result=_later(composed.result, since=began))


def _written(result: SummariseResult, written: Written) -> SummariseResult:
    """The model's words stand nowhere in the source: offsets into it would lie."""
    summary = dataclasses.replace(
        result.summary, text=written.text, sentences=(), summary_word_count=written.word_count
    )
    return dataclasses.replace(result, summary=summary)


def _later(result: SummariseResult, *, since: float) -> SummariseResult:
    waited = round((time.monotonic() - since) * 1000)
    return dataclasses.replace(result, milliseconds=result.milliseconds + waited)
