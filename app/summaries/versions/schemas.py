"""The bodies of making a summary anew, and of what it said before."""

from typing import Any

from pydantic import Field

from app.core.schemas import ChangeModel, ResponseModel, UtcDatetime
from app.reading.providers.errors import FallbackReason
from app.summaries.length import LengthChoice
from app.summaries.schemas import Language, SentenceView
from app.summaries.vocabulary import Engine, Style


class Choices(ChangeModel):
    """How to summarise the same text anew; what is left out stays as it was."""

    length: LengthChoice = Field("medium", examples=["short"])
    style: Style = Style.PARAGRAPH
    language: Language = Field("en", description="Of the source, in place of the one that was found.")
    engine: Engine = Engine.EXTRACTIVE

    def to_options(self) -> dict[str, Any]:  # Any: JSON
        return self.model_dump(exclude_unset=True)


class VersionItem(ResponseModel):
    """`number` counts from 1; the summary as it is now has none."""

    number: int
    created_at: UtcDatetime = Field(description="When it was put aside for a newer one.")
    title: str | None
    language: str | None
    style: Style
    engine: Engine
    model: str | None
    summary_word_count: int | None


class VersionView(VersionItem):
    author: str | None
    published_at: UtcDatetime | None
    summary: str
    key_points: list[str]
    sentences: list[SentenceView]
    source_word_count: int | None
    low_content: bool
    fallback_reason: FallbackReason | None


class VersionWithText(VersionView):
    text: str | None = Field(None, description="The text that it was made from; only with include=text.")


class DifferenceView(ResponseModel):
    """`against` is null for the summary as it is now."""

    number: int
    against: int | None
    diff: str = Field(description="Unified diff, a sentence a line; empty where they say the same.")
    truncated: bool = Field(description="Only the first 500 sentences of each were compared.")
