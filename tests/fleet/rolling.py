"""Reload and rolling restart under load: `python -m tests.fleet.rolling [--requests 10000]`.

Readers, writers and event streams go on through nginx while every process of ours is replaced, some twice.
Prints a table; exits with 1 where a request, an event or a summary was lost or a summary made twice.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.running import descendants, until
from tests.fleet.cast import api_key
from tests.fleet.fleet import WORKERS, Fleet, FleetOptions
from tests.fleet.follower import Follower
from tests.fleet.ledger import Ledger, read_ledger
from tests.fleet.member import Member
from tests.fleet.parts import APIS
from tests.fleet.traffic import TEXT, Tally, Traffic

WATCHERS = 6
# Every client may ask as much as it can: what is measured is what gets lost.
UNBOUNDED = {"RATE_LIMIT_SCALE": "100000", "LOG_LEVEL": "WARNING"}
REPLACED_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    seconds: float
    requests: int
    lost: int
    slowest: float


@dataclass(slots=True)
class Report:
    tally: Tally
    followers: list[Follower]
    phases: list[Phase] = field(default_factory=list)
    ledger: Ledger | None = None

    @property
    def faults(self) -> list[str]:
        found = [f"lost: {line}" for line in self.tally.lost]
        for one in self.followers:
            if one.names != ["queued", "extracting", "summarising", "ready"]:
                found.append(f"a stream was told {one.names}")
            if one.cut or one.refused:
                found.append(f"a stream was cut {one.cut} and refused {one.refused} times")
        return found + (self.ledger.faults if self.ledger else ["nothing was counted in the database"])


class Drill:
    def __init__(
        self, fleet: Fleet, headers: dict[str, str], *, requests: int, pause_seconds: float = 0.0
    ) -> None:
        self._fleet = fleet
        self._requests = requests
        self._headers = headers
        self._traffic = Traffic(fleet, headers, pause_seconds=pause_seconds)
        self._report = Report(self._traffic.tally, [])
        self._abandon: Callable[[], object] = lambda: None

    def run(self, *, reloaded: Sequence[str] = APIS, restarted: Sequence[str] = (*APIS, *WORKERS)) -> Report:
        """Processes are started here, in the main thread; the load runs in another."""
        self._fleet.stop(*WORKERS)
        self._report.followers += [self._follower(number) for number in range(WATCHERS)]
        with ThreadPoolExecutor(1) as pool:
            load = pool.submit(asyncio.run, self._load())
            try:
                self._replace(reloaded, restarted)
            except BaseException:
                self._abandon()
                raise
            load.result()
        self._settle()
        return self._report

    def _replace(self, reloaded: Sequence[str], restarted: Sequence[str]) -> None:
        with self._phase("before"):
            assert until(lambda: all(one.events for one in self._report.followers), seconds=90)
        for name in reloaded:
            with self._phase(f"reload {name} (SIGHUP)"):
                self._reload(self._fleet.members[name])
        for name in (name for name in restarted if name in APIS):
            with self._phase(f"restart {name} (SIGTERM)"):
                self._fleet.restart(name)
                self._fleet.wait_until_used(name)
        with self._phase("start of the workers"):
            self._fleet.start(*WORKERS)
        for name in (name for name in restarted if name in WORKERS):
            with self._phase(f"restart {name} (SIGTERM)"):
                self._fleet.restart(name)
        with self._phase("after"):
            self._traffic.stop()
            assert until(lambda: self._traffic.tally.asked >= self._requests, seconds=600)

    def _reload(self, member: Member) -> None:
        former = descendants(member.pid)
        member.send(signal.SIGHUP)
        assert until(lambda: not former & descendants(member.pid), seconds=REPLACED_SECONDS)
        member.wait_until_ready()

    async def _load(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._abandon = lambda: loop.call_soon_threadsafe(task.cancel)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._traffic.run(at_least=self._requests))
            for one in self._report.followers:
                group.create_task(one.follow())

    def _follower(self, number: int) -> Follower:
        body = {"text": TEXT.format(number=f"{number} of the watchers"), "length": "short"}
        with self._fleet.client() as client:
            made = client.post("/api/v1/summaries", json=body, headers=self._headers).raise_for_status()
        return Follower(self._fleet, self._headers, made.json()["id"], f"127.0.2.{number + 1}")

    def _settle(self) -> None:
        """All that was asked for is made by now, or will be in a moment."""
        ids = self._traffic.tally.created + [one.summary_id for one in self._report.followers]

        def settled() -> bool:
            self._report.ledger = asyncio.run(read_ledger(self._fleet.superuser_url(), ids))
            return self._report.ledger.unfinished == 0

        until(settled, seconds=120, pause=0.5)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        tally, began = self._traffic.tally, time.monotonic()
        asked, lost = tally.asked, len(tally.lost)
        yield
        slowest = max(tally.seconds[asked:], default=0.0)
        seconds = time.monotonic() - began
        self._report.phases.append(Phase(name, seconds, tally.asked - asked, len(tally.lost) - lost, slowest))


def table(report: Report) -> str:
    tally, ledger = report.tally, report.ledger
    lines = [f"{'phase':26} {'seconds':>8} {'requests':>9} {'lost':>5} {'slowest s':>10}"]
    lines += [
        f"{phase.name:26} {phase.seconds:8.1f} {phase.requests:9} {phase.lost:5} {phase.slowest:10.2f}"
        for phase in report.phases
    ]
    told = sum(one.told_to_reconnect for one in report.followers)
    return "\n".join(
        [
            *lines,
            f"requests {tally.asked}, lost {len(tally.lost)}, connections {tally.connections}",
            f"statuses {dict(sorted(tally.statuses.items()))}",
            f"half within {tally.slowest(0.5):.3f} s, 99 % within {tally.slowest(0.99):.3f} s",
            f"streams {len(report.followers)}, told to come back {told} times",
            f"summaries {ledger}",
            *report.faults[:5],
        ]
    )


def main(say: Callable[[str], int] = sys.stdout.write) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    requests = parser.parse_args().requests
    with Fleet(FleetOptions(environment=UNBOUNDED, watched=False)) as fleet:
        report = Drill(fleet, api_key(fleet), requests=requests).run()
        if report.faults:
            say(fleet.members["nginx"].log[-5000:])
    say(f"{table(report)}\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
