"""A rotation of the signing keys, as the people see it who are logged in: not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.key_rotation import PUBLICATION_SECONDS, RETENTION_SECONDS, Rotation, rotate
from app.settings import Settings
from tests.auth.test_refresh import refresh
from tests.auth.traces import ME, bearer
from tests.factories import Person
from tests.fixtures import BASE_URL, make_app

pytestmark = pytest.mark.integration

NOW = 1_800_000_000


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """With keys of its own: other tests must not find theirs rotated away."""
    return settings.model_copy(update={"jwt_keys_dir": tmp_path})


@pytest.fixture
async def workers(app: FastAPI, settings: Settings) -> AsyncIterator[list[FastAPI]]:
    other = await asyncio.to_thread(make_app, settings)
    async with LifespanManager(other):
        yield [app, other]


@pytest.fixture
async def clients(workers: list[FastAPI]) -> AsyncIterator[list[AsyncClient]]:
    async with AsyncExitStack() as stack:
        transports = [ASGITransport(app=worker, client=("127.0.0.1", 1)) for worker in workers]
        yield [
            await stack.enter_async_context(AsyncClient(transport=transport, base_url=BASE_URL))
            for transport in transports
        ]


async def rotated(workers: list[FastAPI], *, at: int) -> Rotation:
    """With every worker told, as its look at the directory does within half a minute."""
    rotation = await asyncio.to_thread(rotate, workers[0].state.key_ring.directory, now=at)
    for worker in workers:
        await asyncio.to_thread(worker.state.key_ring.reload_if_changed)
    return rotation


async def published(client: AsyncClient) -> set[str]:
    return {key["kid"] for key in (await client.get("/.well-known/jwks.json")).json()["keys"]}


async def statuses(clients: list[AsyncClient], headers: dict[str, str]) -> list[int]:
    return [(await client.get(ME, headers=headers)).status_code for client in clients]


async def test_a_worker_that_lags_behind_knows_the_key_that_another_signs_with(
    workers: list[FastAPI], clients: list[AsyncClient], alice: Person
) -> None:
    ahead = workers[0]
    await rotated(workers, at=NOW)
    await rotated([ahead], at=NOW + PUBLICATION_SECONDS)
    assert ahead.state.key_ring.active.kid != workers[1].state.key_ring.active.kid
    by_new = await refresh(clients[0], alice.refresh_token)
    by_old = await refresh(clients[1], by_new.json()["refresh_token"])
    for pair in (by_new, by_old):
        assert await statuses(clients, bearer(pair)) == [200, 200]


async def test_nobody_is_logged_out_from_the_first_step_to_the_last(
    workers: list[FastAPI], clients: list[AsyncClient], alice: Person
) -> None:
    steps = [NOW, NOW + PUBLICATION_SECONDS, NOW + PUBLICATION_SECONDS + RETENTION_SECONDS]
    token = alice.refresh_token
    assert await statuses(clients, alice.headers) == [200, 200]
    for at in steps:
        await rotated(workers, at=at)
        pair = await refresh(clients[0], token)
        token = pair.json()["refresh_token"]
        assert await statuses(clients, alice.headers) == [200, 200]
        assert await statuses(clients, bearer(pair)) == [200, 200]


async def test_next_active_and_retired_are_published_by_every_worker(
    workers: list[FastAPI], clients: list[AsyncClient]
) -> None:
    for at in (NOW, NOW + PUBLICATION_SECONDS, NOW + PUBLICATION_SECONDS + 1):
        rotation = await rotated(workers, at=at)
    manifest = rotation.manifest
    assert manifest.next is not None
    expected = {manifest.active, manifest.next.kid, *manifest.retired}
    assert len(expected) >= 3
    assert [await published(client) for client in clients] == [expected, expected]


async def test_a_token_of_a_key_that_is_forgotten_is_refused(
    workers: list[FastAPI], clients: list[AsyncClient], alice: Person
) -> None:
    """By then it has expired; that the key is gone holds whatever a clock says."""
    kid = workers[0].state.key_ring.active.kid
    end = NOW + 10 * PUBLICATION_SECONDS
    for at in (end, end + PUBLICATION_SECONDS, end + 10 * PUBLICATION_SECONDS):
        await rotated(workers, at=at)
    assert kid not in await published(clients[0])
    assert await statuses(clients, alice.headers) == [401, 401]
