"""A lost connection is outlasted; a database that stays away is the supervisor's."""

import asyncio

import pytest
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from app.worker.queue_loss import STEADY_SECONDS, QueueLostError, outlasting
from tests.core.own_valkey import ManualClock

pytestmark = pytest.mark.unit


class Work:
    """Each time it goes on for so many seconds, and ends as it is told."""

    def __init__(self, *spells: tuple[float, Exception | None]) -> None:
        self.clock = ManualClock()
        self.begun = 0
        self._spells = iter(spells)

    async def __call__(self) -> None:
        self.begun += 1
        seconds, error = next(self._spells)
        self.clock.advance(seconds)
        if error is not None:
            raise error

    async def outlasted(self) -> None:
        await outlasting(self, again_seconds=0, clock=self.clock)


@pytest.mark.parametrize(
    "lost", [ConnectorException(), PoolTimeout("5 s"), None], ids=["cut", "full", "ended"]
)
async def test_a_loss_after_a_while_begins_again_and_one_at_once_ends_it(
    lost: Exception | None,
) -> None:
    work = Work((STEADY_SECONDS, lost), (STEADY_SECONDS + 1, lost), (STEADY_SECONDS - 1, lost))
    with capture_logs() as lines, pytest.raises(QueueLostError, match="cannot be used"):
        await work.outlasted()
    assert work.begun == 3
    assert [line["event"] for line in lines] == ["queue_lost"] * 2


async def test_what_the_database_said_is_told() -> None:
    error = ConnectorException()
    error.__cause__ = OSError("connection refused")
    with pytest.raises(QueueLostError, match="cannot be used: connection refused"):
        await Work((0, error)).outlasted()


async def test_another_fault_is_not_outlasted() -> None:
    work = Work((STEADY_SECONDS, ValueError("a fault of ours")))
    with pytest.raises(ValueError, match="of ours"):
        await work.outlasted()
    assert work.begun == 1


async def test_who_is_told_to_stop_stops_at_work_and_between() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def ends() -> None:
        begun.set()

    for what in (work, ends):
        begun.clear()
        running = asyncio.create_task(outlasting(what, steady_seconds=0, again_seconds=60))
        await begun.wait()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
