import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.core.redis import POOL_SIZE, RedisBusyError, RedisClient, RedisDownError, RedisRefusedError
from tests.core.own_valkey import ManualClock, OwnValkey, silent_server

pytestmark = pytest.mark.integration


def refuse_at_once(client: RedisClient) -> None:
    """A call that waits for nothing, neither for Redis nor for its turn: its first step is its last."""
    call = client.ping()
    with pytest.raises(RedisDownError, match="the breaker is open"):
        call.send(None)


async def refuse(client: RedisClient, times: int = 1) -> float:
    """Seconds that `times` refused calls took together."""
    start = time.perf_counter()
    for _ in range(times):
        with pytest.raises(RedisDownError):
            await client.ping()
    return time.perf_counter() - start


@pytest.fixture
async def silent() -> AsyncIterator[tuple[RedisClient, ManualClock]]:
    clock = ManualClock()
    async with silent_server() as url:
        client = RedisClient(url, clock=clock)
        yield client, clock
        await client.aclose()


@pytest.mark.alone
async def test_silent_redis_costs_a_fifth_of_a_second_at_most(
    silent: tuple[RedisClient, ManualClock],
) -> None:
    """The least of three: where this process stands still meanwhile, it gives it a moment more."""
    client, _ = silent
    assert min([await refuse(client) for _ in range(3)]) < 0.25


@pytest.mark.alone
async def test_silent_redis_costs_nothing_once_the_breaker_is_open(
    silent: tuple[RedisClient, ManualClock],
) -> None:
    client, _ = silent
    await refuse(client, 5)
    assert client.is_open
    refuse_at_once(client)
    assert await refuse(client, 100) < 0.05


@pytest.mark.alone
async def test_only_one_of_many_callers_pays_for_the_probe(silent: tuple[RedisClient, ManualClock]) -> None:
    client, clock = silent
    await refuse(client, 5)
    clock.advance(10)
    probe = asyncio.create_task(refuse(client))
    await asyncio.sleep(0)
    refuse_at_once(client)
    assert await refuse(client, 50) < 0.05
    assert await probe > 0.1


@pytest.mark.alone
async def test_refused_connection_is_redis_down() -> None:
    client = RedisClient("redis://127.0.0.1:1/0")
    with pytest.raises(RedisDownError, match="Error 111 connecting"):
        await client.ping()
    assert await refuse(client) < 0.1
    await client.aclose()


async def test_error_answer_is_redis_down_and_leaves_the_breaker_closed(redis_client: RedisClient) -> None:
    await redis_client.run(lambda redis: redis.set("text", "x"))
    for _ in range(6):
        with pytest.raises(RedisDownError, match="wrong kind"):
            await redis_client.run(lambda redis: redis.lpush("text", "y"))
    assert not redis_client.is_open


async def test_cancelled_call_is_not_a_failure(silent: tuple[RedisClient, ManualClock]) -> None:
    client, clock = silent
    await refuse(client, 5)
    clock.advance(10)
    probe = asyncio.create_task(client.ping())
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await refuse(client) > 0.1


async def test_frozen_redis_recovers_after_the_pause(own_valkey: OwnValkey) -> None:
    clock = ManualClock()
    client = RedisClient(own_valkey.url, clock=clock)
    await client.ping()
    own_valkey.freeze()
    await refuse(client, 5)
    own_valkey.thaw()
    await refuse(client)
    clock.advance(10)
    await client.ping()
    assert not client.is_open
    await client.aclose()


async def test_restarted_server_has_another_id(own_valkey: OwnValkey) -> None:
    client = RedisClient(own_valkey.url)
    assert client.server_id is None
    await client.ping()
    first = client.server_id
    own_valkey.kill()
    own_valkey.start()
    # The loop has not run meanwhile, so the first call may still find the old socket.
    await asyncio.gather(client.ping(), return_exceptions=True)
    await client.ping()
    assert first
    assert client.server_id not in {None, first}
    await client.aclose()


async def test_values_come_back_as_bytes(redis_client: RedisClient) -> None:
    await redis_client.run(lambda redis: redis.set("name", "precis"))
    assert await redis_client.run(lambda redis: redis.get("name")) == b"precis"


async def test_more_callers_than_connections_are_all_served() -> None:
    client = RedisClient("redis://127.0.0.1:1/0")
    at_once: list[int] = []
    within = 0

    async def use(_: Redis) -> None:
        nonlocal within
        within += 1
        at_once.append(within)
        await asyncio.sleep(0)
        within -= 1

    await asyncio.gather(*(client.run(use) for _ in range(4 * POOL_SIZE)))
    assert (len(at_once), max(at_once)) == (4 * POOL_SIZE, POOL_SIZE)
    await client.aclose()


async def test_call_that_finds_no_slot_is_busy_and_no_failure_of_redis() -> None:
    client = RedisClient("redis://127.0.0.1:1/0")
    never = asyncio.Event()
    calls = [client.run(lambda _: never.wait()) for _ in range(2 * POOL_SIZE)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes[POOL_SIZE:]} == {RedisBusyError}
    assert not client.is_open
    await client.aclose()


async def test_what_is_insisted_on_may_be_refused_and_be_taken_the_next_time(own_valkey: OwnValkey) -> None:
    client = RedisClient(own_valkey.url)
    await asyncio.to_thread(own_valkey.command, "CONFIG SET maxmemory 1")
    with pytest.raises(RedisRefusedError):
        await client.insist(("SET", "insisted", "1"))
    await asyncio.to_thread(own_valkey.command, "CONFIG SET maxmemory 0")
    await client.insist(("SET", "insisted", "1"))
    assert await client.run(lambda redis: redis.get("insisted")) == b"1"
    await client.aclose()
