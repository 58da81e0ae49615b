"""The product: a summary's narrow row, and beside it the wide texts that lists never read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, class_mapper, mapped_column

from app.core.db import Base
from app.core.ids import new_id
from app.summaries.vocabulary import Engine, Status, Visibility

UNFINISHED = text("status NOT IN ('ready', 'failed') AND deleted_at IS NULL")
STATUSES = ", ".join(f"'{status}'" for status in Status)


class Summary(Base):
    """`version` counts the changes and makes the ETag; `attempt` counts the jobs, and fences them.

    `fingerprint` is of the extracted text, `ephemeral` is what `store=false` asked for, and `http_etag` with
    `http_last_modified` are the origin's validators, for fetching again only what has changed.
    `submitted_key` is of what was sent in, and tells an equal submission; NULL once the text is of another
    address. `own_title`: the user's, which no page replaces. `pending`: see redo.py.
    `also_call`: the callbacks of those who were given it while it was being made, beside that of its options.
    `asked_at`: since when somebody waits for it, or waited when it was finished.
    """

    __tablename__ = "summaries"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        CheckConstraint(f"status IN ({STATUSES})", name="status"),
        CheckConstraint("visibility IN ('private', 'organization')", name="visibility"),
        CheckConstraint("source IN ('url', 'text', 'html', 'file')", name="source"),
        Index("ix_summaries_organization_id_created_at_id", "organization_id", "created_at", "id"),
        Index(
            "ix_summaries_organization_id_canonical_url",
            "organization_id",
            "canonical_url",
            postgresql_where=text("canonical_url IS NOT NULL"),
        ),
        Index(
            "ix_summaries_organization_id_fingerprint",
            "organization_id",
            "fingerprint",
            postgresql_where=text("fingerprint IS NOT NULL"),
        ),
        # What changed of late, for those who watch a whole organisation.
        Index("ix_summaries_organization_id_updated_at", "organization_id", "updated_at"),
        Index(
            "ix_summaries_submitted_key",
            "organization_id",
            "user_id",
            "submitted_key",
            postgresql_where=text("submitted_key IS NOT NULL"),
        ),
        Index("ix_summaries_ephemeral", "created_at", postgresql_where=text("ephemeral")),
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
    engine: Mapped[str] = mapped_column(default=Engine.EXTRACTIVE)
    model: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]  # Any: JSON, the provider's count of tokens
    fallback_reason: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)  # Any: JSON
    tags: Mapped[list[str]] = mapped_column(default=list)
    notes: Mapped[str | None]
    favourite: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None]
    failure_reason: Mapped[str | None]
    failure_retryable: Mapped[bool | None]
    stages: Mapped[dict[str, Any]] = mapped_column(default=dict)  # Any: JSON, stage -> milliseconds
    fingerprint: Mapped[bytes | None]
    ephemeral: Mapped[bool] = mapped_column(default=False)
    http_etag: Mapped[str | None]
    http_last_modified: Mapped[str | None]
    submitted_key: Mapped[bytes | None]
    own_title: Mapped[bool] = mapped_column(default=False)
    pending: Mapped[dict[str, Any] | None]  # Any: JSON
    refreshed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
    also_call: Mapped[list[str]] = mapped_column(default=list, server_default="{}")


_COLUMNS = Summary.__table__.columns
_MADE = {each.key: each.default.arg for each in _COLUMNS if each.default and each.default.is_callable}
_FIXED = {each.key: each.default and each.default.arg for each in _COLUMNS if each.key not in _MADE}


def unwritten(**values: Any) -> Summary:  # Any: column values
    """A row that no session knows, with all that it will have by default, its times aside.

    Put where SQLAlchemy keeps them: set one by one each is noted as a change, and costs more than its use.
    """
    # By this name: the first one of a process may be made before anything was asked that makes mappers whole.
    summary: Summary = class_mapper(Summary).class_manager.new_instance()
    made = {name: make(None) for name, make in _MADE.items() if name not in values}
    vars(summary).update({**_FIXED, **made, **values})
    return summary


def stamp(summary: Summary, began: datetime) -> None:
    """Of an unwritten one. `began` is PostgreSQL's `now()` in the transaction that writes it."""
    vars(summary).update(dict.fromkeys(("asked_at", "created_at", "updated_at"), began))


class SummaryContent(Base):
    """`input` is what was submitted as text or html, `document` as a file; `text` what was extracted.

    The offsets of a summary's sentences point into `text`.
    """

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
    document: Mapped[bytes | None] = mapped_column(deferred=True)
    document_name: Mapped[str | None]
    document_type: Mapped[str | None]
    text: Mapped[str | None]
