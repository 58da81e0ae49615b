"""A provider's word is the first factor, not the second."""

import pytest
from httpx2 import AsyncClient, Response

from app.core.principal import StaffRole
from tests.auth.oauth.visitor import OAUTH, Observer, Visitor
from tests.auth.second_factor.device import Clock, Device, set_up
from tests.auth.traces import bearer
from tests.factories import Factory, Person
from tests.openid_stub import OpenIdStub

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


@pytest.fixture
async def device(client: AsyncClient, alice: Person, observer: Observer, stub: OpenIdStub) -> Device:
    """Alice's, whose account the provider opens too."""
    await observer.link(alice, "1001", issuer=stub.issuer)
    return await set_up(client, alice, Clock())


async def send(client: AsyncClient, code: str, provider: str = "oidc") -> Response:
    return await client.post(f"{OAUTH}/{provider}/second-factor", json={"totp": code})


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_without_the_code_nobody_is_let_in(
    visitor: Visitor, observer: Observer, device: Device
) -> None:
    before = await observer.count("auth_sessions")
    answer = await visitor.log_in()
    assert refusal(answer) == (401, "oauth_second_factor_required")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert await observer.count("auth_sessions") == before
    assert device.owner.username == "alice"


async def test_without_the_providers_word_a_code_is_worth_nothing(
    client: AsyncClient, device: Device
) -> None:
    assert refusal(await send(client, device.code(1))) == (400, "oauth_state_invalid")


async def test_a_state_is_no_ticket_and_a_ticket_no_state(
    visitor: Visitor, stub: OpenIdStub, client: AsyncClient, device: Device
) -> None:
    state = stub.visit(await visitor.begin())["state"]
    client.cookies.set("oauth-step", f"{state}.{client.cookies['oauth']}")
    assert refusal(await send(client, device.code(1))) == (400, "oauth_state_invalid")
    client.cookies.clear()
    await visitor.log_in()
    ticket, _, browser = client.cookies["oauth-step"].partition(".")
    client.cookies.clear()
    client.cookies.set("oauth", browser)
    assert refusal(await visitor.come_back({"state": ticket, "code": "x"})) == (400, "oauth_state_invalid")


async def test_a_wrong_code_is_refused_and_the_right_one_still_works(
    visitor: Visitor, client: AsyncClient, observer: Observer, device: Device
) -> None:
    await visitor.log_in()
    assert refusal(await send(client, device.wrong_code)) == (401, "login_failed")
    assert len(await observer.recorded("login_failure")) == 1
    assert (await send(client, device.code(1))).status_code == 200


async def test_with_the_code_the_session_is_as_strong_as_any(
    visitor: Visitor, client: AsyncClient, observer: Observer, device: Device
) -> None:
    await visitor.log_in()
    answer = await send(client, device.code(1))
    assert (await client.get(ME, headers=bearer(answer))).json()["username"] == "alice"
    rows = await observer.ask("SELECT amr FROM auth_sessions ORDER BY created_at DESC LIMIT 1")
    assert rows[0]["amr"] == ["fed", "otp"]


async def test_a_ticket_works_once(visitor: Visitor, client: AsyncClient, device: Device) -> None:
    await visitor.log_in()
    ticket = client.cookies["oauth-step"]
    assert (await send(client, device.code(1))).status_code == 200
    client.cookies.set("oauth-step", ticket)
    assert refusal(await send(client, device.recovery_codes[0])) == (400, "oauth_state_invalid")


async def test_an_account_that_was_closed_meanwhile_stays_closed(
    visitor: Visitor, client: AsyncClient, observer: Observer, device: Device
) -> None:
    await visitor.log_in()
    await observer.deactivate(device.owner)
    assert refusal(await send(client, device.code(1))) == (401, "login_failed")


async def test_a_page_gets_its_cookies_after_the_code(
    visitor: Visitor, client: AsyncClient, device: Device
) -> None:
    assert (await visitor.log_in(mode="cookie")).status_code == 401
    answer = await send(client, device.code(1))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/app")
    assert (await client.get(ME)).json()["username"] == "alice"


async def test_a_staff_role_counts_only_with_the_code(
    visitor: Visitor, client: AsyncClient, factory: Factory, observer: Observer, stub: OpenIdStub
) -> None:
    """Where staff must have a second factor, a provider's word alone gives an ordinary user's scopes."""
    boss = await factory.person("boss", role=StaffRole.ADMIN)
    await observer.link(boss, "1001", issuer=stub.issuer)
    assert "admin" in (await visitor.log_in()).json()["scope"].split()
    boss_device = await set_up(client, boss, Clock())
    assert (await visitor.log_in()).status_code == 401
    assert "admin" in (await send(client, boss_device.code(1))).json()["scope"].split()
