"""What an organisation has used: counted in the transaction of what is counted."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class UsageMonth(Base):
    """`month` is its first day, in UTC."""

    __tablename__ = "usage_months"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    summaries: Mapped[int]


class UsageDay(Base):
    """Of one person or key. `api_key_id` is the nil UUID for what somebody did without a key.

    No foreign keys but the tenant's: the bill stays when the person or the key is gone.
    """

    __tablename__ = "usage_days"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    api_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    summaries: Mapped[int]


class UsageStorage(Base):
    """Kept by a trigger on what it counts: submitted and extracted texts, in bytes of UTF-8."""

    __tablename__ = "usage_storage"

    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True
    )
    text_bytes: Mapped[int] = mapped_column(BigInteger)
