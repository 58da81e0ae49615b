"""What becomes of an organisation, written into its own audit log."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.principal import Principal


async def note(
    session: AsyncSession,
    principal: Principal,
    action: AuditAction,
    *,
    subject_id: UUID | None = None,
    target: tuple[str, UUID] | None = None,
    details: Mapping[str, str | int | bool | None] | None = None,
) -> None:
    """By this principal, in the organisation that it is bound to."""
    event = AuditEvent(
        action,
        organization_id=principal.organization_id,
        actor_kind=principal.kind,
        actor_id=principal.user_id,
        credential_id=principal.credential_id,
        subject_id=subject_id,
        target=target,
        details=details or {},
    )
    await record(session, event)
