"""What lies in the tables, behind the API's back."""

from typing import Any

from tests.catalogue import ask
from tests.servers import DatabaseUrls

JOBS = "SELECT task_name, status::text, attempts, args::text FROM procrastinate_jobs ORDER BY id"
ENTRIES = "SELECT organization_id, actor_id, subject_id, host(address) AS address FROM audit_entries"


async def jobs(urls: DatabaseUrls) -> list[dict[str, Any]]:  # Any: rows
    return [dict(row) for row in await ask(urls.superuser, JOBS)]


async def audited(urls: DatabaseUrls, action: str) -> list[dict[str, Any]]:  # Any: as above
    return [dict(row) for row in await ask(urls.superuser, f"{ENTRIES} WHERE action = $1", action)]
