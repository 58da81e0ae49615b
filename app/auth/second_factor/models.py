"""A person's authenticator app, and the codes for the day it is lost."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class SecondFactor(Base):
    """One per person; pending until `confirmed_at`. Belongs to the person, in whichever organisation.

    `last_step` is the newest time step (RFC 6238) whose code was taken: no code is taken twice. `failures`
    counts the wrong codes since `failures_since`.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed_secret: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="-1")
    failures: Mapped[int] = mapped_column(server_default="0")
    failures_since: Mapped[datetime] = mapped_column(server_default=func.now())


class RecoveryCode(Base):
    """`digest` is the SHA-256 of a code of 120 random bits."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("second_factors.user_id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]
