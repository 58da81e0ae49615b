"""Exports of a million summaries from a running API process: memory, speed, and who else waits meanwhile.

`python -m tests.load.export [--rows 1000000] [--formats ndjson,json,csv,md]` starts servers of its own. Peak
memory is the API worker's resident set above what it had before; `ping_p99_ms` is what another client of the
same process waits. At last the way that rows take is compared with the ORM's.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asgi_lifespan import LifespanManager
from httpx2 import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.db import Database, Tenant
from app.main import create_app
from app.settings import Settings
from app.summaries.exports.columns import DOCUMENT
from app.summaries.exports.repository import Batch, ExportRepository
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.rendering import view_of
from app.summaries.repository import NEWEST_FIRST, visible
from tests.e2e.running import command_line, descendants
from tests.factories import Factory, Person, Robot
from tests.load.fleet import Fleet, fleet

ROWS_A_STATEMENT = 20_000
COMPARED = 10_000
PAGE = 500
MIB = 1024 * 1024
# 1.2 kB of words and three sentences with their places: what a page's summary comes to.
ADD_SUMMARIES = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, url,
    canonical_url, title, author, site_name, language, summary, key_points, keywords, sentences,
    source_word_count, summary_word_count, reading_minutes, low_content, engine, options, tags, stages,
    created_at)
SELECT gen_random_uuid(), :organization_id, :user_id, 'ready', 1, 2, 'private', 'url',
    'https://example.org/articles/' || n, 'https://example.org/articles/' || n,
    'Article number ' || n || ', "quoted"', 'A. Author', 'Example', 'en',
    repeat('Lighthouses speak in flashes, and each of them has a rhythm of its own. ', 8),
    ARRAY['Each has a rhythm of its own.', '=Flashes are speech.', 'Keepers know them all.'],
    ARRAY['lighthouse', 'rhythm'],
    '[{"text": "Lighthouses speak in flashes.", "start": 0, "end": 29},
      {"text": "Each of them has a rhythm of its own.", "start": 30, "end": 67},
      {"text": "Keepers know them all by heart.", "start": 68, "end": 99}]',
    850, 96, 3.6, false, 'extractive', '{"length": "medium"}', ARRAY['tag' || n % 10], '{"fetching": 120}',
    now() - n * interval '1 second'
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""


@dataclass
class Watch:
    """What is seen beside an export."""

    peak_kib: int = 0
    pings: list[float] = field(default_factory=list)


def resident_kib(pids: set[int]) -> int:
    return max(int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1]) * 4 for pid in pids)


def api_workers() -> set[int]:
    """Of the server that this process has started."""
    mine = descendants(os.getpid())
    return {pid for pid in mine if any(word == "serve" or "gunicorn" in word for word in command_line(pid))}


@asynccontextmanager
async def watched(client: AsyncClient, pids: set[int]) -> AsyncIterator[Watch]:
    watch = Watch()

    async def look() -> None:
        while True:
            began = time.perf_counter()
            await client.get("/ping")
            watch.pings.append((time.perf_counter() - began) * 1000)
            watch.peak_kib = max(watch.peak_kib, resident_kib(pids))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    try:
        yield watch
    finally:
        looking.cancel()


async def one_export(url: str, robot: Robot, wanted: str, pids: set[int]) -> dict[str, float]:
    path = f"/api/v1/summaries/export?format={wanted}"
    headers = {**robot.headers, "Accept-Encoding": "identity"}
    size, lines, first_byte = 0, 0, 0.0
    async with AsyncClient(base_url=url, timeout=60) as client, AsyncClient(base_url=url) as other:
        before = resident_kib(pids)
        async with watched(other, pids) as watch:
            began = time.perf_counter()
            async with client.stream("GET", path, headers=headers) as answer:
                assert answer.status_code == 200, await answer.aread()
                async for chunk in answer.aiter_raw():
                    first_byte = first_byte or time.perf_counter() - began
                    size, lines = size + len(chunk), lines + chunk.count(b"\n")
            seconds = time.perf_counter() - began
    return {
        "seconds": round(seconds, 1),
        "mb": round(size / 1e6, 1),
        "mb_per_second": round(size / 1e6 / seconds, 1),
        "lines": lines,
        "first_byte_ms": round(first_byte * 1000, 1),
        "rss_before_mib": round(before / 1024, 1),
        "rss_peak_mib": round(watch.peak_kib / 1024, 1),
        "rss_growth_mib": round((watch.peak_kib - before) / 1024, 1),
        "ping_p99_ms": round(statistics.quantiles(watch.pings, n=100)[98], 1),
    }


async def fill(settings: Settings, database: Database, person: Person, rows: int) -> float:
    """Without what triggers make of a row (its words for the search, the dashboard's counts)."""
    began = time.perf_counter()
    schema_owner = create_async_engine(settings.migration_database_url or settings.database_url)
    async with schema_owner.begin() as connection:
        await connection.execute(text("ALTER TABLE summaries DISABLE TRIGGER USER"))
    for first in range(1, rows + 1, ROWS_A_STATEMENT):
        async with database.transaction(Tenant(person.organization_id, person.user_id)) as session:
            last = min(first + ROWS_A_STATEMENT - 1, rows)
            owner = {"organization_id": person.organization_id, "user_id": person.user_id}
            await session.execute(text(ADD_SUMMARIES), {**owner, "first": first, "last": last})
    async with schema_owner.begin() as connection:
        await connection.execute(text("ANALYZE summaries"))
    await schema_owner.dispose()
    return time.perf_counter() - began


async def ways_compared(database: Database, person: Person) -> dict[str, float]:
    """Rows a second of PostgreSQL's documents, and of ORM rows that pydantic renders."""
    found: dict[str, float] = {}
    for name in ("documents", "orm"):
        began, behind, done, cpu = time.perf_counter(), None, 0, time.process_time()
        while done < COMPARED:
            async with database.transaction(Tenant(person.organization_id, person.user_id)) as session:
                rows = await _page(session, person, name, behind)
            behind, done = rows.end, done + len(rows.rows)
        found[f"{name}_rows_per_second"] = round(done / (time.perf_counter() - began))
        found[f"{name}_cpu_us_a_row"] = round((time.process_time() - cpu) / done * 1e6, 1)
    return found


async def _page(session: Any, person: Person, name: str, behind: Any) -> Batch:
    # Any: a session, a position
    if name == "documents":
        repository = ExportRepository(session, person.organization_id, viewer=person.user_id)
        batch = await repository.read(DOCUMENT, Filters(), keyset=NEWEST_FIRST, behind=behind, limit=PAGE)
        "\n".join(row.document for row in batch.rows).encode()
        return batch
    query = select(Summary).where(*visible(person.organization_id, person.user_id))
    query = query.order_by(*NEWEST_FIRST.order()).limit(PAGE)
    if behind is not None:
        query = query.where(NEWEST_FIRST.behind(behind))
    found = (await session.scalars(query)).all()
    "\n".join(view_of(summary).model_dump_json() for summary in found).encode()
    return Batch(found, NEWEST_FIRST.position(found[-1]))


async def measure(running: Fleet, rows: int, formats: list[str]) -> dict[str, Any]:  # Any: a report
    settings: Settings = running.settings.model_copy(update={"db_statement_timeout_seconds": 600})
    app = create_app(settings)
    async with LifespanManager(app):
        factory = Factory(app)
        person = await factory.person("alice")
        # A login's token would have expired by the time that the rows are there.
        robot = await factory.robot(person)
        database: Database = app.state.database
        report: dict[str, Any] = {
            "rows": rows,
            "filling_seconds": round(await fill(settings, database, person, rows), 1),
        }
        pids = api_workers()
        for wanted in formats:
            report[wanted] = found = await one_export(running.url, robot, wanted, pids)
            found["rows_per_second"] = round(rows / found["seconds"])
        report["ways"] = await ways_compared(database, person)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", default="ndjson,json,csv,md")
    arguments = parser.parse_args()
    with fleet(workers=1) as running:
        found = asyncio.run(measure(running, arguments.rows, arguments.formats.split(",")))
    print(json.dumps(found, indent=2))  # noqa: T201  # a script's result


if __name__ == "__main__":
    main()
