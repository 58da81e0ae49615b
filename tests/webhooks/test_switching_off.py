"""Endpoints that fail, organisations at rest: left alone, switched off, taken up again."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.db import Tenant
from app.organizations.store import change_organization
from app.webhooks.tasks import Courier, nudge_due
from tests.factories import Person
from tests.webhooks.hooks import PATH, create, deliveries, execute, happen, run, webhook
from tests.webhooks.receiver import Receiver, answer

pytestmark = pytest.mark.integration
LEASE_ENDS = (
    "UPDATE webhook_deliveries SET leased_until = now() - interval '1 s', next_attempt_at = now()"
    " WHERE leased_until IS NOT NULL"
)


async def test_410_switches_it_off_and_is_not_tried_again(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/410"))
    await happen(app, alice, times=2)
    assert await run(courier, alice, again=True) == 1
    first, second = await deliveries(app.state.database, alice)
    shown = (await client.get(f"{PATH}/{made['id']}", headers=alice.headers)).json()
    assert {first.status, second.status} == {"failed", "pending"}
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")


async def test_days_of_failure_switch_it_off_and_its_owner_is_told(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/500"))
    long_ago = "UPDATE webhooks SET failing_since = now() - interval '6 days', failures = 9"
    await execute(app.state.database, alice, long_ago)
    await happen(app, alice)
    await run(courier, alice, again=True)
    row = await webhook(app.state.database, alice, made["id"])
    assert (row.disabled_reason, row.version) == ("failing", 2)
    mails = "SELECT 1 / count(*) FROM procrastinate_jobs WHERE args->>'mail' = 'webhook_disabled'"
    await execute(app.state.database, alice, mails)
    entries = "SELECT 1 / count(*) FROM audit_entries WHERE action = 'webhook_disabled'"
    await execute(app.state.database, alice, entries)


async def test_what_fails_again_and_again_is_left_alone_for_a_while_and_a_success_ends_it(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/500"))
    await happen(app, alice, times=10)
    tried = await run(courier, alice)
    resting = await webhook(app.state.database, alice, made["id"])
    assert (tried, resting.failures, resting.resting_until is not None) == (3, 3, True)
    receiver.answers["/500"] = answer("200 OK")
    assert await run(courier, alice) == 0
    assert await run(courier, alice, again=True) == 10
    healthy = await webhook(app.state.database, alice, made["id"])
    assert (healthy.failures, healthy.failing_since, healthy.resting_until) == (0, None, None)


@pytest.mark.parametrize("column", ["suspended_at", "erase_after"])
async def test_for_an_organisation_at_rest_nothing_is_sent_until_it_is_back(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier, column: str
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)
    for moment, due, tries in ((datetime.now(UTC), 0, 0), (None, 1, 1)):
        async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
            await change_organization(session, alice.organization_id, **{column: moment})
        assert await nudge_due(app.state.database) == due
        assert await run(courier, alice) == tries
