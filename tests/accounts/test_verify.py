"""An address is confirmed by whoever reads it: once, and for that address only."""

import asyncio

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.settings import Settings
from tests.accounts.post import KeptMail, Post, client_of, make_post, token_of
from tests.accounts.rows import audited, jobs
from tests.factories import Person
from tests.fixtures import make_app
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

REGISTER = "/api/v1/users/register"
REQUEST = "/api/v1/users/verify-request"
VERIFY = "/api/v1/users/verify"
ME = "/api/v1/users/me"
DEACTIVATE = text("UPDATE users SET is_active = false WHERE id = :id")
DORA = {"username": "dora", "email": "dora@example.com", "password": "Walnut-Bridge-42-rain"}


async def verify(client: AsyncClient, token: str) -> Response:
    return await client.post(VERIFY, json={"token": token})


async def ask_for_mail(client: AsyncClient, email: str) -> Response:
    return await client.post(REQUEST, json={"email": email})


async def test_known_unknown_and_confirmed_get_the_same_answer(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    await ask_for_mail(client, "alice@example.com")
    await verify(client, await post.token())
    answers = [await ask_for_mail(client, f"{name}@example.com") for name in ("alice", "nobody")]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].text == answers[1].text
    assert await post.deliver() == []
    assert alice.username == "alice"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 900, "é.é.é", "[" * 1000])
async def test_what_is_no_token_is_refused(client: AsyncClient, token: str) -> None:
    answer = await verify(client, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_mail_token")


async def test_a_reset_token_confirms_nothing(client: AsyncClient, post: Post, alice: Person) -> None:
    await client.post("/api/v1/auth/forgot-password", json={"email": "alice@example.com"})
    assert (await verify(client, await post.token())).status_code == 400
    assert alice.username == "alice"


async def test_a_token_works_once(client: AsyncClient, post: Post, alice: Person) -> None:
    await ask_for_mail(client, "alice@example.com")
    token = await post.token()
    assert [(await verify(client, token)).status_code for _ in range(2)] == [200, 400]
    assert alice.username == "alice"


async def test_a_token_of_a_former_address_confirms_no_other(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    await ask_for_mail(client, "alice@example.com")
    token = await post.token()
    await client.patch(ME, headers=alice.headers, json={"email": "victim@example.com"})
    assert (await verify(client, token)).status_code == 400
    me = await client.get(ME, headers=alice.headers)
    assert me.json()["is_verified"] is False


async def test_a_token_of_an_address_that_somebody_else_took_over_confirms_nothing(
    client: AsyncClient, post: Post, alice: Person, charlie: Person
) -> None:
    await ask_for_mail(client, "alice@example.com")
    token = await post.token()
    await client.patch(ME, headers=alice.headers, json={"email": "new@example.com"})
    await client.patch(ME, headers=charlie.headers, json={"email": "alice@example.com"})
    assert (await verify(client, token)).status_code == 400


async def test_a_deactivated_account_confirms_nothing(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person, database_urls: DatabaseUrls
) -> None:
    await ask_for_mail(client, "alice@example.com")
    token = await post.token()
    async with app.state.database.transaction() as session:
        await session.execute(DEACTIVATE, {"id": alice.user_id})
    assert (await verify(client, token)).status_code == 400
    assert await audited(database_urls, "email_verified") == []


async def test_registering_sends_exactly_one_mail_and_is_recorded(
    client: AsyncClient, post: Post, database_urls: DatabaseUrls
) -> None:
    user_id = (await client.post(REGISTER, json=DORA)).json()["id"]
    (letter,) = await post.deliver()
    assert (letter.recipient, letter.subject) == ("dora@example.com", "Welcome to Precis")
    assert (await verify(client, token_of(letter))).status_code == 200
    (entry,) = await audited(database_urls, "user_registered")
    assert (str(entry["subject_id"]), entry["address"]) == (user_id, "127.0.0.1")
    (entry,) = await audited(database_urls, "email_verified")
    assert entry["organization_id"] is not None


async def test_a_refused_registration_sends_nothing(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    refused = await client.post(REGISTER, json={**DORA, "email": "alice@example.com"})
    assert (refused.status_code, alice.username) == (409, "alice")
    assert await jobs(database_urls) == []


async def test_where_it_is_required_one_enters_after_confirming(settings: Settings) -> None:
    required = settings.model_copy(update={"email_verification": "required"})
    strict = await asyncio.to_thread(make_app, required)
    post = make_post(strict, KeptMail())
    form = {"username": "dora", "password": DORA["password"]}
    async with LifespanManager(strict), post.queue.open_async(), client_of(strict) as client:
        await client.post(REGISTER, json=DORA)
        before = await client.post("/api/v1/auth/token", data=form)
        await verify(client, await post.token())
        after = await client.post("/api/v1/auth/token", data=form)
    assert (before.status_code, before.json()["code"]) == (403, "email_not_verified")
    assert after.status_code == 200
