"""The product: a summary's narrow row, and beside it the wide texts that lists never read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id
from app.summaries.vocabulary import Status, Visibility

UNFINISHED = text("status NOT IN ('ready', 'failed') AND deleted_at IS NULL")
STATUSES = ", ".join(f"'{status}'" for status in Status)


class Summary(Base):
    """`version` counts the changes and makes the ETag; `attempt` counts the jobs, and fences them."""

    __tablename__ = "summaries"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        CheckConstraint(f"status IN ({STATUSES})", name="status"),
        CheckConstraint("visibility IN ('private', 'organization')", name="visibility"),
        CheckConstraint("source IN ('url', 'text', 'html')", name="source"),
        Index("ix_summaries_organization_id_created_at_id", "organization_id", "created_at", "id"),
        Index("ix_summaries_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("ix_summaries_unfinished", "updated_at", postgresql_where=UNFINISHED),
        # The tenant's backlog, which every POST counts for its job's priority.
        Index("ix_summaries_organization_id_unfinished", "organization_id", postgresql_where=UNFINISHED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(default=Status.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    visibility: Mapped[str] = mapped_column(default=Visibility.PRIVATE)
    source: Mapped[str]
    url: Mapped[str | None]
    canonical_url: Mapped[str | None]
    title: Mapped[str | None]
    author: Mapped[str | None]
    published_at: Mapped[datetime | None]
    site_name: Mapped[str | None]
    language: Mapped[str | None]
    summary: Mapped[str | None]
    key_points: Mapped[list[str]] = mapped_column(default=list)
    keywords: Mapped[list[str]] = mapped_column(default=list)
    sentences: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # Any: JSON
    source_word_count: Mapped[int | None]
    summary_word_count: Mapped[int | None]
    reading_minutes: Mapped[float | None]
    low_content: Mapped[bool] = mapped_column(default=False)
    engine: Mapped[str] = mapped_column(default="extractive")
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)  # Any: JSON
    tags: Mapped[list[str]] = mapped_column(default=list)
    notes: Mapped[str | None]
    failure_reason: Mapped[str | None]
    failure_retryable: Mapped[bool | None]
    stages: Mapped[dict[str, Any]] = mapped_column(default=dict)  # Any: JSON, stage -> milliseconds
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]


class SummaryContent(Base):
    """`input` is what was submitted as text or html; `text` what was extracted and the offsets point into."""

    __tablename__ = "summary_contents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "summary_id"],
            ["summaries.organization_id", "summaries.id"],
            ondelete="CASCADE",
        ),
    )

    summary_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    input: Mapped[str | None]
    text: Mapped[str | None]
