"""Places that are lent: who waits for somebody else's server holds up nobody, and comes back in its turn."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from procrastinate import App, JobContext
from procrastinate.jobs import Job
from procrastinate.testing import InMemoryConnector

from app.worker.places import LendingWorker

pytestmark = pytest.mark.unit
SECONDS = 20


@dataclass
class Works:
    """One worker of one place. A job named "slow…" is away until it is `answered`."""

    queue: App = field(default_factory=lambda: App(connector=InMemoryConnector()))
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0

    async def run(self, context: JobContext, name: str) -> None:
        place = context.additional_context["places"](context.job.priority)
        self.begun.append(name)
        if name.startswith("slow"):
            place.leave()
            try:
                await self.answered.wait()
            finally:
                await place.come_back()
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await asyncio.sleep(0)
        self.at_work -= 1
        self.done.append(name)

    async def defer(self, *names: str, priority: int = 0) -> None:
        for name in names:
            await self.queue.configure_task("job", priority=priority).defer_async(name=name)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not is_so():  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.01)


@asynccontextmanager
async def working(*, most_away: int, look_every_seconds: float = 0.02) -> AsyncIterator[Works]:
    works = Works()
    works.queue.task(name="job", pass_context=True)(works.run)
    async with works.queue.open_async():
        worker = LendingWorker(
            works.queue,
            concurrency=1,
            install_signal_handlers=False,
            fetch_job_polling_interval=look_every_seconds,
        )
        worker.most_away = most_away
        worker.additional_context = {"places": worker.place}
        running = asyncio.create_task(worker.run())
        yield works
        works.answered.set()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_no_more_than_may_are_away() -> None:
    async with working(most_away=1) as works:
        await works.defer("slow1", "slow2", "fast")
        await works.until(lambda: len(works.begun) == 2)
        await asyncio.sleep(0.1)
        assert works.begun == ["slow1", "slow2"]
        works.answered.set()
        await works.until(lambda: len(works.done) == 3)


async def test_what_comes_while_the_queue_is_asked_is_not_slept_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told of before the answer is there, and that says that nothing waits."""
    async with working(most_away=0, look_every_seconds=60) as works:
        manager = works.queue.job_manager
        ask, is_late = manager.fetch_job, False

        async def fetch_job(**asked: Any) -> Job | None:  # Any: as its own
            nonlocal is_late
            job = await ask(**asked)
            if job is None and works.done and not is_late:
                is_late = True
                await works.defer("late")
            return job

        monkeypatch.setattr(manager, "fetch_job", fetch_job)
        await asyncio.sleep(0.1)
        await works.defer("early")
        await works.until(lambda: works.done == ["early", "late"])


async def test_fast_job_ends_while_more_slow_ones_wait_than_there_are_places() -> None:
    async with working(most_away=50) as works:
        await works.defer(*(f"slow{number}" for number in range(50)), "fast")
        await works.until(lambda: "fast" in works.done)
        assert works.done == ["fast"]
        works.answered.set()
        await works.until(lambda: len(works.done) == 51)
        assert works.most_at_work == 1


async def test_whom_the_queue_would_prefer_comes_back_first() -> None:
    async with working(most_away=9) as works:
        await works.defer("slow of many", priority=-5)
        await works.defer("slow of few")
        await works.until(lambda: len(works.begun) == 2)
        works.answered.set()
        await works.until(lambda: len(works.done) == 2)
    assert works.done == ["slow of few", "slow of many"]


async def test_job_that_is_cancelled_while_away_leaves_no_place_too_many() -> None:
    async with working(most_away=9) as works:
        await works.defer("slow1", "slow2")
        await works.until(lambda: len(works.begun) == 2)
        for task in asyncio.all_tasks():
            if task.get_name().startswith("process job"):
                task.cancel()
        await works.until(lambda: not works.at_work)
        await works.defer("fast1", "fast2")
        await works.until(lambda: works.done == ["fast1", "fast2"])
    assert works.most_at_work == 1
