import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from app.core.gcra import Bucket, Level, Quota
from app.core.gcra_script import GcraScript
from app.core.redis import RedisClient, RedisDownError
from app.core.redis_batch import MAX_BATCH, RedisBatch
from tests.core.own_valkey import silent_server
from tests.core.test_redis_batch import Server

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
    async with asyncio.timeout(30):
        # However slowly: as long as it takes a hit comes back every tenth of a second.
        while (await hit(script, quick))[0].remaining:
            pass
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


async def round_trips(client: RedisClient) -> int:
    """How often the server was sent something, this question included."""
    stats = await client.run(lambda redis: redis.info("stats"))
    reads: int = stats["total_reads_processed"]
    return reads


async def test_concurrent_checks_leave_in_one_pipeline(script: GcraScript, redis_client: RedisClient) -> None:
    await hit(script, FIVE)
    before = await round_trips(redis_client)
    await asyncio.gather(*(script.check([FIVE, TWO]) for _ in range(50)))
    # A read may end within a pipeline; fifty round trips would be fifty at least.
    assert await round_trips(redis_client) - before <= 4


async def test_a_flood_leaves_in_pipelines_of_bounded_length(
    script: GcraScript, redis_client: RedisClient
) -> None:
    plenty = Bucket("plenty", Quota(3 * MAX_BATCH, 3600))
    await hit(script, plenty)
    before = await round_trips(redis_client)
    answers = await asyncio.gather(*(script.check([plenty]) for _ in range(3 * MAX_BATCH + 1)))
    assert sum(level.allowed for [level] in answers) == 3 * MAX_BATCH - 1
    assert await round_trips(redis_client) - before < MAX_BATCH


async def test_checks_of_different_turns_do_not_wait_for_each_other(script: GcraScript) -> None:
    first = asyncio.create_task(script.check([FIVE]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(script.check([FIVE]))
    assert sorted(level.remaining for [level] in await asyncio.gather(first, second)) == [3, 4]


async def test_bucket_of_another_type_hurts_its_own_caller_only(script: GcraScript, redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    await redis.hset(TWO.key, "a", "b")
    await redis.aclose()
    bad, good = await asyncio.gather(script.check([TWO]), script.check([FIVE]), return_exceptions=True)
    assert isinstance(bad, RedisDownError)
    assert isinstance(good, list)


async def test_key_that_cannot_be_encoded_hurts_its_own_caller_only(script: GcraScript) -> None:
    unencodable = Bucket("\ud800", Quota(1, 1))
    bad, good = await asyncio.gather(
        script.check([unencodable]), script.check([FIVE]), return_exceptions=True
    )
    assert isinstance(bad, UnicodeEncodeError)
    assert isinstance(good, list)


async def test_who_leaves_before_the_turn_ends_is_not_counted(script: GcraScript) -> None:
    leavers = [asyncio.create_task(script.check([FIVE])) for _ in range(3)]
    # Once they wait, and before their turn's pipeline is made.
    asyncio.get_running_loop().call_soon(lambda: [leaver.cancel() for leaver in leavers])
    await asyncio.gather(*leavers, return_exceptions=True)
    assert (await hit(script, FIVE))[0].remaining == 4


async def test_forgotten_script_is_loaded_again(script: GcraScript, redis_client: RedisClient) -> None:
    await hit(script, FIVE)
    await redis_client.run(lambda redis: redis.script_flush())
    answers = await asyncio.gather(*(script.check([FIVE]) for _ in range(3)))
    assert sorted(level.remaining for [level] in answers) == [1, 2, 3]


async def test_bucket_of_another_type_is_no_verdict(script: GcraScript, redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    await redis.hset(FIVE.key, "a", "b")
    await redis.aclose()
    with pytest.raises(RedisDownError, match="WRONGTYPE"):
        await hit(script, FIVE)


async def test_a_server_that_forgets_the_script_at_once_gives_no_verdict() -> None:
    server = Server(EVALSHA=NoScriptError("no such script"))
    with pytest.raises(RedisDownError, match="no verdict"):
        await GcraScript(RedisBatch(server)).check([FIVE])
    assert server.batches == [1, 2]


@pytest.mark.alone
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


@pytest.mark.parametrize("turns", [1, 2])
async def test_caller_cancelled_before_or_after_sending_leaves_the_others_their_answer(
    script: GcraScript, turns: int
) -> None:
    leaver, stayer = (asyncio.create_task(script.check([FIVE])) for _ in range(2))
    for _ in range(turns):
        await asyncio.sleep(0)
    leaver.cancel()
    [level] = await stayer
    assert level.allowed
