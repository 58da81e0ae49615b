"""The bodies of the summary routes."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.core.composed import COMPOSED
from app.core.schemas import ChangeModel, JsonBool, RequestModel, ResponseModel, UtcDatetime
from app.reading.errors import Reason
from app.reading.providers.errors import FallbackReason
from app.reading.urls import MAX_URL_LENGTH
from app.summaries.length import LengthChoice
from app.summaries.vocabulary import Engine, OnDuplicate, Status, Style, Visibility

MAX_TEXT_BYTES = 1024 * 1024
MAX_HTML_BYTES = 5 * 1024 * 1024


def _without_repeats(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


STORE = (
    "false: nothing is kept after the answer, which is waited for, 15 seconds at most. "
    "An answer of 202 is collected by reading it once, within half an hour."
)

# Only shown here. Too long a URL is refused with a code of its own, too long a text or html with 413; the
# limits of those two are in bytes, so no more characters than that can pass.
Url = Annotated[str, Field(json_schema_extra={"maxLength": MAX_URL_LENGTH})]
Text = Annotated[str, Field(min_length=1, json_schema_extra={"maxLength": MAX_TEXT_BYTES})]
Html = Annotated[str, Field(min_length=1, json_schema_extra={"maxLength": MAX_HTML_BYTES})]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), COMPOSED]
Tags = Annotated[list[Tag], Field(max_length=20), AfterValidator(_without_repeats)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), COMPOSED]
Notes = Annotated[str, StringConstraints(max_length=10_000), COMPOSED]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)]


class SummaryDraft(RequestModel):
    """Exactly one source: `url`, `text`, or `html` (then `url` only says where it came from)."""

    url: Url | None = Field(None, examples=["https://en.wikipedia.org/wiki/Summary"])
    text: Text | None = None
    html: Html | None = None
    title: Title | None = Field(None, description="Kept instead of the page's own.")
    length: LengthChoice = Field(
        "medium", description="50, 100 or 200 words; or so many words or sentences.", examples=["short"]
    )
    style: Style = Field(
        Style.PARAGRAPH,
        description="Bullets: a sentence a line. A headline: one line of 15 words at most, the best sentence "
        "or its beginning; `length` may only shorten it.",
    )
    language: Language | None = Field(None, description="Of the source; found out when left out.")
    engine: Engine = Field(
        Engine.EXTRACTIVE,
        description="`provider` is this deployment's language model. Where there is none, or it fails or "
        "invents a number or an address, `extractive` answers, and `fallback_reason` says why.",
    )
    tags: Tags = Field(default_factory=list)
    visibility: Visibility = Visibility.PRIVATE
    notes: Notes | None = None
    on_duplicate: OnDuplicate = Field(
        OnDuplicate.NEW, description="Where I have an equal summary: return it, refresh it, or make another."
    )
    store: JsonBool = Field(True, description=STORE)
    callback: Url | None = Field(None, description="One signed delivery to this URL when it is done.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [source for source in (self.text, self.html) if source is not None]
        if not sources and self.url is None:
            raise PydanticCustomError("source_missing", "Send one of url, text and html")
        if len(sources) > 1 or (self.text is not None and self.url is not None):
            raise PydanticCustomError("source_ambiguous", "Send only one of url, text and html")
        return self

    @model_validator(mode="after")
    def _keeps_what_it_refreshes(self) -> Self:
        if not self.store and self.on_duplicate is OnDuplicate.REFRESH:
            raise PydanticCustomError("store_refresh", "What is refreshed is kept: store cannot be false")
        return self


class SummaryChanges(ChangeModel):
    """A changed url is not fetched again."""

    url: Url = Field("", description="Where the source is to be found.")
    title: Title | None = None
    summary: Annotated[str, COMPOSED] = Field("", min_length=1, max_length=20_000)
    tags: Tags = Field(default_factory=list)
    visibility: Visibility = Visibility.PRIVATE
    notes: Notes | None = None
    favourite: JsonBool = Field(False, description="The summary's own, for whoever may read it.")
    archived: JsonBool = Field(False, description="Not on the list unless asked for; the summary's own too.")


class SentenceView(ResponseModel):
    """`start` and `end` count Unicode code points in the extracted text."""

    text: str
    start: int
    end: int


class FailureView(ResponseModel):
    reason: Reason
    hint: str
    retryable: bool


class SummaryView(ResponseModel):
    id: UUID
    url: str | None = Field(description="Exactly as it was sent.")
    canonical_url: str | None
    title: str | None
    author: str | None
    published_at: UtcDatetime | None
    site_name: str | None
    language: str | None
    status: Status
    failure: FailureView | None = Field(
        description="Of the last attempt. One that is ready and has a failure was to be made anew: "
        "it is still as it was before."
    )
    summary: str | None
    key_points: list[str]
    sentences: list[SentenceView]
    source_word_count: int | None
    summary_word_count: int | None
    reading_minutes: float | None
    low_content: bool
    style: Style
    engine: Engine
    model: str | None
    usage: dict[str, int] | None = Field(description="Tokens, as the provider counted them.")
    fallback_reason: FallbackReason | None = Field(
        description="Why the extractive engine stood in for the provider."
    )
    tags: list[str]
    visibility: Visibility
    notes: str | None
    favourite: bool
    archived: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime
    refreshed_at: UtcDatetime | None = Field(description="When its page was last fetched again.")
    stages: dict[str, int] = Field(description="Milliseconds that each stage took.")


class RangeView(ResponseModel):
    start: int
    end: int


class HighlightView(ResponseModel):
    """Plain text; `ranges` say where in it the words stand that were looked for, in Unicode code points."""

    field: Literal["title", "summary", "notes"]
    text: str
    ranges: list[RangeView]


class SummaryItem(SummaryView):
    highlights: list[HighlightView] = Field([], description="Why it was found; empty without words in q.")


class SummaryWithText(SummaryView):
    text: str | None = Field(None, description="The extracted text; only with include=text.")


class CountView(ResponseModel):
    count: int
