"""PostgreSQL's own catalogue, read as its superuser: what the schema really is, not what we meant."""

from typing import Any

import asyncpg

PROCEDURES = """
SELECT p.proname AS name, r.rolname AS owner, p.proconfig AS config,
       coalesce((SELECT bool_or(a.grantee = 0) FROM aclexplode(p.proacl) a), p.proacl IS NULL) AS public
FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
WHERE p.prosecdef AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
ORDER BY name
"""
TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
       EXISTS (SELECT FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attname = 'organization_id') AS of_tenant
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY name
"""
OWNED_BY = """
SELECT relname AS name FROM pg_class WHERE relowner = $1::regrole
UNION ALL SELECT proname FROM pg_proc WHERE proowner = $1::regrole
UNION ALL SELECT typname FROM pg_type WHERE typowner = $1::regrole
UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = $1::regrole
UNION ALL SELECT datname FROM pg_database WHERE datdba = $1::regrole
"""
ROLE = """
SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication,
       (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) AS memberships,
       has_schema_privilege(rolname, 'public', 'CREATE') AS may_create
FROM pg_roles r WHERE rolname = $1
"""
# Everything in our schema but alembic's own table and what hangs on it.
LEFT_OVER = """
SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relname NOT LIKE 'alembic_version%'
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
    AND typname NOT IN ('alembic_version', '_alembic_version')
"""


async def ask(url: str, query: str, *parameters: object) -> list[dict[str, Any]]:  # Any: column values
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query, *parameters)]
    finally:
        await connection.close()
