"""What is exposed stays small, and names nobody, however many tenants ask for however many paths."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.servers import DatabaseUrls

# Each request has twenty seconds, of a process that is traced besides.
pytestmark = [pytest.mark.integration, pytest.mark.alone]
ROOT = Path(__file__).resolve().parents[1]
MOST_SERIES = 3_000
# Four paths of each tenant, no two the same; `python -m tests.load.series` asks for 200 of each.
COMMAND = (sys.executable, "-m", "tests.load.series", "--tenants", "500", "--paths", "4")


async def test_series_stay_under_3000_and_name_no_tenant_user_or_address(
    database_urls: DatabaseUrls, redis_url: str
) -> None:
    environment = {**os.environ, "DATABASE_URL": database_urls.rw, "REDIS_URL": redis_url}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await process.communicate()
    measured = json.loads(answer)
    assert measured["requests"] == 2_000
    assert measured["series"] < MOST_SERIES
    assert measured["leaks"] == []
