"""The rank of a tenant's next summary: by a count that holds a second, and what came since."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.ids import new_id
from app.summaries.taking import backlogs
from app.summaries.taking.backlogs import Backlogs
from tests.factories import Factory, Person
from tests.summaries.shelf import PATH


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(clock: Clock) -> Backlogs:
    return Backlogs(clock=clock)


@pytest.fixture
def tenant() -> UUID:
    return new_id()


@pytest.mark.unit
def test_a_count_holds_a_second_and_grows_meanwhile(known: Backlogs, clock: Clock, tenant: UUID) -> None:
    assert known.of(tenant) is None
    known.counted(tenant, 7)
    known.grown(tenant)
    clock.now = 1.0
    assert known.of(tenant) == 8
    clock.now = 1.1
    assert known.of(tenant) is None
    known.grown(tenant)
    assert known.of(tenant) is None


@pytest.mark.unit
def test_of_too_many_tenants_all_are_counted_anew(
    known: Backlogs, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlogs, "MAX_TENANTS", 2)
    others = [new_id(), new_id()]
    for each in others:
        known.counted(each, 1)
    known.counted(tenant, 1)
    assert (known.of(tenant), known.of(others[0])) == (1, None)


@pytest.mark.integration
async def test_each_tenth_of_a_tenants_is_a_step_behind_and_nobody_elses(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, charlie: Person
) -> None:
    for person in (alice, charlie):
        await factory.enlarge(person)
    for _ in range(21):
        await client.post(PATH, json={"text": "It rained."}, headers=alice.headers)
    await client.post(PATH, json={"text": "It rained."}, headers=charlie.headers)
    async with app.state.database.transaction() as session:
        ranks = list(await session.scalars(text("SELECT priority FROM procrastinate_jobs ORDER BY id")))
    assert ranks == [*[0] * 9, *[-1] * 10, *[-2] * 2, 0]


@pytest.mark.integration
async def test_a_newer_count_is_believed(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person
) -> None:
    await factory.enlarge(alice)
    for _ in range(11):
        await client.post(PATH, json={"text": "It rained."}, headers=alice.headers)
    app.state.intake_desk.backlogs.counted(alice.organization_id, 0)
    await client.post(PATH, json={"text": "It rained."}, headers=alice.headers)
    async with app.state.database.transaction() as session:
        ranks = list(await session.scalars(text("SELECT priority FROM procrastinate_jobs ORDER BY id")))
    assert ranks == [*[0] * 9, *[-1] * 2, 0]
