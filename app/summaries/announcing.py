"""How far a summary is, told to every process once it is committed: ids and numbers, never content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Protocol, Self
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import after_commit
from app.core.pubsub import publish, publish_soon
from app.core.redis import RedisClient
from app.summaries.models import Summary
from app.summaries.vocabulary import FINAL, Status, Visibility

# What of a row makes up its progress.
COLUMNS = (
    Summary.organization_id,
    Summary.id,
    Summary.user_id,
    Summary.visibility,
    Summary.status,
    Summary.attempt,
    Summary.version,
    Summary.stages,
    Summary.failure_reason,
    Summary.deleted_at,
)


def channel_of(organization_id: UUID) -> str:
    return f"summaries:progress:{organization_id}"


@dataclass(frozen=True, slots=True)
class Progress:
    """`stages`: milliseconds of each stage so far. `is_gone`: in the trash, or deleted for good."""

    organization_id: UUID
    summary_id: UUID
    user_id: UUID
    visibility: str
    status: Status
    attempt: int
    version: int
    stages: Mapping[str, int]
    reason: str | None = None
    is_gone: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def is_visible_to(self, user_id: UUID) -> bool:
        """To a member of its organisation."""
        return not self.is_gone and (self.user_id == user_id or self.visibility == Visibility.ORGANIZATION)

    def to_message(self) -> bytes:
        # Not `asdict`, which copies each value deeply.
        return to_json({name: getattr(self, name) for name in _FIELDS})

    @classmethod
    def from_message(cls, message: bytes) -> Self:
        """Raises ValueError, KeyError or TypeError for anything but a message of ours."""
        told: dict[str, Any] = json.loads(message)  # Any: JSON
        ids = {name: UUID(told[name]) for name in ("organization_id", "summary_id", "user_id")}
        return cls(**{**told, **ids, "status": Status(told["status"])})


_FIELDS = tuple(field.name for field in fields(Progress))


def progress_of(row: Any) -> Progress:  # Any: a Summary, or a row of COLUMNS
    return Progress(
        organization_id=row.organization_id,
        summary_id=row.id,
        user_id=row.user_id,
        visibility=row.visibility,
        status=Status(row.status),
        attempt=row.attempt,
        version=row.version,
        stages=row.stages,
        reason=row.failure_reason,
        is_gone=row.deleted_at is not None,
    )


class Announcer(Protocol):
    async def announce(self, progress: Progress) -> None: ...


class PromptAnnouncer(Announcer, Protocol):
    def announce_soon(self, progress: Progress) -> None:
        """For whoever has something better to do than to wait for it."""


class RedisAnnouncer:
    """Best effort: where Redis is gone, who watches asks the database."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def announce(self, progress: Progress) -> None:
        await publish(self._client, channel_of(progress.organization_id), progress.to_message())

    def announce_soon(self, progress: Progress) -> None:
        publish_soon(self._client, channel_of(progress.organization_id), progress.to_message())


def announce_after_commit(session: AsyncSession, announcer: Announcer | None, row: Any) -> None:
    # Any: a Summary, or a row of COLUMNS
    """`row` as it is now; nobody is told where `announcer` is None."""
    if announcer is not None:
        after_commit(session, partial(announcer.announce, progress_of(row)))
