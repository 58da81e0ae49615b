"""Whether this process should get traffic: PostgreSQL and the schema decide, Redis only degrades."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from enum import StrEnum
from time import perf_counter
from typing import Protocol

import structlog
from pydantic import Field

from app.core.schemas import ResponseModel, UtcDatetime

CHECK_TIMEOUT_SECONDS = 2.0

logger: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class Check(ResponseModel):
    status: Status
    ms: float


class Checks(ResponseModel):
    database: Check
    redis: Check
    # The name itself would shadow a method of pydantic's.
    schema_: Check = Field(serialization_alias="schema")


class Readiness(ResponseModel):
    status: Status
    checks: Checks
    timestamp: UtcDatetime


class Pingable(Protocol):
    async def ping(self) -> None: ...


class SchemaChecked(Protocol):
    async def check(self) -> None:
        """Raises where the schema is not the one this code was written for."""
        ...


async def check_readiness(database: Pingable, redis: Pingable, schema: SchemaChecked) -> Readiness:
    database_check, redis_check, schema_check = await asyncio.gather(
        _check("database", database.ping(), failed=Status.UNHEALTHY),
        _check("redis", redis.ping(), failed=Status.DEGRADED),
        _check("schema", schema.check(), failed=Status.UNHEALTHY),
    )
    checks = Checks(database=database_check, redis=redis_check, schema_=schema_check)
    found = {database_check.status, redis_check.status, schema_check.status}
    status = next(s for s in (Status.UNHEALTHY, Status.DEGRADED, Status.HEALTHY) if s in found)
    return Readiness(status=status, checks=checks, timestamp=datetime.now(UTC))


async def _check(name: str, probe: Awaitable[None], *, failed: Status) -> Check:
    """Why it failed goes to the log only: a driver's message names hosts and users."""
    started, status = perf_counter(), Status.HEALTHY
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await probe
    except Exception as error:  # noqa: BLE001  # whatever a driver raises is the answer here
        status = failed
        logger.warning("not_ready", check=name, error=type(error).__name__, cause=str(error)[:200])
    return Check(status=status, ms=round((perf_counter() - started) * 1000, 1))
