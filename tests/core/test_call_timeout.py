"""What came while this process stood still is an answer; what did not come is none."""

import asyncio
import time

import pytest

from app.core.call_timeout import GRACE_SECONDS, CallTimeout
from app.core.redis import CALL_TIMEOUT_SECONDS, RedisClient, RedisDownError
from tests.core.own_valkey import silent_server

pytestmark = pytest.mark.integration
STANDSTILL_SECONDS = 2 * CALL_TIMEOUT_SECONDS


async def stand_still() -> None:
    """The event loop with all that it does, as where a hypervisor gives the processor to others."""
    await asyncio.sleep(0.01)
    time.sleep(STANDSTILL_SECONDS)  # noqa: ASYNC251  # the very fault


async def test_an_answer_that_came_during_a_standstill_is_read(redis_client: RedisClient) -> None:
    await redis_client.ping()

    async def asked_late() -> bool:
        await asyncio.sleep(0.01)
        return bool(await redis_client.run(lambda redis: redis.ping()))

    answers = await asyncio.gather(
        asked_late(), asked_late(), stand_still(), redis_client.ask(("GET", "nothing")).answers()
    )
    assert answers[:2] == [True, True]


async def test_silence_is_silence_after_a_standstill_too() -> None:
    async with silent_server() as url:
        client = RedisClient(url)
        asked = asyncio.create_task(client.ping())
        began = time.monotonic()
        await stand_still()
        with pytest.raises(RedisDownError):
            await asked
        assert time.monotonic() - began >= STANDSTILL_SECONDS + GRACE_SECONDS
        await client.aclose()


async def test_a_time_that_is_over_is_a_timeout() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError):
        async with CallTimeout(0.05):
            await asyncio.sleep(60)
    assert loop.time() - began >= 0.05


async def test_what_is_done_in_time_ends_no_later(caplog: pytest.LogCaptureFixture) -> None:
    async with CallTimeout(0.02):
        pass
    await asyncio.sleep(0.05)
    assert not caplog.records


async def test_a_cancelled_caller_is_cancelled_and_not_timed_out() -> None:
    async def call() -> None:
        async with CallTimeout(60):
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
