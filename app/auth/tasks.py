"""What the worker does for sessions: those that ended a month ago are deleted."""

from app.auth.store import delete_dead
from app.core.db import Database

BATCH = 1_000
# A first round over years of sessions leaves the rest to the next: whoever keeps house has more to do.
BATCHES_PER_ROUND = 20


async def delete_dead_sessions(database: Database, *, batch: int = BATCH) -> bool:
    """In transactions of one batch each. True when some may be left."""
    for _ in range(BATCHES_PER_ROUND):
        async with database.transaction() as session:
            deleted = await delete_dead(session, at_most=batch)
        if deleted < batch:
            return False
    return True
