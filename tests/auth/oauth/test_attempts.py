"""An attempt belongs to one browser, works once, and ends as the provider says it does."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from tests.auth.oauth.visitor import AS_PROGRAM, OAUTH, Observer, Visitor
from tests.factories import Person
from tests.fixtures import BASE_URL
from tests.openid_stub import OpenIdStub
from tests.refilling import passes_until_refused

pytestmark = pytest.mark.integration

INVALID = (400, "oauth_state_invalid")


@pytest.mark.parametrize("provider", ["facebook", "OIDC", "..", "%00", "providers"])
@pytest.mark.parametrize("path", ["authorize", "callback"])
async def test_a_provider_that_is_not_offered_is_404(client: AsyncClient, provider: str, path: str) -> None:
    answer = await client.get(f"{OAUTH}/{provider}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_another_browser_cannot_finish_it(visitor: Visitor, app: FastAPI, stub: OpenIdStub) -> None:
    """An attacker who sends a victim their own callback logs nobody in (RFC 9700, 4.7)."""
    back = stub.visit(await visitor.begin())
    async with AsyncClient(transport=ASGITransport(app=app), base_url=BASE_URL) as other:
        victim = Visitor(other, stub)
        answer = await victim.come_back(back)
        assert (answer.status_code, answer.json()["code"]) == INVALID
        await victim.begin()
        answer = await victim.come_back(back)
        assert (answer.status_code, answer.json()["code"]) == INVALID


async def test_a_code_for_one_provider_is_refused_at_anothers_callback(
    visitor: Visitor, stub: OpenIdStub
) -> None:
    back = stub.visit(await visitor.begin("oidc"))
    answer = await visitor.come_back(back, "google")
    assert (answer.status_code, answer.json()["code"]) == INVALID


@pytest.mark.parametrize("state", ["", "x", "x" * 4096, "\x00", "é"])
async def test_what_is_no_state_is_refused(visitor: Visitor, state: str) -> None:
    await visitor.begin()
    answer = await visitor.come_back({"state": state, "code": "x"})
    assert (answer.status_code, answer.json()["code"]) == INVALID


async def test_a_callback_with_nothing_at_all_is_refused(client: AsyncClient) -> None:
    answer = await client.get(f"{OAUTH}/oidc/callback")
    assert (answer.status_code, answer.json()["code"]) == INVALID


async def test_it_works_once(visitor: Visitor, stub: OpenIdStub) -> None:
    back = stub.visit(await visitor.begin())
    cookies = dict(visitor.client.cookies)
    assert (await visitor.come_back(back)).status_code == 200
    visitor.client.cookies.update(cookies)
    answer = await visitor.come_back(back)
    assert (answer.status_code, answer.json()["code"]) == INVALID


async def test_of_many_at_once_one_works(visitor: Visitor, stub: OpenIdStub, observer: Observer) -> None:
    back = stub.visit(await visitor.begin())
    answers = await asyncio.gather(*(visitor.come_back(back) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    assert await observer.count("auth_sessions") == 1


async def test_a_refused_attempt_is_over_too(visitor: Visitor, stub: OpenIdStub) -> None:
    back = stub.visit(await visitor.begin())
    stub.answers["/token"] = (500, {})
    assert (await visitor.come_back(back)).status_code == 503
    del stub.answers["/token"]
    answer = await visitor.come_back(back)
    assert (answer.status_code, answer.json()["code"]) == INVALID


async def test_a_spent_code_is_refused(visitor: Visitor, stub: OpenIdStub) -> None:
    spent = stub.visit(await visitor.begin())
    assert (await visitor.come_back(spent)).status_code == 200
    back = stub.visit(await visitor.begin())
    answer = await visitor.come_back({**back, "code": spent["code"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "oauth_code_refused")


async def test_a_code_of_another_attempt_is_refused_by_its_challenge(
    visitor: Visitor, stub: OpenIdStub
) -> None:
    stolen = stub.visit(await visitor.begin())
    back = stub.visit(await visitor.begin())
    answer = await visitor.come_back({**back, "code": stolen["code"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "oauth_code_refused")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("access_denied", 403, "oauth_denied"),
        ("login_required", 403, "oauth_denied"),
        ("server_error", 503, "oauth_provider_unavailable"),
        ("temporarily_unavailable", 503, "oauth_provider_unavailable"),
        ("invalid_scope", 502, "oauth_provider_failed"),
        ("<script>", 502, "oauth_provider_failed"),
    ],
)
async def test_an_error_of_the_provider_is_told(
    visitor: Visitor, stub: OpenIdStub, error: str, status: int, code: str
) -> None:
    state = stub.visit(await visitor.begin())["state"]
    answer = await visitor.come_back({"state": state, "error": error, "error_description": "<script>"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "<script>" not in answer.text


async def test_an_error_without_a_state_is_not_believed(visitor: Visitor) -> None:
    answer = await visitor.come_back({"error": "access_denied"})
    assert (answer.status_code, answer.json()["code"]) == INVALID


async def test_no_code_is_refused(visitor: Visitor, stub: OpenIdStub) -> None:
    state = stub.visit(await visitor.begin())["state"]
    answer = await visitor.come_back({"state": state})
    assert (answer.status_code, answer.json()["code"]) == (400, "oauth_code_refused")


async def test_a_browser_is_sent_to_the_provider_and_a_program_is_told(client: AsyncClient) -> None:
    sent = await client.get(f"{OAUTH}/oidc/authorize", headers={"Accept": "text/html,*/*;q=0.8"})
    told = await client.get(f"{OAUTH}/oidc/authorize", headers=AS_PROGRAM)
    assert (sent.status_code, told.status_code) == (303, 200)
    assert sent.headers["Location"].partition("?")[0] == told.json()["authorization_url"].partition("?")[0]
    assert "no-store" in sent.headers["Cache-Control"]


async def test_the_cookie_is_out_of_reach_and_short_lived(client: AsyncClient) -> None:
    answer = await client.get(f"{OAUTH}/oidc/authorize")
    cookie = answer.headers["Set-Cookie"]
    for attribute in ("HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax"):
        assert attribute in cookie
    assert cookie.partition("=")[2].partition(";")[0] not in answer.headers["Location"]


async def test_beginning_is_limited_by_address(app: FastAPI) -> None:
    app.state.limiter._scale = 1.0  # noqa: SLF001  # as in production
    transport = ASGITransport(app=app, client=("192.0.2.1", 50000))
    async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
        for path, passing, limit in (("authorize", 303, 20), ("callback", 400, 5)):

            async def is_refused(path: str = path, passing: int = passing) -> bool:
                status = (await client.get(f"{OAUTH}/oidc/{path}")).status_code
                assert status in {passing, 429}
                return status == 429

            await passes_until_refused(is_refused, limit=limit)


async def test_the_offered_providers_are_listed(client: AsyncClient) -> None:
    answer = await client.get(f"{OAUTH}/providers")
    assert [item["name"] for item in answer.json()["items"]] == ["google", "github", "oidc"]


async def test_spent_states_are_swept_when_they_have_expired(
    visitor: Visitor, observer: Observer, alice: Person
) -> None:
    assert alice.username == "alice"
    await visitor.log_in()
    await observer.ask("UPDATE spent_oauth_states SET expires_at = now() - interval '1 second'")
    await visitor.log_in()
    assert await observer.count("spent_oauth_states") == 1
