"""Tables that grow for as long as Precis is used, with enough rows that it matters how they are read."""

import re
from collections.abc import Sequence
from string import Template

import asyncpg

from tests.factories import Person
from tests.load.growth_rows import Place, Size, load

# Of which an organisation, a person or a day has more and more.
GROWING = (
    *("users", "organizations", "memberships", "auth_sessions", "usage_months", "usage_days"),
    *("summaries", "summary_contents", "summary_versions", "webhook_deliveries", "idempotency_keys"),
    *("audit_entries", "audit_seals", "procrastinate_jobs", "procrastinate_events"),
)
SIZE = Size(rows=8_000, tenants=1_000, seconds=60)
# All of the large tenant's, but what no tenant owns.
ROWS = (
    """
    INSERT INTO auth_sessions
        (id, organization_id, user_id, counter, scopes, idle_expires_at, absolute_expires_at)
    SELECT gen_random_uuid(), organization_id, user_id, 0, '{}', now() + interval '1 day',
        now() + interval '1 day'
    FROM memberships, generate_series(1, 4)
    """,
    """
    INSERT INTO summary_versions (organization_id, summary_id, number, summary, key_points, sentences,
        low_content, engine, options)
    SELECT organization_id, id, number, 'x', '{}', '[]', false, 'extractive', '{}'
    FROM summaries, generate_series(1, 5) number WHERE organization_id = $organization
    """,
    """
    INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event, payload, status, created_at)
    SELECT gen_random_uuid(), $organization, CASE n % 4 WHEN 0 THEN $webhook ELSE gen_random_uuid() END,
        'summary.ready', '{}', 'delivered', now() - n * interval '5 minutes'
    FROM generate_series(1, 8000) n
    """,
    """
    INSERT INTO audit_entries (id, organization_id, action, actor_kind, actor_id, details, created_at)
    SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '7000' || substr(md5(n::text), 1, 16))::uuid,
        CASE n % 4 WHEN 0 THEN $organization ELSE gen_random_uuid() END,
        'logout', 'user', $person, '{}', now()
    FROM generate_series(1, 8000) n
    """,
    """
    INSERT INTO idempotency_keys
        (organization_id, principal_id, route, key_digest, user_id, fingerprint, answer, created_at)
    SELECT $organization, $person, '/api/v1/summaries', sha256(int4send(n)), $person, '', '',
        now() - n * interval '10 seconds'
    FROM generate_series(1, 12000) n
    """,
    """
    INSERT INTO usage_days SELECT $organization, current_date - n, $person, gen_random_uuid(), 1
    FROM generate_series(1, 4000) n
    """,
    """
    INSERT INTO usage_months SELECT o.id, date_trunc('month', now()) - n * interval '1 month', 1
    FROM organizations o, generate_series(1, 4) n
    """,
    """
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, status)
    SELECT 'default', 'summaries.summarise', gen_random_uuid(), '{}', 'succeeded'
    FROM generate_series(1, 6000)
    """,
)
SCAN = re.compile(rf"Seq Scan on (?:{'|'.join(GROWING)})\b.*")
MET = re.compile(r"rows=([\d.]+) loops=(\d+)\)((?:\n(?!.*->).*)*)")
# Once a connection the driver looks types up.
DRIVERS = "WITH RECURSIVE typeinfo_tree"
REMOVED = re.compile(r"Rows Removed by [\w ]+: (\d+)")


async def grow(superuser_url: str, person: Person, *, webhook_id: str) -> None:
    ids = {"organization": person.organization_id, "person": person.user_id, "webhook": webhook_id}
    quoted = {name: f"'{known}'::uuid" for name, known in ids.items()}
    await load(Place(superuser_url, person), SIZE)
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in ROWS:
            await connection.execute(Template(statement).substitute(quoted))
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def scans(plans: Sequence[str]) -> list[str]:
    """Steps that read a growing table from its beginning to its end."""
    return [found for plan in plans for found in SCAN.findall(plan)]


def most_rows(plans: Sequence[str]) -> int:
    """That any one step met: those it passed on, and those it had read in vain."""
    own = [plan for plan in plans if DRIVERS not in plan]
    return max((_met(step) for plan in own for step in MET.finditer(plan)), default=0)


def _met(step: re.Match[str]) -> int:
    """PostgreSQL tells both as the mean of the loops."""
    passed_on, loops, details = step.groups()
    removed = sum(int(many) for many in REMOVED.findall(details))
    return round((float(passed_on) + removed) * int(loops))
