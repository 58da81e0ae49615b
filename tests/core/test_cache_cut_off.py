"""A process whose own way to Redis is gone, or was just now, while another reads from the same server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.cache import REPAIR_SECONDS, BodyCache
from app.core.redis import RedisClient
from tests.core.own_valkey import OwnValkey
from tests.core.test_cache import KEY, NEW, OLD, another_process, must_miss, store, write_while_full
from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.integration


@pytest.fixture
async def cut_off(own_valkey: OwnValkey) -> AsyncIterator[tuple[BodyCache, BodyCache, TcpProxy]]:
    """Of two processes the first has its own way to the server; both have read what is stored."""
    proxy = TcpProxy(own_valkey.port)
    await proxy.start()
    client = RedisClient(f"redis://127.0.0.1:{proxy.port}/0")
    await client.ping()
    cache = BodyCache(client)
    await store(cache, OLD)
    async with another_process(own_valkey) as other:
        yield cache, other, proxy
    await cache.aclose()
    await client.aclose()
    await proxy.aclose()


async def give_up(cache: BodyCache, proxy: TcpProxy) -> None:
    """Its way to the server is gone, and its breaker open, which it stays for a while."""
    await proxy.refuse()
    for _ in range(5):
        await must_miss(cache)


async def test_a_process_that_has_given_up_on_redis_still_invalidates_what_others_read(
    cut_off: tuple[BodyCache, BodyCache, TcpProxy],
) -> None:
    """After an outage the breakers of a fleet close one after the other."""
    cache, other, proxy = cut_off
    await give_up(cache, proxy)
    await proxy.start()
    assert await other.get(KEY) == OLD
    async with cache.writing(KEY):
        await must_miss(other)
    await store(other, NEW)
    # It is open still.
    await must_miss(cache)


async def test_it_makes_a_full_server_forget_what_others_read(
    cut_off: tuple[BodyCache, BodyCache, TcpProxy], own_valkey: OwnValkey
) -> None:
    cache, other, proxy = cut_off
    await give_up(cache, proxy)
    await proxy.start()
    await write_while_full(cache, other, own_valkey)


async def test_what_was_lost_is_made_good_without_anybody_reading(
    cut_off: tuple[BodyCache, BodyCache, TcpProxy],
) -> None:
    cache, other, proxy = cut_off
    await proxy.refuse()
    async with cache.writing(KEY):
        pass
    assert await other.get(KEY) == OLD
    await proxy.start()
    async with asyncio.timeout(10):
        while await other.get(KEY) == OLD:  # noqa: ASYNC110  # another process tells it nothing
            await asyncio.sleep(0.05)
    await store(other, NEW)
    # And once is enough.
    await asyncio.sleep(1.5 * REPAIR_SECONDS)
    assert await other.get(KEY) == NEW
