"""An account that is to go, and its receipt once it is gone."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class AccountErasure(Base):
    """`id` is the receipt: random, so that it tells no time and no order. Erased, it names nobody.

    `counts`: what was erased so far, by kind; added to in the transaction that erases it, so that a worker
    which dies in the middle leaves a true number. `started_at`: from here on there is no way back.
    """

    __tablename__ = "account_erasures"
    __table_args__ = (
        Index("ix_account_erasures_due", "erase_after", postgresql_where=text("erased_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), unique=True)
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    erase_after: Mapped[datetime]
    started_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # Any: JSON
