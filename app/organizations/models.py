"""The tenant and who belongs to it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text, true
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id
from app.core.principal import MembershipRole, Plan


class Organization(Base):
    """`suspended_at`: by staff. `erase_after`: deleted by its owner, and restorable until then.

    `support_access`: whether staff may act in the name of its members. `shelf_tallied`: whether its summaries
    are counted in `shelf_tallies`; those of one that is older than migration 0039 by the worker.
    """

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("plan IN ('free', 'pro', 'enterprise')", name="plan"),
        Index("ix_organizations_untallied", "id", postgresql_where=text("NOT shelf_tallied")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    is_personal: Mapped[bool] = mapped_column(default=False)
    plan: Mapped[str] = mapped_column(default=Plan.FREE)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    suspended_at: Mapped[datetime | None]
    erase_after: Mapped[datetime | None] = mapped_column(index=True)
    support_access: Mapped[bool] = mapped_column(default=True, server_default=true())
    shelf_tallied: Mapped[bool] = mapped_column(default=True, server_default=true())


class Membership(Base):
    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("role IN ('viewer', 'member', 'admin', 'owner')", name="role"),)

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(default=MembershipRole.MEMBER)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


Index(
    "ix_organizations_name_prefix",
    func.lower(Organization.name).label("name"),
    postgresql_ops={"name": "text_pattern_ops"},
)
