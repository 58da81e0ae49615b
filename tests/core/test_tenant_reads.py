"""One statement that is told whose rows it may see, however it travels."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, select

from app.core.db import Database, Tenant
from app.core.tenant_reads import under_tenant
from app.organizations.models import Membership
from app.settings import Settings
from tests.factories import Person
from tests.test_isolation import tenant_of

pytestmark = pytest.mark.integration
MEMBERS = under_tenant(select(Membership.user_id).where(Membership.role == bindparam("role")))


@pytest.fixture(params=[0, 100], ids=["unnamed", "prepared"])
async def database(request: pytest.FixtureRequest, settings: Settings) -> Database:
    return Database.from_settings(settings.model_copy(update={"db_prepared_statements": request.param}))


async def seen(database: Database, tenant: Tenant) -> set[UUID]:
    return {row.user_id for row in await database.read(tenant, MEMBERS, {"role": "owner"})}


async def test_it_sees_its_tenant_and_no_other(database: Database, alice: Person, charlie: Person) -> None:
    for _ in range(2):
        assert await seen(database, tenant_of(alice)) == {alice.user_id}
        assert await seen(database, tenant_of(charlie)) == {charlie.user_id}
    assert await seen(database, Tenant(uuid4(), uuid4())) == set()
    assert await seen(database, Tenant()) == set()
    await database.dispose()


async def test_it_leaves_its_tenant_on_no_connection(database: Database, alice: Person) -> None:
    await seen(database, tenant_of(alice))
    async with database.transaction() as session:
        assert (await session.scalars(select(Membership.user_id))).all() == []
    await database.dispose()
