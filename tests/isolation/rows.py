"""All rows of one tenant and its people, read by the superuser: what must be the same afterwards."""

from uuid import UUID

from tests.catalogue import ask
from tests.servers import DatabaseUrls

COLUMNS = """
SELECT c.relname AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND (a.attname = 'organization_id'
    OR a.attname = 'user_id' OR (a.attname = 'id' AND c.relname IN ('organizations', 'users')))
"""
JOBS = """
SELECT 'jobs' AS table, to_jsonb(t)::text AS row FROM procrastinate_jobs t WHERE args::text LIKE ANY ($2)
"""


async def rows_of(urls: DatabaseUrls, *owners: UUID) -> set[tuple[str, str]]:
    """`owners`: the ids of the organisation and of its people. Jobs that name one of them count too."""
    columns = await ask(urls.superuser, COLUMNS)
    parts = [
        f"SELECT '{place['table']}' AS table, to_jsonb(t)::text AS row FROM {place['table']} t"  # noqa: S608  # the catalogue's own names
        f" WHERE t.{place['column']} = ANY ($1)"
        for place in columns
    ]
    patterns = [f"%{owner}%" for owner in owners]
    found = await ask(urls.superuser, " UNION ALL ".join([*parts, JOBS]), list(owners), patterns)
    return {(row["table"], row["row"]) for row in found}
