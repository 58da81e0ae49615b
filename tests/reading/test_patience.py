"""Limits that stand still while we wait for ourselves."""

import asyncio

import pytest

from app.reading.patience import paused

pytestmark = pytest.mark.unit


async def test_what_has_ended_stays_ended() -> None:
    limit = asyncio.timeout(0)
    with pytest.raises(TimeoutError):
        await _overrun(limit)
    assert limit.expired()


async def _overrun(limit: asyncio.Timeout) -> None:
    async with limit:
        try:
            await asyncio.sleep(60)
        finally:
            async with paused(limit):
                await asyncio.sleep(0)


async def test_time_of_our_own_is_not_counted() -> None:
    async with asyncio.timeout(0.05) as limit:
        async with paused(limit):
            await asyncio.sleep(0.2)
    assert not limit.expired()


async def test_what_has_no_limit_gets_none() -> None:
    async with asyncio.timeout(None) as limit, paused(limit):
        await asyncio.sleep(0)
    assert limit.when() is None
