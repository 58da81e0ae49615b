"""A new password by mail: for whoever reads the address, once, and nobody learns whose address it is."""

import asyncio

import pytest
from fastapi import FastAPI
from fastapi_users.jwt import generate_jwt
from httpx2 import AsyncClient, Response

from app.auth.oauth.links import links_of
from app.auth.oauth.models import OAuthAccount
from app.users.mail_tokens import MailTokens
from app.users.store import UserStore
from tests.accounts.post import Post, client_of
from tests.accounts.rows import audited, jobs
from tests.auth.second_factor.device import Clock, set_up
from tests.catalogue import ask
from tests.factories import PASSWORD, Person, Robot
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

FORGOT = "/api/v1/auth/forgot-password"
RESET = "/api/v1/auth/reset-password"
ME = "/api/v1/users/me"
NEW = "Walnut-Bridge-42-rain"


async def forgot(client: AsyncClient, email: str = "alice@example.com") -> Response:
    return await client.post(FORGOT, json={"email": email})


async def reset(client: AsyncClient, token: str, password: str = NEW) -> Response:
    return await client.post(RESET, json={"token": token, "new_password": password})


async def log_in(client: AsyncClient, password: str) -> int:
    form = {"username": "alice", "password": password}
    return (await client.post("/api/v1/auth/token", data=form)).status_code


async def change(app: FastAPI, person: Person, **values: object) -> None:
    async with app.state.database.transaction() as session:
        store = UserStore(session)
        user = await store.get(person.user_id)
        assert user is not None
        await store.update(user, values)


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_known_unknown_and_inactive_get_the_same_answer_and_the_same_job(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    await change(app, charlie, is_active=False)
    names = ("alice", "nobody", "charlie")
    answers = [await forgot(client, f"{name}@example.com") for name in names]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    rows = await jobs(database_urls)
    assert [row["task_name"] for row in rows] == ["accounts.send_mail"] * 3
    assert len({len(row["args"]) for row in rows}) == 1
    assert str(alice.user_id) in rows[0]["args"]


async def test_only_the_one_with_an_account_gets_a_mail(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person, charlie: Person
) -> None:
    await change(app, charlie, is_active=False)
    for name in ("Alice", "nobody", "charlie"):
        await forgot(client, f"{name}@example.com")
    assert [letter.recipient for letter in await post.deliver()] == ["alice@example.com"]
    assert alice.username == "alice"


async def test_no_token_and_no_address_lies_in_the_queue(
    client: AsyncClient, post: Post, alice: Person, database_urls: DatabaseUrls
) -> None:
    await forgot(client)
    token = await post.token()
    (row,) = await jobs(database_urls)
    assert row["status"] == "succeeded"
    assert alice.username not in row["args"]
    assert "example.com" not in row["args"]
    assert token[-20:] not in row["args"]


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "." * 900, "é.é.é", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "[" * 1000]
)
async def test_what_is_no_token_is_refused(client: AsyncClient, token: str) -> None:
    assert code(await reset(client, token)) == (400, "invalid_mail_token")


async def test_a_token_of_another_key_audience_or_age_is_refused(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with app.state.database.transaction() as session:
        user = await UserStore(session).get(alice.user_id)
    assert user is not None
    tokens: MailTokens = app.state.mail_tokens
    claims = {"sub": str(user.id), "password_fgpt": "x", "aud": "fastapi-users:reset"}
    forged = [
        MailTokens.from_secret("another secret").for_reset(user),
        tokens.for_verification(user),
        generate_jwt(claims, tokens.verification_secret, 900),
        generate_jwt({**claims, "aud": "fastapi-users:verify"}, tokens.reset_secret, 900),
        generate_jwt(claims, tokens.reset_secret, -1),
        generate_jwt(claims, tokens.reset_secret, 900),
        generate_jwt({**claims, "sub": "nonsense"}, tokens.reset_secret, 900),
        alice.access_token,
    ]
    assert {code(await reset(client, token)) for token in forged} == {(400, "invalid_mail_token")}


async def test_a_reset_token_is_no_credential(client: AsyncClient, post: Post, alice: Person) -> None:
    await forgot(client)
    token = await post.token()
    answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, alice.username) == (401, "alice")


async def test_guessing_is_slowed_down_by_address(client: AsyncClient) -> None:
    # Twice the limit, so that what is refilled meanwhile does not matter.
    answers = await asyncio.gather(*(reset(client, "guess") for _ in range(120)))
    assert {code(answer) for answer in answers} == {(400, "invalid_mail_token"), (429, "rate_limited")}


