"""Who may manage keys, apart from any route."""

from dataclasses import replace

import pytest
from fastapi import FastAPI

from app.api_keys.errors import KeyCannotManageKeysError
from app.api_keys.service import ApiKeyService
from app.core.db import Tenant
from tests.factories import Robot

pytestmark = pytest.mark.integration


async def test_a_key_manages_none_whatever_its_scopes(app: FastAPI, robot: Robot) -> None:
    [authenticator, *_] = app.state.authenticators
    principal = await authenticator.authenticate(robot.api_key, address=None)
    async with app.state.database.open(Tenant(robot.organization_id, robot.user_id)) as session:
        with pytest.raises(KeyCannotManageKeysError):
            ApiKeyService(session, replace(principal, scopes=frozenset()), app.state.principal_cache)
