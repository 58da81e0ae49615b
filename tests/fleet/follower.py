"""One who watches a summary being made, and comes back whenever told to."""

import asyncio
from dataclasses import dataclass, field

from tests.fleet.fleet import Fleet
from tests.fleet.wire import LostError, Told, told, wire

FINAL = {"ready", "failed"}
# What a client that is told to come back waits for at most; see `retry` in the stream.
PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Follower:
    """`cut`: connections that ended without a word. `events` of all connections, without `reconnect`."""

    fleet: Fleet
    headers: dict[str, str]
    summary_id: str
    address: str
    events: list[Told] = field(default_factory=list)
    told_to_reconnect: int = 0
    cut: int = 0
    refused: int = 0

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    @property
    def is_at_the_end(self) -> bool:
        return bool(self.events) and self.events[-1].name in FINAL

    async def follow(self) -> None:
        while not self.is_at_the_end:
            try:
                was_told = await self._connect()
            except LostError:
                self.refused += 1
            except (OSError, EOFError):
                self.cut += 1
            else:
                self.cut += not was_told
            await asyncio.sleep(PAUSE_SECONDS)

    async def _connect(self) -> bool:
        """Whether the stream said that it ends."""
        was_told = False
        last = self.events[-1].position if self.events else None
        headers = {**self.headers, **({"Last-Event-ID": last} if last else {})}
        path = f"/api/v1/summaries/{self.summary_id}/events"
        async with wire(self.fleet.ports.https, self.fleet.tls, self.address) as one:
            async for event in told(one, path, headers=headers):
                was_told = event.name in {"reconnect", *FINAL}
                if event.name == "reconnect":
                    self.told_to_reconnect += 1
                else:
                    self.events.append(event)
        return was_told
