"""Between tenants stands PostgreSQL itself: row-level security, checked writes, composite keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Tenant
from app.core.ids import new_id
from tests.audit.ledger import fill
from tests.catalogue import OWNED_BY, PROCEDURES, ROLE, TABLES, ask
from tests.factories import Person, Robot
from tests.servers import DatabaseUrls
from tests.tenant_rows import WRITES

pytestmark = pytest.mark.integration

# Users belong to several organisations; the queue's jobs name their organisation in their arguments.
# A second factor is its person's, in whichever organisation; row-level security binds it to them.
# Logins are counted before any tenant is known. An account at a provider is its person's, and is looked up
# before it is known whose it is; a spent state is nobody's.
OUTSIDE_TENANTS = {
    *("users", "alembic_version", "login_tallies", "second_factors", "recovery_codes"),
    *("oauth_accounts", "spent_oauth_states"),
    # Due ones are found by the worker; an erased one belongs to nobody.
    "account_erasures",
    # Ids of all tenants' entries, for the sealer's functions alone: app_rw has no right to it.
    "audit_unsealed",
    # How many there are of what, for the staff's dashboard: no row of anybody's.
    "tallies",
    "tally_moves",
}
QUEUE = "procrastinate_"
# What looks across tenants: each narrow, each owned by a role that nobody can log in as.
LOOKUPS = [
    "add_audit_checkpoints",
    "api_key_organization",
    "audit_backlog",
    "audit_chains",
    "audit_checkpoints_of",
    "audit_entries_after",
    "audit_heads_of",
    "audit_seals_of",
    "changed_summaries",
    "count_found_summaries",
    "delete_dead_sessions",
    "delete_expired_idempotency_keys",
    "due_organizations",
    "due_webhooks",
    "end_own_impersonations",
    "feed_organization",
    "find_summaries",
    "living_credentials",
    "lost_audit_entries",
    "measure_tenants",
    "move_audit_heads",
    "moved_audit_chains",
    "my_audit_entries",
    "my_authored_organizations",
    "old_trash",
    "platform_audit_entries",
    "progress_of",
    "queue_audit_entry",
    "seal_audit_entries",
    "session_organization",
    "share_organization",
    "shelves_to_fold",
    "staff_organizations",
    "uncollected_summaries",
    "unfinished_summaries",
    "unsealed_audit_entries",
    "unsearchable_summaries",
    "untallied_shelves",
    "webhook_leftovers",
]
# By its trigger this makes the row of usage_storage.
TEXT_OF_ONE_BYTE = "UPDATE summary_contents SET text = 'x'"
MADE_BY_HAND = (
    *("webhooks", "webhook_deliveries"),
    *(
        "summaries",
        "summary_contents",
        "summary_shares",
        "summary_feeds",
        "invitations",
        "usage_months",
        "usage_days",
    ),
    *("idempotency_keys", "summary_versions"),
)
FORBIDDEN, FOREIGN_KEY = "42501", "23503"

# Nobody deletes from these, not their own tenant either.
INSERT_ONLY = {"audit_entries", "audit_seals", "audit_heads", "audit_checkpoints"}


def of(person: Person, **other: object) -> Mapping[str, object]:
    row = {"id": new_id(), "organization_id": person.organization_id, "user_id": person.user_id}
    return {**row, **other}


async def run(
    app: FastAPI, tenant: Tenant | None, statement: str, row: Mapping[str, object] | None = None
) -> Sequence[Any]:  # Any: rows
    """What it returns, or how many rows it changed."""
    needed = {name: value for name, value in (row or {}).items() if f":{name}" in statement}
    async with app.state.database.transaction(tenant) as session:
        result = await session.execute(text(statement), needed)
        return result.all() if result.returns_rows else [result.rowcount]


async def refused(app: FastAPI, tenant: Tenant | None, statement: str, row: Mapping[str, object]) -> str:
    """The SQLSTATE of the refusal."""
    with pytest.raises(DBAPIError) as caught:
        await run(app, tenant, statement, row)
    return str(getattr(caught.value.orig, "sqlstate", ""))


async def tenant_tables(urls: DatabaseUrls) -> list[str]:
    tables = await ask(urls.superuser, TABLES)
    return [row["name"] for row in tables if row["of_tenant"] or row["name"] == "organizations"]


@pytest.fixture
async def filled(app: FastAPI, robot: Robot, alice: Person) -> Person:
    """Alice, with a row of hers in every tenant's table."""
    row = of(alice)
    for table in MADE_BY_HAND:
        await run(app, tenant_of(alice), WRITES[table], row)
    await run(app, tenant_of(alice), TEXT_OF_ONE_BYTE)
    await fill(app, alice, rounds=1)
    assert robot.user_id == alice.user_id
    return alice


