"""Open event streams on one worker: `python -m tests.load.streams [--streams 1000] [--idle 30]`.

What a stream costs in memory, what all of them cost while nothing happens, and how long it takes from a
commit until its event has arrived: one at a time, and all at once. The client shares the machine.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.core.db import Tenant
from app.core.ids import new_id
from app.core.pubsub import LOST
from app.main import create_app
from app.summaries.announcing import Announcer, Progress
from app.summaries.models import Summary
from app.summaries.store import StepStore, SummaryKey
from app.summaries.vocabulary import Source, Status
from tests.factories import Factory, Person
from tests.load.fleet import Fleet, fleet

STREAMS_OF_ONE = 20
TICKS = os.sysconf("SC_CLK_TCK")
OPENED_AT_ONCE = 10
ONE_AT_A_TIME = 200
WARMING = 40
# As many jobs as our own pool has connections.
WRITERS = asyncio.Semaphore(8)


@dataclass
class Stream:
    """`arrived`: when the event of each status came, on our own clock."""

    person: Person
    summary_id: UUID
    arrived: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    committed: float = 0.0
    announcer: Announcer | None = None

    async def read(self, url: str) -> None:
        """Once more where the worker has no connection to the database free, as a client would."""
        while not await self._read_once(url):  # noqa: ASYNC110  # a server tells nobody when it has room
            await asyncio.sleep(1)

    async def _read_once(self, url: str) -> bool:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        path = f"/api/v1/summaries/{self.summary_id}/events"
        token = self.person.headers["Authorization"]
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: {token}\r\n\r\n".encode()
        )
        if b" 200 " not in await reader.readline():
            writer.close()
            return False
        while line := await reader.readline():
            if line.startswith(b"event: "):
                self.arrived[line[7:].strip().decode()] = time.monotonic()
                self.changed.set()
        return True

    async def until(self, status: str) -> None:
        async with asyncio.timeout(60):
            while status not in self.arrived:
                self.changed.clear()
                await self.changed.wait()

    async def take_up(self, app: FastAPI) -> float:
        """As a worker would; seconds from its commit to the event."""
        key = SummaryKey(self.person.organization_id, self.summary_id)
        self.announcer = app.state.announcer
        async with WRITERS:
            await StepStore(app.state.database, key, self).take_up()
        await self.until(Status.EXTRACTING)
        return self.arrived[Status.EXTRACTING] - self.committed

    async def announce(self, progress: Progress) -> None:
        """In the announcer's stead: what is told is committed."""
        self.committed = time.monotonic()
        if self.announcer is not None:
            await self.announcer.announce(progress)


async def make_streams(app: FastAPI, count: int) -> list[Stream]:
    factory, streams = Factory(app), []
    for number in range(-(-count // STREAMS_OF_ONE)):
        person = await factory.person(f"watcher_{number}")
        async with app.state.database.transaction(Tenant(person.organization_id)) as session:
            for _ in range(STREAMS_OF_ONE):
                row = Summary(
                    id=new_id(),
                    organization_id=person.organization_id,
                    user_id=person.user_id,
                    source=Source.TEXT,
                )
                session.add(row)
                streams.append(Stream(person, row.id))
    return streams[:count]


async def open_all(streams: Sequence[Stream], url: str) -> list[asyncio.Task[None]]:
    tasks = []
    for start in range(0, len(streams), OPENED_AT_ONCE):
        batch = streams[start : start + OPENED_AT_ONCE]
        tasks += [asyncio.create_task(stream.read(url)) for stream in batch]
        await asyncio.gather(*(stream.until(Status.QUEUED) for stream in batch))
    return tasks


def worker_of(port: int) -> int:
    """The process that serves: the child of the one that was started with this port."""
    wanted, parents = f"PORT={port}".encode(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(stat[1])
        except OSError:
            continue
    return next(pid for pid, parent in parents.items() if parent in parents)


def private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def show(name: str, seconds: Sequence[float]) -> None:
    p50, p99 = statistics.median(seconds) * 1000, percentile(seconds, 0.99)
    say(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, n {len(seconds)}")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # a script's output


async def measure(site: Fleet, count: int, idle: float) -> None:
    app = create_app(site.settings)
    pid = worker_of(urlsplit(site.url).port or 0)
    async with LifespanManager(app):
        everybody = await make_streams(app, WARMING + count)
        warm, streams = everybody[:WARMING], everybody[WARMING:]
        tasks = await open_all(warm, site.url)
        empty = private_kib(pid)
        began = time.monotonic()
        tasks += await open_all(streams, site.url)
        opened = time.monotonic() - began
        full = private_kib(pid)
        say(f"{count} streams opened in {opened:.1f} s ({count / opened:.0f} a second)")
        say(
            f"memory: {(full - empty) / count:.1f} KiB a stream; the worker {empty >> 10} -> {full >> 10} MiB"
        )
        before = processor_seconds(pid)
        await asyncio.sleep(idle)
        say(f"idle: {(processor_seconds(pid) - before) / idle:.1%} of a core over {idle:.0f} s")
        one = [await stream.take_up(app) for stream in streams[:ONE_AT_A_TIME]]
        show("commit to event, one at a time", one)
        rest = streams[ONE_AT_A_TIME:]
        show(
            "commit to event, all at once",
            await asyncio.gather(*(s.take_up(app) for s in rest)),
        )
        lost = sum(
            sample.value
            for metric in LOST.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        )
        say(f"announcements that Redis did not take: {lost:.0f}")
        still = private_kib(pid)
        say(f"after {len(streams)} events: {(still - empty) / count:.1f} KiB a stream")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=30.0)
    wanted = parser.parse_args()
    with fleet(workers=1) as site:
        asyncio.run(measure(site, wanted.streams, wanted.idle))


if __name__ == "__main__":
    main()
