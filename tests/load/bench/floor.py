"""The floor: the least that one worker can do for the same work, by hand on bare ASGI.

`GET /cached` checks an HS256 token, asks Redis once (count, revocation, body) and sends the body; `GET /row`
and `POST /row` do that and one statement on PostgreSQL. No validation, no tenants, no figures, no log: what
Precis adds is measured against it. Environment: PG_DSN, REDIS_URL, JWT_KEY.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

import asyncpg
import jwt
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

SELECT = "select id, url, summary, created_at from floor_row where id = $1"
INSERT = "insert into floor_row (url, summary) values ($1, '') returning id, url, summary, created_at"
TABLE = """
create table if not exists floor_row (id bigint generated always as identity primary key, url text not null,
    summary text not null, created_at timestamptz not null default now())
"""
FIRST = """
insert into floor_row (url, summary)
values ('https://example.com/a', repeat('lorem ipsum ', 60)) returning id, url, summary, created_at
"""
KEY = os.environ.get("JWT_KEY", "")


@dataclass(slots=True)
class Servers:
    postgres: Any  # Any: asyncpg ships no types
    redis: Redis
    row_id: int


class Floor:
    _servers: Servers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == "/hello":
            await _send_json(send, b'{"message":"hello"}')
        else:
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._start()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _start(self) -> None:
        postgres = await asyncpg.create_pool(os.environ["PG_DSN"], min_size=10, max_size=10)
        redis = Redis.from_url(os.environ["REDIS_URL"])
        await postgres.execute(TABLE)
        row = await postgres.fetchrow(FIRST)
        await redis.set("floor:cache", _dump(row))
        self._servers = Servers(postgres, redis, row["id"])

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = next(v for k, v in scope["headers"] if k == b"authorization")[7:].decode()
        claims = jwt.decode(token, KEY, algorithms=["HS256"])
        pipe = self._servers.redis.pipeline(transaction=False)
        # Sent by `execute`.
        _ = pipe.incr("floor:rate:" + claims["sub"])
        _ = pipe.expire("floor:rate:" + claims["sub"], 60)
        _ = pipe.exists("floor:revoked:" + claims["jti"])
        _ = pipe.get("floor:cache")
        *_, body = await pipe.execute()
        if scope["path"] == "/cached":
            await _send_json(send, body)
        elif scope["method"] == "GET":
            await _send_json(send, _dump(await self._servers.postgres.fetchrow(SELECT, self._servers.row_id)))
        else:
            payload = json.loads((await receive())["body"])
            row = await self._servers.postgres.fetchrow(INSERT, payload["url"])
            await _send_json(send, _dump(row), status=201)


def _dump(row: Any) -> bytes:  # Any: asyncpg's record
    return json.dumps({**dict(row), "created_at": row["created_at"].isoformat()}).encode()


async def _send_json(send: Send, body: bytes, *, status: int = 200) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = Floor()
