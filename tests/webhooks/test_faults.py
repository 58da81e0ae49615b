"""What dies, breaks or is overtaken in between: nothing is lost, nothing is closed twice."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy.exc import ProgrammingError
from standardwebhooks import Webhook as Verifier
from typing_extensions import override

from app.webhooks.sender import Outcome, Sender
from app.webhooks.tasks import Courier, nudge_due
from app.webhooks.vocabulary import DeliveryFailure
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.webhooks.hooks import PATH, create, deliveries, execute, happen, jobs, run, webhook
from tests.webhooks.receiver import Receiver

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


async def test_a_secret_sealed_under_a_former_key_does_not_stop_the_new_one(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/ok"))
    await execute(app.state.database, alice, "UPDATE webhooks SET secret = '\\x01'")
    rotated = await client.post(f"{PATH}/{made['id']}/rotate-secret", headers=alice.headers)
    await happen(app, alice)
    await run(courier, alice)
    (request,) = receiver.received
    assert Verifier(rotated.json()["secret"]).verify(request.body, request.headers)
