"""`Prefer: wait=N`: looking again and again, ever less often, without holding a database connection.

A `sleep` that ends early is an announcement; the looks are for what was not announced.
"""

import asyncio
from collections.abc import Awaitable, Callable

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
GROWTH = 1.5


async def wait_until(
    is_done: Callable[[], Awaitable[bool]],
    *,
    seconds: float,
    is_draining: Callable[[], bool],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Returns when it is done, when the time is up, or soon after this process is told to stop."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = FIRST_PAUSE_SECONDS
    while (left := deadline - loop.time()) > 0 and not is_draining():
        await sleep(min(pause, left))
        if await is_done():
            return
        pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
