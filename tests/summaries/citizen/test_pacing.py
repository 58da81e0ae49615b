"""A host's pace: the same in Redis for all workers, and in one process without it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from app.core.redis import RedisClient
from app.summaries.citizen.pacing import HOSTS_KNOWN, LocalPacer, Pace, Pacer, Turn

BRISK = Pace(interval=1.0, burst=3, patience=2.0)
GONE = "redis://127.0.0.1:1/0"


def degraded() -> float:
    return REGISTRY.get_sample_value("precis_pace_degraded_total") or 0


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.aclose()


@pytest.mark.unit
def test_after_the_burst_turns_are_an_interval_apart_and_then_far_off() -> None:
    pacer = LocalPacer(clock=Hand())
    turns = [pacer.turn("a", BRISK) for _ in range(8)]
    mine = [Turn(is_mine=True, seconds=wait) for wait in (0.0, 0.0, 0.0, 1.0, 2.0)]
    assert turns == mine + [Turn(is_mine=False, seconds=wait) for wait in (3.0, 4.0, 5.0)]


@pytest.mark.unit
def test_who_comes_back_when_told_finds_a_turn() -> None:
    clock = Hand()
    pacer = LocalPacer(clock=clock)
    turns = [pacer.turn("a", BRISK) for _ in range(8)]
    clock.now += turns[5].seconds
    assert pacer.turn("a", BRISK) == Turn(is_mine=True, seconds=0.0)


@pytest.mark.unit
def test_rest_brings_the_burst_back_and_no_more() -> None:
    clock = Hand()
    pacer = LocalPacer(clock=clock)
    for _ in range(2):
        assert [pacer.turn("a", BRISK).seconds for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]
        clock.now += 60


@pytest.mark.unit
def test_one_hosts_line_is_not_anothers() -> None:
    pacer = LocalPacer(clock=Hand())
    for _ in range(20):
        pacer.turn("slow", BRISK)
    assert pacer.turn("other", BRISK) == Turn(is_mine=True, seconds=0.0)


@pytest.mark.unit
def test_a_pause_sends_everybody_away_one_after_the_other() -> None:
    clock = Hand()
    pacer = LocalPacer(clock=clock)
    pacer.pause("a", 30)
    pacer.pause("a", 5)
    assert [pacer.turn("a", BRISK).seconds for _ in range(3)] == [30.0, 31.0, 32.0]
    clock.now += 30
    assert pacer.turn("a", BRISK).is_mine


@pytest.mark.unit
def test_hosts_that_nobody_waits_for_are_forgotten() -> None:
    clock = Hand()
    pacer = LocalPacer(clock=clock)
    for number in range(HOSTS_KNOWN):
        pacer.turn(f"h{number}", BRISK)
    clock.now += 100
    pacer.turn("new", BRISK)
    assert len(pacer._hosts) == 1  # noqa: SLF001  # what is forgotten shows nowhere else


@pytest.mark.unit
async def test_without_redis_each_process_keeps_the_pace_alone() -> None:
    client, before = RedisClient(GONE), degraded()
    pacer = Pacer(client, local=LocalPacer(clock=Hand()))
    assert [(await pacer.turn("a", BRISK)).seconds for _ in range(5)] == [0.0, 0.0, 0.0, 1.0, 2.0]
    await pacer.pause("b", 30)
    assert await pacer.turn("b", BRISK) == Turn(is_mine=False, seconds=30.0)
    assert degraded() == before + 7
    await client.aclose()


@pytest.mark.integration
async def test_eight_jobs_of_two_workers_are_an_interval_apart(client: RedisClient, redis_url: str) -> None:
    other = RedisClient(redis_url)
    pace = Pace(interval=10.0, burst=1, patience=1000.0)
    pacers = (Pacer(client), Pacer(other))
    turns = await asyncio.gather(*(pacers[number % 2].turn("a", pace) for number in range(8)))
    waits = sorted(turn.seconds for turn in turns)
    assert waits == pytest.approx([10.0 * number for number in range(8)], abs=5)
    await other.aclose()


@pytest.mark.integration
async def test_whom_redis_sends_away_comes_back_one_after_the_other(client: RedisClient) -> None:
    pacer = Pacer(client)
    pace = Pace(interval=10.0, burst=2, patience=15.0)
    turns = [await pacer.turn("a", pace) for _ in range(6)]
    assert [turn.is_mine for turn in turns] == [True, True, True, False, False, False]
    assert [turn.seconds for turn in turns] == pytest.approx([0, 0, 10, 20, 30, 40], abs=2)
    assert (await pacer.turn("b", pace)).is_mine


@pytest.mark.integration
async def test_all_workers_hear_of_a_pause(client: RedisClient, redis_url: str) -> None:
    other = RedisClient(redis_url)
    await Pacer(client).pause("a", 30)
    assert (await Pacer(other).turn("a", BRISK)).seconds == pytest.approx(30, abs=2)
    await other.aclose()


@pytest.mark.integration
async def test_what_redis_keeps_of_a_host_expires(client: RedisClient) -> None:
    pacer = Pacer(client)
    for _ in range(6):
        await pacer.turn("a", BRISK)
    await pacer.pause("a", 5)
    for key in ("pace:a", "pace:line:a", "pace:pause:a"):
        left = await client.run(lambda redis, key=key: redis.pttl(key))  # type: ignore[misc]  # bound at once
        assert 0 < left < 10_000
