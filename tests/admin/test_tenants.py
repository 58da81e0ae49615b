"""Staff and organisations: found, put on a plan, suspended; whose log is read, and by whom."""

import asyncio
import csv
import io
import json

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.audit.events import AuditAction
from app.core.ids import new_id
from tests.admin.logs import Log
from tests.factories import Person, Robot
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

ORGANIZATIONS = "/api/v1/admin/organizations"
AUDIT_LOG = "/api/v1/admin/audit-log"
HOLDS_WITHIN_SECONDS = 2


@pytest.fixture
def log(database_urls: DatabaseUrls) -> Log:
    return Log(database_urls)


async def patch(client: AsyncClient, staff: Person, target: object, **body: object) -> Response:
    return await client.patch(f"{ORGANIZATIONS}/{target}", headers=staff.headers, json=body)


async def names(client: AsyncClient, staff: Person, query: str = "") -> list[str]:
    answer = await client.get(f"{ORGANIZATIONS}{query}", headers=staff.headers)
    return [item["name"] for item in answer.json()["items"]]


async def actions(client: AsyncClient, staff: Person, query: str = "") -> list[str]:
    answer = await client.get(f"{AUDIT_LOG}{query}", headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return [item["action"] for item in answer.json()["items"]]


async def test_who_reads_a_tenants_log_as_its_owner_reads_none_here(
    client: AsyncClient, alice: Person, mona: Person
) -> None:
    for person in (alice, mona):
        for path in (ORGANIZATIONS, AUDIT_LOG, f"{AUDIT_LOG}/export"):
            answer = await client.get(path, headers=person.headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"plan": "gold"}, {"suspended": "perhaps"}, {"name": "mine"}),
        *({"plan": None, "suspended": True}, {"plan": "pro", "suspended": None}),
    ],
)
async def test_a_change_of_nothing_or_of_what_is_the_owners_is_422(
    client: AsyncClient, adam: Person, alice: Person, body: dict[str, object]
) -> None:
    assert (await patch(client, adam, alice.organization_id, **body)).status_code == 422


async def test_an_organization_that_never_was_is_404(client: AsyncClient, adam: Person) -> None:
    for target in (new_id(), "nonsense"):
        answer = await patch(client, adam, target, plan="pro")
        assert (answer.status_code, answer.json()["code"]) == (404, "organization_not_found")


async def test_suspending_stops_every_credential_and_resuming_gives_it_back(
    client: AsyncClient, adam: Person, alice: Person, robot: Robot, log: Log
) -> None:
    async def statuses() -> list[int]:
        await asyncio.sleep(HOLDS_WITHIN_SECONDS)
        credentials = (alice.headers, robot.headers)
        return [(await client.get("/api/v1/summaries", headers=one)).status_code for one in credentials]

    assert await statuses() == [200, 200]
    suspended = await patch(client, adam, alice.organization_id, suspended=True)
    assert suspended.json()["suspended_at"] is not None
    assert await statuses() == [401, 401]
    body = {"refresh_token": alice.refresh_token}
    assert (await client.post("/api/v1/auth/refresh", json=body)).status_code == 401
    assert (await patch(client, adam, alice.organization_id, suspended=False)).json()["suspended_at"] is None
    assert await statuses() == [200, 200]
    told = ["organization_suspended", "organization_resumed"]
    assert await log.actions() == told
    assert (await log.actions(alice.organization_id))[-2:] == told


