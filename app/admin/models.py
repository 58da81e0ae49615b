"""Counts that are kept, not made by scanning; and the queue's own table, as its library made it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Table, Text
from sqlalchemy.dialects.postgresql import ENUM, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.admin.vocabulary import JobStatus
from app.core.db import Base


class Tally(Base):
    """How many `subject` are in a `state`, as of the last folding; TALLY_MOVES hold what came since."""

    __tablename__ = "tallies"

    subject: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    many: Mapped[int] = mapped_column(BigInteger)


# Only ever inserted into, by the triggers of migration 0016: nobody waits for a counter that somebody holds.
# `before` None: they came, `after` None: they went.
TALLY_MOVES = Table(
    "tally_moves",
    Base.metadata,
    Column("subject", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("many", BigInteger, nullable=False),
)


class QueueBase(DeclarativeBase):
    """Metadata of its own: our migrations do not compare the library's tables."""


class Job(QueueBase):
    __tablename__ = "procrastinate_jobs"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    queue_name: Mapped[str]
    task_name: Mapped[str]
    status: Mapped[JobStatus] = mapped_column(
        ENUM(
            JobStatus,
            name="procrastinate_job_status",
            create_type=False,
            values_callable=lambda statuses: [str(status) for status in statuses],
        )
    )
    attempts: Mapped[int]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: JSON
    scheduled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
