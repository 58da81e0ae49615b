"""A login: one row for the whole life of its refresh family (decision 0012)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id


class AuthSession(Base):
    """`counter` is the number of the one refresh token that is not yet spent; no token is stored.

    `prev_idem_hash` is the SHA-256 of the Idempotency-Key that the last rotation came with. `amr` is how the
    login was proved (RFC 8176: pwd, otp, ...), `authenticated_at` when; None: at `created_at`,
    1970: nobody knows.
    `parent_id` is the session out of which this one was opened by switching; it ends with it.
    `impersonator_id`: opened by this one of the staff, in the user's name; it is never refreshed.
    """

    __tablename__ = "auth_sessions"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["memberships.organization_id", "memberships.user_id"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_auth_sessions_impersonator_id",
            "impersonator_id",
            postgresql_where=text("impersonator_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    counter: Mapped[int] = mapped_column(default=0)
    rotated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    prev_idem_hash: Mapped[bytes | None]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    idle_expires_at: Mapped[datetime]
    absolute_expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None]
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    device_id: Mapped[UUID | None]
    authenticated_at: Mapped[datetime | None]
    amr: Mapped[list[str]] = mapped_column(default=lambda: ["pwd"], server_default="{pwd}")
    parent_id: Mapped[UUID | None]
    impersonator_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
