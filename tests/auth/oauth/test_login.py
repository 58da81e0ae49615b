"""Whose account a provider's word opens, and whose it does not."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.principal import StaffRole
from tests.auth.oauth.visitor import Observer, Visitor, forget_provider
from tests.auth.second_factor.device import Clock, set_up
from tests.auth.traces import bearer, log_in
from tests.factories import Factory, Person
from tests.openid_stub import ABSENT, OpenIdStub

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


@pytest.fixture
async def dora(factory: Factory, stub: OpenIdStub) -> Person:
    """Has an account here, by password, under the address that the provider knows her by."""
    dora = await factory.person("dora")
    stub.account["email"] = "dora@example.com"
    return dora


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_an_address_that_was_never_verified_here_is_not_joined(
    visitor: Visitor, observer: Observer, dora: Person
) -> None:
    """Whoever registered it first, without owning it, would wait for its owner's things to come in."""
    assert refusal(await visitor.log_in()) == (409, "oauth_account_exists")
    assert await observer.links() == []
    assert dora.username == "dora"


async def test_an_address_that_the_provider_does_not_vouch_for_takes_over_no_account(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, dora: Person
) -> None:
    await observer.verify_email(dora)
    for verified in (False, ABSENT, "false", 1, None):
        stub.claims = {"email_verified": verified}
        assert refusal(await visitor.log_in()) == (403, "oauth_email_unverified")
    assert await observer.links() == []


@pytest.mark.parametrize("role", [StaffRole.MODERATOR, StaffRole.ADMIN, StaffRole.SUPER_ADMIN])
async def test_a_staff_account_is_not_joined_by_its_address(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, factory: Factory, role: StaffRole
) -> None:
    staff = await factory.person("staff", role=role)
    await observer.verify_email(staff)
    stub.account["email"] = "staff@example.com"
    assert refusal(await visitor.log_in()) == (409, "oauth_account_exists")


async def test_an_account_with_a_second_factor_is_not_joined_by_its_address(
    visitor: Visitor, client: AsyncClient, observer: Observer, dora: Person
) -> None:
    await observer.verify_email(dora)
    await set_up(client, dora, Clock())
    assert refusal(await visitor.log_in()) == (409, "oauth_account_exists")
    assert await observer.links() == []


async def test_a_second_account_of_one_provider_is_not_joined(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, dora: Person
) -> None:
    await observer.verify_email(dora)
    await observer.link(dora, "another", issuer=stub.issuer)
    assert refusal(await visitor.log_in()) == (409, "oauth_account_exists")


async def test_both_sides_verified_are_joined(visitor: Visitor, observer: Observer, dora: Person) -> None:
    await observer.verify_email(dora)
    answer = await visitor.log_in()
    assert answer.status_code == 200, answer.text
    assert await observer.links() == [("oidc", "1001", dora.user_id)]
    (entry,) = await observer.recorded("provider_linked")
    assert (entry["subject_id"], entry["organization_id"]) == (dora.user_id, dora.organization_id)
    assert await observer.mails() == ["provider_linked"]


async def test_the_subject_counts_and_not_the_address(
    visitor: Visitor, stub: OpenIdStub, client: AsyncClient, alice: Person, observer: Observer
) -> None:
    """An address may change hands at the provider; its subjects may not."""
    await visitor.log_in()
    stub.account["email"] = "alice@example.com"
    await observer.verify_email(alice)
    me = await client.get(ME, headers=bearer(await visitor.log_in()))
    assert me.json()["email"] == "dora@example.org"
    stub.account["sub"] = "1002"
    assert (await client.get(ME, headers=bearer(await visitor.log_in()))).json()["username"] == "alice"


async def test_a_subject_of_another_issuer_is_somebody_else(
    visitor: Visitor, observer: Observer, alice: Person
) -> None:
    """Else an operator who changes OIDC_ISSUER would hand out accounts."""
    await observer.link(alice, "1001", issuer="https://former.example")
    assert (await visitor.log_in()).status_code == 200
    assert len({user_id for _, _, user_id in await observer.links()}) == 2


async def test_an_inactive_account_is_refused_as_by_a_wrong_password(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, dora: Person
) -> None:
    await observer.verify_email(dora)
    await observer.deactivate(dora)
    assert refusal(await visitor.log_in()) == (401, "login_failed")
    await observer.link(dora, "1001", issuer=stub.issuer)
    assert refusal(await visitor.log_in()) == (401, "login_failed")
    entries = await observer.recorded("login_failure")
    assert [(entry["organization_id"], entry["subject_id"]) for entry in entries] == [
        (None, dora.user_id)
    ] * 2


async def test_where_addresses_must_be_verified_a_linked_account_needs_one(
    app: FastAPI, visitor: Visitor, stub: OpenIdStub, observer: Observer, dora: Person
) -> None:
    await observer.link(dora, "1001", issuer=stub.issuer)
    app.state.settings = app.state.settings.model_copy(update={"email_verification": "required"})
    forget_provider(app)
    assert refusal(await visitor.log_in()) == (403, "email_not_verified")


