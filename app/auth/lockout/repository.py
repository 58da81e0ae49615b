"""Tallies. Whoever needs two of an account's takes the strangers' first, so that nobody waits in a circle."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Delete,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import ExecutableReturnsRows

from app.auth.lockout.clients import STRANGERS
from app.auth.lockout.models import LoginTally
from app.auth.lockout.rules import HARD_STOP
from app.users.models import User

# A network's own count is of no use once it has been quiet for a day; a device's is, as nobody else has it.
KEPT_FOR = {"network": timedelta(days=1), "device": timedelta(days=30)}
PRUNED_AT_ONCE = 10_000


def _lock(tallies: Table) -> ExecutableReturnsRows:
    at = bindparam("at", type_=DateTime(timezone=True))
    first = {
        "account_id": bindparam("of_account", type_=Uuid()),
        "client": func.unnest(bindparam("clients", type_=ARRAY(Text()))),
        **dict.fromkeys(("failures", "total", "locks"), literal_column("0")),
        **dict.fromkeys(("window_started_at", "attempted_at"), at),
    }
    made = insert(tallies).from_select(list(first), select(*first.values()))
    key = [tallies.c.account_id, tallies.c.client]
    # An update, as DO NOTHING would neither lock the row nor return it.
    locked = made.on_conflict_do_update(index_elements=key, set_={"attempted_at": at})
    return select(LoginTally).from_statement(locked.returning(*tallies.c))


# Built once, and for any number of rows: with one VALUES each it was compiled anew at every login, for
# milliseconds in which the event loop did nothing else.
LOCK = _lock(LoginTally.metadata.tables[LoginTally.__tablename__])


class TallyRepository:
    def __init__(self, session: AsyncSession, account_id: UUID) -> None:
        self._session = session
        self._account_id = account_id

    async def lock(self, clients: list[str], now: datetime) -> dict[str, LoginTally]:
        """By client, in this order: made where missing, and held until the transaction ends."""
        values = {"of_account": self._account_id, "clients": clients, "at": now}
        found = await self._session.scalars(LOCK, values, execution_options={"populate_existing": True})
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
