"""The tenant's audit log over HTTP: for its admins, its own only, searchable, as a file."""

import csv
import io
import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.audit.events import AuditAction, AuditEvent
from app.audit.export import ENTRIES_A_STEP
from app.audit.service import record
from app.core.db import Tenant
from tests.factories import Person

pytestmark = pytest.mark.integration


async def written(app: FastAPI, person: Person, *actions: AuditAction, **details: str) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        for action in actions:
            event = AuditEvent(
                action,
                organization_id=person.organization_id,
                actor_kind="user",
                actor_id=person.user_id,
                address="192.0.2.7",
                details=details,
            )
            await record(session, event)


async def read(client: AsyncClient, person: Person, query: str = "") -> Response:
    url = f"/api/v1/organizations/{person.organization_id}/audit-log{query}"
    return await client.get(url, headers=person.headers)


def actions(answer: Response) -> list[str]:
    body: dict[str, Any] = answer.json()  # Any: JSON
    return [item["action"] for item in body["items"]]


async def test_a_member_does_not_read_it(client: AsyncClient, bob: Person) -> None:
    answer = await read(client, bob)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert (await read(client, bob, "/export")).status_code == 403


WRONG_QUERIES = [
    *("?action=nonsense", "?since=yesterday", "?actor_id=x", "?offset=3"),
    *("?since=0001-01-01T00:00:00%2B14:00", "?until=9999-12-31T23:59:59-14:00"),
]


@pytest.mark.parametrize("query", WRONG_QUERIES)
async def test_a_filter_that_is_none_is_422(client: AsyncClient, alice: Person, query: str) -> None:
    assert (await read(client, alice, query)).status_code == 422


async def test_nobody_sees_another_organizations_entries(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    await written(app, alice, AuditAction.LOGOUT)
    assert actions(await read(client, charlie)) == []
    assert "logout" not in (await read(client, charlie, "/export")).text


async def test_a_cursor_of_one_search_is_no_position_in_another(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await written(app, alice, AuditAction.LOGOUT, AuditAction.LOGOUT)
    cursor = (await read(client, alice, "?limit=1")).json()["next_cursor"]
    answer = await read(client, alice, f"?action=logout&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_it_is_searched_by_action_actor_and_time(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    await written(app, alice, AuditAction.LOGOUT, AuditAction.ROLE_CHANGED)
    assert actions(await read(client, alice)) == ["role_changed", "logout"]
    assert actions(await read(client, alice, "?action=logout")) == ["logout"]
    assert actions(await read(client, alice, f"?actor_id={bob.user_id}")) == []
    assert actions(await read(client, alice, "?since=2999-01-01T00:00:00Z")) == []
    assert len(actions(await read(client, alice, "?until=2999-01-01T00:00:00Z"))) == 2


async def test_pages_follow_each_other(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await written(app, alice, AuditAction.LOGOUT, AuditAction.ROLE_CHANGED)
    first = await read(client, alice, "?limit=1")
    rest = await read(client, alice, f"?limit=1&cursor={first.json()['next_cursor']}")
    assert actions(first) + actions(rest) == ["role_changed", "logout"]


async def test_the_whole_log_leaves_as_lines_of_json_oldest_first(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await written(app, alice, AuditAction.LOGOUT, *[AuditAction.TOKEN_REFRESH] * ENTRIES_A_STEP)
    answer = await read(client, alice, "/export")
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert last["action"] == "audit_log_exported"
    assert len({line["id"] for line in lines}) == ENTRIES_A_STEP + 1
    assert (lines[0]["action"], lines[0]["address"]) == ("logout", "192.0.2.7")
    assert "audit-log.ndjson" in answer.headers["Content-Disposition"]


async def test_a_spreadsheet_runs_nothing_of_it(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await written(app, alice, AuditAction.LOGOUT, note="=1+1")
    answer = await read(client, alice, "/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["logout", "audit_log_exported"]
    assert not [value for value in rows[0].values() if value.startswith(("=", "+", "-", "@"))]
