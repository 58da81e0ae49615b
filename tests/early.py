"""What is answered before routing beside what its route answers."""

from dataclasses import dataclass
from typing import Any

from httpx2 import ASGITransport, AsyncClient, Response

from app.core.redis import RedisClient
from tests.fixtures import BASE_URL

# Of two requests one after the other these differ anyhow.
PASSING = {"x-request-id", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"}


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    headers: Any  # Any: as the client takes them
    method: str = "GET"


def caller(app: Any) -> AsyncClient:  # Any: any ASGI app
    return AsyncClient(transport=ASGITransport(app=app, client=("127.0.0.1", 50000)), base_url=BASE_URL)


async def warmed(client: AsyncClient, path: str, headers: dict[str, str]) -> Response:
    for _ in range(3):
        answer = await client.get(path, headers=headers)
    return answer


async def round_trips(client: RedisClient) -> int:
    stats = await client.run(lambda redis: redis.info("stats"))
    reads: int = stats["total_reads_processed"]
    return reads


def said(answer: Response) -> tuple[int, dict[str, str], bytes]:
    body = answer.content.replace(answer.headers["x-request-id"].encode(), b"")
    return answer.status_code, {k: v for k, v in answer.headers.items() if k not in PASSING}, body
