"""Hearing other processes: one connection, that comes back by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.pubsub import Patience, Subscriber, publish
from app.core.redis import RedisClient
from tests.core.own_valkey import OwnValkey, free_port, silent_server

pytestmark = pytest.mark.integration

QUICK = Patience(connect=0.5, ping=0.1, silence=0.3, first_pause=0.02, longest_pause=0.1)


class Ear:
    """What a subscriber received, and how often it was told of a gap."""

    def __init__(self, url: str) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.gaps = 0
        self.subscriber = Subscriber(url, self.heard.put_nowait, on_reconnect=self._gap, patience=QUICK)

    def _gap(self) -> None:
        self.gaps += 1

    async def next(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.heard.get()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[OwnValkey]:
    server = await asyncio.to_thread(OwnValkey, tmp_path)
    yield server
    await asyncio.to_thread(server.kill)


@pytest.fixture
async def ear(redis_url: str) -> AsyncIterator[Ear]:
    ear = Ear(redis_url)
    yield ear
    await ear.subscriber.aclose()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.aclose()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110  # nobody tells the test
            await asyncio.sleep(0.01)


async def clients_of(url: str) -> int:
    """Those that listen, of all that are connected."""
    async with Redis.from_url(url) as redis:
        return sum(int(client["sub"]) > 0 for client in await redis.client_list())


@pytest.mark.alone
async def test_without_a_server_one_listens_to_nothing_and_is_not_held_up() -> None:
    ear = Ear(f"redis://127.0.0.1:{free_port()}/0")
    async with asyncio.timeout(2):
        for _ in range(5):
            async with ear.subscriber.listening("news"):
                assert not ear.subscriber.is_connected
    await ear.subscriber.aclose()


@pytest.mark.alone
async def test_a_server_that_never_answers_is_given_up() -> None:
    async with silent_server() as url, AsyncExitStack() as stack:
        ear = Ear(url)
        stack.push_async_callback(ear.subscriber.aclose)
        async with asyncio.timeout(3), ear.subscriber.listening("news"):
            assert not ear.subscriber.is_connected


async def test_what_is_published_inside_is_heard(ear: Ear, client: RedisClient) -> None:
    async with ear.subscriber.listening("news"):
        await publish(client, "news", b"1")
        await publish(client, "other", b"2")
        await publish(client, "news", b"3")
        assert [await ear.next(), await ear.next()] == [b"1", b"3"]
        assert ear.subscriber.is_connected


async def test_all_listeners_share_one_connection(ear: Ear, client: RedisClient, redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        for number in range(20):
            await stack.enter_async_context(ear.subscriber.listening(f"news {number % 5}"))
        assert ear.subscriber.channels == 5
        assert await clients_of(redis_url) == 1
        await publish(client, "news 3", b"once")
        assert await ear.next() == b"once"
        assert ear.heard.empty()


async def test_who_has_left_hears_no_more_until_somebody_comes_again(ear: Ear, client: RedisClient) -> None:
    async with ear.subscriber.listening("first"):
        async with ear.subscriber.listening("news"):
            pass
        async with ear.subscriber.listening("news"):
            await publish(client, "news", b"again")
            assert await ear.next() == b"again"
        async with ear.subscriber.listening("fence"):
            await publish(client, "news", b"unheard")
            await publish(client, "fence", b"heard")
            assert await ear.next() == b"heard"
    assert ear.subscriber.channels == 0


async def test_one_that_stays_hears_although_another_leaves(ear: Ear, client: RedisClient) -> None:
    async with ear.subscriber.listening("news"):
        async with ear.subscriber.listening("news"):
            pass
        await publish(client, "news", b"still")
        assert await ear.next() == b"still"


@pytest.mark.parametrize("outage", ["kill", "freeze"])
async def test_an_outage_is_noticed_and_its_end_is_told(valkey: OwnValkey, outage: str) -> None:
    ear, client = Ear(valkey.url), RedisClient(valkey.url)
    async with ear.subscriber.listening("news"):
        await until(lambda: ear.gaps == 1)
        await asyncio.to_thread(getattr(valkey, outage))
        await until(lambda: not ear.subscriber.is_connected)
        await asyncio.to_thread(valkey.start if outage == "kill" else valkey.thaw)
        await until(lambda: ear.subscriber.is_connected)
        assert ear.gaps == 2
        await publish(client, "news", b"back")
        assert await ear.next() == b"back"
    await ear.subscriber.aclose()
    await client.aclose()


async def test_closing_ends_the_connection(redis_url: str) -> None:
    ear = Ear(redis_url)
    async with ear.subscriber.listening("news"):
        await until(lambda: ear.subscriber.is_connected)
        await ear.subscriber.aclose()
    assert not ear.subscriber.is_connected
    assert await clients_of(redis_url) == 0


async def test_where_nobody_ever_listened_there_is_nothing_to_close(redis_url: str) -> None:
    await Ear(redis_url).subscriber.aclose()
    assert await clients_of(redis_url) == 0


async def test_publishing_without_a_server_is_no_error() -> None:
    client = RedisClient(f"redis://127.0.0.1:{free_port()}/0")
    await publish(client, "news", b"lost")
    await client.aclose()
