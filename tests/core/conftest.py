from collections.abc import AsyncIterator

import pytest

from app.core.redis import RedisClient


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.aclose()
