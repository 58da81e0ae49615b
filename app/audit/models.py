"""The audit log and its seals: inserted, never changed; by grants and by triggers (decision 0011)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, func, text
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


class AuditUnsealed(Base):
    """Entries that wait for the sealer; a trigger of audit_entries fills it."""

    __tablename__ = "audit_unsealed"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)


class AuditSeal(Base):
    """An entry's place in its chain; the platform's chain has the nil id for its organisation."""

    __tablename__ = "audit_seals"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID] = mapped_column(unique=True)
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]
    mac: Mapped[bytes]
    sealed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditHead(Base):
    """Where a chain ends, and up to where it has a checkpoint: the only rows here that change."""

    __tablename__ = "audit_heads"
    __table_args__ = (
        Index("ix_audit_heads_moved", "organization_id", postgresql_where=text("checkpointed < seq")),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    checkpointed: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[bytes]


class AuditCheckpoint(Base):
    """`previous` is the checkpoint before it, 0 for a chain's first: none can be taken out unnoticed."""

    __tablename__ = "audit_checkpoints"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    previous: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    mac: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
