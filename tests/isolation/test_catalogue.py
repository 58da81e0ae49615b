"""What the schema says of tenants, for every table there is and every one to come."""

from typing import Any

import pytest

from tests.catalogue import ask
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

TENANT = "NULLIF(current_setting('app.organization_id'::text, true), ''::text)"
USER = "NULLIF(current_setting('app.user_id'::text, true), ''::text)"
# Seen, and where there is a second True written, by their own person before a tenant is chosen.
BY_PERSON = {
    "memberships": (True, False),
    "organizations": (True, False),
    "auth_sessions": (True, True),
    "api_keys": (True, True),
}
# Written by the sealer's functions alone.
READ_ONLY = {"audit_seals", "audit_heads", "audit_checkpoints"}

OF_TENANTS = """
SELECT c.oid, c.relname AS table FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'organization_id'
"""
POLICIES = """
SELECT tablename AS table, policyname AS name, permissive, roles::text[] AS roles, cmd,
       coalesce(qual, '') AS visible, coalesce(with_check, '') AS writable
FROM pg_policies WHERE schemaname = 'public' AND tablename = ANY ($1)
"""
# The columns of every index, as far as a search for one tenant can use it: whole tables only.
INDEXES = """
SELECT i.indrelid::regclass::text AS table, i.indexrelid::regclass::text AS name, i.indisunique AS is_unique,
       i.indisprimary AS is_primary, i.indpred IS NOT NULL AS is_partial,
       (SELECT array_agg(a.attname::text ORDER BY k.n)
        FROM unnest(i.indkey::int[]) WITH ORDINALITY k(number, n)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = nullif(k.number, 0)) AS columns
FROM pg_index i WHERE i.indrelid = ANY ($1)
"""
FOREIGN_KEYS = """
SELECT k.conname AS name, k.conrelid::regclass::text AS table, k.confrelid::regclass::text AS to_table,
       (SELECT array_agg(a.attname::text ORDER BY c.n) FROM unnest(k.conkey) WITH ORDINALITY c(number, n)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number) AS columns,
       (SELECT array_agg(a.attname::text ORDER BY c.n) FROM unnest(k.confkey) WITH ORDINALITY c(number, n)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.number) AS to_columns
FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
"""
PRIVILEGES = """
SELECT c.relname AS table, p.privilege_type AS privilege
FROM pg_class c, aclexplode(c.relacl) p
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace = 'public'::regnamespace
    AND (p.grantee = 'app_rw'::regrole OR p.grantee = 0)
"""
VIEWS = """
SELECT relname AS name, coalesce(reloptions, '{}') AS options FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'f')
"""

# A key to a person or to the organisation itself says nothing of another tenant's rows.
HARMLESS_TARGETS = {"users", "organizations"}
# Unique over all tenants: an id or a digest is random and made by us, so that a clash tells nobody anything.
GLOBAL_UNIQUES = {
    **dict.fromkeys(
        ("pk_summaries", "pk_api_keys", "pk_auth_sessions", "pk_invitations", "pk_audit_entries"),
        "a UUIDv7 of our own making",
    ),
    **dict.fromkeys(("pk_webhooks", "pk_webhook_deliveries"), "a UUIDv7 of our own making"),
    **dict.fromkeys(
        ("pk_summary_contents", "pk_summary_shares"),
        "its summary's id, which the composite foreign key ties to the tenant",
    ),
    "pk_summary_feeds": "a UUIDv7 of our own making",
    **dict.fromkeys(
        ("uq_summary_shares_digest", "uq_summary_feeds_digest"),
        "SHA-256 of a secret link's random bits, of our own making",
    ),
    "uq_audit_seals_entry_id": "written by the sealer alone, of entries that exist",
    "uq_api_keys_digest": "SHA-256 of 178 random bits of our own making",
}
# By contract (409 at registration); users stand outside of tenants.
UNIQUE_PEOPLE = {"uq_users_email", "uq_users_username"}
# Read by its summary's id; the organisation's rows are found through the summaries.
BY_ANOTHER_INDEX = {"summary_contents": "pk_summary_contents", "summary_shares": "pk_summary_shares"}


@pytest.fixture
async def tables(database_urls: DatabaseUrls) -> dict[str, int]:
    return {row["table"]: row["oid"] for row in await ask(database_urls.superuser, OF_TENANTS)}


Rows = list[dict[str, Any]]  # Any: column values


@pytest.fixture
async def indexes(database_urls: DatabaseUrls, tables: dict[str, int]) -> Rows:
    return await ask(database_urls.superuser, INDEXES, list(tables.values()))


@pytest.fixture
async def all_policies(database_urls: DatabaseUrls, tables: dict[str, int]) -> Rows:
    return await ask(database_urls.superuser, POLICIES, [*tables, "organizations"])


@pytest.fixture
def policies(all_policies: Rows) -> Rows:
    """Those that let something through."""
    return [policy for policy in all_policies if policy["permissive"] == "PERMISSIVE"]


