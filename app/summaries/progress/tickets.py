"""Tickets that open one WebSocket: a browser cannot send a header with it, and a URL may hold no token.

They live in Redis, for 30 seconds, and are taken out by whoever comes first. Without Redis a client says in
its first message who it is.
"""

import hashlib
import secrets

from pydantic import TypeAdapter, ValidationError

from app.core.errors import UnavailableError
from app.core.principal import Principal
from app.core.redis import RedisClient, RedisDownError

LIFETIME_SECONDS = 30
BYTES = 32
ADAPTER = TypeAdapter(Principal)


class Tickets:
    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def issue(self, principal: Principal) -> str:
        """Raises UnavailableError where Redis cannot keep it."""
        ticket = secrets.token_urlsafe(BYTES)
        value = ADAPTER.dump_json(principal)
        try:
            await self._client.run(lambda redis: redis.set(_key(ticket), value, ex=LIFETIME_SECONDS))
        except RedisDownError as error:
            raise UnavailableError(
                "Tickets cannot be kept at the moment",
                hint='Open the WebSocket without one, and send {"type": "auth", "token": …} first.',
                internal=str(error),
            ) from error
        return ticket

    async def redeem(self, ticket: str) -> Principal | None:
        """Who it was issued to; None for one that is spent, too old or none of ours. Only once."""
        try:
            value = await self._client.run(lambda redis: redis.getdel(_key(ticket)))
        except RedisDownError:
            return None
        try:
            return ADAPTER.validate_json(value) if value else None
        except ValidationError:
            # Written by another version of this code, which is being replaced.
            return None


def _key(ticket: str) -> str:
    """Whoever reads Redis cannot use what stands there."""
    return f"ws_ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
