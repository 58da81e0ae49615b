"""Pages that change between two readings, and summaries made anew of them."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from typing_extensions import override

from app.reading.article import Article, ExtractResult, Length, RawDocument, Sentence, Style, SummariseResult
from app.reading.article import Summary as Made
from app.summaries.tasks import summarise
from tests.factories import Person
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import ScriptedFetcher, ScriptedReader, bench_of, key_of

URL = "https://example.com/rain"
RAIN = "Rain fell. The river rose."
SNOW = "Snow fell. The river froze."


@dataclass
class PageReader(ScriptedReader):
    """The first sentence of `text` is its summary."""

    text: str = RAIN
    title: str | None = "Weather"
    canonical_url: str | None = None

    @override
    async def extract_document(self, document: RawDocument) -> ExtractResult:
        await super().extract_document(document)
        article = Article(
            self.text, title=document.title or self.title, canonical_url=self.canonical_url, language="en"
        )
        return ExtractResult(article, 7)

    @override
    async def summarise_article(self, article: Article, length: Length, *, style: Style) -> SummariseResult:
        made = await super().summarise_article(article, length, style=style)
        end = article.text.index(".") + 1
        first = article.text[:end]
        summary = Made(first, (Sentence(first, 0, end),), (first,), ("weather",), 5, 2, 1)
        return SummariseResult(summary, made.low_content, from_description=False, milliseconds=3)


async def work(
    app: FastAPI,
    person: Person,
    summary_id: str,
    reader: ScriptedReader | None = None,
    *,
    fetcher: ScriptedFetcher | None = None,
) -> None:
    """As the worker does with the job that waits."""
    bench = bench_of(app, reader=reader or PageReader(), fetcher=fetcher)
    await summarise(bench, key_of(person, summary_id), tries=0)


async def made(client: AsyncClient, app: FastAPI, person: Person, **body: Any) -> dict[str, Any]:  # Any: JSON
    """A finished summary."""
    created = await create(client, person, **body)
    await work(app, person, created["id"])
    return await read(client, person, created["id"])


async def read(
    client: AsyncClient, person: Person, summary_id: str, path: str = ""
) -> dict[str, Any]:  # Any: JSON
    answer = await client.get(f"{PATH}/{summary_id}{path}", headers=person.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def post(
    client: AsyncClient, person: Person, summary_id: str, action: str, **options: Any
) -> Response:  # Any: the client's own
    headers = {**person.headers, **options.pop("headers", {})}
    return await client.post(f"{PATH}/{summary_id}/{action}", headers=headers, **options)
