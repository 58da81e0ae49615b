"""What becomes of organisations."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Tenant, bind_tenant
from app.core.ids import new_id
from app.organizations.models import Organization
from app.organizations.repository import OrganizationRepository


async def create_personal(session: AsyncSession, *, owner_id: UUID, name: str) -> Organization:
    """Every person has a place of their own; the session is bound to it from here on."""
    organization_id = new_id()
    await bind_tenant(session, Tenant(organization_id=organization_id, user_id=owner_id))
    return await OrganizationRepository(session, organization_id).add(
        name=name, is_personal=True, owner_id=owner_id
    )
