"""`precis doctor` finds each fault by itself, says what to do, and is not stopped by another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.operations.doctor import Doctor
from app.operations.findings import Finding, Verdict
from app.settings import Settings
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

NOWHERE = "127.0.0.1:1"


async def found(settings: Settings, check: str, **changes: Any) -> Finding:  # Any: of Doctor
    findings = await Doctor(settings, **changes).examine()
    return next(finding for finding in findings if finding.check == check)


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def healthy(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"data_dir": tmp_path})


@pytest.fixture
async def heartbeat(database_urls: DatabaseUrls) -> None:
    await execute(database_urls.superuser, "INSERT INTO procrastinate_workers DEFAULT VALUES")


@pytest.mark.usefixtures("heartbeat", "built_app")
async def test_a_sound_deployment_has_no_fault(healthy: Settings) -> None:
    findings = await Doctor(healthy).examine()
    assert [finding for finding in findings if finding.verdict is Verdict.FAULT] == []
    assert {finding.check for finding in findings} >= {
        "database",
        "schema",
        "workers",
        "redis",
        "clock",
        "keys",
    }


async def test_a_dead_database_hides_nothing_else(healthy: Settings) -> None:
    dead = healthy.model_copy(update={"database_url": f"postgresql+asyncpg://x:hunter2@{NOWHERE}/precis"})
    findings = {finding.check: finding for finding in await Doctor(dead).examine()}
    assert findings["database"].verdict is Verdict.FAULT
    assert "DATABASE_URL" in findings["database"].advice
    assert findings["redis"].verdict is Verdict.SOUND
    assert "hunter2" not in "".join(finding.line() for finding in findings.values())


async def test_a_role_that_no_policy_binds_is_a_fault(healthy: Settings, database_urls: DatabaseUrls) -> None:
    url = database_urls.superuser.replace("postgresql:", "postgresql+asyncpg:")
    finding = await found(healthy.model_copy(update={"database_url": url}), "database role")
    assert finding.verdict is Verdict.FAULT
    assert "app_rw" in finding.advice


async def test_the_owner_as_the_serving_role_is_a_warning(
    healthy: Settings, database_urls: DatabaseUrls
) -> None:
    url = database_urls.owner.replace("postgresql:", "postgresql+asyncpg:")
    finding = await found(healthy.model_copy(update={"database_url": url}), "database role")
    assert finding.verdict is Verdict.WARNING


async def test_a_table_of_tenants_without_its_wall_is_named(
    healthy: Settings, database_urls: DatabaseUrls
) -> None:
    await execute(database_urls.superuser, "ALTER TABLE summaries NO FORCE ROW LEVEL SECURITY")
    finding = await found(healthy, "tenants")
    assert finding.verdict is Verdict.FAULT
    assert "summaries" in finding.text


async def test_a_stale_schema_says_what_to_run(healthy: Settings, database_urls: DatabaseUrls) -> None:
    await execute(database_urls.superuser, "UPDATE alembic_version SET version_num = '0001'")
    finding = await found(healthy, "schema")
    assert finding.verdict is Verdict.FAULT
    assert "precis migrate" in finding.advice


async def test_a_queue_without_workers_is_a_fault(healthy: Settings) -> None:
    assert (await found(healthy, "workers")).verdict is Verdict.FAULT


async def test_a_job_that_waits_too_long_is_a_warning(healthy: Settings, database_urls: DatabaseUrls) -> None:
    await execute(
        database_urls.superuser,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at, args)"
        " VALUES ('default', 'x', now() - interval '5 minutes', '{}')",
    )
    finding = await found(healthy, "queue")
    assert finding.verdict is Verdict.WARNING
    assert "1 jobs wait, the oldest for 30" in finding.text


async def test_jobs_that_were_given_up_are_a_warning(healthy: Settings, database_urls: DatabaseUrls) -> None:
    await execute(
        database_urls.superuser,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args)"
        " VALUES ('default', 'x', 'failed', '{}')",
    )
    assert (await found(healthy, "failed jobs")).verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("minutes", "verdict"), [(0, "sound"), (0.1, "warning"), (1, "fault"), (-1, "fault")]
)
async def test_a_clock_that_is_off_is_found_both_ways(
    healthy: Settings, minutes: float, verdict: str
) -> None:
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=minutes)

    assert (await found(healthy, "clock", now=now)).verdict == verdict


async def test_a_redis_that_is_gone_is_a_fault(healthy: Settings) -> None:
    gone = healthy.model_copy(update={"redis_url": f"redis://{NOWHERE}/0"})
    assert (await found(gone, "redis")).verdict is Verdict.FAULT


async def test_a_mail_server_that_refuses_connections_is_a_fault(healthy: Settings) -> None:
    deaf = healthy.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_security": "none"})
    assert (await found(deaf, "mail")).verdict is Verdict.FAULT


async def test_no_mail_server_is_a_warning(healthy: Settings) -> None:
    assert (await found(healthy, "mail")).verdict is Verdict.WARNING


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Takes connections and says nothing."""
    stopped = asyncio.Event()

    async def keep(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stopped.wait()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    stopped.set()
    server.close()


async def test_a_server_that_hangs_is_given_up(healthy: Settings) -> None:
    async with silent_server() as port:
        hung = healthy.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port})
        finding = await found(hung, "mail", check_seconds=1.0)
    assert finding.text == "no answer within 1 s"


async def test_keys_that_are_not_there_are_a_fault(healthy: Settings, tmp_path: Path) -> None:
    keyless = healthy.model_copy(update={"jwt_keys_dir": tmp_path / "absent"})
    assert (await found(keyless, "keys")).verdict is Verdict.FAULT


async def test_a_public_name_that_nobody_knows_is_a_fault(healthy: Settings) -> None:
    unknown = healthy.model_copy(update={"public_url": "https://precis.invalid"})
    assert (await found(unknown, "names")).verdict is Verdict.FAULT
