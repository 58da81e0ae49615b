"""Time that is not the page's: while we wait for ourselves, what limits the page stands still."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

# Awaited once, before more of a page is kept than is light; it may take long.
Heavy = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Whoever has room for every page."""


@asynccontextmanager
async def paused(limit: asyncio.Timeout) -> AsyncIterator[None]:
    """What is left of it is left afterwards. One that has ended stays so."""
    if limit.expired():
        yield
        return
    when, began = limit.when(), asyncio.get_running_loop().time()
    limit.reschedule(None)
    try:
        yield
    finally:
        if when is not None:
            limit.reschedule(when + asyncio.get_running_loop().time() - began)
