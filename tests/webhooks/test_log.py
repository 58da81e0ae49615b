"""What was sent, and sending it again."""

import asyncio
from dataclasses import replace

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.outbox.deliveries import WebhookEvent
from app.webhooks.sender import LIMITS
from app.webhooks.tasks import Courier
from tests.factories import Person
from tests.webhooks.conftest import sender_to
from tests.webhooks.hooks import PATH, create, deliveries, execute, happen, run
from tests.webhooks.receiver import Receiver, answer

pytestmark = pytest.mark.integration


async def test_a_member_may_read_the_log_but_send_nothing(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    await happen(app, alice)
    (row,) = await deliveries(app.state.database, alice)
    assert (await client.get(f"{url}/deliveries", headers=bob.headers)).status_code == 200
    for path in (f"{url}/test", f"{url}/deliveries/{row.id}/redeliver", f"{url}/rotate-secret"):
        assert (await client.post(path, headers=bob.headers)).status_code == 403


async def test_a_delivery_is_found_under_its_own_webhook_only(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await create(client, alice)
    other = await create(client, alice, events=["summary.failed"])
    await happen(app, alice)
    (row,) = await deliveries(app.state.database, alice)
    for method, end in (("GET", ""), ("POST", "/redeliver")):
        path = f"{PATH}/{other['id']}/deliveries/{row.id}{end}"
        answered = await client.request(method, path, headers=alice.headers)
        assert (answered.status_code, answered.json()["code"]) == (404, "delivery_not_found")


async def test_a_test_is_sent_whatever_it_subscribes_to(
    client: AsyncClient, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    url = f"{PATH}/{(await create(client, alice, receiver.url('/ok')))['id']}"
    sent = await client.post(f"{url}/test", headers=alice.headers)
    assert (sent.status_code, sent.json()["event"], sent.json()["status"]) == (202, "webhook.test", "pending")
    assert await run(courier, alice) == 1
    read = (await client.get(f"{url}/deliveries/{sent.json()['id']}", headers=alice.headers)).json()
    assert (read["status"], read["response_body"], read["next_attempt_at"]) == ("delivered", "thanks", None)
    assert read["payload"]["type"] == "webhook.test"


async def test_the_log_is_a_page_newest_first_and_narrowed_by_status_and_event(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    events = ["summary.ready", "summary.failed"]
    url = f"{PATH}/{(await create(client, alice, receiver.url('/ok'), events=events))['id']}/deliveries"
    await happen(app, alice, times=2)
    await run(courier, alice)
    await happen(app, alice, event=WebhookEvent.SUMMARY_FAILED)
    rows = [str(row.id) for row in await deliveries(app.state.database, alice)]
    first = (await client.get(url, params={"limit": 2}, headers=alice.headers)).json()
    rest = await client.get(url, params={"limit": 2, "cursor": first["next_cursor"]}, headers=alice.headers)
    assert [item["id"] for item in first["items"] + rest.json()["items"]] == rows[::-1]
    for query, many in (({"status": "delivered"}, 2), ({"event": "summary.failed"}, 1)):
        assert len((await client.get(url, params=query, headers=alice.headers)).json()["items"]) == many
    assert "payload" not in first["items"][0]


async def test_given_up_it_is_sent_again_under_its_id_with_all_its_tries(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    url = f"{PATH}/{(await create(client, alice, receiver.url('/500')))['id']}"
    await happen(app, alice)
    await run(courier, alice)
    given_up = "UPDATE webhook_deliveries SET status = 'failed', failed_tries = 8"
    await execute(app.state.database, alice, given_up)
    receiver.answers["/500"] = answer("200 OK")
    (row,) = await deliveries(app.state.database, alice)
    again = await client.post(f"{url}/deliveries/{row.id}/redeliver", headers=alice.headers)
    assert (again.status_code, again.json()["status"], again.json()["id"]) == (202, "pending", str(row.id))
    assert await run(courier, alice) == 1
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1


async def test_redelivering_ends_an_endpoints_rest(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    url = f"{PATH}/{(await create(client, alice, receiver.url('/ok')))['id']}"
    await happen(app, alice)
    await execute(app.state.database, alice, "UPDATE webhooks SET resting_until = now() + interval '1 h'")
    assert await run(courier, alice) == 0
    (row,) = await deliveries(app.state.database, alice)
    await client.post(f"{url}/deliveries/{row.id}/redeliver", headers=alice.headers)
    assert await run(courier, alice) == 1


async def test_redelivering_what_is_under_way_sends_it_once(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    # It has the receiver's answer wait for a request of ours.
    courier = replace(courier, sender=sender_to(receiver, LIMITS))
    url = f"{PATH}/{(await create(client, alice, receiver.url('/slow')))['id']}"
    answered = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await answered.wait()
        await answer("200 OK")(writer)

    receiver.answers["/slow"] = slow
    await happen(app, alice)
    (row,) = await deliveries(app.state.database, alice)
    async with asyncio.TaskGroup() as group:
        under_way = group.create_task(run(courier, alice))
        while not receiver.received:  # noqa: ASYNC110  # the receiver's list is no event
            await asyncio.sleep(0.01)
        await client.post(f"{url}/deliveries/{row.id}/redeliver", headers=alice.headers)
        assert await run(courier, alice) == 0
        answered.set()
    assert (under_way.result(), len(receiver.received)) == (1, 1)
    assert [row.status for row in await deliveries(app.state.database, alice)] == ["delivered"]


async def test_a_disabled_webhook_redelivers_nothing(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    await happen(app, alice)
    (row,) = await deliveries(app.state.database, alice)
    await client.patch(url, json={"enabled": False}, headers=alice.headers)
    refused = await client.post(f"{url}/deliveries/{row.id}/redeliver", headers=alice.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")


async def test_one_that_hangs_takes_one_place_once_it_is_known_to_fail(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/hang"))
    await execute(app.state.database, alice, "UPDATE webhooks SET failures = 1, failing_since = now()")
    await happen(app, alice, times=20)
    await asyncio.gather(*(run(courier, alice) for _ in range(8)))
    assert receiver.most_at_once == 1
