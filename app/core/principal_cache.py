"""What a credential stands for, remembered in Redis for one second.

The truth is PostgreSQL. One second bounds what a lost invalidation can do, so that a revocation holds within
two on every worker, with Redis frozen, flushed or gone (security.md 3.3).
"""

import logging
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from app.core.principal import Principal
from app.core.redis import RedisClient, RedisDownError

LIFETIME_SECONDS = 1
ADAPTER = TypeAdapter(Principal)
logger = logging.getLogger(__name__)


class PrincipalCache:
    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def get(self, credential: str) -> Principal | None:
        try:
            cached = await self._redis.run(lambda redis: redis.get(_key(credential)))
            return ADAPTER.validate_json(cached) if cached else None
        except RedisDownError:
            return None
        except ValidationError:
            # Written by another version of this code: PostgreSQL knows.
            return None

    async def put(self, credential: str, principal: Principal) -> None:
        value = ADAPTER.dump_json(principal)
        try:
            await self._redis.run(lambda redis: redis.set(_key(credential), value, ex=LIFETIME_SECONDS))
        except RedisDownError:
            logger.debug("principal not cached: redis is down")

    async def forget(self, *credentials: str) -> None:
        """After the commit that revoked them. Where this fails, the lifetime does it."""
        if not credentials:
            return
        try:
            await self._redis.run(lambda redis: redis.delete(*map(_key, credentials)))
        except RedisDownError:
            logger.warning("revocation not announced: redis is down; it holds within %s s", LIFETIME_SECONDS)


def session_name(session_id: UUID) -> str:
    """What a bearer token's session is remembered under."""
    return f"session:{session_id}"


def api_key_name(digest: bytes) -> str:
    """What an API key is remembered under: never the key itself."""
    return f"api_key:{digest.hex()}"


def _key(credential: str) -> str:
    return f"principal:{credential}"
