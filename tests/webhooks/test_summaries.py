"""What endpoints and callbacks learn of summaries, told in the transaction of what happened."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from standardwebhooks import Webhook as Verifier
from typing_extensions import override

from app.outbox.deliveries import WebhookEvent
from app.reading.article import ExtractResult, RawDocument
from app.reading.errors import ReadingError, Reason
from app.summaries.tasks import summarise
from app.webhooks.tasks import Courier
from tests.factories import Person
from tests.summaries import shelf
from tests.summaries.workbench import ScriptedReader, bench_of, key_of
from tests.webhooks.hooks import HTTPS, PATH, create, deliveries, run
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration
ALL = [str(event) for event in WebhookEvent if event is not WebhookEvent.TEST]


async def told(app: FastAPI, person: Person) -> list[str]:
    return [row.event for row in await deliveries(app.state.database, person)]


def payloads(receiver: Receiver) -> list[dict[str, Any]]:  # Any: JSON
    return [json.loads(request.body) for request in receiver.received]


@pytest.mark.parametrize(
    ("url", "code"),
    [("http://example.com/", "url_scheme"), ("https://localhost/", "url_host"), ("nonsense", "url_scheme")],
)
async def test_a_callback_that_could_not_be_called_is_422(
    client: AsyncClient, alice: Person, url: str, code: str
) -> None:
    answer = await client.post(shelf.PATH, json={"text": "x", "callback": url}, headers=alice.headers)
    fault = answer.json()["errors"][0]
    assert (answer.status_code, fault["pointer"], fault["code"]) == (422, "/callback", code)


async def test_of_a_private_summary_an_endpoint_learns_ids_only(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person, receiver: Receiver, courier: Courier
) -> None:
    """The endpoint is the organisation's, the summary is bob's alone."""
    await create(client, alice, receiver.url("/ok"), events=ALL)
    made = await shelf.create(client, bob, title="Bob's own")
    await summarise(bench_of(app), key_of(bob, made["id"]), tries=0)
    await run(courier, alice)
    (payload,) = payloads(receiver)
    assert set(payload["data"]) == {"id", "status", "visibility", "failure", "created_at", "updated_at"}
    assert (payload["type"], payload["data"]["id"]) == ("summary.ready", made["id"])
    assert "Bob" not in receiver.received[0].body.decode()


async def test_of_a_shared_one_it_learns_where_and_what_but_never_the_text(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    made = await shelf.create(client, alice, url="https://example.com/rain", visibility="organization")
    await summarise(bench_of(app), key_of(alice, made["id"]), tries=0)
    await run(courier, alice)
    data = payloads(receiver)[0]["data"]
    assert (data["url"], data["title"], data["status"]) == ("https://example.com/rain", "Rain", "ready")
    assert "Rain fell" not in receiver.received[0].body.decode()


async def test_made_private_while_it_was_worked_on_it_is_told_as_private(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    made = await shelf.create(client, alice, visibility="organization", title="Secret")

    class Meanwhile(ScriptedReader):
        @override
        async def extract_document(self, document: Any) -> Any:  # Any: as its base's
            await shelf.set_columns(app, alice, made["id"], visibility="private")
            return await super().extract_document(document)

    await summarise(bench_of(app, reader=Meanwhile()), key_of(alice, made["id"]), tries=0)
    await run(courier, alice)
    assert "Secret" not in receiver.received[0].body.decode()


async def test_a_failure_is_told_with_its_reason(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"), events=ALL)
    made = await shelf.create(client, alice)
    bench = bench_of(app, reader=ScriptedReader(ReadingError(Reason.TOO_SHORT)))
    await summarise(bench, key_of(alice, made["id"]), tries=0)
    await run(courier, alice)
    (payload,) = payloads(receiver)
    assert payload["type"] == "summary.failed"
    assert payload["data"]["failure"] == {"reason": "too_short", "retryable": False}


async def test_changing_and_trashing_are_told_and_what_is_on_its_way_is_not(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    await create(client, alice, events=ALL)
    made = await shelf.create(client, alice)
    url = f"{shelf.PATH}/{made['id']}"
    bench = bench_of(app, reader=ScriptedReader(ReadingError(Reason.TOO_SHORT)))
    await summarise(bench, key_of(alice, made["id"]), tries=0)
    await client.post(f"{url}/retry", headers=alice.headers)
    await client.patch(url, json={"notes": "mine"}, headers=alice.headers)
    await client.delete(url, headers=alice.headers)
    await client.post(f"{url}/restore", headers=alice.headers)
    wanted = ("failed", "updated", "deleted", "restored")
    assert await told(app, alice) == [f"summary.{name}" for name in wanted]


async def test_what_is_rolled_back_is_not_told(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await create(client, alice, events=ALL)
    made = await shelf.create(client, alice)
    stale = {**alice.headers, "If-Match": '"99"'}
    await client.patch(f"{shelf.PATH}/{made['id']}", json={"notes": "x"}, headers=stale)
    assert await told(app, alice) == []


@pytest.mark.parametrize("error", [None, ReadingError(Reason.TOO_SHORT)])
async def test_a_callback_is_called_once_when_it_is_done_and_verifies(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    receiver: Receiver,
    courier: Courier,
    error: Exception | None,
) -> None:
    before = await client.get(f"{PATH}/callback-secret", headers=alice.headers)
    secret = (await client.post(f"{PATH}/callback-secret", headers=alice.headers)).json()["secret"]
    made = await shelf.create(client, alice, callback=receiver.url("/mine"))
    after = await client.get(f"{PATH}/callback-secret", headers=alice.headers)
    for _delivery in range(2):
        await summarise(bench_of(app, reader=ScriptedReader(error)), key_of(alice, made["id"]), tries=0)
    assert await run(courier, alice) == 1
    (request,) = receiver.received
    payload = Verifier(secret).verify(request.body, request.headers)
    assert (request.path, payload["data"]["id"]) == ("/mine", made["id"])
    assert payload["type"] == ("summary.failed" if error else "summary.ready")
    assert after.json()["changed_at"] is not None
    assert before.json() == {"changed_at": None, "former_secret_until": None}


async def test_a_callback_before_any_secret_was_asked_for_is_signed_all_the_same(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    """Its secret nobody knows; the first that is asked for verifies what is tried from then on."""
    made = await shelf.create(client, alice, callback=receiver.url("/500"))
    await summarise(bench_of(app), key_of(alice, made["id"]), tries=0)
    await run(courier, alice)
    secret = (await client.post(f"{PATH}/callback-secret", headers=alice.headers)).json()["secret"]
    assert await run(courier, alice, again=True) == 1
    request = receiver.received[-1]
    assert len(request.headers["webhook-signature"].split()) == 2
    assert Verifier(secret).verify(request.body, request.headers)


async def test_callbacks_are_no_webhook_that_one_could_list_or_delete(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    made = await shelf.create(client, alice, callback=HTTPS)
    await summarise(bench_of(app), key_of(alice, made["id"]), tries=0)
    (row,) = await deliveries(app.state.database, alice)
    assert (await client.get(PATH, headers=alice.headers)).json()["items"] == []
    answer = await client.delete(f"{PATH}/{row.webhook_id}", headers=alice.headers)
    assert answer.status_code == 404


async def test_a_callback_that_is_gone_is_given_up_and_others_go_on(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    for path in ("/410", "/ok"):
        made = await shelf.create(client, alice, callback=receiver.url(path))
        await summarise(bench_of(app), key_of(alice, made["id"]), tries=0)
    assert await run(courier, alice) == 2
    rows = await deliveries(app.state.database, alice)
    assert [row.status for row in rows] == ["failed", "delivered"]


async def asked_again(client: AsyncClient, person: Person, how: str, url: str) -> Response:
    body = {"text": shelf.TEXT, "on_duplicate": how, "callback": url}
    return await client.post(shelf.PATH, json=body, headers=person.headers)


@pytest.mark.parametrize(("how", "status"), [("return", 200), ("refresh", 202)])
async def test_whoever_is_given_an_unfinished_one_is_called_too(
    client: AsyncClient,
    app: FastAPI,
    alice: Person,
    receiver: Receiver,
    courier: Courier,
    how: str,
    status: int,
) -> None:
    made = await shelf.create(client, alice, callback=receiver.url("/first"))

    class Meanwhile(ScriptedReader):
        @override
        async def extract_document(self, document: RawDocument) -> ExtractResult:
            for path in ("/second", "/second", "/first"):
                answer = await asked_again(client, alice, how, receiver.url(path))
                assert (answer.status_code, answer.json()["id"]) == (status, made["id"])
            return await super().extract_document(document)

    await summarise(bench_of(app, reader=Meanwhile()), key_of(alice, made["id"]), tries=0)
    await run(courier, alice)
    assert sorted(request.path for request in receiver.received) == ["/first", "/second"]


async def test_who_was_called_is_not_called_of_what_others_ask_for_later(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await shelf.create(client, alice)
    await asked_again(client, alice, "return", receiver.url("/waits"))
    for _ in range(2):
        await summarise(bench_of(app), key_of(alice, made["id"]), tries=0)
        await client.post(f"{shelf.PATH}/{made['id']}/regenerate", headers=alice.headers)
    await run(courier, alice)
    assert [request.path for request in receiver.received] == ["/waits"]


async def test_who_waits_for_what_is_cancelled_is_told(
    client: AsyncClient, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await shelf.create(client, alice)
    await asked_again(client, alice, "return", receiver.url("/waits"))
    await client.post(f"{shelf.PATH}/{made['id']}/cancel", headers=alice.headers)
    await run(courier, alice)
    assert [payload["type"] for payload in payloads(receiver)] == ["summary.failed"]


async def test_one_summary_calls_only_so_many(client: AsyncClient, alice: Person) -> None:
    await shelf.create(client, alice)
    answers = [await asked_again(client, alice, "return", f"{HTTPS}/{n}") for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [422]
    assert answers[-1].json()["errors"][0]["pointer"] == "/callback"
