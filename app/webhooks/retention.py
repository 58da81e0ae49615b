"""The worker's daily cleaning: deliveries that are older than we keep them, and deleted webhooks."""

from datetime import UTC, datetime

from app.core.db import Database, Tenant
from app.webhooks.store import delete_leftovers, leftovers
from app.webhooks.vocabulary import KEPT

WEBHOOKS_A_ROUND = 200
# Well within the statement timeout.
DELIVERIES_A_STEP = 1000
STEPS_A_ROUND = 20


async def delete_old_deliveries(database: Database, *, step: int = DELIVERIES_A_STEP) -> bool:
    """True when some may be left."""
    async with database.transaction() as session:
        found = await leftovers(session, kept=KEPT, at_most=WEBHOOKS_A_ROUND)
    before = datetime.now(UTC) - KEPT
    for _ in range(STEPS_A_ROUND):
        left = []
        for key in found:
            async with database.transaction(Tenant(key.organization_id)) as session:
                if await delete_leftovers(session, key, before=before, at_most=step):
                    left.append(key)
        found = left
        if not found:
            return False
    return True
