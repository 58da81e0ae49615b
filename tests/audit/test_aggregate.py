"""Refusals in the log: one entry a principal and minute, no matter how many, and none lost to an outage."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from prometheus_client import REGISTRY

from app.audit.aggregate import MOST_KEPT, RefusalLog, written_each_minute
from app.core.principal import Scope
from app.core.refusals import Refusal, RefusalKind
from tests.catalogue import ask
from tests.factories import Factory, Person, principal_of
from tests.servers import DatabaseUrls
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

REFUSALS = """
SELECT action, organization_id, actor_kind, actor_id, credential_id, host(address) AS address, details::text
FROM audit_entries WHERE action IN ('unauthorized_access', 'rate_limit_exceeded') ORDER BY id
"""
NOW = datetime(2026, 11, 21, 7, 30, 59, tzinfo=UTC)


def missing(person: Person, name: str = "keys:read") -> Refusal:
    return Refusal(RefusalKind.SCOPE, principal_of(person), name, "192.0.2.1")


def limited(person: Person) -> Refusal:
    return Refusal(RefusalKind.LIMIT, principal_of(person), "organization", "192.0.2.1")


def at(*moments: datetime) -> Callable[[], datetime]:
    """A clock that shows these one after the other, then the last one for ever."""
    queue = list(moments)
    return lambda: queue.pop(0) if len(queue) > 1 else queue[0]


async def written(urls: DatabaseUrls) -> list[dict[str, Any]]:  # Any: column values
    return await ask(urls.superuser, REFUSALS)


async def test_a_thousand_refusals_within_a_minute_make_one_entry(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    log = RefusalLog(app.state.database, clock=at(NOW))
    for _ in range(999):
        log.count(missing(alice))
    log.count(missing(alice, "users:read"))
    await log.write(the_running_minute=True)
    (entry,) = await written(database_urls)
    assert entry == {
        "action": "unauthorized_access",
        "organization_id": alice.organization_id,
        "actor_kind": "user",
        "actor_id": alice.user_id,
        "credential_id": alice.session_id,
        "address": "192.0.2.1",
        "details": '{"count": 1000, "minute": "2026-11-21T07:30Z", "refused": "keys:read, users:read"}',
    }


async def test_each_principal_kind_and_minute_has_its_own(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    log = RefusalLog(app.state.database, clock=at(NOW, NOW, NOW, NOW + timedelta(seconds=1)))
    for refusal in (missing(alice), limited(alice), missing(charlie), missing(alice)):
        log.count(refusal)
    await log.write(the_running_minute=True)
    assert len(await written(database_urls)) == 4
    await log.write(the_running_minute=True)
    assert len(await written(database_urls)) == 4


async def test_the_running_minute_is_not_written_before_it_is_over(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    log = RefusalLog(app.state.database, clock=at(NOW, NOW, NOW + timedelta(minutes=1)))
    log.count(missing(alice))
    await log.write()
    assert await written(database_urls) == []
    await log.write()
    assert len(await written(database_urls)) == 1


async def test_an_outage_of_the_database_loses_no_count(
    app: FastAPI,
    alice: Person,
    charlie: Person,
    database_urls: DatabaseUrls,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RefusalLog(app.state.database, clock=at(NOW))
    away = f"CHECK (organization_id <> '{charlie.organization_id}') NOT VALID"
    await execute(database_urls.superuser, f"ALTER TABLE audit_entries ADD CONSTRAINT away {away}")
    for person in (alice, charlie, charlie):
        log.count(missing(person))
    await log.write(the_running_minute=True)
    assert "refusals_not_written" in caplog.text
    await execute(database_urls.superuser, "ALTER TABLE audit_entries DROP CONSTRAINT away")
    log.count(missing(charlie))
    await log.write(the_running_minute=True)
    counts = [(entry["actor_id"], '"count": 3' in entry["details"]) for entry in await written(database_urls)]
    assert counts == [(alice.user_id, False), (charlie.user_id, True)]


async def test_what_waits_is_bounded(app: FastAPI, alice: Person) -> None:
    dropped = "precis_audit_refusals_dropped_total"
    before = REGISTRY.get_sample_value(dropped) or 0
    log = RefusalLog(app.state.database, clock=at(NOW))
    for _ in range(MOST_KEPT + 7):
        principal = replace(principal_of(alice), credential_id=uuid4())
        log.count(Refusal(RefusalKind.SCOPE, principal, "admin", None))
    assert REGISTRY.get_sample_value(dropped) == before + 7


async def test_while_the_app_lives_it_is_written_by_itself(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    log = RefusalLog(app.state.database, clock=at(NOW, NOW + timedelta(minutes=1)))
    log.count(missing(alice))
    async with written_each_minute(log, seconds=0.01), asyncio.timeout(5):
        while not await written(database_urls):  # noqa: ASYNC110  # a row is no event
            await asyncio.sleep(0.01)


async def test_what_a_request_was_refused_is_in_the_log_when_the_app_ends(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, database_urls: DatabaseUrls
) -> None:
    narrow = await factory.with_scopes(alice, Scope.PROFILE_READ)
    async with written_each_minute(app.state.refusals):
        for _ in range(3):
            assert (await client.get("/api/v1/api-keys", headers=narrow.headers)).status_code == 403
        assert await written(database_urls) == []
    assert sum(entry["credential_id"] == narrow.session_id for entry in await written(database_urls)) >= 1
