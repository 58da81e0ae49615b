"""What a summary said before it was made anew."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class SummaryVersion(Base):
    """`number` counts from 1 and is never given twice; `created_at` is when the version was put aside.

    `text` is the extracted text where a later one took its place; NULL where the next version, or else the
    summary as it is now, has the same. `fingerprint` is that text's.
    """

    __tablename__ = "summary_versions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "summary_id"],
            ["summaries.organization_id", "summaries.id"],
            ondelete="CASCADE",
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    summary_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str | None]
    author: Mapped[str | None]
    published_at: Mapped[datetime | None]
    language: Mapped[str | None]
    summary: Mapped[str]
    key_points: Mapped[list[str]]
    sentences: Mapped[list[dict[str, Any]]]  # Any: JSON
    source_word_count: Mapped[int | None]
    summary_word_count: Mapped[int | None]
    low_content: Mapped[bool]
    engine: Mapped[str]
    model: Mapped[str | None]
    fallback_reason: Mapped[str | None]
    options: Mapped[dict[str, Any]]  # Any: JSON
    fingerprint: Mapped[bytes | None]
    text: Mapped[str | None] = mapped_column(deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
