"""robots.txt is asked for once, whoever wants to know; without Redis too."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from app.core.redis import RedisClient
from app.reading.courtesy import SmallAnswer
from app.reading.errors import ReadingError, Reason
from app.reading.robots import Standing
from app.reading.urls import SubmittedUrl, parse_submitted_url
from app.summaries.citizen.robots_cache import (
    LOCAL_SECONDS,
    LONGEST_SHARED_SECONDS,
    MAX_LOCAL_BYTES,
    MAX_SHARED_BYTES,
    RobotsCache,
)

RULES = b"User-agent: *\nDisallow: /x"


@dataclass
class Site:
    answer: SmallAnswer | Exception = field(default_factory=lambda: SmallAnswer(200, RULES, ""))
    asked: list[str] = field(default_factory=list)

    async def fetch_small(self, url: SubmittedUrl, *, limit: int) -> SmallAnswer:
        assert limit > 0
        self.asked.append(url.as_fetched)
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def page(host: str = "example.com", path: str = "/a?b#c") -> SubmittedUrl:
    return parse_submitted_url(f"https://{host}{path}")


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def gone() -> AsyncIterator[RedisClient]:
    client = RedisClient("redis://127.0.0.1:1/0")
    yield client
    await client.aclose()


@pytest.mark.unit
async def test_many_jobs_of_one_site_ask_it_once(gone: RedisClient) -> None:
    site = Site()
    cache = RobotsCache(gone, site)
    found = await asyncio.gather(*(cache.of(page(path=f"/{number}")) for number in range(20)))
    assert site.asked == ["https://example.com/robots.txt"]
    assert {each.text for each in found} == {RULES.decode()}


@pytest.mark.unit
async def test_each_origin_speaks_for_itself(gone: RedisClient) -> None:
    site = Site()
    cache = RobotsCache(gone, site)
    for url in (
        "https://a.example/1",
        "http://a.example/1",
        "https://a.example:8443/1",
        "https://b.example/1",
    ):
        await cache.of(parse_submitted_url(url))
    assert len(set(site.asked)) == 4


@pytest.mark.unit
async def test_after_its_time_a_site_is_asked_again(gone: RedisClient) -> None:
    site, now = Site(), [0.0]
    cache = RobotsCache(gone, site, clock=lambda: now[0])
    await cache.of(page())
    now[0] += LOCAL_SECONDS + 1
    await cache.of(page())
    assert len(site.asked) == 2


@pytest.mark.unit
async def test_a_site_out_of_reach_is_not_remembered(gone: RedisClient) -> None:
    site = Site(ReadingError(Reason.DNS))
    cache = RobotsCache(gone, site)
    for _ in range(2):
        with pytest.raises(ReadingError):
            await cache.of(page())
    assert len(site.asked) == 2


@pytest.mark.unit
@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u5b57", "\U0001f600"])
async def test_files_of_full_size_fill_no_memory(gone: RedisClient, letter: str) -> None:
    cache = RobotsCache(gone, Site(SmallAnswer(200, letter.encode() * 125_000, "")))
    for number in range(20):
        await cache.of(page(f"h{number}.example"))
    kept = cache._known.values()  # noqa: SLF001  # memory
    assert 0 < sum(sys.getsizeof(found.text) for _, found in kept) <= MAX_LOCAL_BYTES


@pytest.mark.integration
async def test_what_one_worker_read_the_others_need_not(client: RedisClient) -> None:
    await RobotsCache(client, Site()).of(page())
    unasked = Site()
    found = await RobotsCache(client, unasked).of(page())
    assert (unasked.asked, found.standing, found.text) == ([], Standing.RULES, RULES.decode())
    left = await client.run(lambda redis: redis.ttl("robots:https://example.com"))
    assert 0 < left <= LONGEST_SHARED_SECONDS


@pytest.mark.integration
async def test_no_site_stays_in_redis_for_as_long_as_it_likes(client: RedisClient) -> None:
    await RobotsCache(client, Site(SmallAnswer(200, RULES, "max-age=86400"))).of(page())
    left = await client.run(lambda redis: redis.ttl("robots:https://example.com"))
    assert 0 < left <= LONGEST_SHARED_SECONDS


@pytest.mark.integration
@pytest.mark.parametrize("body", [b"a" * MAX_SHARED_BYTES, "\U0001f600".encode() * (MAX_SHARED_BYTES // 4)])
async def test_a_large_file_stays_in_its_process(client: RedisClient, body: bytes) -> None:
    large = Site(SmallAnswer(200, body, ""))
    cache = RobotsCache(client, large)
    for _ in range(2):
        await cache.of(page())
    assert len(large.asked) == 1
    assert await client.run(lambda redis: redis.exists("robots:https://example.com")) == 0
