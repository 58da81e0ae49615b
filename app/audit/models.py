"""The audit log: inserted, never changed; by grants and by a trigger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id


class AuditEntry(Base):
    """No foreign keys: an entry outlives what it tells of."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_organization_id_id", "organization_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID | None]
    action: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None] = mapped_column(index=True)
    credential_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    target_kind: Mapped[str | None]
    target_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(INET)
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]]  # Any: JSON
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
