"""Who holds none of the pool's connections: the looks that all of a process share may be under way."""

import asyncio

from fastapi import FastAPI

SECONDS = 5


async def assert_none_is_held(app: FastAPI) -> None:
    """What is under way gives its connection back; what holds one keeps it until the time is up.

    Raises:
        TimeoutError: one was held all the time.
    """
    async with asyncio.timeout(SECONDS):
        while app.state.database.engine.pool.checkedout():  # noqa: ASYNC110  # a pool tells nobody
            await asyncio.sleep(0.01)
