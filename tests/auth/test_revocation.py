"""A revocation holds within two seconds on every worker, whatever becomes of Redis (decision 0012)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.settings import Settings
from tests.auth.password_change.test_router import change as change_password
from tests.auth.test_login import deactivate
from tests.auth.traces import ME, served
from tests.core.own_valkey import OwnValkey, free_port
from tests.factories import Factory, Person

pytestmark = [pytest.mark.integration, pytest.mark.alone]

BOUND_SECONDS = 2.0
ORGANIZATION = "/api/v1/api-keys"
# What an owner may do and a viewer may not.
DEMOTE = "UPDATE memberships SET role = 'viewer' WHERE user_id = :user_id"


@dataclass
class Fleet:
    """Two workers on one database and one Redis of their own."""

    workers: tuple[AsyncClient, AsyncClient]
    redis: OwnValkey

    async def statuses(self, person: Person, path: str) -> set[int]:
        answers = [await worker.get(path, headers=person.headers) for worker in self.workers]
        return {answer.status_code for answer in answers}

    async def warm_up(self, *people: Person) -> None:
        """Whoever is remembered is the hard case."""
        for person in people:
            assert await self.statuses(person, ORGANIZATION) == {200}

    async def refuses(self, person: Person, path: str, *, since: float, status: int) -> None:
        """From two seconds after `since` at the latest, and never again otherwise."""
        while await self.statuses(person, path) != {status}:
            assert time.monotonic() - since < BOUND_SECONDS
            await asyncio.sleep(0.05)


@pytest.fixture
async def fleet(settings: Settings, own_valkey: OwnValkey) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        own = [
            await stack.enter_async_context(
                served(settings, redis_url=own_valkey.url, rate_limit_scale=100, web_concurrency=2)
            )
            for _ in range(2)
        ]
        yield Fleet((own[0], own[1]), own_valkey)
        own_valkey.thaw()


def kill(redis: OwnValkey) -> None:
    redis.kill()


def freeze(redis: OwnValkey) -> None:
    redis.freeze()


def flush(redis: OwnValkey) -> None:
    redis.command("FLUSHALL")


def restart(redis: OwnValkey) -> None:
    redis.command("SAVE")
    redis.kill()
    redis.start()


async def demote(app: FastAPI, person: Person) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(text(DEMOTE), {"user_id": person.user_id})


@pytest.mark.parametrize("disturb", [kill, freeze, flush, restart])
async def test_logout_password_deactivation_and_role_hold_whatever_becomes_of_redis(
    app: FastAPI, factory: Factory, fleet: Fleet, disturb: Callable[[OwnValkey], None]
) -> None:
    leaver, changer, inactive, demoted = [
        await factory.person(name) for name in ("leaver", "changer", "inactive", "demoted")
    ]
    await fleet.warm_up(leaver, changer, inactive, demoted)
    await asyncio.to_thread(disturb, fleet.redis)
    worker = fleet.workers[0]
    token = {"refresh_token": leaver.refresh_token}
    left = await worker.post("/api/v1/auth/logout", json=token, headers=leaver.headers)
    await fleet.refuses(leaver, ME, since=time.monotonic(), status=401)
    changed = await change_password(worker, changer)
    await fleet.refuses(changer, ME, since=time.monotonic(), status=401)
    await deactivate(app, inactive)
    await fleet.refuses(inactive, ME, since=time.monotonic(), status=401)
    await demote(app, demoted)
    await fleet.refuses(demoted, ORGANIZATION, since=time.monotonic(), status=403)
    assert (left.status_code, changed.status_code) == (200, 200)


async def test_what_a_frozen_redis_still_knows_revives_nobody_when_it_wakes(
    factory: Factory, fleet: Fleet
) -> None:
    leaver = await factory.person("leaver")
    await fleet.warm_up(leaver)
    fleet.redis.freeze()
    token = {"refresh_token": leaver.refresh_token}
    await fleet.workers[0].post("/api/v1/auth/logout", json=token, headers=leaver.headers)
    await fleet.refuses(leaver, ME, since=time.monotonic(), status=401)
    await asyncio.sleep(1.0)
    fleet.redis.thaw()
    for _ in range(20):
        assert await fleet.statuses(leaver, ME) == {401}
        await asyncio.sleep(0.05)


async def test_without_redis_who_may_goes_on_reading(factory: Factory, fleet: Fleet) -> None:
    alice = await factory.person("alice")
    await fleet.warm_up(alice)
    await asyncio.to_thread(fleet.redis.kill)
    for _ in range(30):
        assert await fleet.statuses(alice, ME) == {200}


async def test_with_both_gone_the_guarded_fail_closed_and_health_says_so(
    settings: Settings, alice: Person
) -> None:
    nowhere = {
        "redis_url": f"redis://127.0.0.1:{free_port()}/0",
        "database_url": f"postgresql+asyncpg://app_rw@127.0.0.1:{free_port()}/nothing",
    }
    async with served(settings, **nowhere) as client:
        for _ in range(8):
            answer = await client.get(ME, headers=alice.headers)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["Retry-After"]
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        forged = {"Authorization": f"Bearer {alice.access_token[:-4]}AAAA"}
        assert (await client.get(ME, headers=forged)).status_code == 401
