"""Who owns an address takes the account over that somebody else has registered with it."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import select

from app.core.db import Tenant
from app.core.principal import MembershipRole
from app.organizations.members.repository import MemberRepository
from app.organizations.repository import OrganizationRepository
from app.webhooks.models import Webhook
from tests.accounts.post import Post, token_of
from tests.accounts.rows import audited
from tests.auth.second_factor.device import Clock, set_up
from tests.factories import Factory, Person
from tests.organizations import audited as logs
from tests.servers import DatabaseUrls
from tests.summaries.feeds.addresses import make, read
from tests.webhooks.hooks import create, webhook

pytestmark = pytest.mark.integration
NEW = "Walnut-Bridge-42-rain"
ME = "/api/v1/users/me"
CALLBACKS = "/api/v1/webhooks/callback-secret"


async def reset(client: AsyncClient, post: Post, email: str = "alice@example.com") -> None:
    await client.post("/api/v1/auth/forgot-password", json={"email": email})
    (token,) = [token_of(letter) for letter in await post.deliver() if "password" in letter.subject.lower()]
    body = {"token": token, "new_password": NEW}
    answer = await client.post("/api/v1/auth/reset-password", json=body)
    assert answer.status_code == 200, answer.text


async def log_in(client: AsyncClient) -> int:
    form = {"username": "alice", "password": NEW}
    return (await client.post("/api/v1/auth/token", data=form)).status_code


async def test_feeds_of_whoever_registered_end_in_every_organisation(
    client: AsyncClient, app: FastAPI, factory: Factory, post: Post, alice: Person
) -> None:
    made = await client.post("/api/v1/organizations", headers=alice.headers, json={"name": "Lab"})
    lab = await factory.elsewhere(alice, UUID(made.json()["id"]), role=MembershipRole.OWNER)
    feeds = [await make(client, person) for person in (alice, lab)]
    await reset(client, post)
    assert [(await read(client, feed)).status_code for feed in feeds] == [404, 404]
    for person in (alice, lab):
        assert "feed_revoked" in await logs.audited(app, person)


async def test_webhooks_and_the_callback_secret_are_gone(
    client: AsyncClient, app: FastAPI, post: Post, alice: Person
) -> None:
    hook = await create(client, alice)
    assert (await client.post(CALLBACKS, headers=alice.headers)).status_code == 200
    await reset(client, post)
    gone = await webhook(app.state.database, alice, hook["id"])
    assert gone.deleted_at is not None
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        rows = await session.execute(select(Webhook.secret, Webhook.former_secret))
        assert [tuple(row) for row in rows] == [(None, None)] * 2
    assert "webhook_deleted" in await logs.audited(app, alice)


async def test_webhooks_and_feeds_of_a_verified_account_stay(
    client: AsyncClient, app: FastAPI, factory: Factory, post: Post, alice: Person
) -> None:
    await factory.verify(alice)
    hook, feed = await create(client, alice), await make(client, alice)
    await reset(client, post)
    assert (await webhook(app.state.database, alice, hook["id"])).deleted_at is None
    assert (await read(client, feed)).status_code == 200


async def test_the_squatters_second_factor_locks_nobody_out_and_this_is_told(
    client: AsyncClient, post: Post, alice: Person, database_urls: DatabaseUrls
) -> None:
    await set_up(client, alice, Clock())
    await reset(client, post)
    assert await log_in(client) == 200
    assert [letter.subject for letter in await post.deliver()] == [
        "Your second factor was changed",
        "Your password was changed",
    ]
    (entry,) = await audited(database_urls, "second_factor_disabled")
    assert (entry["organization_id"], entry["subject_id"]) == (alice.organization_id, alice.user_id)


@pytest.mark.parametrize("in_another_organisation", [True, False])
async def test_a_thief_who_changes_the_address_is_not_rid_of_the_second_factor(
    client: AsyncClient,
    app: FastAPI,
    factory: Factory,
    post: Post,
    alice: Person,
    *,
    in_another_organisation: bool,
) -> None:
    await factory.verify(alice)
    await set_up(client, alice, Clock())
    stolen = alice
    if in_another_organisation:
        mallory = await factory.person("mallory")
        async with app.state.database.transaction(Tenant(mallory.organization_id)) as session:
            organizations = OrganizationRepository(session, mallory.organization_id)
            await organizations.add_member(alice.user_id, role=MembershipRole.MEMBER)
        stolen = await factory.elsewhere(alice, mallory.organization_id, role=MembershipRole.MEMBER)
    changed = await client.patch(ME, headers=stolen.headers, json={"email": "thief@example.com"})
    assert changed.status_code == 200, changed.text
    if in_another_organisation:
        # Its log is out of sight.
        async with app.state.database.transaction(Tenant(stolen.organization_id)) as session:
            await MemberRepository(session, stolen.organization_id).remove(alice.user_id)
    await post.deliver()
    await reset(client, post, "thief@example.com")
    assert await log_in(client) == 401
