"""How much work logins may ask for, and what happens between the comparison and the judgement."""

import asyncio
from dataclasses import replace

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text
from typing_extensions import override

from app.core.passwords import Passwords, Verified
from app.settings import Settings
from app.users.store import UserStore
from tests.auth.attackers import AWAY, HOME, WRONG, app_with, at, log_in
from tests.factories import PASSWORD, PASSWORD_HASH, Person

pytestmark = pytest.mark.integration


def limit_of(answer: Response) -> str:
    """Which limit a 429 names."""
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    return str(answer.json()["detail"].split("'")[1])


async def test_the_sixth_login_of_an_address_in_a_minute_is_limited(
    client: AsyncClient, alice: Person
) -> None:
    for _ in range(5):
        await log_in(client, alice.username, "Wrong-Horse-9-Battery")
    answer = await log_in(client, alice.username)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("name", ["alice", "nobody"])
async def test_an_account_is_tried_by_strangers_only_so_often_from_however_many_addresses(
    settings: Settings, alice: Person, name: str
) -> None:
    async with app_with(settings, rate_limit_scale=0.1) as app:
        device = at(app, HOME)
        assert (await log_in(device, alice.username)).status_code == 200
        for number in range(2):
            await log_in(at(app, f"192.0.2.{number}"), name, WRONG)
        assert limit_of(await log_in(at(app, AWAY), name.upper(), WRONG)) == "login_account"
        known = at(app, "192.0.2.99", **device.cookies)
        assert (await log_in(known, alice.username)).status_code == 200


async def test_all_accounts_together_are_tried_by_strangers_only_so_often(
    settings: Settings, alice: Person
) -> None:
    async with app_with(settings, rate_limit_scale=0.001) as app:
        device = at(app, HOME)
        assert (await log_in(device, alice.username)).status_code == 200
        assert limit_of(await log_in(at(app, AWAY), "nobody")) == "login_all"
        known = at(app, "192.0.2.99", **device.cookies)
        assert (await log_in(known, alice.username)).status_code == 200


async def test_redis_learns_no_name(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await log_in(client, alice.username, WRONG)
    keys = await app.state.redis.run(lambda redis: redis.keys("limit:*"))
    assert any(b"login_account" in key for key in keys)
    assert not any(b"alice" in key for key in keys)


async def test_when_too_many_wait_to_be_hashed_a_login_is_put_off_and_not_counted(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    full = await asyncio.to_thread(Passwords, max_pending=0)
    parts = app.state.login_service.parts
    app.state.login_service.parts = replace(parts, passwords=full)
    for name in (alice.username, "nobody"):
        answer = await log_in(client, name)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    app.state.login_service.parts = parts
    async with app.state.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM login_tallies")) == 0
    await full.aclose()


class SlowPasswords(Passwords):
    """While it compares, the account's hash is replaced, once."""

    def __init__(self, app: FastAPI, person: Person, replacement: str) -> None:
        super().__init__()
        self._app, self._person, self._replacement = app, person, replacement
        self.comparisons = 0

    @override
    async def verify(self, password: str, hashed: str | None) -> Verified:
        verified = await super().verify(password, hashed)
        self.comparisons += 1
        if self.comparisons == 1:
            async with self._app.state.database.transaction() as session:
                store = UserStore(session)
                user = await store.get(self._person.user_id)
                assert user is not None
                await store.update(user, {"hashed_password": self._replacement})
        return verified


async def test_a_password_that_is_changed_meanwhile_lets_nobody_in(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    another = await app.state.passwords.hash(WRONG)
    slow = await asyncio.to_thread(SlowPasswords, app, alice, another)
    service = app.state.login_service
    service.parts = replace(service.parts, passwords=slow)
    assert (await log_in(client, alice.username)).status_code == 401
    assert slow.comparisons == 2
    await slow.aclose()


async def test_a_hash_that_is_only_renewed_meanwhile_refuses_nobody(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    renewed = await app.state.passwords.hash(PASSWORD)
    assert renewed != PASSWORD_HASH
    slow = await asyncio.to_thread(SlowPasswords, app, alice, renewed)
    service = app.state.login_service
    service.parts = replace(service.parts, passwords=slow)
    assert (await log_in(client, alice.username)).status_code == 200
    await slow.aclose()
