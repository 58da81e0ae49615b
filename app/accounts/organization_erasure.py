"""Erases deleted organisations whose grace period is over, in small steps, as with accounts."""

from datetime import UTC, datetime
from uuid import UUID

from app.accounts.erasure import SUMMARIES_A_STEP
from app.accounts.repository import PlaceRepository
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.db import Database, Tenant
from app.organizations.store import due_organizations, erase_organization, is_due

ORGANIZATIONS_A_ROUND = 20
NOBODY = UUID(int=0)


async def erase_due_organizations(database: Database) -> int:
    """How many are gone."""
    async with database.transaction() as session:
        due = await due_organizations(session, limit=ORGANIZATIONS_A_ROUND)
    return sum([await _erase(database, organization_id) for organization_id in due])


async def _erase(database: Database, organization_id: UUID) -> bool:
    """False where it was restored meanwhile: no summary goes before its row is seen to be due, and held."""
    while await _delete_some(database, organization_id):
        """Until none is left."""
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
        return await place.delete_summaries(all_authors=True, at_most=SUMMARIES_A_STEP)
