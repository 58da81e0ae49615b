"""Somebody who may ask for as much as a test wants to."""

import asyncio
import re
from uuid import UUID

from app.admin.operator import set_plan
from app.core.passwords import Passwords
from app.core.principal import Plan
from app.local.demo import seed_demo
from tests.fleet.fleet import Fleet


def api_key(fleet: Fleet) -> dict[str, str]:
    """Headers of a demo user on the largest plan."""
    # Made outside the loop: the first hash loads its library.
    found = re.search(r"API key: +(\S+)", asyncio.run(_seed(fleet, Passwords())))
    assert found
    headers = {"X-API-Key": found[1]}
    with fleet.client() as client:
        (organization,) = client.get("/api/v1/organizations", headers=headers).json()["items"]
    asyncio.run(set_plan(fleet.settings, UUID(organization["id"]), Plan.ENTERPRISE))
    return headers


async def _seed(fleet: Fleet, passwords: Passwords) -> str:
    try:
        return await seed_demo(fleet.settings, passwords=passwords)
    finally:
        await passwords.aclose()
