import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from redis.asyncio import Redis

from app.core.cache import BodyCache, CachedBody, Miss
from app.core.redis import POOL_SIZE, RedisClient
from tests.core.own_valkey import ManualClock, OwnValkey

pytestmark = pytest.mark.integration

KEY = "summary:acme:1"
OTHER_KEY = "summary:acme:2"
OLD = CachedBody(etag='"1"', owner=str(UUID(int=7)), visibility="private", body=b'{"title":"old"}\n')
NEW = CachedBody(etag='"2"', owner=str(UUID(int=7)), visibility="organization", body=b'{"title":"new"}')


@pytest.fixture
async def cache(redis_client: RedisClient) -> BodyCache:
    await redis_client.ping()
    return BodyCache(redis_client)


async def must_miss(cache: BodyCache, key: str = KEY) -> Miss:
    found = await cache.get(key)
    assert isinstance(found, Miss)
    return found


async def write_while_full(cache: BodyCache, other: BodyCache, valkey: OwnValkey) -> None:
    """What the one writes meanwhile the other forgets, and may read anew afterwards."""
    async with full(valkey):
        async with cache.writing(KEY):
            pass
        await must_miss(other)
    await store(other, NEW)


async def store(cache: BodyCache, entry: CachedBody, key: str = KEY) -> None:
    await cache.put(await must_miss(cache, key), entry)
    assert await cache.get(key) == entry


@pytest.fixture
async def outage(own_valkey: OwnValkey) -> AsyncIterator[tuple[BodyCache, OwnValkey, ManualClock]]:
    clock = ManualClock()
    client = RedisClient(own_valkey.url, clock=clock)
    await client.ping()
    cache = BodyCache(client)
    await store(cache, OLD)
    yield cache, own_valkey, clock
    await cache.aclose()
    await client.aclose()


@asynccontextmanager
async def another_process(valkey: OwnValkey) -> AsyncIterator[BodyCache]:
    """That has read what is stored."""
    client = RedisClient(valkey.url)
    await client.ping()
    other = BodyCache(client)
    assert await other.get(KEY) == OLD
    yield other
    await other.aclose()
    await client.aclose()


@asynccontextmanager
async def full(valkey: OwnValkey) -> AsyncIterator[None]:
    """It takes nothing new, and deletes what it is told to."""
    await asyncio.to_thread(valkey.command, "CONFIG SET maxmemory 1")
    yield
    await asyncio.to_thread(valkey.command, "CONFIG SET maxmemory 0")


async def test_who_missed_finds_what_another_stored_before_the_second_question(cache: BodyCache) -> None:
    """Without a generation there are two: the one that begins it sees what was stored since the first."""
    begun = cache.begin(KEY)
    await begun.asked.answers()
    await store(cache, OLD)
    assert await cache.get(KEY, begun=begun) == OLD


async def test_body_read_before_a_commit_is_refused_after_it(cache: BodyCache) -> None:
    early = await must_miss(cache)
    await cache.invalidate(KEY)
    await cache.put(early, OLD)
    await must_miss(cache)


async def test_body_read_during_a_write_is_never_stored(cache: BodyCache) -> None:
    async with cache.writing(KEY):
        during = await must_miss(cache)
        assert during.fence is None
        await cache.put(during, OLD)
    await must_miss(cache)


async def test_body_read_before_a_hold_is_not_served_during_it(cache: BodyCache) -> None:
    early = await must_miss(cache)
    await cache.hold(KEY)
    await cache.put(early, OLD)
    await must_miss(cache)


async def test_invalidation_removes_the_body_and_the_next_read_stores_the_new_one(cache: BodyCache) -> None:
    await store(cache, OLD)
    await cache.invalidate(KEY)
    await store(cache, NEW)


async def test_write_that_fails_invalidates_all_the_same(cache: BodyCache) -> None:
    early = await must_miss(cache)
    with pytest.raises(ValueError, match="commit"):
        async with cache.writing(KEY):
            raise ValueError("commit")
    await cache.put(early, OLD)
    await store(cache, NEW)


async def test_invalidation_of_one_key_leaves_the_others(cache: BodyCache) -> None:
    await store(cache, OLD, OTHER_KEY)
    await cache.invalidate(KEY, "summary:acme:3")
    assert await cache.get(OTHER_KEY) == OLD


