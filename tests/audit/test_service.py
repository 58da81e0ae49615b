"""Entries: insert-only for everybody, in the action's transaction, each tenant's own."""

import pytest
import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit.service import record
from app.core.db import Database, Tenant
from tests.audit.ledger import fill, logout, write
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.test_isolation import FORBIDDEN, refused, run, tenant_of
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

# ruff: noqa: S608  # the names in these statements are our own
LOG = ("audit_entries", "audit_seals", "audit_checkpoints")
CHANGES = [
    *(f"UPDATE {table} SET organization_id = organization_id" for table in LOG),
    *(f"DELETE FROM {table}" for table in LOG),
    *(f"TRUNCATE {table}" for table in LOG),
]
# What only the sealer's functions may do.
SEALERS = [
    "UPDATE audit_heads SET seq = seq",
    "DELETE FROM audit_heads",
    "DELETE FROM audit_unsealed",
    "INSERT INTO audit_unsealed VALUES (gen_random_uuid())",
    "SELECT 1 FROM audit_unsealed",
]
ALL = "SELECT organization_id FROM audit_entries ORDER BY id"


@pytest.fixture
async def filled(app: FastAPI, alice: Person) -> Person:
    await fill(app, alice, rounds=1)
    return alice


@pytest.mark.parametrize("change", [*CHANGES, *SEALERS])
async def test_the_serving_role_can_only_add(app: FastAPI, filled: Person, change: str) -> None:
    assert await refused(app, tenant_of(filled), change, {}) == FORBIDDEN


@pytest.mark.parametrize("change", CHANGES)
async def test_the_owner_is_stopped_by_the_trigger(
    filled: Person, database_urls: DatabaseUrls, change: str
) -> None:
    assert filled.username == "alice"
    with pytest.raises(Exception, match="the audit log is insert-only"):
        await execute(database_urls.owner, change)


async def test_an_entry_of_another_tenant_is_not_written(app: FastAPI, alice: Person, bob: Person) -> None:
    database: Database = app.state.database
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(Tenant(bob.user_id)) as session:
            await record(session, logout(alice.organization_id))


async def test_an_entry_goes_with_the_transaction_of_its_action(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    database: Database = app.state.database
    async with database.open(tenant_of(alice)) as session:
        await record(session, logout(alice.organization_id))
        await session.rollback()
    for table in ("audit_entries", "audit_unsealed"):
        assert await ask(database_urls.superuser, f"SELECT FROM {table}") == []


async def test_a_tenant_sees_its_own_entries_and_the_platforms_nobody(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    for organization_id in (alice.organization_id, charlie.organization_id, None):
        await write(app, organization_id)
    assert await run(app, tenant_of(alice), ALL) == [(alice.organization_id,)]
    assert await run(app, None, ALL) == []


async def test_a_tenant_sees_its_own_seals_and_checkpoints(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    await fill(app, alice, charlie, rounds=1, each=1)
    for table in ("audit_seals", "audit_heads", "audit_checkpoints"):
        query = f"SELECT organization_id, seq FROM {table}"
        assert await run(app, tenant_of(alice), query) == [(alice.organization_id, 1)]


async def test_entries_are_counted_by_action(app: FastAPI, alice: Person) -> None:
    labels = {"action": "logout"}
    before = REGISTRY.get_sample_value("precis_audit_entries_total", labels) or 0
    await write(app, alice.organization_id, count=2)
    assert REGISTRY.get_sample_value("precis_audit_entries_total", labels) == before + 2


async def test_an_entry_carries_the_id_of_its_request(app: FastAPI, alice: Person) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        await write(app, alice.organization_id)
    async with app.state.database.transaction(tenant_of(alice)) as session:
        assert await session.scalar(text("SELECT request_id FROM audit_entries")) == "r-1"
