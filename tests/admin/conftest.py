"""The platform's staff."""

import pytest

from app.core.principal import StaffRole
from tests.factories import Factory, Person


@pytest.fixture
async def adam(factory: Factory) -> Person:
    """An admin of the platform."""
    return await factory.person("adam", role=StaffRole.ADMIN)


@pytest.fixture
async def mona(factory: Factory) -> Person:
    """A moderator."""
    return await factory.person("mona", role=StaffRole.MODERATOR)
