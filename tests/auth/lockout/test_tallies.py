"""What is kept, and for how long."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.auth.lockout.repository import TallyRepository, prune_tallies
from tests.auth.attackers import query
from tests.factories import Person

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
NAMES = "SELECT client FROM login_tallies ORDER BY client"
DECOY = UUID(int=7)


async def keep(app: FastAPI, account_id: UUID, client: str, *, days: int, **values: object) -> None:
    """A tally that was last touched so many days ago."""
    async with app.state.database.transaction() as session:
        then = NOW - timedelta(days=days, seconds=1)
        found = await TallyRepository(session, account_id).lock([client], then)
        for name, value in values.items():
            setattr(found[client], name, value)


async def prune(app: FastAPI) -> list[str]:
    """What is left."""
    async with app.state.database.transaction() as session:
        await prune_tallies(session, NOW)
    return await query(app, NAMES)


async def test_a_network_is_forgotten_after_a_quiet_day_and_a_device_after_a_month(
    app: FastAPI, alice: Person
) -> None:
    await keep(app, alice.user_id, "network:a", days=0)
    await keep(app, alice.user_id, "network:b", days=1)
    await keep(app, alice.user_id, "device:a", days=29)
    await keep(app, alice.user_id, "device:b", days=30)
    assert await prune(app) == ["device:a", "network:a"]


async def test_what_is_still_locked_is_kept(app: FastAPI, alice: Person) -> None:
    await keep(app, alice.user_id, "network:a", days=2, locked_until=NOW + timedelta(seconds=9))
    await keep(app, alice.user_id, "device:a", days=40, total=100)
    assert await prune(app) == ["device:a", "network:a"]


async def test_the_strangers_count_stays_as_long_as_the_account(app: FastAPI, alice: Person) -> None:
    await keep(app, alice.user_id, "strangers", days=400, total=40)
    await keep(app, DECOY, "strangers", days=1, total=100)
    await keep(app, DECOY, "network:a", days=1, locked_until=NOW + timedelta(days=1))
    assert await prune(app) == ["strangers"]


async def test_pruning_waits_for_no_login(app: FastAPI, alice: Person) -> None:
    await keep(app, alice.user_id, "network:a", days=2)
    async with app.state.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM login_tallies FOR UPDATE"))
        assert await prune(app) == ["network:a"]
    assert await prune(app) == []