async def test_a_first_login_makes_an_account_with_an_organisation(
    visitor: Visitor, client: AsyncClient, observer: Observer
) -> None:
    pair = await visitor.log_in()
    assert (pair.status_code, pair.headers["Cache-Control"]) == (200, "no-store")
    me = (await client.get(ME, headers=bearer(pair))).json()
    assert (me["username"], me["email"], me["is_verified"]) == ("dora", "dora@example.org", True)
    assert (me["full_name"], me["role"]) == ("Dora", "user")
    assert "summaries:write" in pair.json()["scope"]
    assert await observer.count("organizations") == 1
    assert await observer.mails() == ["welcome"]


async def test_what_happened_is_in_the_audit_log(visitor: Visitor, observer: Observer) -> None:
    await visitor.log_in()
    (registered,) = await observer.recorded("user_registered")
    (entered,) = await observer.recorded("login_success")
    assert '"provider": "oidc"' in registered["details"]
    assert '"fed"' in entered["details"]
    assert registered["organization_id"] == entered["organization_id"] is not None


async def test_the_next_login_finds_the_account_again(visitor: Visitor, observer: Observer) -> None:
    for _ in range(3):
        assert (await visitor.log_in()).status_code == 200
    assert (await observer.count("users"), await observer.count("oauth_accounts")) == (1, 1)


async def test_the_pair_is_refreshed_and_ended_as_any(visitor: Visitor, client: AsyncClient) -> None:
    pair = await visitor.log_in()
    token = {"refresh_token": pair.json()["refresh_token"]}
    fresh = await client.post("/api/v1/auth/refresh", json=token)
    assert fresh.status_code == 200
    assert (await client.get(ME, headers=bearer(fresh))).status_code == 200


async def test_an_account_without_a_password_opens_to_none(visitor: Visitor, client: AsyncClient) -> None:
    await visitor.log_in()
    for password in ("", "!", "A" * 43, "\x00"):
        answer = await log_in(client, "dora", password)
        assert answer.status_code in {401, 422}


async def test_a_name_that_is_taken_gets_a_suffix(
    visitor: Visitor, stub: OpenIdStub, client: AsyncClient, factory: Factory
) -> None:
    await factory.person("dora")
    stub.account["preferred_username"] = "Dora"
    me = await client.get(ME, headers=bearer(await visitor.log_in()))
    assert me.json()["username"].startswith("dora-")


async def test_two_first_logins_at_once_make_one_account(
    visitor: Visitor, stub: OpenIdStub, observer: Observer
) -> None:
    begun = []
    for _ in range(2):
        back = stub.visit(await visitor.begin())
        begun.append((back, dict(visitor.client.cookies)))
    answers = await asyncio.gather(
        *(
            visitor.client.get(visitor.callback(back), cookies=None, headers=cookie_header(cookies))
            for back, cookies in begun
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (await observer.count("users"), await observer.count("oauth_accounts")) == (1, 1)


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


async def test_a_page_gets_cookies_and_no_token(visitor: Visitor, client: AsyncClient) -> None:
    answer = await visitor.log_in(mode="cookie")
    assert (answer.status_code, answer.headers["Location"], answer.text) == (303, "/app", "")
    names = {cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")}
    assert {"access_token", "refresh_token"} <= names
    assert (await client.get(ME)).json()["username"] == "dora"


async def test_the_attempts_cookie_is_taken_away(visitor: Visitor) -> None:
    for mode in ("token", "cookie"):
        answer = await visitor.log_in(mode=mode)
        cookies = [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("oauth=")]
        assert len(cookies) == 1
        assert "Max-Age=0" in cookies[0]


async def test_userinfo_adds_what_the_token_leaves_out(
    visitor: Visitor, stub: OpenIdStub, client: AsyncClient
) -> None:
    stub.claims = {"email": ABSENT}
    stub.userinfo = {"sub": "1001", "email": "dora@example.net", "email_verified": True}
    me = await client.get(ME, headers=bearer(await visitor.log_in()))
    assert me.json()["email"] == "dora@example.net"


async def test_userinfo_overrides_nothing_that_was_signed(
    visitor: Visitor, stub: OpenIdStub, observer: Observer
) -> None:
    stub.claims = {"email": ABSENT, "email_verified": False}
    stub.userinfo = {"sub": "1001", "email": "dora@example.net", "email_verified": True}
    assert refusal(await visitor.log_in()) == (403, "oauth_email_unverified")
    assert await observer.count("users") == 0


async def test_the_provider_is_asked_for_no_more_than_is_needed(visitor: Visitor) -> None:
    query = parse_qs(urlsplit(await visitor.begin()).query)
    assert query["scope"] == ["openid email profile"]
    assert query["redirect_uri"] == ["http://127.0.0.1:8000/api/v1/auth/oauth/oidc/callback"]
    assert set(query) == {
        *("response_type", "client_id", "redirect_uri", "state", "scope", "nonce"),
        *("code_challenge", "code_challenge_method", "max_age"),
    }


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
async def test_the_secret_is_sent_as_the_provider_wants_it(
    visitor: Visitor, stub: OpenIdStub, method: str
) -> None:
    stub.configuration = {"token_endpoint_auth_methods_supported": [method]}
    assert (await visitor.log_in()).status_code == 200
    (exchange,) = (asked for asked in stub.asked if asked.path == "/token")
    assert ("client_secret" in exchange.form) == (method == "client_secret_post")