async def test_a_weak_password_is_refused_and_the_token_lives_on(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    await forgot(client)
    token = await post.token()
    refused = await reset(client, token, "Alice-in-7!")
    assert code(refused) == (422, "weak_password")
    assert {fault["pointer"] for fault in refused.json()["errors"]} == {"/new_password"}
    assert (await reset(client, token)).status_code == 200
    assert alice.username == "alice"


async def test_a_token_works_once_also_when_sent_twice_at_once(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    await forgot(client)
    token = await post.token()
    passwords = [f"{NEW}-{number}" for number in range(4)]
    answers = await asyncio.gather(*(reset(client, token, password) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert (await reset(client, token)).status_code == 400
    assert alice.username == "alice"


@pytest.mark.parametrize(
    "values", [{"email": "new@example.com"}, {"hashed_password": "$argon2id$other"}, {"is_active": False}]
)
async def test_a_token_dies_with_the_address_the_password_or_the_account(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person, values: dict[str, object]
) -> None:
    await forgot(client)
    token = await post.token()
    await change(app, alice, **values)
    assert code(await reset(client, token)) == (400, "invalid_mail_token")


async def test_an_earlier_token_dies_with_the_use_of_a_later_one(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    tokens = []
    for _ in range(2):
        await forgot(client)
        tokens.append(await post.token())
    assert (await reset(client, tokens[1])).status_code == 200
    assert (await reset(client, tokens[0])).status_code == 400
    assert alice.username == "alice"


async def test_the_fourth_request_of_an_address_in_an_hour_is_limited(client: AsyncClient) -> None:
    for number in range(3):
        assert (await forgot(client, f"{number}@example.com")).status_code == 202
    assert code(await forgot(client)) == (429, "rate_limited")


@pytest.mark.parametrize("name", ["alice", "nobody"])
async def test_a_mailbox_is_asked_for_three_times_an_hour_from_wherever(
    app: FastAPI, alice: Person, name: str
) -> None:
    assert alice.username == "alice"
    answers = []
    for number in range(4):
        async with client_of(app, address=f"10.0.0.{number + 1}") as client:
            answers.append(await forgot(client, f"{name if number % 2 else name.upper()}@example.com"))
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


async def test_the_new_password_works_and_the_old_one_does_not(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    await forgot(client, "ALICE@example.com")
    assert (await reset(client, await post.token())).status_code == 200
    assert (await log_in(client, PASSWORD), await log_in(client, NEW)) == (401, 200)
    assert alice.username == "alice"


async def test_a_reset_leaves_the_second_factor_where_it_was(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person
) -> None:
    await change(app, alice, is_verified=True)
    device = await set_up(client, alice, Clock())
    await post.deliver()
    await forgot(client)
    assert (await reset(client, await post.token())).status_code == 200
    form = {"username": "alice", "password": NEW}
    refused = await client.post("/api/v1/auth/token", data=form)
    assert code(refused) == (401, "second_factor_required")
    accepted = await client.post("/api/v1/auth/token", data={**form, "totp": device.code(1)})
    assert accepted.status_code == 200


async def test_every_session_ends_and_its_owner_is_told(
    client: AsyncClient, post: Post, alice: Person, database_urls: DatabaseUrls
) -> None:
    await forgot(client)
    await reset(client, await post.token())
    assert (await client.get(ME, headers=alice.headers)).status_code == 401
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": alice.refresh_token})
    assert refreshed.status_code == 401
    assert [letter.subject for letter in await post.deliver()] == ["Your password was changed"]
    (entry,) = await audited(database_urls, "password_reset")
    assert (entry["organization_id"], entry["actor_id"]) == (alice.organization_id, alice.user_id)
    assert entry["address"] == "127.0.0.1"


async def test_a_locked_account_is_open_again_to_its_owner(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    for _ in range(5):
        await log_in(client, "Wrong-Horse-9-Battery")
    await forgot(client)
    assert (await reset(client, await post.token())).status_code == 200
    assert alice.username == "alice"


async def test_keys_of_whoever_registered_with_a_foreign_address_die(
    client: AsyncClient, post: Post, robot: Robot, database_urls: DatabaseUrls
) -> None:
    await forgot(client)
    await reset(client, await post.token())
    assert (await client.get("/api/v1/summaries", headers=robot.headers)).status_code == 401
    (user,) = await ask(database_urls.superuser, "SELECT is_verified FROM users")
    assert user["is_verified"] is True


async def test_a_provider_that_whoever_registered_has_linked_opens_nothing_any_more(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person
) -> None:
    linked = OAuthAccount(user_id=alice.user_id, provider="github", issuer="https://github.com", subject="7")
    async with app.state.database.transaction() as session:
        session.add(linked)
    await forgot(client)
    assert (await reset(client, await post.token())).status_code == 200
    async with app.state.database.transaction() as session:
        assert await links_of(session, alice.user_id) == []


async def test_keys_of_a_verified_account_live_on(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person, robot: Robot
) -> None:
    await change(app, alice, is_verified=True)
    await forgot(client)
    assert (await reset(client, await post.token())).status_code == 200
    assert (await client.get("/api/v1/summaries", headers=robot.headers)).status_code == 200
