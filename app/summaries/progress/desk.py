"""What of the process every stream works with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from app.core.db import Database
from app.core.redis import RedisClient
from app.settings import Settings
from app.summaries.progress.event_stream import StreamPace
from app.summaries.progress.hub import ProgressHub
from app.summaries.progress.slots import StreamSlots
from app.summaries.progress.tickets import Tickets


@dataclass(frozen=True, slots=True)
class ProgressDesk:
    hub: ProgressHub
    slots: StreamSlots
    tickets: Tickets
    pace: StreamPace

    @classmethod
    def open(
        cls, settings: Settings, database: Database, redis: RedisClient, *, is_draining: Callable[[], bool]
    ) -> Self:
        """Connects to nothing before the first stream."""
        slots = StreamSlots(per_process=settings.streams_per_process, per_person=settings.streams_per_person)
        hub = ProgressHub(database, settings.redis_url, is_draining=is_draining)
        return cls(hub, slots, Tickets(redis), StreamPace(life=settings.stream_max_seconds))

    async def aclose(self) -> None:
        await self.hub.aclose()
