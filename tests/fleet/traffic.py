"""Readers and writers through nginx, each strict: what is not answered, or answered with 5xx, is lost."""

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.fleet.fleet import Fleet
from tests.fleet.wire import Answer, LostError, Wire, wire

TEXT = (
    "The lighthouse keeper wrote every evening into a book. He noted the wind, the ships and the oil left. "
    "When the lamp became electric the book went on, as the ships still wanted to know who had passed. "
    "Number {number} of these notes was found in a drawer. It says that the sea was calm and the light good."
)
# Of every hundred requests: so many change a row, so many ask for a new summary.
CHANGES, CREATIONS = 20, 2
SERVER_ERROR = 500


@dataclass(slots=True)
class Tally:
    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    connections: int = 0

    @property
    def asked(self) -> int:
        return len(self.seconds)

    def slowest(self, share: float) -> float:
        """The time within which that share was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


@dataclass(slots=True)
class Traffic:
    """`clients` each from an address of their own, as nginx bounds what one address may ask for.

    Each rests for `pause_seconds` between two requests.
    """

    fleet: Fleet
    headers: dict[str, str]
    clients: int = 8
    pause_seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _stopping: bool = False

    async def run(self, *, at_least: int) -> Tally:
        """Until `stop` and so many were asked."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._client(f"127.0.1.{number + 1}", at_least))
        return self.tally

    def stop(self) -> None:
        self._stopping = True

    async def _client(self, address: str, at_least: int) -> None:
        async with wire(self.fleet.ports.https, self.fleet.tls, address) as one:
            mine = await self._create(one)
            while not (self._stopping and self.tally.asked >= at_least):
                await self._one(one, mine)
                await asyncio.sleep(self.pause_seconds)
            self.tally.connections += one.connections

    async def _one(self, one: Wire, mine: str) -> None:
        number = next(self._numbers)
        kind = number % 100
        if kind < CREATIONS:
            await self._create(one)
        elif kind < CREATIONS + CHANGES:
            await self._ask(one, "PATCH", f"/api/v1/summaries/{mine}", {"notes": f"note {number}"})
        elif kind % 2:
            await self._ask(one, "GET", f"/api/v1/summaries/{mine}")
        else:
            await self._ask(one, "GET", "/api/v1/summaries?limit=5")

    async def _create(self, one: Wire) -> str:
        body = {"text": TEXT.format(number=next(self._numbers)), "length": "short"}
        answer = await self._ask(one, "POST", "/api/v1/summaries", body)
        if answer is None or answer.status not in {201, 202}:
            return ""
        summary_id = str(answer.json()["id"])
        self.tally.created.append(summary_id)
        return summary_id

    async def _ask(
        self, one: Wire, method: str, path: str, body: dict[str, str] | None = None
    ) -> Answer | None:
        began = time.monotonic()
        try:
            answer = await one.ask(method, path, headers=self.headers, body=body)
        except LostError as error:
            self.tally.lost.append(str(error))
            return None
        finally:
            self.tally.seconds.append(time.monotonic() - began)
        self.tally.statuses[answer.status] += 1
        if answer.status >= SERVER_ERROR:
            self.tally.lost.append(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
        return answer