async def test_body_read_before_a_flush_is_refused_after_it(
    cache: BodyCache, redis_client: RedisClient
) -> None:
    early = await must_miss(cache)
    await cache.invalidate(KEY)
    await redis_client.run(lambda redis: redis.flushdb())
    await cache.put(early, OLD)
    await store(cache, NEW)


@pytest.mark.parametrize("lost", ["cache:epoch", f"cache:generation:{KEY}"])
async def test_evicted_fence_makes_its_body_a_miss(
    cache: BodyCache, redis_client: RedisClient, lost: str
) -> None:
    await store(cache, OLD)
    await redis_client.run(lambda redis: redis.delete(lost))
    await must_miss(cache)


async def test_body_expires(redis_client: RedisClient) -> None:
    await redis_client.ping()
    cache = BodyCache(redis_client, ttl_seconds=1)
    await store(cache, OLD)
    await asyncio.sleep(1.1)
    await must_miss(cache)


async def test_reads_and_stores_without_redis_are_misses_and_never_errors() -> None:
    client = RedisClient("redis://127.0.0.1:1/0")
    cache = BodyCache(client)
    await cache.put(await must_miss(cache), OLD)
    await cache.put(Miss(KEY, "a fence"), OLD)
    await client.aclose()


async def test_write_while_redis_is_frozen_is_seen_after_it_thaws(
    outage: tuple[BodyCache, OwnValkey, ManualClock],
) -> None:
    cache, valkey, clock = outage
    valkey.freeze()
    await cache.invalidate(KEY)
    await must_miss(cache)
    valkey.thaw()
    clock.advance(10)
    await must_miss(cache)
    await store(cache, NEW)


async def test_lost_invalidation_empties_the_cache_of_every_process(
    outage: tuple[BodyCache, OwnValkey, ManualClock],
) -> None:
    cache, valkey, _ = outage
    await store(cache, OLD, OTHER_KEY)
    async with another_process(valkey) as other:
        valkey.freeze()
        await cache.invalidate(KEY)
        valkey.thaw()
        await must_miss(cache, "any other key")
        await must_miss(other)
        # Never invalidated itself; what was sent for the first may have arrived after all.
        await must_miss(other, OTHER_KEY)


@pytest.mark.alone
async def test_in_an_outage_only_one_write_a_second_waits_for_it(
    outage: tuple[BodyCache, OwnValkey, ManualClock],
) -> None:
    cache, valkey, _ = outage
    valkey.freeze()
    for _ in range(5):
        await must_miss(cache)
    await cache.invalidate(KEY)
    # Each on its own would wait for 0.2 s.
    async with asyncio.timeout(2):
        for number in range(50):
            await cache.invalidate(f"{KEY}:{number}")
    valkey.thaw()


async def test_full_server_that_takes_no_new_fence_forgets_the_old_one_for_every_process(
    outage: tuple[BodyCache, OwnValkey, ManualClock],
) -> None:
    cache, valkey, _ = outage
    async with another_process(valkey) as other:
        await write_while_full(cache, other, valkey)


async def test_cancelled_invalidation_counts_as_lost(
    outage: tuple[BodyCache, OwnValkey, ManualClock],
) -> None:
    cache, valkey, _ = outage
    await store(cache, OLD, OTHER_KEY)
    valkey.freeze()
    write = asyncio.create_task(cache.invalidate(KEY))
    await asyncio.sleep(0.01)
    write.cancel()
    await asyncio.gather(write, return_exceptions=True)
    valkey.thaw()
    await must_miss(cache)
    # After a loss nothing is believed.
    await must_miss(cache, OTHER_KEY)


async def test_snapshot_from_before_a_write_is_not_believed(
    outage: tuple[BodyCache, OwnValkey, ManualClock],
) -> None:
    cache, valkey, _ = outage
    redis = Redis.from_url(valkey.url)
    await redis.save()
    await redis.aclose()
    await cache.invalidate(KEY)
    valkey.kill()
    valkey.start()
    await asyncio.sleep(0.01)
    await must_miss(cache)
    await must_miss(cache)
    await store(cache, NEW)


async def test_busy_process_misses_without_distrusting_the_cache(
    cache: BodyCache, redis_client: RedisClient
) -> None:
    await store(cache, OLD)
    never = asyncio.Event()
    holders = [asyncio.create_task(redis_client.run(lambda _: never.wait())) for _ in range(POOL_SIZE)]
    await asyncio.sleep(0)
    assert await must_miss(cache) == Miss(KEY)
    await asyncio.gather(*holders, return_exceptions=True)
    assert await cache.get(KEY) == OLD
