from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.core.redis import RedisClient
from tests.core.own_valkey import OwnValkey


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    yield server
    server.kill()
