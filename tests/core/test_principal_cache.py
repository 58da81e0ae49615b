"""What a credential stands for is remembered for a second, and never needed."""

import pytest

from app.core.ids import new_id
from app.core.principal import MembershipRole, Plan, Principal, Scope, StaffRole
from app.core.principal_cache import PrincipalCache, api_key_name, session_name
from app.core.redis import RedisClient
from tests.core.own_valkey import free_port

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


async def test_without_redis_nothing_is_remembered_and_nothing_fails() -> None:
    redis = RedisClient(f"redis://127.0.0.1:{free_port()}/0")
    cache = PrincipalCache(redis)
    await cache.put("name", somebody())
    assert await cache.get("name") is None
    await cache.forget("name")
    await redis.aclose()


async def test_what_another_version_wrote_is_not_understood_and_no_error(redis_client: RedisClient) -> None:
    await redis_client.run(lambda redis: redis.set("principal:name", b'{"kind": "robot"}'))
    assert await PrincipalCache(redis_client).get("name") is None


async def test_what_is_forgotten_is_gone(redis_client: RedisClient) -> None:
    cache = PrincipalCache(redis_client)
    await cache.put("name", somebody())
    await cache.forget("name")
    assert await cache.get("name") is None


async def test_a_principal_comes_back_whole_for_a_second(redis_client: RedisClient) -> None:
    cache, principal = PrincipalCache(redis_client), somebody()
    name = session_name(principal.credential_id)
    await cache.put(name, principal)
    assert await cache.get(name) == principal
    milliseconds = await redis_client.run(lambda redis: redis.pttl(f"principal:{name}"))
    assert 0 < milliseconds <= 1000


@pytest.mark.parametrize(
    ("role", "manages"), [("viewer", False), ("member", False), ("admin", True), ("owner", True)]
)
def test_admins_and_owners_manage_their_organisation(role: str, *, manages: bool) -> None:
    assert somebody(MembershipRole(role)).manages_organization is manages


def test_no_name_holds_the_key_itself() -> None:
    assert api_key_name(b"\x01\xff") == "api_key:01ff"