def tenant_of(person: Person) -> Tenant:
    return Tenant(person.organization_id, person.user_id)


async def test_every_tenant_table_is_under_forced_row_level_security(
    database_urls: DatabaseUrls,
) -> None:
    for table in await ask(database_urls.superuser, TABLES):
        if table["of_tenant"] or table["name"] == "organizations":
            assert (table["enabled"], table["forced"]) == (True, True), table["name"]
            assert table["policies"] > 0, table["name"]


async def test_a_table_belongs_to_a_tenant_or_is_named_as_one_that_does_not(
    database_urls: DatabaseUrls,
) -> None:
    names = {row["name"] for row in await ask(database_urls.superuser, TABLES)}
    free = names - set(await tenant_tables(database_urls))
    assert {name for name in free if not name.startswith(QUEUE)} == OUTSIDE_TENANTS


async def test_every_tenant_table_is_written_to_below(database_urls: DatabaseUrls) -> None:
    assert set(await tenant_tables(database_urls)) == set(WRITES)


async def test_the_serving_role_has_no_privilege_beyond_its_rows(database_urls: DatabaseUrls) -> None:
    (role,) = await ask(database_urls.superuser, ROLE, "app_rw")
    assert not any(role.values()), role
    assert await ask(database_urls.superuser, OWNED_BY, "app_rw") == []


async def test_the_owner_is_no_superuser_and_cannot_bypass(database_urls: DatabaseUrls) -> None:
    (role,) = await ask(database_urls.superuser, ROLE, "app_owner")
    assert (role["rolsuper"], role["rolbypassrls"]) == (False, False)


async def test_the_role_that_bypasses_cannot_log_in(database_urls: DatabaseUrls) -> None:
    query = "SELECT rolname FROM pg_roles WHERE rolbypassrls AND rolcanlogin AND NOT rolsuper"
    assert await ask(database_urls.superuser, query) == []


async def test_only_the_listed_functions_look_across_tenants(database_urls: DatabaseUrls) -> None:
    functions = await ask(database_urls.superuser, PROCEDURES)
    assert [function["name"] for function in functions] == LOOKUPS
    for function in functions:
        assert function["config"] == ["search_path=public, pg_temp"], function["name"]
        assert function["owner"] == "app_search"
        assert function["public"] is False


async def test_without_a_tenant_there_are_no_rows(
    app: FastAPI, filled: Person, database_urls: DatabaseUrls
) -> None:
    assert filled.username == "alice"
    for table in WRITES:
        assert await ask(database_urls.superuser, f"SELECT FROM {table}"), table
        assert await run(app, None, f"SELECT 1 FROM {table}") == [], table  # noqa: S608  # our own names


async def test_even_the_owner_sees_no_rows_without_a_tenant(
    filled: Person, database_urls: DatabaseUrls
) -> None:
    assert filled.username == "alice"
    for table in WRITES:
        assert await ask(database_urls.owner, f"SELECT FROM {table}") == [], table


