"""Writes the audit log, in the transaction of the action: who cannot be recorded has not acted."""

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import get_contextvars

from app.audit.events import AuditAction, AuditEvent
from app.audit.repository import add_entry
from app.core.ids import new_id
from app.core.origin import current_request_id
from app.core.principal import IMPERSONATED_BY

ENTRIES = Counter("precis_audit_entries", "Entries written to the audit log, by action.", ["action"])


async def record(session: AsyncSession, event: AuditEvent) -> None:
    """Kept if, and only if, the caller's transaction commits. The request's id is the log's."""
    target_kind, target_id = event.target or (None, None)
    context = get_contextvars()
    by_whom = {name: context[name] for name in (IMPERSONATED_BY,) if name in context}
    await add_entry(
        session,
        {
            "id": new_id(),
            "organization_id": event.organization_id,
            "action": event.action,
            "actor_kind": event.actor_kind,
            "actor_id": event.actor_id,
            "credential_id": event.credential_id,
            "subject_id": event.subject_id,
            "target_kind": target_kind,
            "target_id": target_id,
            "address": event.address,
            "request_id": context.get("request_id"),
            "details": {**event.details, **by_whom},
        },
    )
    ENTRIES.labels(event.action).inc()


def beside(*, address: str | None) -> dict[str, object]:
    """For an entry that a function of the database writes along with the act: what only its caller knows."""
    return {"entry_id": new_id(), "address": address, "request_id": current_request_id()}


def count_entry(action: AuditAction) -> None:
    """One that such a function has written."""
    ENTRIES.labels(action).inc()
