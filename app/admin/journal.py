"""What staff do, written down: in the platform's log, with where they did it from, and in the tenant's."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.principal import Principal

Details = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Staff:
    """Who acts, and from where."""

    principal: Principal
    address: str | None


@dataclass(frozen=True, slots=True)
class Deed:
    action: AuditAction
    subject_id: UUID | None = None
    target: tuple[str, UUID] | None = None


async def note(
    session: AsyncSession,
    staff: Staff | None,
    deed: Deed,
    *,
    organization_id: UUID | None = None,
    details: Details | None = None,
) -> None:
    """`staff` None: an operator, by the command line.

    With an organisation, to which the session must be bound, it is told too: who, but not from where.
    """
    told = dict(details or {})
    if organization_id is not None:
        await record(session, _event(staff, deed, organization_id=organization_id, details=told))
        told["organization_id"] = str(organization_id)
    await record(session, _event(staff, deed, organization_id=None, details=told))


def _event(staff: Staff | None, deed: Deed, *, organization_id: UUID | None, details: Details) -> AuditEvent:
    principal = staff.principal if staff else None
    return AuditEvent(
        deed.action,
        organization_id=organization_id,
        actor_kind="staff" if staff else "system",
        actor_id=principal.user_id if principal else None,
        credential_id=principal.credential_id if principal else None,
        subject_id=deed.subject_id,
        target=deed.target,
        address=staff.address if staff and organization_id is None else None,
        details=details,
    )
