"""POST /summaries/{id}/cancel."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text
from typing_extensions import override

from app.core.ids import new_id
from app.core.principal import MembershipRole
from app.reading.article import ExtractResult, RawDocument
from app.summaries.tasks import summarise
from tests.factories import Factory, Person
from tests.summaries.progress.streaming import events_of
from tests.summaries.shelf import PATH, create, row_of
from tests.summaries.workbench import ScriptedReader, bench_of, key_of

pytestmark = pytest.mark.integration

JOBS = text("SELECT status::text FROM procrastinate_jobs ORDER BY id")


class HeldReader(ScriptedReader):
    """Reads until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reading = asyncio.Event()
        self.go_on = asyncio.Event()

    @override
    async def extract_document(self, document: RawDocument) -> ExtractResult:
        self.is_reading.set()
        await self.go_on.wait()
        return await super().extract_document(document)


async def jobs(app: FastAPI) -> list[str]:
    async with app.state.database.transaction() as session:
        return list((await session.scalars(JOBS)).all())


async def test_nobody_cancels_without_a_credential(client: AsyncClient) -> None:
    assert (await client.post(f"{PATH}/{new_id()}/cancel")).status_code == 401


async def test_only_its_author_and_managers_cancel_it(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, factory: Factory
) -> None:
    created = await create(client, bob, visibility="organization")
    member = await factory.member("mia", alice.organization_id, role=MembershipRole.MEMBER)
    url = f"{PATH}/{created['id']}/cancel"
    assert (await client.post(url, headers=charlie.headers)).status_code == 404
    assert (await client.post(url, headers=member.headers)).status_code == 403
    assert (await client.post(url, headers=alice.headers)).status_code == 200


async def test_one_that_waits_is_failed_and_its_job_never_runs(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    answer = await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
    cancelled = answer.json()
    assert (cancelled["status"], cancelled["failure"]["reason"]) == ("failed", "cancelled")
    assert cancelled["failure"]["retryable"] is True
    read = await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    assert (read.json(), read.headers["ETag"]) == (cancelled, answer.headers["ETag"])
    assert await jobs(app) == ["cancelled"]


async def test_cancelling_again_changes_nothing(client: AsyncClient, alice: Person) -> None:
    created = await create(client, alice)
    first = await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
    again = await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])


async def test_one_that_is_finished_cannot_be_cancelled(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    answer = await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "summary_finished")


async def test_a_job_that_runs_writes_nothing_more(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created, reader = await create(client, alice), HeldReader()
    key = key_of(alice, created["id"])
    job = asyncio.create_task(summarise(bench_of(app, reader=reader), key, tries=0))
    await reader.is_reading.wait()
    await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
    await client.post(f"{PATH}/{created['id']}/retry", headers=alice.headers)
    reader.go_on.set()
    await job
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert (row.status, row.summary) == ("queued", None)
    await summarise(bench_of(app), key, tries=0)
    row = await row_of(app.state.database, alice.organization_id, created["id"])
    assert row.status == "ready"


async def test_who_watches_is_told(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    created = await create(client, alice)
    async with events_of(app, created["id"], alice.headers) as stream:
        await stream.events("queued")
        await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
        (event,) = await stream.rest()
    assert (event.name, event.id, event.data["failure"]["reason"]) == ("failed", "1-9", "cancelled")


async def test_cancelling_what_is_made_anew_leaves_it_as_it_was(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    created = await create(client, alice)
    await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
    await client.post(f"{PATH}/{created['id']}/regenerate", headers=alice.headers)
    answer = await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["summary"] == "Rain fell."
