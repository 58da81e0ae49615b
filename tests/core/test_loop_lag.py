"""The event loop's lag is seen."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from app.core.loop_lag import measured_lag

pytestmark = pytest.mark.unit


def measured(limit: str) -> float:
    return REGISTRY.get_sample_value("precis_event_loop_lag_seconds_bucket", {"le": limit}) or 0.0


async def test_a_loop_that_was_held_is_measured_as_late() -> None:
    late, all_before = measured("0.05"), measured("+Inf")
    async with measured_lag(interval_seconds=0.01):
        await asyncio.sleep(0.02)
        time.sleep(0.1)  # noqa: ASYNC251  # the very fault that is measured
        await asyncio.sleep(0.05)
    assert (measured("+Inf") - all_before) > (measured("0.05") - late)
