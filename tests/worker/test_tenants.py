"""Tenants in figures, of all at once and of nobody by name."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy import TextClause, text

from app.core.db import Database, Tenant
from app.core.plans import PLANS
from app.core.principal import Plan
from app.worker.queries import tenant_measures
from app.worker.tenants import BANDS, set_tenant_gauges
from tests.factories import Factory, Person
from tests.measured import value

pytestmark = pytest.mark.integration
QUOTA = PLANS[Plan.FREE].summaries_per_month
THIS_MONTH = datetime.now(UTC).date().replace(day=1)
USED = text("INSERT INTO usage_months VALUES (:organization, :month, :made)")
SET_PLAN = text("UPDATE organizations SET plan = 'pro' WHERE id = :organization")
DELETE = text("UPDATE organizations SET erase_after = now() WHERE id = :organization")


async def change(app: FastAPI, person: Person, statement: TextClause, **values: object) -> None:
    database: Database = app.state.database
    async with database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(statement, {"organization": person.organization_id, **values})


async def test_tenants_are_counted_by_plan_until_they_are_deleted(
    app: FastAPI, alice: Person, charlie: Person, factory: Factory
) -> None:
    await change(app, alice, SET_PLAN)
    await change(app, await factory.person("dora"), DELETE)
    await set_tenant_gauges(app.state.database)
    counts = {plan: value("precis_tenants", plan=plan) for plan in Plan}
    assert (counts, charlie.username) == ({"free": 1, "pro": 1, "enterprise": 0}, "charlie")


@pytest.mark.parametrize(
    ("share", "band"),
    [
        (0, "none"),
        (0.001, "under_50"),
        (0.5, "50_to_80"),
        (0.799, "50_to_80"),
        (0.8, "80_to_100"),
        (1, "exhausted"),
    ],
)
async def test_a_tenant_is_in_the_band_of_what_it_has_used(
    app: FastAPI, alice: Person, share: float, band: str
) -> None:
    await change(app, alice, USED, month=THIS_MONTH, made=round(QUOTA * share))
    await set_tenant_gauges(app.state.database)
    assert {name: value("precis_tenants_by_quota", band=name) for name in BANDS} == {
        name: float(name == band) for name in BANDS
    }


async def test_a_plan_without_a_quota_is_unlimited(app: FastAPI, alice: Person) -> None:
    async with app.state.database.transaction() as session:
        measured = await tenant_measures(session, {Plan.PRO: 1}, month=THIS_MONTH)
    assert (measured[("band", "unlimited")], alice.username) == (1, "alice")


async def test_the_largest_stand_by_rank_and_the_others_together(app: FastAPI, factory: Factory) -> None:
    for made in range(1, 23):
        person = await factory.person(f"person{made}")
        await change(app, person, USED, month=THIS_MONTH, made=made)
    await set_tenant_gauges(app.state.database)
    ranks = [value("precis_tenant_summaries", rank=rank) for rank in ("1", "2", "20", "rest")]
    assert ranks == [22, 21, 3, 3]


async def test_another_months_summaries_do_not_count(app: FastAPI, alice: Person) -> None:
    await change(app, alice, USED, month=THIS_MONTH.replace(year=2020), made=QUOTA)
    await set_tenant_gauges(app.state.database)
    assert value("precis_tenant_summaries", rank="1") == 0
    assert value("precis_tenants_by_quota", band="none") == 1
