import asyncio

import pytest
from redis.asyncio import Redis

from app.core.gcra import Bucket, Level, Quota
from app.core.gcra_script import GcraScript
from app.core.redis import RedisClient, RedisDownError
from tests.core.own_valkey import silent_server

pytestmark = pytest.mark.integration

FIVE = Bucket("limit:{acme}:five:", Quota(5, 60))
TWO = Bucket("limit:{acme}:two:", Quota(2, 60))


@pytest.fixture
def script(redis_client: RedisClient) -> GcraScript:
    return GcraScript(redis_client)


async def hit(script: GcraScript, *buckets: Bucket, times: int = 1) -> list[Level]:
    levels: list[Level] = []
    for _ in range(times):
        levels = await script.check(buckets)
    return levels


async def test_sixth_of_five_a_minute_is_refused_and_says_when_the_next_is_allowed(
    script: GcraScript,
) -> None:
    assert (await hit(script, FIVE, times=5))[0].remaining == 0
    [refused] = await hit(script, FIVE)
    assert not refused.allowed
    assert refused.retry_after == pytest.approx(12_000_000, abs=2_000_000)
    assert refused.reset_after == pytest.approx(60_000_000, abs=2_000_000)


async def test_refused_request_costs_no_bucket_anything(script: GcraScript) -> None:
    await hit(script, TWO, times=2)
    two, five = await hit(script, TWO, FIVE, times=3)
    assert (two.allowed, five.allowed, five.remaining) == (False, True, 5)


async def test_hit_is_regained_after_its_interval(script: GcraScript) -> None:
    quick = Bucket("quick", Quota(10, 1))
    assert (await hit(script, quick, times=10))[0].remaining == 0
    await asyncio.sleep(0.25)
    assert (await hit(script, quick))[0].remaining >= 1


async def test_bucket_expires_once_it_is_full_again(script: GcraScript, redis_client: RedisClient) -> None:
    await hit(script, FIVE)
    remaining = await redis_client.run(lambda redis: redis.pttl(FIVE.key))
    assert 0 < remaining <= 12_000


@pytest.mark.parametrize("stored", ["9000000000000000", "garbage"])
async def test_bucket_of_a_clock_set_back_refuses_for_one_period_at_most(
    script: GcraScript, redis_client: RedisClient, stored: str
) -> None:
    await redis_client.run(lambda redis: redis.set(FIVE.key, stored))
    [level] = await hit(script, FIVE)
    assert level.reset_after <= 60_000_000
    assert level.retry_after <= 12_000_000


async def test_concurrent_checks_are_counted_exactly(script: GcraScript) -> None:
    ten = Bucket("ten", Quota(10, 3600))
    answers = await asyncio.gather(*(script.check([ten]) for _ in range(50)))
    assert sum(level.allowed for [level] in answers) == 10


async def test_concurrent_checks_leave_in_one_pipeline(script: GcraScript, redis_client: RedisClient) -> None:
    await hit(script, FIVE)
    before = await redis_client.run(lambda redis: redis.info("stats"))
    await asyncio.gather(*(script.check([FIVE]) for _ in range(50)))
    after = await redis_client.run(lambda redis: redis.info("stats"))
    assert after["total_reads_processed"] - before["total_reads_processed"] <= 4


async def test_forgotten_script_is_loaded_again(script: GcraScript, redis_client: RedisClient) -> None:
    await hit(script, FIVE)
    await redis_client.run(lambda redis: redis.script_flush())
    answers = await asyncio.gather(*(script.check([FIVE]) for _ in range(3)))
    assert sorted(level.remaining for [level] in answers) == [1, 2, 3]


async def test_bucket_of_another_type_is_no_verdict(script: GcraScript, redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    await redis.hset(FIVE.key, "a", "b")
    await redis.aclose()
    with pytest.raises(RedisDownError, match="no verdict"):
        await hit(script, FIVE)


async def test_silent_redis_leaves_no_caller_waiting() -> None:
    async with silent_server() as url:
        client = RedisClient(url)
        script = GcraScript(client)
        async with asyncio.timeout(1):
            outcomes = await asyncio.gather(
                *(script.check([FIVE]) for _ in range(20)), return_exceptions=True
            )
        assert {type(outcome) for outcome in outcomes} == {RedisDownError}
        await client.aclose()


async def test_cancelled_caller_leaves_the_others_their_answer(script: GcraScript) -> None:
    leaver, stayer = (asyncio.create_task(script.check([FIVE])) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    [level] = await stayer
    assert level.allowed
