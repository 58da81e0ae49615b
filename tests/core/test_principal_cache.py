"""What a credential stands for is remembered for a second, and never needed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.guard import InvalidCredentialError
from app.core.ids import new_id
from app.core.principal import MembershipRole, Plan, Principal, Scope, StaffRole
from app.core.principal_cache import PrincipalCache, api_key_name, session_name
from app.core.redis import RedisClient, RedisDownError
from tests.core.own_valkey import ManualClock, OwnValkey, free_port

pytestmark = pytest.mark.integration


def somebody(role: MembershipRole = MembershipRole.MEMBER) -> Principal:
    return Principal(
        kind="user",
        user_id=new_id(),
        organization_id=new_id(),
        credential_id=new_id(),
        staff_role=StaffRole.USER,
        membership_role=role,
        plan=Plan.FREE,
        scopes=frozenset({Scope.SUMMARIES_READ, Scope.PROFILE_READ}),
        rate_limit=7,
    )


class Source:
    """PostgreSQL's part: what it says at this moment, and how often it was asked."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.reads = 0

    async def __call__(self) -> Principal:
        self.reads += 1
        return self.principal


async def refuse() -> Principal:
    raise InvalidCredentialError


@pytest.fixture
def source() -> Source:
    return Source(somebody())


@pytest.fixture
async def lost() -> AsyncIterator[RedisClient]:
    """Nobody listens there, and the breaker knows."""
    client = RedisClient(f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(5):
        with pytest.raises(RedisDownError):
            await client.ping()
    assert client.is_open
    yield client
    await client.aclose()


async def test_a_refusal_is_not_remembered(redis_client: RedisClient, source: Source) -> None:
    cache = PrincipalCache(redis_client)
    with pytest.raises(InvalidCredentialError):
        await cache.fetch("name", refuse)
    assert await cache.fetch("name", source) == source.principal


async def test_what_another_version_wrote_is_read_anew(redis_client: RedisClient, source: Source) -> None:
    await redis_client.run(lambda redis: redis.set("principal:name", b'{"kind": "robot"}'))
    assert await PrincipalCache(redis_client).fetch("name", source) == source.principal


async def test_what_redis_refuses_to_say_is_read_from_the_database(
    redis_client: RedisClient, source: Source
) -> None:
    await redis_client.run(lambda redis: redis.lpush("principal:name", b"not a string"))
    assert await PrincipalCache(redis_client).fetch("name", source) == source.principal


async def test_what_is_forgotten_is_read_anew(redis_client: RedisClient, source: Source) -> None:
    cache = PrincipalCache(redis_client)
    await cache.fetch("name", source)
    await cache.forget()
    await cache.forget("another", "name")
    await cache.fetch("name", source)
    assert source.reads == 2


async def test_a_principal_comes_back_whole_on_every_worker_for_a_second(
    redis_client: RedisClient, source: Source
) -> None:
    name = session_name(source.principal.credential_id)
    first, second = PrincipalCache(redis_client), PrincipalCache(redis_client)
    assert await first.fetch(name, source) == await second.fetch(name, source) == source.principal
    assert source.reads == 1
    milliseconds = await redis_client.run(lambda redis: redis.pttl(f"principal:{name}"))
    assert 0 < milliseconds <= 1000


async def test_the_second_counts_from_before_the_database_was_read(redis_client: RedisClient) -> None:
    """So what was read before a revocation, and stored after it was announced, dies with that second."""
    cache = PrincipalCache(redis_client)

    async def overtaken() -> Principal:
        await asyncio.sleep(0.6)
        await cache.forget("name")
        return somebody()

    await cache.fetch("name", overtaken)
    assert await redis_client.run(lambda redis: redis.pttl("principal:name")) <= 400


async def test_what_took_longer_than_a_second_to_read_is_not_remembered(
    redis_client: RedisClient, source: Source
) -> None:
    cache = PrincipalCache(redis_client)

    async def slow() -> Principal:
        await asyncio.sleep(1.05)
        return somebody()

    await cache.fetch("name", slow)
    assert await cache.fetch("name", source) == source.principal


async def test_what_lay_in_the_socket_of_a_frozen_redis_has_expired_when_it_wakes(
    own_valkey: OwnValkey, source: Source
) -> None:
    redis = RedisClient(own_valkey.url)
    cache = PrincipalCache(redis)

    async def frozen_meanwhile() -> Principal:
        own_valkey.freeze()
        return somebody()

    await cache.fetch("name", frozen_meanwhile)
    await asyncio.sleep(1.1)
    own_valkey.thaw()
    assert await cache.fetch("name", source) == source.principal
    await redis.aclose()


async def test_while_redis_is_lost_a_process_remembers_for_itself(lost: RedisClient, source: Source) -> None:
    clock = ManualClock()
    cache = PrincipalCache(lost, clock=clock)
    for _ in range(3):
        assert await cache.fetch("name", source) == source.principal
    assert source.reads == 1
    clock.advance(1.0)
    await cache.fetch("name", source)
    assert source.reads == 2


async def test_a_process_forgets_what_it_ended_itself_at_once(lost: RedisClient, source: Source) -> None:
    cache = PrincipalCache(lost)
    await cache.fetch("name", source)
    await cache.forget("name")
    await cache.fetch("name", source)
    assert source.reads == 2


async def test_its_own_memory_is_bounded_and_the_oldest_make_room(lost: RedisClient, source: Source) -> None:
    cache = PrincipalCache(lost, max_local_entries=2)
    for name in ("one", "two", "three", "three", "two"):
        await cache.fetch(name, source)
    assert source.reads == 3
    await cache.fetch("one", source)
    assert source.reads == 4


async def test_before_the_breaker_opens_every_request_asks_the_database(source: Source) -> None:
    redis = RedisClient(f"redis://127.0.0.1:{free_port()}/0")
    cache = PrincipalCache(redis)
    await cache.fetch("name", source)
    await cache.fetch("name", source)
    assert (source.reads, redis.is_open) == (2, False)
    await redis.aclose()


async def test_once_redis_is_back_a_process_no_longer_trusts_itself(
    own_valkey: OwnValkey, source: Source
) -> None:
    clock = ManualClock()
    redis = RedisClient(own_valkey.url, clock=clock)
    cache = PrincipalCache(redis, clock=clock)
    await asyncio.to_thread(own_valkey.kill)
    while not redis.is_open:
        await cache.fetch("name", source)
    await cache.fetch("name", source)
    reads = source.reads
    await asyncio.to_thread(own_valkey.start)
    clock.advance(10.0)
    await cache.fetch("name", source)
    assert (source.reads, redis.is_open) == (reads + 1, False)
    await redis.aclose()


@pytest.mark.parametrize(
    ("role", "manages"), [("viewer", False), ("member", False), ("admin", True), ("owner", True)]
)
def test_admins_and_owners_manage_their_organisation(role: str, *, manages: bool) -> None:
    assert somebody(MembershipRole(role)).manages_organization is manages


def test_no_name_holds_the_key_itself() -> None:
    assert api_key_name(b"\x01\xff") == "api_key:01ff"
