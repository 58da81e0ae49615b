"""A summary's public link: one at a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class SummaryShare(Base):
    """`digest` is of the link's name, which `nonce` and a key outside of the database make (ShownLinks).

    Who made it stands in the audit log. Revoking deletes the row.
    """

    __tablename__ = "summary_shares"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "summary_id"],
            ["summaries.organization_id", "summaries.id"],
            ondelete="CASCADE",
        ),
    )

    summary_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    nonce: Mapped[bytes]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    view_count: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
