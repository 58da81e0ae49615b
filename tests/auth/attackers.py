"""Clients of any address, with and without the cookie that makes a device known."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import text

from app.settings import Settings
from tests.factories import PASSWORD
from tests.fixtures import make_app

URL = "/api/v1/auth/token"
WRONG = "Wrong-Horse-9-Battery"
HOME, AWAY = "203.0.113.7", "198.51.100.7"


@dataclass
class Clock:
    """Epoch seconds."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now

    def advance(self, duration: timedelta) -> None:
        self.now += duration.total_seconds()


def at(app: FastAPI, address: str, **cookies: str) -> AsyncClient:
    """Somebody's client; never entered, as this transport has nothing to close."""
    transport = ASGITransport(app=app, client=(address, 50000))
    return AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", cookies=cookies)


@asynccontextmanager
async def app_with(settings: Settings, **changed: object) -> AsyncIterator[FastAPI]:
    app = await asyncio.to_thread(make_app, settings.model_copy(update=changed))
    async with LifespanManager(app):
        yield app


async def log_in(client: AsyncClient, username: str, password: str = PASSWORD, **form: str) -> Response:
    return await client.post(URL, data={"username": username, "password": password, **form})


async def guess(client: AsyncClient, username: str, *, times: int = 1) -> None:
    for _ in range(times):
        assert (await log_in(client, username, WRONG)).status_code == 401


async def query(app: FastAPI, statement: str, **values: object) -> list[Any]:  # Any: rows of one column
    async with app.state.database.transaction() as session:
        return list(await session.scalars(text(statement), values))
