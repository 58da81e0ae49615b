"""Rotation: two signatures for a day, then one."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from app.webhooks.tasks import Courier
from tests.factories import Person
from tests.webhooks.hooks import PATH, create, execute, happen, run
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration


def verifies(receiver: Receiver, secret: str) -> bool:
    """The last that was received."""
    request = receiver.received[-1]
    try:
        Verifier(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


async def test_for_a_day_the_former_secret_signs_too_and_then_no_more(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/ok"))
    rotated = await client.post(f"{PATH}/{made['id']}/rotate-secret", headers=alice.headers)
    secret = rotated.json()["secret"]
    assert (rotated.status_code, rotated.headers["Cache-Control"]) == (200, "no-store")
    await happen(app, alice)
    await run(courier, alice)
    assert (verifies(receiver, made["secret"]), verifies(receiver, secret)) == (True, True)
    over = "UPDATE webhooks SET former_secret_until = now() - interval '1 s'"
    await execute(app.state.database, alice, over)
    await happen(app, alice)
    await run(courier, alice)
    assert (verifies(receiver, made["secret"]), verifies(receiver, secret)) == (False, True)


async def test_of_two_rotations_the_last_two_secrets_sign(
    client: AsyncClient, app: FastAPI, alice: Person, receiver: Receiver, courier: Courier
) -> None:
    made = await create(client, alice, receiver.url("/ok"))
    url = f"{PATH}/{made['id']}/rotate-secret"
    secrets = [(await client.post(url, headers=alice.headers)).json()["secret"] for _ in range(2)]
    await happen(app, alice)
    await run(courier, alice)
    verified = [verifies(receiver, secret) for secret in (made["secret"], *secrets)]
    assert verified == [False, True, True]


async def test_a_secret_of_another_organisation_verifies_nothing(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, receiver: Receiver, courier: Courier
) -> None:
    await create(client, alice, receiver.url("/ok"))
    other = await create(client, charlie, receiver.url("/ok"))
    await happen(app, alice)
    await run(courier, alice)
    assert not verifies(receiver, other["secret"])
