"""The trash: whose it is, taking back out of it, erasing for good."""

from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.plans import PLANS
from app.core.principal import MembershipRole, Plan, Scope
from tests.catalogue import ask
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.summaries.shelf import PATH, create, job_ids, lose_job, set_columns

pytestmark = pytest.mark.integration
CALLS = [("GET", "/trash"), ("DELETE", "/trash"), ("DELETE", "/trash/{id}"), ("POST", "/{id}/restore")]


async def thrown_away(client: AsyncClient, person: Person, **body: object) -> str:
    made = await create(client, person, **body)
    url = f"{PATH}/{made['id']}"
    assert (await client.delete(url, headers=person.headers)).status_code == 204
    return str(made["id"])


async def listed(client: AsyncClient, person: Person, **query: str) -> list[str]:
    answer = await client.get(f"{PATH}/trash", params=query, headers=person.headers)
    return [item["id"] for item in answer.json()["items"]]


async def test_nobody_and_the_wrong_scope_get_nowhere(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    which = await thrown_away(client, alice)
    narrow = await factory.with_scopes(alice, Scope.PROFILE_READ)
    for method, path in CALLS:
        url = PATH + path.format(id=which)
        assert (await client.request(method, url)).status_code == 401
        assert (await client.request(method, url, headers=narrow.headers)).status_code == 403
    assert await listed(client, alice) == [which]


async def test_another_members_trash_is_not_there(client: AsyncClient, alice: Person, bob: Person) -> None:
    ids = [await thrown_away(client, alice, visibility=shown) for shown in ("private", "organization")]
    assert await listed(client, bob) == []
    for which in ids:
        for method, path in CALLS[2:]:
            answer = await client.request(method, PATH + path.format(id=which), headers=bob.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "summary_not_found")
    assert (await client.delete(f"{PATH}/trash", headers=bob.headers)).json()["erased"] == 0
    assert await listed(client, alice) == ids[::-1]


async def test_an_admin_restores_what_was_shared_and_nothing_private(
    client: AsyncClient, bob: Person, factory: Factory
) -> None:
    admin = await factory.member("dora", bob.organization_id, role=MembershipRole.ADMIN)
    private, shared = [
        await thrown_away(client, bob, visibility=shown) for shown in ("private", "organization")
    ]
    assert await listed(client, admin) == [shared]
    # Emptying is for one's own alone.
    assert (await client.delete(f"{PATH}/trash", headers=admin.headers)).json()["erased"] == 0
    assert (await client.post(f"{PATH}/{private}/restore", headers=admin.headers)).status_code == 404
    assert (await client.post(f"{PATH}/{shared}/restore", headers=admin.headers)).status_code == 200


async def test_what_is_not_in_the_trash_is_409(client: AsyncClient, alice: Person, bob: Person) -> None:
    created = await create(client, alice, visibility="organization")
    for method, path in CALLS[2:]:
        url = PATH + path.format(id=created["id"])
        answer = await client.request(method, url, headers=alice.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "summary_not_trashed")
        assert (await client.request(method, url, headers=bob.headers)).status_code == 403
    assert (await client.get(f"{PATH}/{created['id']}", headers=alice.headers)).status_code == 200


async def test_restored_it_is_as_it_was_under_a_new_version(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    made = await create(client, alice, tags=["river"], notes="mine")
    await set_columns(app, alice, made["id"], status="ready")
    url = f"{PATH}/{made['id']}"
    before = await client.get(url, headers=alice.headers)
    await client.delete(url, headers=alice.headers)
    answer = await client.post(f"{url}/restore", headers=alice.headers)
    assert answer.status_code == 200
    assert {**answer.json(), "updated_at": ""} == {**before.json(), "updated_at": ""}
    assert answer.headers["ETag"] != before.headers["ETag"]
    assert (await client.get(url, headers=alice.headers)).json() == answer.json()
    assert await listed(client, alice) == []
    assert (await client.post(f"{url}/restore", headers=alice.headers)).status_code == 409


async def test_what_was_not_finished_is_worked_on_again(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    which = await thrown_away(client, alice)
    for job_id in await job_ids(app.state.database):
        await lose_job(app.state.database, job_id)
    await client.post(f"{PATH}/{which}/restore", headers=alice.headers)
    assert len(await job_ids(app.state.database)) == 1


async def test_each_says_until_when_the_plan_keeps_it(client: AsyncClient, alice: Person) -> None:
    await thrown_away(client, alice)
    (item,) = (await client.get(f"{PATH}/trash", headers=alice.headers)).json()["items"]
    deleted, kept = (datetime.fromisoformat(item[name]) for name in ("deleted_at", "kept_until"))
    assert kept - deleted == timedelta(days=PLANS[Plan.FREE].trash_days)


async def test_following_the_links_visits_each_once(client: AsyncClient, alice: Person) -> None:
    thrown = [await thrown_away(client, alice, visibility=shown) for shown in ("private", "organization") * 3]
    seen: list[str] = []
    url: str | None = f"{PATH}/trash?limit=2"
    while url:
        answer = await client.get(url, headers=alice.headers)
        seen += [item["id"] for item in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
    assert seen == thrown[::-1]


async def test_a_cursor_of_the_list_is_refused(client: AsyncClient, alice: Person) -> None:
    for _ in range(2):
        await create(client, alice)
    cursor = (await client.get(f"{PATH}?limit=1", headers=alice.headers)).json()["next_cursor"]
    answer = await client.get(f"{PATH}/trash?cursor={cursor}", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_erased_is_gone_with_its_text_and_the_audit_log_says_so(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    one, *_ = [await thrown_away(client, alice) for _ in range(3)]
    kept = await create(client, alice)
    assert (await client.delete(f"{PATH}/trash/{one}", headers=alice.headers)).status_code == 204
    assert (await client.delete(f"{PATH}/trash/{one}", headers=alice.headers)).status_code == 404
    emptied = await client.delete(f"{PATH}/trash", headers=alice.headers)
    assert emptied.json() == {"erased": 2, "has_more": False}
    left = await ask(database_urls.superuser, "SELECT summary_id::text AS id FROM summary_contents")
    assert left == [{"id": kept["id"]}]
    noted = "SELECT details->'count' AS many FROM audit_entries WHERE action = 'summaries_erased' ORDER BY id"
    assert [row["many"] for row in await ask(database_urls.superuser, noted)] == ["1", "2"]
