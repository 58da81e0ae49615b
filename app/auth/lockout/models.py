"""What lock-out remembers: wrong guesses at one account by one client, and by all strangers together."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class LoginTally(Base):
    """`client` is `device:<id>`, `network:<prefix>`, or `strangers`, whose row counts all unknown clients.

    No foreign key on `account_id`: names that nobody has are counted too, for decoys, so that guessing at
    them costs the same. `failures` are those of the window that began at `window_started_at`, `total` those
    since the last success; `locks` is how often in a row it was locked.
    """

    __tablename__ = "login_tallies"
    __table_args__ = (Index("ix_login_tallies_attempted_at", "attempted_at"),)

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    client: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    window_started_at: Mapped[datetime]
    total: Mapped[int]
    locks: Mapped[int]
    locked_until: Mapped[datetime | None]
    attempted_at: Mapped[datetime]
