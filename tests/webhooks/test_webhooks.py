"""Making, changing and deleting webhooks: who may not, what is refused, and what stays behind."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import select

from app.accounts.organization_erasure import erase_due_organizations
from app.audit.models import AuditEntry
from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.settings import Settings
from app.webhooks.retention import STEPS_A_ROUND, delete_old_deliveries
from app.webhooks.tasks import Courier
from app.webhooks.vocabulary import MAX_WEBHOOKS
from tests.factories import Factory, Person, Robot
from tests.webhooks.hooks import HTTPS, PATH, create, deliveries, execute, happen, run, webhook
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration
WANTED = {"url": HTTPS, "events": ["summary.ready"]}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"rate_limit_scale": 1000})


async def actions(app: FastAPI, person: Person) -> list[str]:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        found = select(AuditEntry.action).where(AuditEntry.action.startswith("webhook"))
        return list(await session.scalars(found.order_by(AuditEntry.id)))


async def test_a_member_reads_webhooks_and_writes_none(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    made = await create(client, alice)
    read = await client.get(f"{PATH}/{made['id']}", headers=bob.headers)
    refused = await client.post(PATH, json=WANTED, headers=bob.headers)
    assert (read.status_code, refused.status_code) == (200, 403)
    assert "secret" not in read.json()


async def test_a_viewer_sees_none(client: AsyncClient, factory: Factory, alice: Person) -> None:
    viewer = await factory.member("vic", alice.organization_id, role=MembershipRole.VIEWER)
    assert (await client.get(PATH, headers=viewer.headers)).status_code == 403


async def test_to_an_outsider_there_is_none(client: AsyncClient, alice: Person, charlie: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    for method in ("GET", "DELETE"):
        answer = await client.request(method, url, headers=charlie.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")
    assert (await client.get(PATH, headers=charlie.headers)).json()["items"] == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/hook", "url_scheme"),
        ("ftp://example.com/hook", "url_scheme"),
        ("https://me:secret@example.com/", "url_userinfo"),
        ("https://example.com:22/", "url_port"),
        ("https://localhost/", "url_host"),
        ("https://exa mple.com/", "url_characters"),
        ("https://example.com/" + "a" * 2048, "url_length"),
    ],
)
async def test_a_url_that_could_not_be_called_is_422(
    client: AsyncClient, alice: Person, url: str, code: str
) -> None:
    made = await create(client, alice)
    for method, path in (("POST", PATH), ("PATCH", f"{PATH}/{made['id']}")):
        body = {**WANTED, "url": url}
        answer = await client.request(method, path, json=body, headers=alice.headers)
        assert answer.status_code == 422
        assert answer.json()["errors"][0] == {**answer.json()["errors"][0], "pointer": "/url", "code": code}


@pytest.mark.parametrize(
    "events", [[], ["summary.exploded"], ["webhook.test"], "summary.ready", ["*"], ["summary.ready"] * 21]
)
async def test_events_are_of_a_closed_list(client: AsyncClient, alice: Person, events: object) -> None:
    answer = await client.post(PATH, json={"url": HTTPS, "events": events}, headers=alice.headers)
    assert answer.status_code == 422


async def test_an_organisation_has_twenty_at_most(client: AsyncClient, alice: Person) -> None:
    made = [await create(client, alice) for _ in range(MAX_WEBHOOKS)]
    refused = await client.post(PATH, json=WANTED, headers=alice.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhooks")
    await client.delete(f"{PATH}/{made[0]['id']}", headers=alice.headers)
    assert (await client.post(PATH, json=WANTED, headers=alice.headers)).status_code == 201


async def test_a_stale_change_is_412_and_changes_nothing(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    stale = {**alice.headers, "If-Match": '"7"'}
    changed = await client.patch(url, json={"description": "x"}, headers=stale)
    deleted = await client.delete(url, headers=stale)
    assert (changed.status_code, deleted.status_code) == (412, 412)
    assert (await client.get(url, headers=alice.headers)).json()["description"] is None


async def test_the_secret_is_shown_once_and_stored_sealed(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await create(client, alice)
    row = await webhook(app.state.database, alice, made["id"])
    assert made["secret"].startswith("whsec_")
    assert row.secret is not None
    assert made["secret"].encode() not in row.secret
    assert app.state.webhook_seal.open(row.secret, owner=row.id) == made["secret"]
    assert "secret" not in (await client.get(f"{PATH}/{made['id']}", headers=alice.headers)).json()


async def test_made_it_says_where_it_is_and_no_cache_keeps_it(client: AsyncClient, alice: Person) -> None:
    wanted = {**WANTED, "events": ["summary.ready", "summary.failed", "summary.ready"], "description": " A "}
    answer = await client.post(PATH, json=wanted, headers=alice.headers)
    assert answer.headers["Location"].endswith(f"{PATH}/{answer.json()['id']}")
    assert (answer.headers["Cache-Control"], answer.headers["ETag"]) == ("no-store", '"1"')
    assert answer.json()["events"] == ["summary.ready", "summary.failed"]
    assert (answer.json()["description"], answer.json()["enabled"]) == ("A", True)


async def test_read_again_costs_a_304(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    first = await client.get(url, headers=alice.headers)
    same = await client.get(url, headers={**alice.headers, "If-None-Match": first.headers["ETag"]})
    assert (first.status_code, same.status_code, same.content) == (200, 304, b"")


async def test_a_field_left_out_stays(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    body = {"description": "ours", "events": ["summary.failed"]}
    changed = await client.patch(url, json=body, headers={**alice.headers, "If-Match": '"1"'})
    nothing = await client.patch(url, json={}, headers=alice.headers)
    assert changed.json() == nothing.json()
    assert (changed.json()["url"], changed.json()["events"]) == (HTTPS, ["summary.failed"])
    assert (changed.headers["ETag"], nothing.headers["ETag"]) == ('"2"', '"2"')


async def test_disabled_it_is_told_nothing_and_cannot_be_tested(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    for _ in range(2):
        disabled = await client.patch(url, json={"enabled": False}, headers=alice.headers)
    await happen(app, alice)
    refused = await client.post(f"{url}/test", headers=alice.headers)
    assert (disabled.json()["enabled"], disabled.json()["disabled_reason"]) == (False, "by_request")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    assert await deliveries(app.state.database, alice) == []


async def test_enabled_again_it_is_sent_what_had_been_waiting(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    url = f"{PATH}/{(await create(client, alice, receiver.url('/ok')))['id']}"
    await happen(app, alice)
    await client.patch(url, json={"enabled": False}, headers=alice.headers)
    assert await run(courier, alice) == 0
    enabled = await client.patch(url, json={"enabled": True}, headers=alice.headers)
    assert (enabled.json()["enabled"], enabled.json()["disabled_reason"]) == (True, None)
    assert await run(courier, alice) == 1


async def test_deleted_it_is_gone_at_once_and_its_deliveries_with_the_next_cleaning(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/ok"))
    await happen(app, alice, times=3)
    deleted = await client.delete(f"{PATH}/{made['id']}", headers=alice.headers)
    assert deleted.status_code == 204
    assert (await client.get(f"{PATH}/{made['id']}", headers=alice.headers)).status_code == 404
    assert (await webhook(app.state.database, alice, made["id"])).secret is None
    assert (await run(courier, alice), receiver.received) == (0, [])
    assert not await delete_old_deliveries(app.state.database, step=2)
    assert await deliveries(app.state.database, alice) == []


async def test_old_deliveries_are_deleted_and_young_ones_kept(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await create(client, alice)
    await happen(app, alice, times=3)
    first = (await deliveries(app.state.database, alice))[0]
    ancient = "UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE id <> :id"
    await execute(app.state.database, alice, ancient, id=first.id)
    assert not await delete_old_deliveries(app.state.database)
    assert [row.id for row in await deliveries(app.state.database, alice)] == [first.id]
    assert (await client.get(f"{PATH}/{made['id']}", headers=alice.headers)).status_code == 200


async def test_more_than_a_rounds_worth_is_left_for_the_next(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await create(client, alice)
    await happen(app, alice, times=STEPS_A_ROUND + 1)
    await client.delete(f"{PATH}/{made['id']}", headers=alice.headers)
    assert [await delete_old_deliveries(app.state.database, step=1) for _ in range(2)] == [True, False]
    assert await deliveries(app.state.database, alice) == []


async def test_of_an_erased_organisation_deliveries_go_some_at_a_time(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await create(client, alice)
    await happen(app, alice, times=3)
    due = "UPDATE organizations SET erase_after = now() - interval '1 s' WHERE id = :id"
    await execute(app.state.database, alice, due, id=alice.organization_id)
    assert await erase_due_organizations(app.state.database, steps=1) == 0
    assert await deliveries(app.state.database, alice) == []
    assert await erase_due_organizations(app.state.database) == 1


async def test_what_is_no_id_is_404(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    for path, code in ((f"{PATH}/x", "webhook_not_found"), (f"{url}/deliveries/x", "delivery_not_found")):
        answer = await client.get(path, headers=alice.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_a_retried_post_makes_one_webhook_and_shows_its_secret_again(
    client: AsyncClient, alice: Person
) -> None:
    headers = {**alice.headers, "Idempotency-Key": "k1"}
    first, second = [await client.post(PATH, json=WANTED, headers=headers) for _ in range(2)]
    assert (first.json(), second.headers["Idempotent-Replayed"]) == (second.json(), "true")
    assert len((await client.get(PATH, headers=alice.headers)).json()["items"]) == 1


async def test_a_machine_may_do_it_with_a_key_that_has_the_scopes(client: AsyncClient, robot: Robot) -> None:
    answer = await client.post(PATH, json=WANTED, headers=robot.headers)
    assert answer.status_code == 201


async def test_every_change_is_in_the_audit_log(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    await client.patch(url, json={"description": "x"}, headers=alice.headers)
    await client.post(f"{url}/rotate-secret", headers=alice.headers)
    await client.post(f"{PATH}/callback-secret", headers=alice.headers)
    await client.delete(url, headers=alice.headers)
    assert await actions(app, alice) == [
        "webhook_created",
        "webhook_changed",
        "webhook_secret_rotated",
        "webhook_secret_rotated",
        "webhook_deleted",
    ]


async def test_a_list_is_a_page(client: AsyncClient, alice: Person) -> None:
    made = [(await create(client, alice))["id"] for _ in range(3)]
    first = (await client.get(PATH, params={"limit": 2}, headers=alice.headers)).json()
    query: dict[str, Any] = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await client.get(PATH, params=query, headers=alice.headers)).json()
    assert [item["id"] for item in first["items"] + second["items"]] == made
    assert (first["has_more"], second["has_more"]) == (True, False)
