"""The person. Users stand outside the tenants: one may belong to several organisations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id
from app.core.principal import StaffRole


class User(Base):
    """`username` and `email` are stored in lower case, so that plain unique indexes ignore case."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('user', 'moderator', 'admin', 'super_admin')", name="role"),
        CheckConstraint("username = lower(username)", name="username_lower"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        # Staff find people by the beginning of either, whatever the database's collation.
        Index("ix_users_username_prefix", "username", postgresql_ops={"username": "text_pattern_ops"}),
        Index("ix_users_email_prefix", "email", postgresql_ops={"email": "text_pattern_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str | None]
    hashed_password: Mapped[str]
    role: Mapped[str] = mapped_column(default=StaffRole.USER)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_verified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    last_login: Mapped[datetime | None]

    @property
    def is_superuser(self) -> bool:
        """What fastapi-users' protocol asks; we go by scopes."""
        return self.role == StaffRole.SUPER_ADMIN
