"""Open and ended invitations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id

OPEN = text("accepted_at IS NULL AND withdrawn_at IS NULL")


class Invitation(Base):
    """For whoever has this address, in lower case, and the link. The secret is not stored."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        CheckConstraint("role IN ('viewer', 'member', 'admin', 'owner')", name="role"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("ix_invitations_organization_id_created_at_id", "organization_id", "created_at", "id"),
        Index("uq_invitations_open", "organization_id", "email", unique=True, postgresql_where=OPEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    email: Mapped[str]
    role: Mapped[str]
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