async def test_a_new_plan_counts_within_two_seconds_and_the_tenant_is_told_by_whom(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    before = await client.get("/api/v1/summaries", headers=alice.headers)
    assert before.headers["X-RateLimit-Limit"] == "100"
    assert (await patch(client, adam, alice.organization_id, plan="pro")).json()["plan"] == "pro"
    await asyncio.sleep(HOLDS_WITHIN_SECONDS)
    after = await client.get("/api/v1/summaries", headers=alice.headers)
    assert after.headers["X-RateLimit-Limit"] == "1000"
    (entry,) = await log.entries(alice.organization_id)
    assert (entry["action"], entry["actor_id"]) == (AuditAction.PLAN_CHANGED, adam.user_id)
    assert json.loads(entry["details"]) == {"from": "free", "to": "pro"}
    # Where staff sit is the platform's to know.
    assert entry["address"] is None
    (entry,) = await log.entries()
    assert json.loads(entry["details"])["organization_id"] == str(alice.organization_id)
    assert str(entry["address"]) == "127.0.0.1"


async def test_what_stays_as_it_was_is_not_written_down(
    client: AsyncClient, adam: Person, alice: Person, log: Log
) -> None:
    assert (await patch(client, adam, alice.organization_id, plan="free", suspended=False)).status_code == 200
    assert await log.actions() == []


async def test_organizations_are_found_filtered_and_paged(
    client: AsyncClient, adam: Person, alice: Person, charlie: Person
) -> None:
    assert await names(client, adam) == ["charlie", "alice", "adam"]
    assert await names(client, adam, "?q=ALI") == ["alice"]
    for odd in ("a%25", "_lice", "%5Calice", "lice"):
        assert await names(client, adam, f"?q={odd}") == []
    await patch(client, adam, charlie.organization_id, plan="enterprise", suspended=True)
    assert await names(client, adam, "?plan=enterprise") == ["charlie"]
    assert await names(client, adam, "?suspended=true") == ["charlie"]
    assert await names(client, adam, "?suspended=false&plan=free") == ["alice", "adam"]
    first = (await client.get(f"{ORGANIZATIONS}?limit=2", headers=adam.headers)).json()
    assert await names(client, adam, f"?limit=2&cursor={first['next_cursor']}") == ["adam"]
    other = await client.get(f"{ORGANIZATIONS}?plan=free&cursor={first['next_cursor']}", headers=adam.headers)
    assert other.json()["code"] == "invalid_cursor"
    assert alice.username == "alice"


async def test_the_platforms_log_and_any_tenants_are_read_apart(
    client: AsyncClient, adam: Person, alice: Person
) -> None:
    await patch(client, adam, alice.organization_id, plan="pro")
    await client.post("/api/v1/auth/token", data={"username": "nobody", "password": "wrong"})
    assert await actions(client, adam) == ["login_failure", "plan_changed"]
    assert await actions(client, adam, f"?organization_id={alice.organization_id}") == ["plan_changed"]
    assert await actions(client, adam, f"?organization_id={new_id()}") == []
    assert await actions(client, adam, f"?actor_id={adam.user_id}") == ["plan_changed"]
    assert await actions(client, adam, "?action=login_failure&since=2020-01-01T00:00:00Z") == [
        "login_failure"
    ]
    assert await actions(client, adam, "?until=2020-01-01T00:00:00Z") == []
    assert (await client.get(f"{AUDIT_LOG}?organization_id=x", headers=adam.headers)).status_code == 422


async def test_the_platforms_log_is_paged(client: AsyncClient, adam: Person, alice: Person) -> None:
    for plan in ("pro", "enterprise", "free"):
        await patch(client, adam, alice.organization_id, plan=plan)
    first = (await client.get(f"{AUDIT_LOG}?limit=2", headers=adam.headers)).json()
    assert len(first["items"]) == 2
    second = (
        await client.get(f"{AUDIT_LOG}?limit=2&cursor={first['next_cursor']}", headers=adam.headers)
    ).json()
    details = [item["details"]["to"] for item in first["items"] + second["items"]]
    assert details == ["free", "enterprise", "pro"]


async def test_a_log_leaves_as_a_file_and_that_is_written_into_it(
    client: AsyncClient, adam: Person, alice: Person
) -> None:
    await patch(client, adam, alice.organization_id, plan="pro")
    answer = await client.get(f"{AUDIT_LOG}/export", headers=adam.headers)
    lines = [json.loads(line)["action"] for line in answer.text.splitlines()]
    assert lines == ["plan_changed", "audit_log_exported"]
    url = f"{AUDIT_LOG}/export?format=csv&organization_id={alice.organization_id}"
    rows = list(csv.DictReader(io.StringIO((await client.get(url, headers=adam.headers)).text)))
    assert [row["action"] for row in rows] == ["plan_changed", "audit_log_exported"]


async def test_the_functions_give_no_more_than_a_page(app: FastAPI, alice: Person) -> None:
    assert alice.username == "alice"
    async with app.state.database.transaction() as session:
        connection = await session.connection()
        made = (
            "INSERT INTO audit_entries (id, action, actor_kind, details)"
            " SELECT gen_random_uuid(), 'logout', 'system', '{}' FROM generate_series(1, 600)"
        )
        await connection.exec_driver_sql(made)
        query = "SELECT count(*) FROM platform_audit_entries(NULL, NULL, NULL, NULL, NULL, NULL, true, 9999)"
        assert (await connection.exec_driver_sql(query)).scalar_one() == 500
