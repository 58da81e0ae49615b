"""Ending sessions, by whomever and from whichever transaction."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.auth.sessions import end_all_sessions, end_sessions
from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.organizations.repository import OrganizationRepository
from app.users.store import UserStore
from tests.auth.traces import is_in, sessions_of
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
async def both(app: FastAPI, factory: Factory, alice: Person, charlie: Person) -> tuple[Person, Person]:
    """Charlie at home, and charlie as a guest of alice's organisation."""
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        repository = OrganizationRepository(session, alice.organization_id)
        await repository.add_member(charlie.user_id, role=MembershipRole.VIEWER)
    async with app.state.database.transaction() as session:
        user = await UserStore(session).get(charlie.user_id)
    assert user is not None
    return charlie, await factory.log_in(user, alice.organization_id, MembershipRole.VIEWER)


async def test_what_is_rolled_back_ends_nothing(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    cache = app.state.principal_cache
    async with app.state.database.open() as session:
        await end_all_sessions(session, alice.user_id, reason="test", cache=cache)
        await session.rollback()
    assert await is_in(client, alice)


async def test_nobody_elses_session_is_ended_by_its_id(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    tenant, cache = Tenant(alice.organization_id, alice.user_id), app.state.principal_cache
    async with app.state.database.transaction(tenant) as session:
        ended = await end_sessions(session, alice.user_id, [bob.session_id], reason="test", cache=cache)
    assert (ended, await is_in(client, bob)) == ([], True)


@pytest.mark.parametrize("binding", ["nobody", "themself", "their organisation", "staff"])
async def test_all_end_in_every_organisation_whoever_asks(
    client: AsyncClient, app: FastAPI, both: tuple[Person, Person], root: Person, binding: str
) -> None:
    home, guest = both
    tenants = {
        "nobody": None,
        "themself": Tenant(user_id=home.user_id),
        "their organisation": Tenant(guest.organization_id),
        "staff": Tenant(root.organization_id, root.user_id),
    }
    assert (await is_in(client, home), await is_in(client, guest)) == (True, True)
    async with app.state.database.transaction(tenants[binding]) as session:
        ended = await end_all_sessions(session, home.user_id, reason="test", cache=app.state.principal_cache)
    assert set(ended) == {home.session_id, guest.session_id}
    people = (home, guest, root)
    assert [await is_in(client, person) for person in people] == [False, False, True]


async def test_the_callers_transaction_is_bound_as_before_afterwards(
    app: FastAPI, alice: Person, bob: Person, root: Person
) -> None:
    tenant = Tenant(alice.organization_id, root.user_id)
    async with app.state.database.transaction(tenant) as session:
        await end_all_sessions(session, bob.user_id, reason="test", cache=app.state.principal_cache)
        assert session.info["tenant"] == tenant
        async with session.begin_nested():
            membership = OrganizationRepository(session, alice.organization_id)
            await membership.add_member(root.user_id, role=MembershipRole.VIEWER)


async def test_a_session_that_ended_keeps_its_first_reason(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    for reason in ("first", "second"):
        async with app.state.database.transaction() as session:
            await end_all_sessions(session, alice.user_id, reason=reason, cache=app.state.principal_cache)
    (row,) = await sessions_of(database_urls, alice)
    assert row["revoke_reason"] == "first"


async def test_endings_at_once_do_not_wait_for_each_other_forever(
    app: FastAPI, factory: Factory, alice: Person, database_urls: DatabaseUrls
) -> None:
    others = [await factory.with_scopes(alice) for _ in range(5)]

    async def end(person: Person) -> None:
        async with app.state.database.transaction() as session:
            which, cache = [person.session_id], app.state.principal_cache
            await end_sessions(session, alice.user_id, which, reason="test", cache=cache)
            await end_all_sessions(session, alice.user_id, reason="test", cache=cache)

    await asyncio.gather(*map(end, others))
    assert all(row["revoked_at"] for row in await sessions_of(database_urls, alice))
