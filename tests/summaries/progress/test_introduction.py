"""Who opens a WebSocket, and how they say who they are."""

import hashlib
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Tenant
from app.core.principal import Scope
from app.settings import Settings
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.errors import TooManyStreamsError
from app.summaries.progress.event_stream import StreamPace
from app.summaries.progress.slots import StreamSlots
from tests.factories import Factory, Person
from tests.refilling import passes_until_refused
from tests.summaries.progress.conftest import seat
from tests.summaries.progress.streaming import socket_of
from tests.summaries.shelf import PATH

pytestmark = pytest.mark.integration

OURS = "http://127.0.0.1:8000"
# First messages, and how each ends.
STRANGERS = {
    "nonsense": 4400,
    "{}": 4400,
    '{"type": "auth"}': 4400,
    '{"type": "auth", "token": "a", "ticket": "b"}': 4400,
    '{"type": "watch"}': 4400,
    '{"type": "auth", "token": "nonsense"}': 4401,
    '{"type": "auth", "token": "prc_live_nonsense"}': 4401,
    '{"type": "auth", "token": "a.b.c"}': 4401,
    '{"type": "auth", "ticket": "nonsense"}': 4401,
    "x" * 9000: 1009,
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"streams_per_person": 2, "streams_per_process": 20, "cors_origins": ["https://app.example"]}
    return settings.model_copy(update=changes)


async def ticket_of(client: AsyncClient, person: Person) -> str:
    answer = await client.post(f"{PATH}/ws-ticket", headers=person.headers)
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 30)
    assert answer.headers["Cache-Control"] == "no-store"
    ticket: str = answer.json()["ticket"]
    return ticket


async def test_nobody_gets_a_ticket_without_a_credential(client: AsyncClient) -> None:
    answer = await client.post(f"{PATH}/ws-ticket")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_another_sites_page_is_not_let_in(app: FastAPI, subtests: pytest.Subtests) -> None:
    for origin in ("https://evil.example", "null", "", f"{OURS}.evil.example"):
        async with socket_of(app, Origin=origin) as socket:
            with subtests.test(origin):
                assert await socket.refusal() == (403, "cross_site_request")


async def test_our_own_page_and_a_named_one_are_let_in(app: FastAPI, alice: Person) -> None:
    for origin in (OURS, "https://app.example"):
        async with socket_of(app, Origin=origin) as socket:
            await socket.watching(alice.headers)


async def test_a_credential_in_the_url_is_refused(app: FastAPI, alice: Person) -> None:
    for name in ("token", "access_token", "api_key"):
        async with socket_of(app, query=f"?{name}={alice.access_token}") as socket:
            assert await socket.refusal() == (400, "credential_in_query")


async def test_a_process_that_is_to_stop_or_is_full_lets_nobody_in(app: FastAPI) -> None:
    # A tenth of the room is for those who have not said yet who they are.
    async with socket_of(app), socket_of(app), socket_of(app) as third:
        assert await third.refusal() == (503, "streams_full")
    app.state.draining = True
    async with socket_of(app) as socket:
        assert await socket.refusal() == (503, "streams_full")


def test_one_network_waits_with_so_many_at_the_door() -> None:
    slots = StreamSlots(per_process=1000, per_person=1)
    with ExitStack() as door:
        for _ in range(10):
            door.enter_context(slots.unknown("192.0.2.1"))
        with pytest.raises(TooManyStreamsError), slots.unknown("192.0.2.1"):
            pass
        door.enter_context(slots.unknown("2001:db8::/64"))
    with slots.unknown("192.0.2.1"):
        pass


async def test_an_eleventh_of_one_address_is_not_let_in(app: FastAPI) -> None:
    desk: ProgressDesk = app.state.progress
    app.state.progress = replace(desk, slots=StreamSlots(per_process=1000, per_person=1))
    async with AsyncExitStack() as door:
        for _ in range(10):
            await (await door.enter_async_context(socket_of(app))).accepted()
        eleventh = await door.enter_async_context(socket_of(app))
        assert await eleventh.refusal() == (429, "too_many_streams")


async def test_who_says_nothing_is_hung_up_on(app: FastAPI) -> None:
    seat(app, stream=StreamPace(life=60, introduction=0.1))
    async with socket_of(app) as socket:
        await socket.accepted()
        assert await socket.code() == 4408


async def test_who_does_not_say_who_they_are_is_hung_up_on(app: FastAPI, subtests: pytest.Subtests) -> None:
    for message, code in STRANGERS.items():
        async with socket_of(app) as socket:
            await socket.accepted()
            await socket.say_text(message)
            with subtests.test(message[:40]):
                assert await socket.code() == code


async def test_bytes_are_not_spoken_here(app: FastAPI) -> None:
    async with socket_of(app) as socket:
        await socket.accepted()
        socket.peer.inbox.put_nowait({"type": "websocket.receive", "bytes": b"{}"})
        assert await socket.code() == 1003


async def test_a_login_without_the_scope_is_forbidden(app: FastAPI, alice: Person, factory: Factory) -> None:
    narrow = await factory.with_scopes(alice, Scope.PROFILE_READ)
    async with socket_of(app) as socket:
        await socket.accepted()
        await socket.say(type="auth", token=narrow.access_token)
        assert await socket.code() == 4403


async def test_who_guesses_is_slowed_down(app: FastAPI) -> None:
    async def is_refused() -> bool:
        async with socket_of(app) as socket:
            await socket.accepted()
            await socket.say(type="auth", token="nonsense")
            code = await socket.code()
        assert code in {4401, 4429}
        return code == 4429

    await passes_until_refused(is_refused, limit=60)


async def test_a_person_has_so_many_open(app: FastAPI, alice: Person) -> None:
    async with socket_of(app) as first, socket_of(app) as second:
        await first.watching(alice.headers)
        await second.watching(alice.headers)
        async with socket_of(app) as third:
            await third.accepted()
            await third.say(type="auth", token=alice.access_token)
            assert await third.code() == 4429


async def test_a_ticket_opens_one_socket_and_no_other(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    protocols = ("precis.v1", f"ticket.{await ticket_of(client, alice)}")
    async with socket_of(app, protocols=protocols, Origin=OURS) as socket:
        # Never the ticket: it would stand in the answer's headers.
        assert await socket.accepted() == "precis.v1"
        await socket.hear("watching")
    async with socket_of(app, protocols=protocols) as again:
        await again.accepted()
        assert await again.code() == 4401


async def test_a_ticket_may_also_be_the_first_message(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    async with socket_of(app) as socket:
        assert await socket.accepted() is None
        await socket.say(type="auth", ticket=await ticket_of(client, alice))
        await socket.hear("watching")


async def test_a_ticket_dies_with_its_session(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    ticket = await ticket_of(client, alice)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await session.execute(text("UPDATE auth_sessions SET revoked_at = now()"))
    async with socket_of(app) as socket:
        await socket.accepted()
        await socket.say(type="auth", ticket=ticket)
        assert await socket.code() == 4401


async def test_a_ticket_of_another_version_opens_nothing(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    ticket = await ticket_of(client, alice)
    key = f"ws_ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
    await app.state.redis.run(lambda redis: redis.set(key, b"{}"))
    async with socket_of(app) as socket:
        await socket.accepted()
        await socket.say(type="auth", ticket=ticket)
        assert await socket.code() == 4401
