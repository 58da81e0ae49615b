"""Erases deleted organisations whose grace period is over, in small steps, as with accounts."""

from datetime import UTC, datetime
from uuid import UUID

import structlog

from app.accounts.erasure import SUMMARIES_A_STEP
from app.accounts.repository import PlaceRepository
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.db import Database, Tenant
from app.organizations.store import due_organizations, erase_organization, is_due
from app.webhooks.store import delete_deliveries

ORGANIZATIONS_A_ROUND = 20
DELIVERIES_A_STEP = 1000
# Of upkeep's other work none waits longer for it than some seconds.
STEPS_A_ROUND = 50
NOBODY = UUID(int=0)

log = structlog.get_logger(__name__)


async def erase_due_organizations(database: Database, *, steps: int = STEPS_A_ROUND) -> int:
    """How many are gone. `steps` of at most 200 summaries are taken in each."""
    async with database.transaction() as session:
        due = await due_organizations(session, limit=ORGANIZATIONS_A_ROUND)
    return sum([await _try(database, organization_id, steps=steps) for organization_id in due])


async def _try(database: Database, organization_id: UUID, *, steps: int) -> bool:
    """One that cannot be erased is reported, tried again in the next round, and holds up no other."""
    try:
        return await _erase(database, organization_id, steps=steps)
    except Exception:
        log.exception("organization_erasure_failed", organization_id=str(organization_id))
        return False


async def _erase(database: Database, organization_id: UUID, *, steps: int) -> bool:
    """False where it was restored meanwhile, or more is left than one round of upkeep has time for."""
    for _ in range(steps):
        if not await _delete_some(database, organization_id):
            return await _delete_row(database, organization_id)
    return False


async def _delete_row(database: Database, organization_id: UUID) -> bool:
    async with database.transaction(Tenant(organization_id)) as session:
        if not await erase_organization(session, organization_id, now=datetime.now(UTC)):
            return False
        gone = AuditEvent(
            AuditAction.ORGANIZATION_ERASED,
            organization_id=None,
            actor_kind="system",
            target=("organization", organization_id),
        )
        await record(session, gone)
    return True


async def _delete_some(database: Database, organization_id: UUID) -> int:
    async with database.transaction(Tenant(organization_id)) as session:
        if not await is_due(session, organization_id, now=datetime.now(UTC)):
            return 0
        place = PlaceRepository(session, organization_id, NOBODY)
        summaries = await place.delete_summaries(all_authors=True, at_most=SUMMARIES_A_STEP)
        return summaries or await delete_deliveries(session, organization_id, at_most=DELIVERIES_A_STEP)
