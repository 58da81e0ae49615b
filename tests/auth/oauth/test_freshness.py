"""A login by a provider is as recent as the proof that the provider, or a code, gives of who came."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.accounts.post import KeptMail, make_post, token_of
from tests.auth.oauth.visitor import OAUTH, Observer, Visitor
from tests.auth.second_factor.device import Clock, Device, set_up
from tests.auth.traces import bearer, log_in
from tests.factories import PASSWORD, Person
from tests.openid_stub import OpenIdStub

pytestmark = pytest.mark.integration

EXPORT = "/api/v1/users/me/export"
ME = "/api/v1/users/me"
TOO_OLD = (403, "recent_login_required")
GOOGLE = {"iss": "https://accounts.google.com"}


@pytest.fixture
async def github_device(client: AsyncClient, alice: Person, observer: Observer) -> Device:
    """Alice's, whose account GitHub opens too."""
    await observer.link(alice, "7", issuer="https://github.com", provider="github")
    return await set_up(client, alice, Clock())


async def export(client: AsyncClient, login: Response) -> Response:
    assert login.status_code == 200, login.text
    return await client.get(EXPORT, headers=bearer(login))


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_proof_older_than_was_demanded_opens_nothing(
    visitor: Visitor, stub: OpenIdStub, observer: Observer
) -> None:
    stub.proved_ago = 86_400
    assert refusal(await visitor.log_in()) == (502, "oauth_proof_refused")
    assert await observer.count("auth_sessions") == 0


async def test_what_takes_a_recent_login_is_not_to_be_had_by_github(
    visitor: Visitor, client: AsyncClient
) -> None:
    """It does not say when, and its session may be found open."""
    login = await visitor.log_in("github")
    assert refusal(await export(client, login)) == TOO_OLD
    assert refusal(await client.delete(ME, headers=bearer(login))) == TOO_OLD
    assert refusal(await client.post(f"{OAUTH}/oidc/link", headers=bearer(login))) == TOO_OLD
    assert (await client.get(ME, headers=bearer(login))).status_code == 200


async def test_nor_by_google_that_does_not_say_when(
    visitor: Visitor, client: AsyncClient, stub: OpenIdStub
) -> None:
    stub.claims = {**GOOGLE, "auth_time": None}
    assert refusal(await export(client, await visitor.log_in("google"))) == TOO_OLD


async def test_nor_by_google_that_says_long_ago(
    visitor: Visitor, client: AsyncClient, stub: OpenIdStub
) -> None:
    """It cannot be told to ask again, so that an old proof has to open something."""
    stub.claims, stub.proved_ago = GOOGLE, 86_400
    assert refusal(await export(client, await visitor.log_in("google"))) == TOO_OLD


@pytest.mark.parametrize("proved", ["yesterday", -1, True, 4_000_000_000])
async def test_google_that_says_nonsense_opens_nothing(
    visitor: Visitor, stub: OpenIdStub, proved: object
) -> None:
    stub.claims = {**GOOGLE, "auth_time": proved}
    assert refusal(await visitor.log_in("google")) == (502, "oauth_proof_refused")


async def test_a_proof_that_grew_old_on_the_way_here_is_not_recent(
    visitor: Visitor, client: AsyncClient, stub: OpenIdStub
) -> None:
    stub.proved_ago = 20 * 60
    assert refusal(await export(client, await visitor.log_in())) == TOO_OLD


async def test_a_refresh_does_not_make_it_recent(visitor: Visitor, client: AsyncClient) -> None:
    token = (await visitor.log_in("github")).json()["refresh_token"]
    fresh = await client.post("/api/v1/auth/refresh", json={"refresh_token": token})
    assert refusal(await export(client, fresh)) == TOO_OLD


async def test_a_code_that_nobody_checked_proves_nothing(
    visitor: Visitor, client: AsyncClient, observer: Observer, github_device: Device
) -> None:
    """The second factor was taken away between the provider's word and the code."""
    await visitor.log_in("github")
    await observer.ask("DELETE FROM second_factors WHERE user_id = $1", github_device.owner.user_id)
    login = await client.post(f"{OAUTH}/github/second-factor", json={"totp": "000000"})
    assert refusal(await export(client, login)) == TOO_OLD


async def test_the_session_is_as_old_as_the_proof(
    visitor: Visitor, client: AsyncClient, stub: OpenIdStub, observer: Observer
) -> None:
    proved = int(time.time()) - 600
    stub.claims = {"auth_time": proved}
    assert (await export(client, await visitor.log_in())).status_code == 200
    (row,) = await observer.ask("SELECT authenticated_at FROM auth_sessions")
    assert row["authenticated_at"].timestamp() == proved


async def test_a_fast_clock_of_the_provider_makes_no_login_of_the_future(
    visitor: Visitor, stub: OpenIdStub, observer: Observer
) -> None:
    stub.proved_ago = -50
    assert (await visitor.log_in()).status_code == 200
    (row,) = await observer.ask("SELECT authenticated_at <= now() AS is_past FROM auth_sessions")
    assert row["is_past"]


async def test_google_that_says_just_now_is_believed(
    visitor: Visitor, client: AsyncClient, stub: OpenIdStub
) -> None:
    stub.claims = GOOGLE
    assert (await export(client, await visitor.log_in("google"))).status_code == 200


async def test_with_a_code_of_ones_own_a_login_by_github_is_recent(
    visitor: Visitor, client: AsyncClient, github_device: Device
) -> None:
    await visitor.log_in("github")
    login = await client.post(f"{OAUTH}/github/second-factor", json={"totp": github_device.code(1)})
    assert (await export(client, login)).status_code == 200


async def test_whoever_has_github_alone_can_leave_by_a_password_that_they_set(
    visitor: Visitor, client: AsyncClient, app: FastAPI
) -> None:
    await visitor.log_in("github")
    await client.post("/api/v1/auth/forgot-password", json={"email": "dora@example.org"})
    post = make_post(app, KeptMail())
    async with post.queue.open_async():
        (token,) = [token_of(letter) for letter in await post.deliver() if "#token=" in letter.text]
    new = {"token": token, "new_password": PASSWORD}
    assert (await client.post("/api/v1/auth/reset-password", json=new)).status_code == 200
    login = await log_in(client, "dora-codes")
    assert (await export(client, login)).status_code == 200
    assert (await client.delete(ME, headers=bearer(login))).status_code == 200


@pytest.mark.parametrize(
    ("provider", "asked"),
    [
        ("oidc", {"max_age": ["900"]}),
        ("google", {"claims": ['{"id_token":{"auth_time":{"essential":true}}}']}),
        ("github", {}),
    ],
)
async def test_each_provider_is_asked_for_the_time_as_it_can_say_it(
    visitor: Visitor, provider: str, asked: dict[str, list[str]]
) -> None:
    query = parse_qs(urlsplit(await visitor.begin(provider)).query)
    assert {name: query[name] for name in ("max_age", "claims") if name in query} == asked
