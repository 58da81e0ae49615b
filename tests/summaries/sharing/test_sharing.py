"""Making, changing and revoking a link; its QR code."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import select, update

from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.core.secret_links import ShownLinks, digest
from app.summaries.sharing.models import SummaryShare
from tests.factories import Factory, Person
from tests.organizations.audited import audited
from tests.summaries.sharing.shelf import finished, look, share
from tests.summaries.shelf import PATH, create, set_columns

pytestmark = pytest.mark.integration


async def refused(client: AsyncClient, person: Person, summary_id: str, **body: object) -> tuple[int, str]:
    answer = await client.post(f"{PATH}/{summary_id}/share", json=body, headers=person.headers)
    return answer.status_code, answer.json()["code"]


async def test_a_colleague_neither_sees_a_private_one_nor_shares_an_open_one(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    private, common = (
        (await create(client, alice))["id"],
        (await create(client, alice, visibility="organization"))["id"],
    )
    assert await refused(client, bob, private) == (404, "summary_not_found")
    assert await refused(client, bob, common) == (403, "summary_forbidden")


async def test_support_in_anothers_name_makes_no_link_and_moves_no_end(
    client: AsyncClient, root: Person, alice: Person
) -> None:
    private, shared = [(await create(client, alice))["id"] for _ in range(2)]
    before = await share(client, alice, shared)
    reason = {"organization_id": str(alice.organization_id), "reason": "ticket 4711"}
    url = f"/api/v1/admin/users/{alice.user_id}/impersonate"
    begun = await client.post(url, json={**reason, "write": True}, headers=root.headers)
    support = replace(alice, headers={"Authorization": f"Bearer {begun.json()['access_token']}"})
    for summary_id in (private, shared):
        assert await refused(client, support, summary_id, expires_in_days=3650) == (403, "impersonated")
    after = await client.get(f"{PATH}/{shared}/share", headers=alice.headers)
    assert after.json()["expires_at"] == before["expires_at"]


async def test_whoever_may_not_read_it_does_not_see_its_link(
    client: AsyncClient, alice: Person, bob: Person
) -> None:
    summary = await create(client, alice)
    await share(client, alice, summary["id"])
    for place in ("share", "share/qr"):
        answer = await client.get(f"{PATH}/{summary['id']}/{place}", headers=bob.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "summary_not_found")


async def test_only_its_author_and_admins_revoke(client: AsyncClient, alice: Person, bob: Person) -> None:
    summary = await create(client, alice, visibility="organization")
    await share(client, alice, summary["id"])
    answer = await client.delete(f"{PATH}/{summary['id']}/share", headers=bob.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "summary_forbidden")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"expires_in_days": 0}, "/expires_in_days"),
        ({"expires_in_days": 3651}, "/expires_in_days"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"expires_at": "2099-01-01T00:00:00Z", "expires_in_days": 1}, ""),
        ({"nonsense": 1}, "/nonsense"),
    ],
)
async def test_an_end_that_makes_no_sense_is_422_and_pointed_at(
    client: AsyncClient, alice: Person, body: dict[str, object], pointer: str
) -> None:
    path = f"{PATH}/{(await create(client, alice))['id']}/share"
    answer = await client.post(path, json=body, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_what_is_not_kept_is_not_shared(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary = await create(client, alice)
    await set_columns(app, alice, summary["id"], ephemeral=True)
    assert await refused(client, alice, summary["id"]) == (404, "summary_not_found")


@pytest.mark.parametrize(("method", "place"), [("GET", "share"), ("GET", "share/qr"), ("DELETE", "share")])
async def test_what_is_not_shared_says_so(
    client: AsyncClient, alice: Person, method: str, place: str
) -> None:
    summary = await create(client, alice)
    answer = await client.request(method, f"{PATH}/{summary['id']}/{place}", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "summary_not_shared")


async def test_a_link_is_made_once_and_shown_again(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    url = f"{PATH}/{await finished(client, app, alice)}/share"
    made = await client.post(url, headers=alice.headers)
    again = await client.post(url, json={}, headers=alice.headers)
    read = await client.get(url, headers=alice.headers)
    assert (made.status_code, again.status_code, read.status_code) == (201, 200, 200)
    assert made.json() == again.json() == read.json()
    assert made.json()["url"] == f"{app.state.settings.base_url}/s/{made.json()['share_id']}"
    assert (made.json()["expires_at"], made.json()["expired"], made.json()["view_count"]) == (None, False, 0)


async def test_a_retry_is_answered_as_the_first_was(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    url = f"{PATH}/{await finished(client, app, alice)}/share"
    headers = {**alice.headers, "Idempotency-Key": "again"}
    first, second = [await client.post(url, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


async def test_the_database_does_not_hold_the_link(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    made = await share(client, alice, await finished(client, app, alice))
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        row = (await session.scalars(select(SummaryShare))).one()
    assert row.digest == digest(made["share_id"])
    assert made["share_id"].encode() not in (row.digest, row.nonce)


async def test_of_many_who_share_it_at_once_all_are_shown_one_link(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = await finished(client, app, alice)
    made = await asyncio.gather(*(share(client, alice, summary_id) for _ in range(5)))
    assert len({each["share_id"] for each in made}) == 1


async def test_an_end_is_set_moved_and_taken_away(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary_id = await finished(client, app, alice)
    made = await share(client, alice, summary_id, expires_in_days=7)
    end = datetime.fromisoformat(made["expires_at"])
    assert timedelta(days=6) < end - datetime.now(UTC) <= timedelta(days=7)
    assert (await share(client, alice, summary_id))["expires_at"] == made["expires_at"]
    moved = await share(client, alice, summary_id, expires_at=None)
    assert (moved["share_id"], moved["expires_at"]) == (made["share_id"], None)


async def test_a_link_that_has_ended_is_followed_by_another(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = await finished(client, app, alice)
    former = await share(client, alice, summary_id, expires_in_days=1)
    await end(app, alice)
    read = await client.get(f"{PATH}/{summary_id}/share", headers=alice.headers)
    assert read.json()["expired"] is True
    qr = await client.get(f"{PATH}/{summary_id}/share/qr", headers=alice.headers)
    assert qr.status_code == 404
    assert (await share(client, alice, summary_id))["share_id"] != former["share_id"]
    assert (await look(client, former)).status_code == 404


async def end(app: FastAPI, person: Person) -> None:
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        await session.execute(update(SummaryShare).values(expires_at=datetime.now(UTC)))


async def test_a_revoked_link_does_not_come_back(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary_id = await finished(client, app, alice)
    former = await share(client, alice, summary_id)
    answer = await client.delete(f"{PATH}/{summary_id}/share", headers=alice.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await look(client, former)).status_code == 404
    assert (await share(client, alice, summary_id))["share_id"] != former["share_id"]
    assert (await look(client, former)).status_code == 404


async def test_after_another_secret_key_a_link_works_but_is_not_shown(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = await finished(client, app, alice)
    made = await share(client, alice, summary_id)
    app.state.share_links = ShownLinks.from_secret("another")
    read = (await client.get(f"{PATH}/{summary_id}/share", headers=alice.headers)).json()
    assert (read["share_id"], read["url"]) == (None, None)
    assert (await look(client, made)).status_code == 200
    assert (await client.get(f"{PATH}/{summary_id}/share/qr", headers=alice.headers)).status_code == 404


async def test_an_admin_shares_what_the_organisation_sees(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, bob: Person
) -> None:
    admin = await factory.member("adam", alice.organization_id, role=MembershipRole.ADMIN)
    summary_id = await finished(client, app, bob, visibility="organization")
    assert (await look(client, await share(client, admin, summary_id))).status_code == 200


async def test_the_audit_log_tells_of_each_step(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary_id = await finished(client, app, alice)
    await share(client, alice, summary_id)
    await share(client, alice, summary_id, expires_in_days=1)
    await share(client, alice, summary_id)
    await client.delete(f"{PATH}/{summary_id}/share", headers=alice.headers)
    told = [action for action in await audited(app, alice) if action.startswith("share_")]
    assert told == ["share_created", "share_changed", "share_revoked"]


@pytest.mark.parametrize(
    ("query", "accept", "media_type", "begins"),
    [
        ("", "*/*", "image/svg+xml", b"<?xml"),
        ("", "image/png", "image/png", b"\x89PNG"),
        ("", "image/avif,image/png,image/svg+xml,image/*", "image/svg+xml", b"<?xml"),
        ("?format=png", "image/svg+xml", "image/png", b"\x89PNG"),
        ("?format=svg", "image/png", "image/svg+xml", b"<?xml"),
    ],
)
async def test_the_link_is_a_picture_too(
    client: AsyncClient, app: FastAPI, alice: Person, query: str, accept: str, media_type: str, begins: bytes
) -> None:
    summary_id = await finished(client, app, alice)
    await share(client, alice, summary_id)
    headers = {**alice.headers, "Accept": accept}
    answer = await client.get(f"{PATH}/{summary_id}/share/qr{query}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content.startswith(begins)
    assert 'filename="share.' in answer.headers["content-disposition"]