@pytest.fixture
async def foreign_keys(database_urls: DatabaseUrls) -> Rows:
    return await ask(database_urls.superuser, FOREIGN_KEYS)


def test_one_policy_of_everybody_holds_for_every_command(policies: Rows, tables: dict[str, int]) -> None:
    """A second permissive policy would be joined to it by OR."""
    assert sorted(policy["table"] for policy in policies) == sorted([*tables, "organizations"])
    for policy in policies:
        assert (policy["permissive"], policy["roles"]) == ("PERMISSIVE", ["public"]), policy
        assert policy["cmd"] == ("SELECT" if policy["table"] in READ_ONLY else "ALL"), policy


def test_what_one_only_sees_of_other_tenants_one_does_not_delete(all_policies: Rows) -> None:
    narrowing = [policy for policy in all_policies if policy["permissive"] == "RESTRICTIVE"]
    assert {(policy["table"], policy["cmd"]) for policy in narrowing} == {
        (table, "DELETE") for table, (_, writable) in BY_PERSON.items() if not writable
    }
    assert all(USER not in policy["visible"] for policy in narrowing)


def test_every_policy_asks_for_the_tenant_once_a_statement(policies: Rows) -> None:
    """In a sub-select: PostgreSQL asks the setting once, not once a row."""
    for policy in policies:
        rules = [policy["visible"]] + ([] if policy["table"] in READ_ONLY else [policy["writable"]])
        for rule in rules:
            column = "id" if policy["table"] == "organizations" else "organization_id"
            assert f"({column} = ( SELECT ({TENANT})::uuid" in rule, policy["table"]


def test_only_the_named_tables_show_a_person_their_own_rows_of_other_tenants(policies: Rows) -> None:
    found = {row["table"]: (USER in row["visible"], USER in row["writable"]) for row in policies}
    assert {table: rule for table, rule in found.items() if any(rule)} == BY_PERSON


def test_an_index_leads_to_one_tenants_rows(indexes: Rows, tables: dict[str, int]) -> None:
    led = {
        row["table"] for row in indexes if row["columns"][0] == "organization_id" and not row["is_partial"]
    }
    assert set(tables) - led == set(BY_ANOTHER_INDEX)
    assert set(BY_ANOTHER_INDEX.values()) <= {row["name"] for row in indexes}


def test_what_is_unique_is_so_within_a_tenant_or_tells_nothing(indexes: Rows) -> None:
    """A clash with a row that one cannot see is how a global unique gives it away."""
    unique = {row["name"] for row in indexes if row["is_unique"] and "organization_id" not in row["columns"]}
    assert unique == set(GLOBAL_UNIQUES)


async def test_people_are_unique_by_name_and_address_alone(database_urls: DatabaseUrls) -> None:
    (users,) = await ask(database_urls.superuser, "SELECT 'users'::regclass::oid AS oid")
    found = await ask(database_urls.superuser, INDEXES, [users["oid"]])
    assert {row["name"] for row in found if row["is_unique"] and not row["is_primary"]} == UNIQUE_PEOPLE


def test_a_key_from_one_tenants_row_to_another_row_carries_the_tenant(
    foreign_keys: Rows, tables: dict[str, int]
) -> None:
    """Foreign keys are checked past row-level security: one by id alone would accept a foreign row."""
    for key in foreign_keys:
        if key["to_table"] in tables:
            assert key["columns"][0] == key["to_columns"][0] == "organization_id", key["name"]


def test_every_other_key_of_a_tenants_row_is_to_a_person_or_to_its_organisation(
    foreign_keys: Rows, tables: dict[str, int]
) -> None:
    others = [key for key in foreign_keys if key["table"] in tables and key["to_table"] not in tables]
    assert {key["to_table"] for key in others} == HARMLESS_TARGETS
    for key in others:
        if key["to_table"] == "organizations":
            assert key["columns"] == ["organization_id"], key["name"]


def test_nothing_outside_of_tenants_hangs_on_a_tenants_row(
    foreign_keys: Rows, tables: dict[str, int]
) -> None:
    holders = {key["table"] for key in foreign_keys if key["to_table"] in {*tables, "organizations"}}
    assert holders <= set(tables)


async def test_nobody_but_the_owner_may_do_what_row_level_security_does_not_see(
    database_urls: DatabaseUrls,
) -> None:
    """TRUNCATE asks no policy, REFERENCES looks past it, and a trigger runs for everybody."""
    granted = await ask(database_urls.superuser, PRIVILEGES)
    assert {row["privilege"] for row in granted} <= {"SELECT", "INSERT", "UPDATE", "DELETE"}


async def test_no_view_shows_its_owners_rows(database_urls: DatabaseUrls) -> None:
    """There is none so far; one to come has to ask as its reader."""
    for view in await ask(database_urls.superuser, VIEWS):
        assert "security_invoker=true" in view["options"], view["name"]
