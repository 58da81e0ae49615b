"""Somebody who may ask for as much as a test wants to."""

import re

from tests.fleet.fleet import Fleet


def api_key(fleet: Fleet) -> dict[str, str]:
    """Headers of a demo user on the largest plan."""
    found = re.search(r"API key: +(\S+)", fleet.run("demo", "seed"))
    assert found
    headers = {"X-API-Key": found[1]}
    with fleet.client() as client:
        (organization,) = client.get("/api/v1/organizations", headers=headers).json()["items"]
    fleet.run("organizations", "set-plan", organization["id"], "enterprise")
    return headers
