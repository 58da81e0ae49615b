"""What it costs a worker, once a minute, to measure 10,000 tenants with two years of monthly counters.

`python -m tests.load.tenant_gauges [--rounds 20]` starts a PostgreSQL of its own.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time

from sqlalchemy import text

from app.core.db import Database
from app.worker.tenants import set_tenant_gauges
from tests.load.audit import served

TENANTS, MONTHS = 10_000, 24
FILL = (
    """
    INSERT INTO organizations (id, name, is_personal, plan)
    SELECT gen_random_uuid(), 'load', false, (ARRAY['free', 'pro', 'enterprise'])[1 + n % 3]
    FROM generate_series(1, CAST(:tenants AS integer)) n
    """,
    """
    INSERT INTO usage_months (organization_id, month, summaries)
    SELECT o.id, (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => m))::date,
        (random() * 1000)::integer
    FROM organizations o, generate_series(0, CAST(:months AS integer) - 1) m
    """,
    "ANALYZE",
)


async def measure(database: Database, filler: Database, *, rounds: int) -> dict[str, float]:
    async with filler.transaction() as session:
        for statement in FILL:
            await session.execute(text(statement), {"tenants": TENANTS, "months": MONTHS})
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        await set_tenant_gauges(database)
        times.append((time.perf_counter() - began) * 1000)
    await database.dispose()
    await filler.dispose()
    return {
        "tenants": TENANTS,
        "median_ms": round(statistics.median(times), 1),
        "worst_ms": round(max(times), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with served() as (settings, superuser):
        database, filler = Database.from_settings(settings), Database.from_settings(settings, url=superuser)
        measured = asyncio.run(measure(database, filler, rounds=options.rounds))
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
