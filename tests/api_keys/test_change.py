"""What a key's owner may change of it, and what not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import MembershipRole, Scope
from tests.api_keys.keys import ME, URL, audited, make, status_of
from tests.factories import Factory, Person, Robot

pytestmark = pytest.mark.integration


async def test_a_key_cannot_change_itself(client: AsyncClient, alice: Person, robot: Robot) -> None:
    [item] = (await client.get(URL, headers=alice.headers)).json()["items"]
    answer = await client.patch(f"{URL}/{item['id']}", headers=robot.headers, json={"rate_limit": None})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("scope", ["webhooks:write", "keys:write", "admin"])
async def test_a_scope_that_its_owner_does_not_have_cannot_be_added(
    client: AsyncClient, bob: Person, scope: str
) -> None:
    made = await make(client, bob, scopes=["profile:read"])
    answer = await client.patch(f"{URL}/{made['id']}", headers=bob.headers, json={"scopes": [scope]})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_grantable")


async def test_a_session_of_fewer_scopes_cannot_widen_but_may_narrow(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    made = await make(client, alice, scopes=["profile:read", "org:read"])
    narrow = await factory.with_scopes(alice, Scope.KEYS_WRITE)
    codes = [
        (
            await client.patch(f"{URL}/{made['id']}", headers=narrow.headers, json={"scopes": scopes})
        ).status_code
        for scopes in (["summaries:read"], ["org:read"], ["profile:read"])
    ]
    assert codes == [403, 200, 403]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": None},
        {"scopes": None},
        {"scopes": ["everything"]},
        {"rate_limit": 0},
        {"rate_limit": True},
        {"rate_limit": "5"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": 1800000000},
        {"expires_at": "1800000000"},
        {"api_key": "prc_live_mine"},
        {"is_default": True},
        {"user_id": "0192f0c1-5a2b-7c3d-8e4f-9a0b1c2d3e4f"},
    ],
)
async def test_what_cannot_be_changed_is_422(
    client: AsyncClient, alice: Person, changes: dict[str, Any]
) -> None:  # Any: JSON
    made = await make(client, alice)
    answer = await client.patch(f"{URL}/{made['id']}", headers=alice.headers, json=changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_member_of_the_organisation_neither_sees_nor_changes_anothers_key(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    made = await make(client, alice)
    for method in ("GET", "PATCH", "DELETE"):
        body: dict[str, Any] = {"json": {"name": "mine"}} if method == "PATCH" else {}  # Any: its options
        answer = await client.request(method, f"{URL}/{made['id']}", headers=bob.headers, **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "api_key_not_found")


async def test_a_change_shows_at_once_and_what_is_left_out_stays(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice, scopes=["profile:read"], rate_limit=7)
    moment = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    changes = {"name": "nightly", "expires_at": moment}
    answer = await client.patch(f"{URL}/{made['id']}", headers=alice.headers, json=changes)
    read = await client.get(f"{URL}/{made['id']}", headers=alice.headers)
    assert answer.json() == read.json()
    assert (read.json()["name"], read.json()["rate_limit"]) == ("nightly", 7)
    assert datetime.fromisoformat(read.json()["expires_at"]) == datetime.fromisoformat(moment)


async def test_an_expiry_of_null_is_the_usual_one(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice)
    body = {"expires_at": None, "rate_limit": None}
    changed = await client.patch(f"{URL}/{made['id']}", headers=alice.headers, json=body)
    left = datetime.fromisoformat(changed.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < left <= timedelta(days=90)


async def test_a_narrowed_key_loses_its_scope_at_once(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice, scopes=["profile:read", "org:read"])
    assert await status_of(client, made["api_key"]) == 200
    await client.patch(f"{URL}/{made['id']}", headers=alice.headers, json={"scopes": ["org:read"]})
    assert await status_of(client, made["api_key"]) == 403


async def test_a_change_is_recorded_by_its_fields_and_no_change_is_not(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await make(client, alice)
    for changes in ({}, {"name": "n", "rate_limit": 9}):
        answer = await client.patch(f"{URL}/{made['id']}", headers=alice.headers, json=changes)
        assert answer.status_code == 200
    [entry] = await audited(app, alice.organization_id, "api_key_changed")
    assert entry["details"] == {"prefix": made["prefix"], "fields": "name rate_limit"}
    assert (str(entry["target_id"]), entry["host"]) == (made["id"], "127.0.0.1")


async def test_a_key_says_which_prefix_was_last_used_from_where(client: AsyncClient, alice: Person) -> None:
    made = await make(client, alice, scopes=["profile:read"])
    await client.get(ME, headers={"Authorization": f"Bearer {made['api_key']}"})
    read = (await client.get(f"{URL}/{made['id']}", headers=alice.headers)).json()
    assert read["prefix"] == made["api_key"][:12]
    assert (read["last_used_ip"], read["last_used_at"] is not None) == ("127.0.0.1", True)


async def test_a_viewer_has_no_keys(client: AsyncClient, factory: Factory, alice: Person) -> None:
    viewer = await factory.member("vera", alice.organization_id, role=MembershipRole.VIEWER)
    answers = [
        await client.get(URL, headers=viewer.headers),
        await client.post(URL, headers=viewer.headers, json={"name": "k"}),
    ]
    assert {answer.json()["code"] for answer in answers} == {"insufficient_scope"}
