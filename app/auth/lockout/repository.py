"""Tallies. Whoever needs two of an account's takes the strangers' first, so that nobody waits in a circle."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Delete, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.lockout.models import LoginTally
from app.auth.lockout.rules import HARD_STOP
from app.users.models import User

STRANGERS = "strangers"
# A network's own count is of no use once it has been quiet for a day; a device's is, as nobody else has it.
KEPT_FOR = {"network": timedelta(days=1), "device": timedelta(days=30)}
PRUNED_AT_ONCE = 10_000


class TallyRepository:
    def __init__(self, session: AsyncSession, account_id: UUID) -> None:
        self._session = session
        self._account_id = account_id

    async def lock(self, clients: list[str], now: datetime) -> dict[str, LoginTally]:
        """By client, in this order: made where missing, and held until the transaction ends."""
        zero = {"failures": 0, "total": 0, "locks": 0, "window_started_at": now, "attempted_at": now}
        rows = [{"account_id": self._account_id, "client": client, **zero} for client in clients]
        query = insert(LoginTally).values(rows)
        key = [LoginTally.account_id, LoginTally.client]
        # An update, as DO NOTHING would neither lock the row nor return it.
        query = query.on_conflict_do_update(index_elements=key, set_={"attempted_at": now})
        found = await self._session.scalars(
            query.returning(LoginTally), execution_options={"populate_existing": True}
        )
        return {tally.client: tally for tally in found}

    async def remove(self, tally: LoginTally) -> None:
        await self._session.delete(tally)

    async def remove_all(self) -> bool:
        """False where there was none."""
        own = delete(LoginTally).where(LoginTally.account_id == self._account_id)
        return await self._count(own.where(LoginTally.client == STRANGERS)) + await self._count(own) > 0

    async def _count(self, query: Delete) -> int:
        return len((await self._session.scalars(query.returning(LoginTally.client))).all())


async def prune_tallies(session: AsyncSession, now: datetime) -> None:
    """What no rule needs any more, 10,000 a call. The strangers' count stays as long as the account does."""
    quiet = [
        LoginTally.client.like(f"{kind}:%") & (LoginTally.attempted_at < now - kept)
        for kind, kept in KEPT_FOR.items()
    ]
    open_again = (func.coalesce(LoginTally.locked_until, now) <= now) & (LoginTally.total < HARD_STOP)
    nobodys = ~select(User.id).where(User.id == LoginTally.account_id).exists()
    key = tuple_(LoginTally.account_id, LoginTally.client)
    # Skipping what a login holds at this moment: it waits for nobody, so nobody waits in a circle.
    doomed = (
        select(LoginTally.account_id, LoginTally.client)
        .where(LoginTally.attempted_at < now - KEPT_FOR["network"])
        .where((or_(*quiet) & open_again) | nobodys)
        .limit(PRUNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(LoginTally).where(key.in_(doomed)))
