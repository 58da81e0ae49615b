"""What ends an open stream: its credential, its summary, or the right to see it."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.summaries.progress.desk import ProgressDesk
from app.summaries.tasks import summarise
from tests.factories import Factory, Person, Robot
from tests.summaries.progress.streaming import Event, events_of
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration

SESSION_ENDINGS = (
    "UPDATE auth_sessions SET revoked_at = now()",
    "UPDATE auth_sessions SET absolute_expires_at = now()",
    "UPDATE auth_sessions SET idle_expires_at = now()",
    "UPDATE users SET is_active = false WHERE id = :user_id",
    "DELETE FROM memberships",
    "UPDATE organizations SET suspended_at = now()",
    "UPDATE organizations SET erase_after = now()",
)
KEY_ENDINGS = (
    "UPDATE api_keys SET revoked_at = now()",
    "UPDATE api_keys SET expires_at = now()",
    "UPDATE api_keys SET scopes = '{summaries:write}'",
    *SESSION_ENDINGS[3:],
)


async def test_a_member_watches_what_is_shared_until_it_is_private(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, desk: ProgressDesk
) -> None:
    created = await create(client, alice, visibility="organization")
    async with events_of(app, created["id"], bob.headers) as stream:
        await stream.events("queued")
        private = {"visibility": "private"}
        await client.patch(f"{PATH}/{created['id']}", json=private, headers=alice.headers)
        (event,) = await stream.rest()
    assert (event.name, event.data) == ("end", {"reason": "not_found"})
    assert desk.hub.watches == 0


async def test_a_deleted_summary_ends_the_stream_although_nobody_announced_it(
    client: AsyncClient, app: FastAPI, alice: Person, desk: ProgressDesk, subtests: pytest.Subtests
) -> None:
    trashing = "UPDATE summaries SET deleted_at = now(), version = version + 1"
    for statement in (trashing, "DELETE FROM summaries"):
        created = await create(client, alice)
        event = await told_after(app, alice, created["id"], statement)
        with subtests.test(statement):
            assert (event.name, event.data) == ("end", {"reason": "not_found"})
    assert desk.hub.watches == 0


async def told_after(app: FastAPI, person: Person | Robot, summary_id: str, statement: str) -> Event:
    """The one event of an open stream that this statement makes."""
    async with events_of(app, summary_id, person.headers) as stream:
        await stream.events("queued")
        async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
            await session.execute(text(statement), {"user_id": person.user_id})
        (event,) = await stream.rest()
    return event


async def test_a_session_that_has_ended_ends_its_streams(
    client: AsyncClient, app: FastAPI, factory: Factory, desk: ProgressDesk, subtests: pytest.Subtests
) -> None:
    for number, ending in enumerate(SESSION_ENDINGS):
        person = await factory.person(f"person_{number}")
        created = await create(client, person)
        event = await told_after(app, person, created["id"], ending)
        with subtests.test(ending):
            assert (event.name, event.data) == ("end", {"reason": "unauthenticated"})
    assert desk.hub.watches == 0


async def test_a_key_that_has_ended_ends_its_streams(
    client: AsyncClient, app: FastAPI, factory: Factory, desk: ProgressDesk, subtests: pytest.Subtests
) -> None:
    for number, ending in enumerate(KEY_ENDINGS):
        person = await factory.person(f"person_{number}")
        robot = await factory.robot(person)
        created = await create(client, person)
        event = await told_after(app, robot, created["id"], ending)
        with subtests.test(ending):
            assert (event.name, event.data) == ("end", {"reason": "unauthenticated"})
    assert desk.hub.watches == 0


async def test_an_impersonation_ends_its_streams_when_support_has_no_access_any_more(
    client: AsyncClient, app: FastAPI, alice: Person, root: Person, desk: ProgressDesk
) -> None:
    created = await create(client, alice)
    statement = text("UPDATE auth_sessions SET impersonator_id = :staff WHERE id = :id")
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        await session.execute(statement, {"staff": root.user_id, "id": alice.session_id})
        await session.execute(text("UPDATE organizations SET support_access = true"))
    event = await told_after(app, alice, created["id"], "UPDATE organizations SET support_access = false")
    assert (event.name, event.data) == ("end", {"reason": "unauthenticated"})
    assert desk.hub.watches == 0


async def test_a_living_session_and_key_are_not_ended(
    client: AsyncClient, app: FastAPI, alice: Person, factory: Factory, desk: ProgressDesk
) -> None:
    robot = await factory.robot(alice)
    created = await create(client, alice)
    url = created["id"]
    async with events_of(app, url, alice.headers) as mine, events_of(app, url, robot.headers) as its:
        await asyncio.sleep(0.8)
        await summarise(bench_of(app), key_of(alice, created["id"]), tries=0)
        for stream in (mine, its):
            assert (await stream.rest())[-1].name == "ready"
    assert desk.hub.watches == 0
