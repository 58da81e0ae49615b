"""Limits refill while a test asks, on a slow machine by more than on a fast one."""

import math
import time
from collections.abc import Awaitable, Callable

MOST = 20


async def passes_until_refused(
    is_refused: Callable[[], Awaitable[bool]], *, limit: int, seconds: float = 60
) -> None:
    """Of a limit of so many in so long there pass that many, and what came back of it meanwhile."""
    began, passed = time.monotonic(), 0
    while not await is_refused():
        passed += 1
        back = math.ceil((time.monotonic() - began) * limit / seconds)
        assert passed <= limit + back
        assert passed < MOST * limit, "asking takes longer than a hit takes to come back"
    assert passed >= limit
