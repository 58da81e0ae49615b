"""The values that travel from bytes to a summary, into the child process and out of it. Light to import."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class RawDocument:
    """What is to be read. `charset` is the HTTP header's, lower-case; "" where none was declared.

    `name` is an uploaded file's, the title of a document that has none.
    """

    body: bytes
    content_type: str
    charset: str = ""
    url: str | None = None
    title: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """`text` has paragraphs separated by a newline; `language` is an ISO 639-1 code where known."""

    text: str
    title: str | None = None
    author: str | None = None
    published_at: datetime | None = None
    site_name: str | None = None
    language: str | None = None
    description: str | None = None
    canonical_url: str | None = None


class Style(StrEnum):
    PARAGRAPH = "paragraph"
    BULLETS = "bullets"
    HEADLINE = "headline"


class LengthUnit(StrEnum):
    WORDS = "words"
    SENTENCES = "sentences"


@dataclass(frozen=True, slots=True)
class Length:
    amount: int
    unit: LengthUnit = LengthUnit.WORDS


SHORT = Length(50)
MEDIUM = Length(100)
LONG = Length(200)
HEADLINE_WORDS = 15
NAMED_LENGTHS: dict[str, Length] = {"short": SHORT, "medium": MEDIUM, "long": LONG}


@dataclass(frozen=True, slots=True)
class Sentence:
    """`start` and `end` are code point offsets: `article.text[start:end] == text`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Summary:
    text: str
    sentences: tuple[Sentence, ...]
    key_points: tuple[str, ...]
    keywords: tuple[str, ...]
    word_count: int
    summary_word_count: int
    reading_minutes: int


@dataclass(frozen=True, slots=True)
class ExtractResult:
    """`milliseconds` is wall time inside the child, queueing left out."""

    article: Article
    milliseconds: int


@dataclass(frozen=True, slots=True)
class SummariseResult:
    """`low_content`: under 80 words; `from_description`: the page's own description stands in for one."""

    summary: Summary
    low_content: bool
    from_description: bool
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A language model's answer that holds nothing foreign, laid out in the style that was asked for."""

    text: str
    word_count: int


@dataclass(frozen=True, slots=True)
class Digest:
    article: Article
    result: SummariseResult
