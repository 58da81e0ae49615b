from dataclasses import replace
from typing import Annotated
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI, Request
from httpx2 import ASGITransport, AsyncClient, Response
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from starlette.requests import HTTPConnection

from app.core.errors import RateLimitedError
from app.core.limits import AsyncLimiter, Hit, Limit, address_of, limited, principal_hits
from app.core.principal import MembershipRole, Plan, Principal, StaffRole
from app.core.problems import install_error_handlers
from app.core.rate_limit_headers import RateLimitHeadersMiddleware
from app.core.redis import RedisClient
from app.settings import load_settings
from tests.core.own_valkey import ManualClock

pytestmark = pytest.mark.integration

PRINCIPAL = Principal(
    kind="api_key",
    user_id=UUID(int=1),
    organization_id=UUID(int=2),
    credential_id=UUID(int=3),
    staff_role=StaffRole.USER,
    membership_role=MembershipRole.MEMBER,
    plan=Plan.FREE,
    scopes=frozenset(),
    rate_limit=40,
)


# Settings read files and slowapi looks for one, which the event loop must not wait for: made outside it.
SETTINGS = load_settings(environment="testing", testing=True)


@pytest.fixture
def limiter(redis_client: RedisClient) -> AsyncLimiter:
    return AsyncLimiter(redis_client, SETTINGS)


@pytest.fixture
def scaled_limiter(redis_client: RedisClient) -> AsyncLimiter:
    return AsyncLimiter(redis_client, SETTINGS.model_copy(update={"rate_limit_scale": 1000}))


@pytest.fixture
def lone_limiter() -> AsyncLimiter:
    """Of one process of two, without Redis."""
    two = SETTINGS.model_copy(update={"web_concurrency": 2})
    return AsyncLimiter(RedisClient("redis://127.0.0.1:1/0"), two, clock=ManualClock())


async def guard(request: Request) -> Principal:
    request.state.principal = PRINCIPAL
    await request.app.state.limiter.enforce_principal(request, PRINCIPAL)
    return PRINCIPAL


def serve(limiter: AsyncLimiter) -> FastAPI:
    app = FastAPI()
    app.state.limiter = limiter
    app.state.settings = SETTINGS
    install_error_handlers(app)
    app.add_middleware(RateLimitHeadersMiddleware)

    @app.get("/login", dependencies=[limited(Limit.LOGIN)])
    async def login() -> None: ...

    @app.get("/create", dependencies=[limited(Limit.SUMMARIES_CREATE)])
    async def create(_: Annotated[Principal, Depends(guard)]) -> None: ...

    @app.get("/late", dependencies=[Depends(guard), limited(Limit.SUMMARIES_CREATE)])
    async def late() -> None: ...

    @app.get("/free")
    async def free() -> None: ...

    return app


async def get(app: FastAPI, path: str, *, address: str = "192.0.2.1", times: int = 1) -> Response:
    """The last of the answers."""
    transport = ASGITransport(app=app, client=(address, 50000))
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        for _ in range(times - 1):
            await http.get(path)
        return await http.get(path, headers={"X-Forwarded-For": "203.0.113.9"})


async def test_sixth_login_of_an_address_is_429_naming_the_limit_and_when_to_return(
    limiter: AsyncLimiter,
) -> None:
    app = serve(limiter)
    assert (await get(app, "/login", times=5)).status_code == 200
    refused = await get(app, "/login")
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert "'login' of 5 per 60 seconds" in refused.json()["detail"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 12
    assert refused.headers["X-RateLimit-Remaining"] == "0"


async def test_another_address_has_its_own_bucket(limiter: AsyncLimiter) -> None:
    app = serve(limiter)
    await get(app, "/login", times=6)
    assert (await get(app, "/login", address="192.0.2.2")).status_code == 200


@pytest.mark.parametrize("path", ["/create", "/late"])
async def test_route_of_a_plan_limit_counts_organisation_key_and_route(
    limiter: AsyncLimiter, path: str
) -> None:
    answer = await get(serve(limiter), path)
    assert sorted(answer.headers["RateLimit-Policy"].split(", ")) == [
        '"api_key";q=40;w=60',
        '"organization";q=100;w=60',
        '"summaries_create";q=30;w=60',
    ]
    assert answer.headers["X-RateLimit-Limit"] == "30"


def test_principal_without_an_own_rate_counts_for_its_organisation_alone() -> None:
    person = replace(PRINCIPAL, kind="user", rate_limit=None, plan=Plan.PRO)
    assert principal_hits(person) == [Hit(Limit.ORGANIZATION, str(UUID(int=2)), plan=Plan.PRO)]


async def test_route_without_a_limit_has_no_headers(limiter: AsyncLimiter) -> None:
    assert "RateLimit" not in (await get(serve(limiter), "/free")).headers


async def test_without_redis_each_process_counts_its_share_and_promises_the_same(
    lone_limiter: AsyncLimiter,
) -> None:
    app = serve(lone_limiter)
    answer = await get(app, "/login", times=2)
    assert answer.status_code == 200
    assert answer.headers["RateLimit-Policy"] == '"login";q=5;w=60'
    assert (await get(app, "/login")).status_code == 429


async def test_scale_multiplies_the_limits(scaled_limiter: AsyncLimiter) -> None:
    verdict = await scaled_limiter.check([Hit(Limit.LOGIN, "192.0.2.1")])
    assert verdict.tightest.level.remaining == 4999


async def test_refusal_is_compatible_with_slowapis(limiter: AsyncLimiter) -> None:
    hits = [Hit(Limit.REGISTER, "192.0.2.1")]
    request = Request({"type": "http"})
    for _ in range(3):
        await limiter.enforce(request, hits)
    with pytest.raises(RateLimitedError) as refusal:
        await limiter.enforce(request, hits)
    assert isinstance(limiter, Limiter)
    assert isinstance(refusal.value.__cause__, RateLimitExceeded)
    assert refusal.value.__cause__.detail == "3 per 1 hour"


def test_slowapis_decorators_are_refused(limiter: AsyncLimiter) -> None:
    with pytest.raises(TypeError, match="limited"):
        limiter.limit("5/minute")
    with pytest.raises(TypeError, match="limited"):
        limiter.shared_limit("5/minute", scope="all")


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
    ],
)
def test_address_is_the_peers_and_an_ipv6_subscriber_is_one(host: str, bucket: str) -> None:
    forged = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-real-ip", b"203.0.113.9")]
    connection = HTTPConnection({"type": "http", "client": (host, 1), "headers": forged})
    assert address_of(connection) == bucket


def test_clients_of_a_unix_socket_share_one_bucket() -> None:
    assert address_of(HTTPConnection({"type": "http", "client": None})) == "unknown"
