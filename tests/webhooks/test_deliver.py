"""The job: what is due is delivered, what fails is tried again."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from app.core.db import Tenant
from app.webhooks.store import DeliveryStore
from app.webhooks.tasks import Courier, deliver
from app.webhooks.vocabulary import PAUSES, DeliveryFailure
from tests.factories import Person
from tests.webhooks.hooks import create, deliveries, execute, happen, jobs, run
from tests.webhooks.receiver import Receiver, answer

pytestmark = pytest.mark.integration
LEASE_ENDS = (
    "UPDATE webhook_deliveries SET leased_until = now() - interval '1 s', next_attempt_at = now()"
    " WHERE leased_until IS NOT NULL"
)


async def test_an_event_nobody_wants_costs_no_row_and_no_job(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await happen(app, alice)
    await create(client, alice, events=["summary.failed"])
    await happen(app, alice)
    assert (await deliveries(app.state.database, alice), await jobs(app.state.database)) == ([], [])


async def test_an_event_of_another_organisation_is_not_told(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    await create(client, alice)
    await happen(app, charlie)
    assert await deliveries(app.state.database, alice) == []


async def test_a_delivery_verifies_with_the_library_and_a_tampered_one_does_not(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)
    assert await run(courier, alice) == 1
    (request,) = receiver.received
    payload = Verifier(made["secret"]).verify(request.body, request.headers)
    assert (payload["type"], payload["data"]) == ("summary.ready", {"number": 0})
    assert datetime.fromisoformat(payload["timestamp"]) <= datetime.now(UTC)
    with pytest.raises(WebhookVerificationError):
        Verifier(made["secret"]).verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(made["secret"]).verify(request.body, {**request.headers, "webhook-id": "other"})


async def test_delivered_it_is_closed_with_what_was_answered(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/204"))
    await happen(app, alice)
    await run(courier, alice)
    (row,) = await deliveries(app.state.database, alice)
    assert (row.status, row.attempts, row.response_status, row.failure) == ("delivered", 1, 204, None)
    assert (row.leased_until, row.duration_ms is not None) == (None, True)
    assert await run(courier, alice, again=True) == 0
    assert receiver.received[0].headers["webhook-id"] == str(row.id)


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("/500", DeliveryFailure.HTTP_STATUS),
        ("/redirect", DeliveryFailure.REDIRECT),
        ("/hang", DeliveryFailure.TIMEOUT),
        ("/reset", DeliveryFailure.CONNECT),
    ],
)
async def test_what_fails_is_tried_again_later_under_the_same_id(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    receiver: Receiver,
    courier: Courier,
    path: str,
    failure: DeliveryFailure,
) -> None:
    await create(client, alice, receiver.url(path))
    await happen(app, alice)
    await run(courier, alice)
    (row,) = await deliveries(app.state.database, alice)
    assert (row.status, row.failure, row.failed_tries) == ("pending", failure, 1)
    pause = row.next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=3) < pause < PAUSES[0] * 1.25
    receiver.answers[path] = answer("200 OK")
    assert await run(courier, alice) == 0
    assert await run(courier, alice, again=True) == 1
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


async def test_a_private_address_is_recorded_as_blocked(
    client: AsyncClient, app: FastAPI, alice: Person, courier: Courier
) -> None:
    await create(client, alice, "https://inside.example.com/")
    await happen(app, alice)
    await run(courier, alice)
    (row,) = await deliveries(app.state.database, alice)
    assert (row.status, row.failure, row.response_status) == ("pending", "blocked_address", None)


async def test_after_a_day_of_failures_it_is_given_up(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/500"))
    await happen(app, alice)
    for _ in range(len(PAUSES) + 1):
        assert await run(courier, alice, again=True) == 1
    (row,) = await deliveries(app.state.database, alice)
    assert (row.status, row.attempts) == ("failed", len(PAUSES) + 1)
    assert await run(courier, alice, again=True) == 0


async def test_claims_keep_the_organisations_bounds(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    """Four of one endpoint, eight in all; the endpoint with least under way is next."""
    first, second, third = [await create(client, alice) for _ in range(3)]
    await happen(app, alice, times=6)
    claimed = []
    for _ in range(10):
        async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
            claimed.append(await DeliveryStore(session, alice.organization_id).claim())
    taken = [delivery.webhook_id for delivery in claimed if delivery is not None]
    assert len(taken) == 8
    assert sorted(taken.count(UUID(made["id"])) for made in (first, second, third)) == [2, 3, 3]


async def test_payloads_are_the_same_bytes_at_every_try(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/500"))
    await happen(app, alice)
    for _ in range(2):
        await run(courier, alice, again=True)
    bodies = {request.body for request in receiver.received}
    assert len(bodies) == 1
    assert json.loads(bodies.pop())["type"] == "summary.ready"


async def test_a_job_hands_on_when_its_time_is_up(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice, times=3)
    await execute(app.state.database, alice, "DELETE FROM procrastinate_jobs")
    ticks = iter((0.0, 0.0, 99.0))
    hasty = Courier(courier.database, courier.sender, courier.seal, clock=lambda: next(ticks))
    assert await deliver(hasty, alice.organization_id) == 1
    assert await jobs(app.state.database) == [("todo", 0)]
