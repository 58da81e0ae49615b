"""The cookie that makes a device known."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from app.settings import Settings
from tests.auth.attackers import AWAY, HOME, WRONG, Clock, at, guess, log_in, query
from tests.factories import Person
from tests.fixtures import make_app

pytestmark = pytest.mark.integration


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def built_app(settings: Settings, clock: Clock) -> FastAPI:
    return make_app(settings.model_copy(update={"rate_limit_scale": 1000.0}), clock=clock)


@pytest.fixture
def public_app(settings: Settings) -> FastAPI:
    return make_app(settings.model_copy(update={"public_url": "https://precis.example"}))


def device_cookie(answer: Response) -> str:
    return SimpleCookie(answer.headers["set-cookie"])["did"].value


async def lock_strangers_out(app: FastAPI, person: Person) -> None:
    for network in range(8):
        await guess(at(app, f"10.{network}.0.1"), person.username, times=5)
    assert (await log_in(at(app, AWAY), person.username)).status_code == 401


async def test_a_refused_login_makes_no_device_known(app: FastAPI, alice: Person) -> None:
    assert "set-cookie" not in (await log_in(at(app, HOME), alice.username, WRONG)).headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_sites_form_does_not_replace_the_cookie(app: FastAPI, alice: Person, site: str) -> None:
    client = at(app, HOME)
    client.headers["Sec-Fetch-Site"] = site
    answer = await log_in(client, alice.username)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_nobody_elses_cookie_and_no_forged_one_makes_a_device_known(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    theirs = device_cookie(await log_in(at(app, HOME), charlie.username))
    await lock_strangers_out(app, alice)
    for cookie in (theirs, theirs[:-2] + "AA", "nonsense"):
        assert (await log_in(at(app, HOME, did=cookie), alice.username)).status_code == 401


async def test_after_a_year_a_device_is_a_stranger_again(app: FastAPI, alice: Person, clock: Clock) -> None:
    cookie = device_cookie(await log_in(at(app, HOME), alice.username))
    clock.advance(timedelta(days=365))
    await lock_strangers_out(app, alice)
    assert (await log_in(at(app, HOME, did=cookie), alice.username)).status_code == 401


async def test_over_http_the_cookie_is_plain_and_out_of_reach_of_scripts(app: FastAPI, alice: Person) -> None:
    cookie = SimpleCookie((await log_in(at(app, HOME), alice.username)).headers["set-cookie"])["did"]
    attributes = {name: value for name, value in cookie.items() if value}
    assert attributes == {"httponly": True, "max-age": "31536000", "path": "/", "samesite": "lax"}


async def test_over_https_it_has_the_prefix_and_is_secure(public_app: FastAPI, alice: Person) -> None:
    async with LifespanManager(public_app):
        transport = ASGITransport(app=public_app)
        async with AsyncClient(transport=transport, base_url="https://precis.example") as client:
            header = (await log_in(client, alice.username)).headers["set-cookie"]
    assert header.startswith("__Host-did=")
    assert "; Secure" in header
    assert "Domain" not in header


async def test_a_device_keeps_its_id_and_gets_a_fresh_cookie(
    app: FastAPI, alice: Person, clock: Clock
) -> None:
    client = at(app, HOME)
    first = device_cookie(await log_in(client, alice.username))
    clock.advance(timedelta(days=300))
    second = device_cookie(await log_in(client, alice.username))
    clock.advance(timedelta(days=300))
    await lock_strangers_out(app, alice)
    assert first != second
    assert (await log_in(client, alice.username)).status_code == 200


async def test_two_people_on_one_device_are_two_devices(app: FastAPI, alice: Person, charlie: Person) -> None:
    client = at(app, HOME)
    ours = device_cookie(await log_in(client, alice.username))
    theirs = device_cookie(await log_in(client, charlie.username))
    devices = app.state.login_service.parts.devices
    assert devices.read(ours, alice.user_id) != devices.read(theirs, charlie.user_id)
    assert await query(app, "SELECT count(*) FROM login_tallies") == [0]
