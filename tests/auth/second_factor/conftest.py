"""The app on a clock of the test's own, with limits that leave room for the second factor's own."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.settings import Settings
from tests.auth.second_factor.device import Clock, Device, set_up
from tests.factories import Person
from tests.fixtures import make_app


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def staff_needs_it() -> bool:
    """What a module overrides to demand it."""
    return False


@pytest.fixture
def built_app(settings: Settings, clock: Clock, *, staff_needs_it: bool) -> FastAPI:
    changed = {"rate_limit_scale": 100.0, "staff_mfa_required": staff_needs_it}
    return make_app(settings.model_copy(update=changed), clock=clock)


@pytest.fixture
async def device(client: AsyncClient, alice: Person, clock: Clock) -> Device:
    """Alice's, confirmed."""
    return await set_up(client, alice, clock)
