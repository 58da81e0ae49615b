"""A tenant with thousands of events, on a real queue: another's first one does not wait for them."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from procrastinate import App

from app.core.jobs import QUEUE, WEBHOOK_QUEUE
from app.settings import Settings
from app.webhooks.tasks import Courier
from app.worker.queue import COURIER, make_queue
from app.worker.running import open_courier
from tests.factories import Person
from tests.webhooks.hooks import create, deliveries, execute, happen, jobs
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration
STORM = """
WITH storm AS (
    INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event, payload)
    SELECT gen_random_uuid(), organization_id, id, 'summary.ready', '{}'
    FROM webhooks, generate_series(1, 5000) RETURNING organization_id)
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)
SELECT 'webhooks', 'webhooks.deliver', -least(row_number() OVER () / 10, 100),
       jsonb_build_object('organization_id', organization_id) FROM storm
"""


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[App]:
    queue = make_queue(settings)
    async with queue.open_async():
        yield queue


async def test_after_a_storm_of_five_thousand_another_tenants_first_is_next_but_ten(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, queue: App
) -> None:
    """The storm's own first ten were there before it, at the same step."""
    await create(client, alice)
    await execute(app.state.database, alice, STORM)
    await create(client, charlie)
    await happen(app, charlie)
    worker_id = await queue.job_manager.register_worker()
    taken = [
        await queue.job_manager.fetch_job(queues=[WEBHOOK_QUEUE], worker_id=worker_id) for _ in range(10)
    ]
    organizations = [job.task_kwargs["organization_id"] for job in taken if job is not None]
    assert organizations.index(str(charlie.organization_id)) == 9


async def test_the_next_event_of_a_storm_stands_behind_everybody_else(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    for person in (alice, charlie):
        await create(client, person)
    await execute(app.state.database, alice, STORM)
    await happen(app, alice)
    await happen(app, charlie)
    assert [priority for _, priority in await jobs(app.state.database)][-2:] == [-100, 0]


async def test_deliveries_take_no_place_of_other_jobs(
    client: AsyncClient, app: FastAPI, alice: Person, queue: App
) -> None:
    await create(client, alice)
    await happen(app, alice)
    worker_id = await queue.job_manager.register_worker()
    assert await queue.job_manager.fetch_job(queues=[QUEUE], worker_id=worker_id) is None


async def test_the_queue_runs_what_was_queued(
    client: AsyncClient, app: FastAPI, alice: Person, queue: App, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice, times=5)
    lent = {COURIER: courier}
    await queue.run_worker_async(
        queues=[WEBHOOK_QUEUE], wait=False, additional_context=lent, install_signal_handlers=False
    )
    assert {row.status for row in await deliveries(app.state.database, alice)} == {"delivered"}
    assert len(receiver.received) == 5


async def test_the_workers_own_courier_delivers(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    await happen(app, alice)
    assert courier.database is app.state.database
    async with open_courier(app.state.settings, app.state.database) as opened:
        outcome = await opened.sender.post(receiver.url("/ok"), "{}", {})
    assert (outcome.failure, receiver.received[0].headers["user-agent"][:15]) == (None, "Precis-Webhooks")
