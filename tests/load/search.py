"""Lists, filters, search and counts of a tenant with a million summaries.

`python -m tests.load.search [--summaries 1200000]` starts its own servers: a sixth of the rows belong to two
hundred other tenants. Ratios hold, absolute figures are this machine's.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text

from app.core.db import Database
from app.core.principal import Scope
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.valkey import start_valkey
from app.main import create_app
from tests.factories import Factory, Person
from tests.fixtures import BASE_URL
from tests.load.audit import served
from tests.load.library import add_library, add_shelf

PATH = "/api/v1/summaries"
BATCH = 20_000
TIMES, SECONDS = 100, 20.0
PAGES = 1000
LISTS = {
    "page 1": "",
    "oldest first": "sort=created_at",
    "status=failed": "status=failed",
    "visibility=private": "visibility=private",
    "favourite": "favourite=true",
    "archived": "archived=true",
    "archived=any": "archived=any",
    "created range": "created_before={old}",
    "tag, common": "tag=t1",
    "tag, rare": "tag=t199",
    "site, common": "site=site1.example",
    "site, rare": "site=www.site999.example",
    "lang:de": "q=lang:de",
    "word, common": "q=w1",
    "word, middling": "q=w100",
    "word, rare": "q=w19999",
    "word that is nowhere": "q=nowhere",
    "two words": "q=w1 w100",
    "phrase": 'q="w1 w2"',
    "without a word": "q=-w1",
    "word and filters": "q=w10 tag:t1 -tag:t2 is:favourite after:2020-01-01",
    "relevance, common": "q=w1&sort=relevance",
    "relevance, middling": "q=w100&sort=relevance",
    "relevance, rare": "q=w19999&sort=relevance",
}
COUNTS = ("", "status=failed", "archived=any", "tag=t1", "q=w1", "q=w100", "q=w19999", 'q="w1 w2"')
SIZES = """
SELECT relname AS name, pg_size_pretty(pg_relation_size(oid)) AS size FROM pg_class
WHERE relname LIKE 'ix_summaries%' OR relname IN ('summaries', 'pk_summaries')
ORDER BY pg_relation_size(oid) DESC
"""
COLUMN = (
    "SELECT round(avg(pg_column_size(search))) AS bytes FROM (SELECT search FROM summaries LIMIT 10000) s"
)


class Reader:
    def __init__(self, client: AsyncClient, person: Person) -> None:
        self._client = client
        self._headers = person.headers

    async def get(self, path: str) -> Any:  # Any: JSON
        answer = await self._client.get(PATH + path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def timed(self, path: str, *, times: int = TIMES) -> dict[str, Any]:  # Any: a report
        """So often, or for so long."""
        taken: list[float] = []
        until = time.perf_counter() + SECONDS
        while len(taken) < times and time.perf_counter() < until:
            began = time.perf_counter()
            found = await self.get(path)
            taken.append((time.perf_counter() - began) * 1000)
        extra = {"found": len(found["items"])} if "items" in found else {"count": found.get("count")}
        return {**percentiles(taken), "n": len(taken), **extra}

    async def walked(self, *, pages: int) -> dict[str, Any]:  # Any: a report
        """Each page behind the one before: the first ten against the last ten."""
        taken, cursor = [], ""
        for _ in range(pages):
            began = time.perf_counter()
            page = await self.get(f"?{cursor}")
            taken.append((time.perf_counter() - began) * 1000)
            if not page["has_more"]:
                break
            cursor = f"cursor={page['next_cursor']}"
        return {
            "pages 1-100": percentiles(taken[:100]),
            f"pages {pages - 99}-{pages}": percentiles(taken[-100:]),
        }


def percentiles(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    p99 = ordered[max(0, int(len(ordered) * 0.99) - 1)]
    return {"p50_ms": round(statistics.median(ordered), 1), "p99_ms": round(p99, 1)}


NAMES = "SELECT indexname FROM pg_indexes WHERE tablename = 'summaries' AND indexname LIKE 'ix_%'"
INDEXES = NAMES.replace("indexname", "indexdef", 1)


async def load(superuser: Database, person: Person, *, rows: int) -> float:
    began = time.perf_counter()
    async with superuser.transaction() as session:
        await add_library(session)
        indexes = list(await session.scalars(text(INDEXES)))
        for name in await session.scalars(text(NAMES)):
            await session.execute(text(f"DROP INDEX {name}"))
    for first in range(1, rows + 1, BATCH):
        async with superuser.transaction() as session:
            last = min(first + BATCH - 1, rows)
            await add_shelf(session, person.organization_id, person.user_id, first=first, last=last)
    async with superuser.transaction() as session:
        await session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for index in indexes:
            # A colon is a parameter's beginning.
            await session.execute(text(index.replace(":", "\\:")))
    autocommitting = superuser.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with autocommitting.connect() as connection:
        await connection.execute(text("VACUUM ANALYZE summaries"))
    return round(time.perf_counter() - began)


def tell(name: str, found: object) -> None:
    """At once: a run of a million takes its time."""
    print(f"{name}: {json.dumps(found)}", flush=True)  # noqa: T201  # a script's result


async def measure(app: FastAPI, superuser: Database, *, rows: int) -> None:
    transport = ASGITransport(app=app)
    async with LifespanManager(app), AsyncClient(transport=transport, base_url=BASE_URL) as client:
        person = await Factory(app).person("alice")
        tell("loading, s", await load(superuser, person, rows=rows))
        async with superuser.transaction() as session:
            tell("sizes", {row.name: row.size for row in await session.execute(text(SIZES))})
            tell("bytes of words a row", float(await session.scalar(text(COLUMN)) or 0))
        # The first login may have ended meanwhile.
        person = await Factory(app).with_scopes(person, Scope.SUMMARIES_READ)
        reader = Reader(client, person)
        first = (await reader.get("?limit=1"))["items"][0]
        oldest = (await reader.get("?limit=1&sort=created_at"))["items"][0]["created_at"]
        tell("get", await reader.timed(f"/{first['id']}", times=500))
        tell("get with text", await reader.timed(f"/{first['id']}?include=text", times=500))
        for name, query in LISTS.items():
            asked = query.format(old=oldest.replace("Z", "%2B00:00"))
            tell(f"list, {name}", await reader.timed(f"?{asked}"))
        for query in COUNTS:
            tell(f"count, {query or 'all'}", await reader.timed(f"/count?{query}", times=20))
        for path in ("/tags", "/trash"):
            tell(path, await reader.timed(path, times=20))
        tell("walk", await reader.walked(pages=PAGES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summaries", type=int, default=1_200_000)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        settings, superuser_url = stack.enter_context(served())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="precis-load-")))
        folder.chmod(0o755)
        account = server_account()
        valkey = start_valkey(find_binaries(account, folder / "bin"), folder / "valkey", account)
        stack.callback(valkey.stop)
        wanted = {"redis_url": valkey.url, "jwt_keys_dir": folder / "keys", "rate_limit_scale": 100_000}
        app = create_app(settings.model_copy(update=wanted))
        patient = settings.model_copy(update={"db_statement_timeout_seconds": 3600})
        superuser = Database.from_settings(patient, url=superuser_url)
        asyncio.run(measure(app, superuser, rows=arguments.summaries))


if __name__ == "__main__":
    main()
