"""The job: nothing is lost, nothing is closed twice, and what fails is tried again."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy.exc import ProgrammingError
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from typing_extensions import override

from app.core.db import Tenant
from app.organizations.store import change_organization
from app.webhooks.sender import Outcome, Sender
from app.webhooks.store import DeliveryStore
from app.webhooks.tasks import Courier, deliver, nudge_due
from app.webhooks.vocabulary import PAUSES, DeliveryFailure
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.webhooks.hooks import PATH, create, deliveries, execute, happen, jobs, run, webhook
from tests.webhooks.receiver import Receiver, answer

pytestmark = pytest.mark.integration
LEASE_ENDS = (
    "UPDATE webhook_deliveries SET leased_until = now() - interval '1 s', next_attempt_at = now()"
    " WHERE leased_until IS NOT NULL"
)


class KilledError(BaseException):
    """As SIGKILL: no line of ours runs after it."""


class DyingSender(Sender):
    """It sends, and then its worker is no more."""

    @override
    async def post(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome:
        await super().post(url, payload, headers)
        raise KilledError


def with_sender(courier: Courier, sender: Any) -> Courier:  # Any: whatever posts
    return Courier(courier.database, sender, courier.seal)


def dying(courier: Courier) -> Courier:
    sender = courier.sender
    assert isinstance(sender, Sender)
    twin = DyingSender.__new__(DyingSender)
    twin.__dict__.update(sender.__dict__)
    return with_sender(courier, twin)


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


async def test_a_worker_killed_after_the_answer_is_made_good_for(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    """At least once: the receiver sees it twice, under one id."""
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)
    with pytest.raises(KilledError):
        await run(dying(courier), alice)
    assert await run(courier, alice) == 0
    await execute(app.state.database, alice, LEASE_ENDS)
    assert await nudge_due(app.state.database) == 1
    assert await run(courier, alice) == 1
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert [row.status for row in await deliveries(app.state.database, alice)] == ["delivered"]


async def test_a_delivery_whose_job_is_lost_gets_another(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await create(client, alice)
    await happen(app, alice)
    await execute(app.state.database, alice, "DELETE FROM procrastinate_jobs")
    for _ in range(2):
        assert await nudge_due(app.state.database) == 1
        assert await jobs(app.state.database) == [("todo", 0)]


async def test_an_overtaken_try_writes_nothing(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    class Slow:
        async def post(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome:
            """While this worker stands still its lease ends, and another one delivers."""
            del url, payload, headers
            await execute(courier.database, alice, LEASE_ENDS)
            assert await run(courier, alice) == 1
            return Outcome(DeliveryFailure.TIMEOUT)

    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)
    await run(with_sender(courier, Slow()), alice)
    (row,) = await deliveries(app.state.database, alice)
    assert (row.status, row.attempts, row.failure, row.failed_tries) == ("delivered", 2, None, 0)


async def test_two_workers_never_try_the_same_one_at_once(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice, times=6)
    tries = await asyncio.gather(*(run(courier, alice) for _ in range(3)))
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert (sum(tries), len(ids), len(set(ids))) == (6, 6, 6)


async def test_our_own_database_failing_in_between_loses_nothing(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    receiver: Receiver,
    courier: Courier,
    database_urls: DatabaseUrls,
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)

    class Cutting:
        async def post(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome:
            outcome = await courier.sender.post(url, payload, headers)
            await ask(database_urls.superuser, "ALTER TABLE webhook_deliveries RENAME TO elsewhere")
            return outcome

    with pytest.raises(ProgrammingError):
        await run(with_sender(courier, Cutting()), alice)
    await ask(database_urls.superuser, "ALTER TABLE elsewhere RENAME TO webhook_deliveries")
    await execute(app.state.database, alice, LEASE_ENDS)
    assert await run(courier, alice) == 1
    assert [row.status for row in await deliveries(app.state.database, alice)] == ["delivered"]


async def test_without_redis_everything_is_delivered(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await app.state.redis.aclose()
    await happen(app, alice)
    assert await run(courier, alice) == 1


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


async def test_of_an_organisation_that_is_erased_nothing_is_left(
    client: AsyncClient, app: FastAPI, alice: Person, courier: Courier
) -> None:
    await create(client, alice)
    await happen(app, alice)
    gone = "DELETE FROM organizations WHERE id = :id"
    await execute(app.state.database, alice, gone, id=alice.organization_id)
    assert await run(courier, alice) == 0
    assert await deliveries(app.state.database, alice) == []


async def test_deleted_while_it_was_under_way_the_try_ends_quietly(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    class Deleting:
        async def post(self, url: str, payload: str, headers: Mapping[str, str]) -> Outcome:
            del url, payload, headers
            await execute(app.state.database, alice, "DELETE FROM webhooks")
            return Outcome(DeliveryFailure.TIMEOUT)

    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)
    assert await run(with_sender(courier, Deleting()), alice) == 1


async def test_a_secret_that_cannot_be_opened_fails_the_try_and_blames_nobody(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/ok"))
    await execute(app.state.database, alice, "UPDATE webhooks SET secret = '\\x01'")
    await happen(app, alice)
    await run(courier, alice)
    (row,) = await deliveries(app.state.database, alice)
    assert (row.failure, receiver.received) == ("internal", [])
    assert (await webhook(app.state.database, alice, made["id"])).failures == 0


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
