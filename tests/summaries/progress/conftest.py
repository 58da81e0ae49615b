"""A desk that looks and sends heartbeats more often than in production; all else of it is the same."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from fastapi import FastAPI

from app.core.draining import draining_of
from app.settings import Settings
from app.summaries.progress.desk import ProgressDesk
from app.summaries.progress.event_stream import StreamPace
from app.summaries.progress.hub import Pace, ProgressHub
from tests.held_connections import assert_none_is_held

QUICK = Pace(hearing=0.2, deaf=0.1, stale=1.0, glance=0.02)
# Looks that never come: what arrives was announced.
NEVER = Pace(hearing=3600, deaf=3600, stale=3600, glance=0.02)


def seat(
    app: FastAPI, *, pace: Pace = QUICK, stream: StreamPace | None = None, redis_url: str | None = None
) -> ProgressDesk:
    """A desk for this app, in place of the one that nobody has used yet."""
    state = app.state
    settings: Settings = state.settings
    hub = ProgressHub(
        state.database,
        redis_url or settings.redis_url,
        is_draining=draining_of(state),
        pace=pace,
    )
    state.progress = replace(state.progress, hub=hub, pace=stream or state.progress.pace)
    desk: ProgressDesk = state.progress
    return desk


@pytest.fixture
def desk(app: FastAPI) -> ProgressDesk:
    return seat(app)


@pytest.fixture
def assert_nothing_is_left(app: FastAPI) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        desk: ProgressDesk = app.state.progress
        assert (desk.slots.taken, desk.slots.people, desk.hub.watches) == (0, 0, 0)
        await assert_none_is_held(app)

    return check