async def test_an_outsider_sees_and_changes_no_row(app: FastAPI, filled: Person, charlie: Person) -> None:
    foreign = {"organization_id": filled.organization_id}
    for table in WRITES:
        column = "id" if table == "organizations" else "organization_id"
        rows = f"{table} WHERE {column} = :organization_id"
        reading = f"SELECT 1 FROM {rows}"  # noqa: S608  # names of our own, values bound
        deleting = f"DELETE FROM {rows}"  # noqa: S608  # as above
        assert await run(app, tenant_of(charlie), reading, foreign) == [], table
        if table in INSERT_ONLY:
            assert await refused(app, tenant_of(charlie), deleting, foreign) == FORBIDDEN, table
        else:
            assert await run(app, tenant_of(charlie), deleting, foreign) == [0], table


@pytest.mark.parametrize("table", WRITES)
async def test_a_row_of_another_tenant_cannot_be_written(
    app: FastAPI, alice: Person, charlie: Person, table: str
) -> None:
    row = of(alice, organization_id=new_id() if table == "organizations" else alice.organization_id)
    assert await refused(app, tenant_of(charlie), WRITES[table], row) == FORBIDDEN
    assert await refused(app, None, WRITES[table], row) == FORBIDDEN


async def test_nobody_makes_themself_a_member_of_another_tenant(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    row = of(charlie, organization_id=alice.organization_id)
    assert await refused(app, tenant_of(charlie), WRITES["memberships"], row) == FORBIDDEN


async def test_nobody_raises_their_own_role_from_outside_the_tenant(
    app: FastAPI, alice: Person, bob: Person
) -> None:
    raised = "UPDATE memberships SET role = 'owner' WHERE organization_id = :organization_id"
    row = {"organization_id": alice.organization_id}
    assert await refused(app, Tenant(user_id=bob.user_id), raised, row) == FORBIDDEN


async def test_a_row_cannot_be_moved_to_another_tenant(
    app: FastAPI, alice: Person, charlie: Person, filled: Person
) -> None:
    moved = "UPDATE summaries SET organization_id = :organization_id"
    row = {"organization_id": charlie.organization_id}
    assert await refused(app, tenant_of(alice), moved, row) == FORBIDDEN
    assert filled.user_id == alice.user_id


@pytest.mark.parametrize("table", ["auth_sessions", "api_keys"])
async def test_a_credential_for_a_person_who_is_no_member_is_refused(
    app: FastAPI, alice: Person, charlie: Person, table: str
) -> None:
    row = of(charlie, user_id=alice.user_id)
    assert await refused(app, tenant_of(charlie), WRITES[table], row) == FOREIGN_KEY


async def test_a_text_cannot_hang_on_another_tenants_summary(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    row = of(alice)
    await run(app, tenant_of(alice), WRITES["summaries"], row)
    foreign = of(charlie, id=row["id"])
    assert await refused(app, tenant_of(charlie), WRITES["summary_contents"], foreign) == FOREIGN_KEY


async def test_ones_own_memberships_show_before_the_tenant_is_chosen(
    app: FastAPI, alice: Person, bob: Person
) -> None:
    rows = await run(app, Tenant(user_id=bob.user_id), "SELECT role FROM memberships ORDER BY role")
    assert [tuple(row) for row in rows] == [("member",), ("owner",)]
    assert alice.user_id != bob.user_id


async def test_the_tenant_is_named_anew_after_a_commit(app: FastAPI, alice: Person) -> None:
    count = text("SELECT count(*) FROM organizations")
    async with app.state.database.open(tenant_of(alice)) as session:
        assert await session.scalar(count) == 1
        await session.commit()
        assert await session.scalar(count) == 1


async def test_the_tenant_does_not_stay_on_the_connection(app: FastAPI, alice: Person) -> None:
    for _ in range(10):
        assert len(await run(app, tenant_of(alice), "SELECT 1 FROM organizations")) == 1
        assert await run(app, None, "SELECT 1 FROM organizations") == []
