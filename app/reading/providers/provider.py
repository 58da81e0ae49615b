"""A summary by a language model, or the reason why there is none."""

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from app.reading.article import Article, Judged, Length, Style
from app.reading.errors import ReadingError
from app.reading.providers.client import ChatClient
from app.reading.providers.completion import Completion
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.providers.options import ProviderOptions
from app.reading.providers.prompt import messages_for, room_bytes


class Workshop(Protocol):
    """What costs processor time and reads a stranger's text: `app.reading.sandbox.Sandbox`."""

    async def preselect(self, article: Article, most_bytes: int) -> str: ...

    async def judge_answer(
        self, answer: str, article: Article, *, length: Length, style: Style
    ) -> Judged: ...


@dataclass(frozen=True, slots=True)
class Written:
    """`usage` holds the provider's token counts, where it gave any."""

    text: str
    word_count: int
    model: str
    usage: dict[str, int] | None


class Provider:
    def __init__(self, options: ProviderOptions, client: ChatClient | None = None) -> None:
        self._options = options
        self._client = client or ChatClient(options)

    async def summarise(
        self, article: Article, *, length: Length, style: Style, workshop: Workshop
    ) -> Written:
        """Raises ProviderError, for whatever reason there is no summary that we vouch for."""
        shown = await self._shown(article, length, workshop)
        completion = await self._client.complete(messages_for(shown, length=length, style=style))
        try:
            judged = await workshop.judge_answer(completion.text, article, length=length, style=style)
        except ReadingError as error:
            raise _spoilt(completion, FallbackReason.INVALID_ANSWER, error.internal) from error
        except ProviderError as error:
            raise _spoilt(completion, error.reason, error.internal) from error
        model = completion.model or self._options.model
        return Written(judged.text, judged.word_count, model, completion.usage)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _shown(self, article: Article, length: Length, workshop: Workshop) -> Article:
        room = room_bytes(self._options.context_tokens, length)
        if len(article.text.encode("utf-8", "replace")) <= room:
            return article
        try:
            text = await workshop.preselect(article, room)
        except ReadingError as error:
            raise ProviderError(FallbackReason.NOT_ASKED, f"preselection: {error.internal}") from error
        if not text:
            raise ProviderError(FallbackReason.NOT_ASKED, "no sentence fits into the model's context")
        return dataclasses.replace(article, text=text)


def _spoilt(completion: Completion, reason: FallbackReason, internal: str) -> ProviderError:
    """An answer that is not given still cost its tokens."""
    return ProviderError(reason, internal, usage=completion.usage)
