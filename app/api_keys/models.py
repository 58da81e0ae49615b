"""A machine's credential. The key itself is shown once and never stored."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, false, func, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id


class ApiKey(Base):
    """`digest` is SHA-256 of the key: 178 random bits need no slow hash (ASVS 6.5.2).

    `superseded_by` is the key that a rotation made in its place. `created_by_session` outlives the session.
    `is_default`: the one key of POST /api-keys/generate, of which a person has one in each organisation.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "superseded_by"], ["api_keys.organization_id", "api_keys.id"]
        ),
        Index(
            "uq_api_keys_default",
            "organization_id",
            "user_id",
            unique=True,
            postgresql_where=text("is_default AND revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    rate_limit: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_ip: Mapped[str | None] = mapped_column(INET)
    superseded_by: Mapped[UUID | None]
    created_by_session: Mapped[UUID | None]
    is_default: Mapped[bool] = mapped_column(default=False, server_default=false())
