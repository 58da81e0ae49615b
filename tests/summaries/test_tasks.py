"""The job: what it writes, how it fails, and that no second attempt writes over it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from typing_extensions import override

from app.reading.article import ExtractResult, Length, LengthUnit, RawDocument
from app.reading.errors import ReadingError, Reason
from app.reading.urls import InvalidUrlError
from app.summaries.requeueing import requeue_unfinished
from app.summaries.tasks import MAX_TRIES, summarise
from tests.factories import Person
from tests.summaries.shelf import PATH, create, job_ids, lose_job, row_of, set_columns
from tests.summaries.workbench import ScriptedFetcher, ScriptedReader, bench_of, key_of

pytestmark = pytest.mark.integration
URL = "https://example.com/rain"


async def read(client: AsyncClient, person: Person, summary_id: str) -> dict[str, Any]:
    answer = await client.get(f"{PATH}/{summary_id}?include=text", headers=person.headers)
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("error", "reason", "retryable"),
    [
        (ReadingError(Reason.DNS), "dns", True),
        (ReadingError(Reason.HTTP_STATUS, "404", retryable=False), "http_status", False),
        (InvalidUrlError("url_host", "no host"), "blocked_address", False),
    ],
)
async def test_page_that_cannot_be_had_fails_the_summary_at_once(
    client: AsyncClient, alice: Person, app: FastAPI, error: Exception, reason: str, *, retryable: bool
) -> None:
    created = await create(client, alice, url=URL)
    await summarise(bench_of(app, fetcher=ScriptedFetcher(error)), key_of(alice, created["id"]), tries=0)
    body = await read(client, alice, created["id"])
    assert body["status"] == "failed"
    assert (body["failure"]["reason"], body["failure"]["retryable"]) == (reason, retryable)
    assert set(body["stages"]) == {"queued", "fetching"}


async def test_broken_child_is_tried_again_once(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await create(client, alice)
    bench = bench_of(app, reader=ScriptedReader(ReadingError(Reason.INTERNAL, "child ended")))
    with pytest.raises(ReadingError):
        await summarise(bench, key_of(alice, created["id"]), tries=0)
    assert (await read(client, alice, created["id"]))["status"] == "extracting"
    await summarise(bench, key_of(alice, created["id"]), tries=1)
    assert (await read(client, alice, created["id"]))["failure"]["reason"] == "internal"


async def test_our_own_fault_fails_the_summary_only_on_the_last_try(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice)
    bench = bench_of(app, reader=ScriptedReader(OSError("disk")))
    for tries, status in ((0, "extracting"), (MAX_TRIES - 1, "failed")):
        with pytest.raises(OSError, match="disk"):
            await summarise(bench, key_of(alice, created["id"]), tries=tries)
        assert (await read(client, alice, created["id"]))["status"] == status


async def test_summary_that_kills_its_workers_is_given_up(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    fetcher = ScriptedFetcher()
    await summarise(bench_of(app, fetcher=fetcher), key_of(alice, created["id"]), tries=MAX_TRIES)
    assert (await read(client, alice, created["id"]))["failure"]["reason"] == "internal"
    assert fetcher.fetched == []


async def test_cancelled_job_leaves_the_summary_to_the_next(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice)
    bench = bench_of(app, reader=ScriptedReader(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await summarise(bench, key_of(alice, created["id"]), tries=MAX_TRIES - 1)
    assert (await read(client, alice, created["id"]))["status"] == "extracting"


async def test_url_becomes_ready_with_all_that_was_found(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice, url=URL)
    fetcher = ScriptedFetcher()
    await summarise(bench_of(app, fetcher=fetcher), key_of(alice, created["id"]), tries=0)
    body = await read(client, alice, created["id"])
    assert fetcher.fetched == [URL]
    assert (body["status"], body["title"], body["author"]) == ("ready", "Rain", "A. Author")
    assert body["sentences"] == [{"text": "Rain fell.", "start": 0, "end": 10}]
    assert (body["source_word_count"], body["summary_word_count"], body["low_content"]) == (4, 2, True)
    assert set(body["stages"]) == {"queued", "fetching", "extracting", "summarising"}
    assert body["text"] == "Rain fell. It stopped.\ufffd"


async def test_options_reach_the_reader_and_the_users_title_wins(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    options = {"title": "Mine", "language": "de", "length": {"sentences": 2}}
    created = await create(client, alice, html="<p>Rain", url=URL, **options)
    reader = ScriptedReader()
    await summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
    document = reader.documents[0]
    assert (document.body, document.content_type, document.url) == (b"<p>Rain", "text/html", URL)
    assert (reader.articles[0].language, reader.lengths) == ("de", [Length(2, LengthUnit.SENTENCES)])
    assert (await read(client, alice, created["id"]))["title"] == "Mine"


async def test_workers_writes_are_seen_past_a_warm_cache(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    first = await client.get(url, headers=alice.headers)
    await summarise(bench_of(app), key_of(alice, url[-36:]), tries=0)
    second = await client.get(url, headers=alice.headers)
    assert (first.json()["status"], second.json()["status"]) == ("queued", "ready")
    assert first.headers["ETag"] != second.headers["ETag"]


async def test_finished_summary_is_not_done_again(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await create(client, alice)
    reader = ScriptedReader()
    for _delivery in range(2):
        await summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
    assert len(reader.documents) == 1


@pytest.mark.parametrize("error", [None, ReadingError(Reason.TIMEOUT)])
async def test_overtaken_attempt_writes_nothing(
    client: AsyncClient, alice: Person, app: FastAPI, error: Exception | None
) -> None:
    created = await create(client, alice)

    class SlowReader(ScriptedReader):
        @override
        async def extract_document(self, document: RawDocument) -> ExtractResult:
            """While this one reads, another worker takes the summary up and finishes it."""
            await summarise(bench_of(app), key_of(alice, created["id"]), tries=1)
            self.error = error
            return await super().extract_document(document)

    await summarise(bench_of(app, reader=SlowReader()), key_of(alice, created["id"]), tries=0)
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.status, row.attempt, row.failure_reason) == ("ready", 2, None)


async def test_summary_without_a_job_gets_one(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    lost, waiting = await create(client, alice), await create(client, alice)
    for summary in (lost, waiting):
        await set_columns(app, alice, summary["id"], updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    jobs = await job_ids(app.state.database)
    await lose_job(app.state.database, jobs[0])
    assert await requeue_unfinished(app.state.database) == 1
    assert await requeue_unfinished(app.state.database) == 0
    assert len(await job_ids(app.state.database)) == len(jobs)
