"""A worker's tools without network or child processes: each does what the test scripted."""

from dataclasses import dataclass, field
from uuid import UUID

from fastapi import FastAPI

from app.reading.article import (
    Article,
    ExtractResult,
    Judged,
    Length,
    RawDocument,
    Sentence,
    Style,
    SummariseResult,
    Summary,
)
from app.reading.courtesy import NO_VALIDATORS, Validators
from app.reading.fetch import Fetched
from app.reading.patience import Heavy, at_once
from app.summaries.store import SummaryKey
from app.summaries.tasks import Workbench
from tests.factories import Person

ARTICLE = Article("Rain fell. It stopped.\x00", title="Rain", author="A. Author", language="en")
SUMMARY = Summary("Rain fell.", (Sentence("Rain fell.", 0, 10),), ("Rain fell.",), ("rain",), 4, 2, 1)


@dataclass
class ScriptedFetcher:
    error: Exception | None = None
    fetched: list[str] = field(default_factory=list)
    asked_with: list[Validators] = field(default_factory=list)
    validators: Validators = NO_VALIDATORS

    async def fetch(
        self, url: str, *, validators: Validators = NO_VALIDATORS, heavy: Heavy = at_once
    ) -> Fetched:
        self.fetched.append(url)
        self.asked_with.append(validators)
        await heavy()
        if self.error:
            raise self.error
        if validators and validators == self.validators:
            return Fetched(url, url, 304, "", "", b"", 0, validators)
        return Fetched(url, url, 200, "text/html", "utf-8", b"<p>Rain fell.", 0, self.validators)


@dataclass
class ScriptedReader:
    error: BaseException | None = None
    documents: list[RawDocument] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    lengths: list[Length] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)

    async def extract_document(self, document: RawDocument) -> ExtractResult:
        self.documents.append(document)
        if self.error:
            raise self.error
        return ExtractResult(ARTICLE, 7)

    async def summarise_article(self, article: Article, length: Length, *, style: Style) -> SummariseResult:
        self.styles.append(style)
        self.articles.append(article)
        self.lengths.append(length)
        return SummariseResult(SUMMARY, low_content=True, from_description=False, milliseconds=3)

    async def preselect(self, article: Article, most_bytes: int) -> str:
        return article.text[:most_bytes]

    async def judge_answer(self, answer: str, _article: Article, *, length: Length, style: Style) -> Judged:
        self.lengths.append(length)
        self.styles.append(style)
        return Judged(answer, len(answer.split()))


def bench_of(
    app: FastAPI, *, fetcher: ScriptedFetcher | None = None, reader: ScriptedReader | None = None
) -> Workbench:
    state = app.state
    tools = fetcher or ScriptedFetcher(), reader or ScriptedReader()
    return Workbench(state.database, state.cache, *tools, announcer=state.announcer)


def key_of(person: Person, summary_id: str) -> SummaryKey:
    return SummaryKey(person.organization_id, UUID(summary_id))
