"""A file in the worker: read in a child process, then dropped, and kept while it may be tried again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.reading.errors import ReadingError, Reason
from app.reading.sandbox import Sandbox
from app.summaries.tasks import Workbench, summarise
from app.summaries.vocabulary import Source
from tests.factories import Person
from tests.reading.documents_made import html, pdf, word
from tests.summaries.shelf import PATH as SUMMARIES
from tests.summaries.shelf import TEXT, row_of
from tests.summaries.uploads.forms_sent import content_of, upload
from tests.summaries.workbench import ScriptedFetcher, ScriptedReader, bench_of, key_of

pytestmark = pytest.mark.integration
SENTENCES = TEXT.split(". ")
LINES = [f"{sentence.replace('(', '').replace(')', '')}." for sentence in SENTENCES]


@pytest.fixture
async def sandboxed(app: FastAPI) -> AsyncIterator[Workbench]:
    """As the worker has it."""
    sandbox = Sandbox()
    yield Workbench(
        app.state.database, app.state.cache, ScriptedFetcher(), sandbox, announcer=app.state.announcer
    )
    await sandbox.close()


async def stored_bytes(app: FastAPI, person: Person) -> int:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        return int(await session.scalar(text("SELECT text_bytes FROM usage_storage")) or 0)


async def test_every_type_is_read_in_a_child_and_gives_a_summary_that_quotes_it(
    client: AsyncClient, alice: Person, sandboxed: Workbench, subtests: pytest.Subtests
) -> None:
    documents = {
        "river.pdf": pdf(*LINES, title="The river"),
        "river.docx": word(*SENTENCES),
        "river.html": html(*SENTENCES),
        "river.md": f"# The *river*\n\n{TEXT}".encode(),
        "river.txt": TEXT.encode(),
    }
    for name, body in documents.items():
        created = (await upload(client, alice, body, name=name)).json()
        await summarise(sandboxed, key_of(alice, created["id"]), tries=0)
        url = f"{SUMMARIES}/{created['id']}?include=text"
        read = (await client.get(url, headers=alice.headers)).json()
        with subtests.test(name):
            assert read["status"] == "ready", read["failure"]
            assert read["title"] in {"The river", "A report", "The bees of the city", "river.txt"}
            for sentence in read["sentences"]:
                assert read["text"][sentence["start"] : sentence["end"]] == sentence["text"]


async def test_a_damaged_document_fails_and_says_why(
    client: AsyncClient, alice: Person, sandboxed: Workbench
) -> None:
    created = (await upload(client, alice, b"%PDF-1.7 and then nothing")).json()
    await summarise(sandboxed, key_of(alice, created["id"]), tries=0)
    read = (await client.get(f"{SUMMARIES}/{created['id']}", headers=alice.headers)).json()
    assert (read["status"], read["failure"]["reason"]) == ("failed", "unsupported_type")


async def test_a_document_is_dropped_once_it_is_read_and_its_text_stays(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = (await upload(client, alice)).json()
    assert await stored_bytes(app, alice) == len(TEXT.encode())
    await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    assert await content_of(app, alice, created["id"]) == (None, "river.txt", "text/plain")
    read = await client.get(f"{SUMMARIES}/{created['id']}?include=text", headers=alice.headers)
    assert await stored_bytes(app, alice) == len(read.json()["text"].encode())


async def test_a_document_that_could_not_be_read_is_there_for_a_retry(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = (await upload(client, alice)).json()
    failing = ScriptedReader(ReadingError(Reason.TIMEOUT))
    await summarise(bench_of(app, reader=failing), key_of(alice, created["id"]), tries=0)
    await client.post(f"{SUMMARIES}/{created['id']}/retry", headers=alice.headers)
    reader = ScriptedReader()
    await summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
    assert [document.body for document in reader.documents] == [TEXT.encode()]
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.status, row.source, row.url) == ("ready", Source.FILE, None)


async def test_what_a_file_is_called_is_its_title_only_where_it_has_none(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = (await upload(client, alice, title="Mine")).json()
    reader = ScriptedReader()
    await summarise(bench_of(app, reader=reader), key_of(alice, created["id"]), tries=0)
    assert (reader.documents[0].title, reader.documents[0].name) == ("Mine", "river.txt")


async def test_one_may_wait_for_a_file_as_for_anything(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    waiting = asyncio.create_task(upload(client, alice, headers={"Prefer": "wait=10"}))
    found: list[dict[str, str]] = []
    while not found:
        await asyncio.sleep(0.05)
        found = (await client.get(SUMMARIES, headers=alice.headers)).json()["items"]
    await summarise(bench_of(app), key_of(alice, found[0]["id"]), tries=0)
    answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (201, "ready")
