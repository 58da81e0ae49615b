from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.core.redis import RedisClient
from tests.core.own_valkey import OwnValkey


@pytest.fixture(scope="session")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.kill()


@pytest.fixture
async def redis_url(shared_valkey: OwnValkey) -> str:
    redis = Redis.from_url(shared_valkey.url)
    await redis.flushall()
    await redis.aclose()
    return shared_valkey.url


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    yield server
    server.kill()
