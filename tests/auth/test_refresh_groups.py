"""Refreshes of one moment are one transaction, of sessions that have nothing to do with each other."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text
from structlog.testing import capture_logs

from app.audit.service import beside
from app.auth.repository import LiveSession, Spending, rotate_sessions
from app.core import group_commit
from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.core.refresh_tokens import RefreshClaim
from tests.auth.test_refresh_cost import ENTRIES, refresh
from tests.catalogue import ask
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.statements import statements_of

pytestmark = pytest.mark.integration
HELD_SECONDS = 0.2


@pytest.fixture
async def people(factory: Factory) -> list[Person]:
    return [await factory.person(f"guest{number}") for number in range(5)]


async def at_once(client: AsyncClient, tokens: Iterable[str]) -> Sequence[Response]:
    return await asyncio.gather(*(refresh(client, token) for token in tokens))


def spending(person: Person, *, counter: int = 0) -> Spending:
    return Spending(RefreshClaim(person.session_id, counter), None, beside(address="203.0.113.9"))


async def rotate(app: FastAPI, *spendings: Spending) -> Sequence[LiveSession | None]:
    return await rotate_sessions(app.state.database, spendings, idle_lifetime=timedelta(days=1))


async def test_refreshes_at_once_are_fewer_statements_and_each_gets_its_own_pair(
    app: FastAPI, client: AsyncClient, people: list[Person], database_urls: DatabaseUrls
) -> None:
    async with statements_of(app) as statements:
        answers = await at_once(client, (person.refresh_token for person in people))
    assert len(statements) < len(people)
    assert [answer.status_code for answer in answers] == [200] * len(people)
    for person, answer in zip(people, answers, strict=True):
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await client.get("/api/v1/users/me", headers=headers)).json()["id"] == str(person.user_id)
        assert (await refresh(client, answer.json()["refresh_token"])).status_code == 200
    # Each entry tells of its own request, whoever's turn its group left in.
    entries = await ask(database_urls.superuser, ENTRIES)
    told = {(entry["actor_id"], entry["request_id"]) for entry in entries}
    mine = zip(people, answers, strict=True)
    assert {(person.user_id, answer.headers["X-Request-ID"]) for person, answer in mine} < told


async def test_one_that_is_not_rotated_leaves_the_others_alone(
    app: FastAPI, people: list[Person], database_urls: DatabaseUrls
) -> None:
    rotated = await rotate(app, spending(people[0]), spending(people[1], counter=7), spending(people[2]))
    assert [each and each.user_id for each in rotated] == [people[0].user_id, None, people[2].user_id]
    assert len(await ask(database_urls.superuser, ENTRIES)) == 2


async def test_a_token_that_comes_twice_is_spent_once(app: FastAPI, people: list[Person]) -> None:
    rotated = await rotate(app, spending(people[0]), spending(people[1]), spending(people[0]))
    assert [each and each.counter for each in rotated] == [1, 1, None]


async def test_of_one_that_was_spent_long_ago_its_session_alone_is_ended(
    client: AsyncClient, people: list[Person], database_urls: DatabaseUrls
) -> None:
    await refresh(client, people[1].refresh_token)
    await ask(database_urls.superuser, "UPDATE auth_sessions SET rotated_at = rotated_at - interval '1 hour'")
    answers = await at_once(client, (person.refresh_token for person in people))
    assert [answer.status_code for answer in answers] == [200, 401, 200, 200, 200]
    assert answers[1].json()["code"] == "token_reused"
    again = await at_once(client, (answer.json().get("refresh_token", "") for answer in answers))
    assert [answer.status_code == 200 for answer in again] == [True, False, True, True, True]


async def test_a_session_that_is_locked_keeps_nobody_else_waiting(
    app: FastAPI, client: AsyncClient, alice: Person, charlie: Person
) -> None:
    tenant = Tenant(alice.organization_id)
    with capture_logs() as lines:
        async with app.state.database.transaction(tenant) as session:
            await session.execute(text("SELECT FROM auth_sessions FOR UPDATE"))
            waits = asyncio.create_task(refresh(client, alice.refresh_token))
            assert (await refresh(client, charlie.refresh_token)).status_code == 200
            assert not waits.done()
        assert (await waits).status_code == 200
    assert "group_undone" in {line["event"] for line in lines}


async def test_none_is_rotated_before_all_have_been_waited_for(
    app: FastAPI, alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after its rotation is a thief's: so nobody may be waited for between that and the commit."""
    monkeypatch.setattr(group_commit, "LOCK_PATIENCE_MS", 10_000)
    first, last = sorted((alice, charlie), key=lambda person: person.session_id)
    async with app.state.database.transaction(Tenant(last.organization_id)) as session:
        await session.execute(text("SELECT FROM auth_sessions FOR UPDATE"))
        waits = asyncio.create_task(rotate(app, spending(last), spending(first)))
        await asyncio.sleep(HELD_SECONDS)
        let_go = await session.scalar(text("SELECT clock_timestamp()"))
    assert all(await waits)
    async with app.state.database.transaction(Tenant(first.organization_id)) as session:
        assert await session.scalar(text("SELECT rotated_at FROM auth_sessions")) > let_go


async def test_groups_that_cross_wait_for_each_other_and_never_in_a_circle(
    app: FastAPI, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LOCK_PATIENCE_MS", 10_000)  # PostgreSQL finds a circle after one
    dice = random.Random(7)  # noqa: S311  # an order, no secret

    async def spend(number: int) -> Sequence[LiveSession | None]:
        order = dice.sample(people, k=len(people))
        return await rotate(app, *(spending(person, counter=number) for person in order))

    for number in range(6):
        groups = await asyncio.gather(*(spend(number) for _ in range(10)))
        won = [live.id for group in groups for live in group if live is not None]
        assert sorted(won) == sorted(person.session_id for person in people)


async def test_whoever_ends_all_of_a_persons_sessions_meets_a_group_and_both_are_done(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    owner = MembershipRole.OWNER
    logins = [await factory.elsewhere(alice, alice.organization_id, role=owner) for _ in range(8)]
    tokens = [login.refresh_token for login in logins]
    ended, *answers = await asyncio.gather(
        client.post("/api/v1/auth/logout-all", headers=alice.headers),
        *(refresh(client, token) for token in tokens),
    )
    assert ended.status_code == 200
    assert {answer.status_code for answer in answers} <= {200, 401}
    last = await at_once(client, tokens)
    assert {answer.status_code for answer in last} == {401}
