"""`precis audit verify`: an untouched log passes; what a superuser without the key does to it is named."""

import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import AuditKey
from app.audit.findings import Finding
from app.audit.verification import Verifier
from app.core.db import Database
from app.settings import Settings
from app.settings_parsing import to_asyncpg_url
from tests.audit.ledger import fill, key_of, write
from tests.audit.tampering import Forger
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

TAMPERINGS = 1000
SEED = 20261121


@pytest.fixture
async def superuser(
    app: FastAPI, alice: Person, charlie: Person, settings: Settings, database_urls: DatabaseUrls
) -> AsyncIterator[AsyncSession]:
    """Of a log of three chains with a checkpoint each, and three entries that wait."""
    await fill(app, alice, charlie)
    await write(app, alice.organization_id, count=3)
    database = Database.from_settings(settings, url=to_asyncpg_url(database_urls.superuser))
    async with database.open() as session:
        yield session
    await database.dispose()


async def findings(session: AsyncSession, app: FastAPI) -> list[Finding]:
    return [finding async for finding in Verifier(session, key_of(app)).findings()]


@pytest.mark.slow
async def test_each_of_a_thousand_random_tamperings_is_found_and_named(
    superuser: AsyncSession, app: FastAPI
) -> None:
    forger = Forger(superuser, random.Random(SEED))  # noqa: S311  # no secret
    missed: Counter[str] = Counter()
    for _ in range(TAMPERINGS):
        touched = await forger.tamper()
        missed[touched.kind] += not touched.named_by(await findings(superuser, app))
        await superuser.rollback()
    assert +missed == Counter()
    assert await findings(superuser, app) == []


async def test_an_untouched_log_has_no_finding_also_while_entries_wait(
    superuser: AsyncSession, app: FastAPI
) -> None:
    assert await findings(superuser, app) == []


async def test_a_log_that_another_key_signed_has_findings(superuser: AsyncSession) -> None:
    verifier = Verifier(superuser, AuditKey.from_secret("another secret of forty characters, for tests"))
    named = [finding async for finding in verifier.findings()]
    assert len(named) > verifier.sealed
