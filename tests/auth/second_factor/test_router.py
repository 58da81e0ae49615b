"""Setting it up, changing it, taking it away."""

import asyncio
import json

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.auth.second_factor.device import TOTP_URL, Clock, Device, code_of, log_in, post, read, set_up
from tests.factories import Person, Robot

pytestmark = pytest.mark.integration

ENTRIES = (
    "SELECT action FROM audit_entries WHERE action LIKE '%factor%' OR action LIKE 'recovery%' ORDER BY id"
)
MAILS = "SELECT args FROM procrastinate_jobs WHERE task_name = 'accounts.send_mail' ORDER BY id"
OLD_LOGIN = "UPDATE auth_sessions SET authenticated_at = now() - interval '16 minutes' RETURNING 1"


async def status(client: AsyncClient, person: Person) -> tuple[bool, bool, int]:
    members = (await client.get(TOTP_URL, headers=person.headers)).json()
    return members["enabled"], members["pending"], members["recovery_codes_left"]


async def changes(app: FastAPI, person: Person) -> list[str]:
    """What the mails of it say."""
    rows = [row[0] for row in await read(app, person, MAILS)]
    args = [json.loads(row) if isinstance(row, str) else row for row in rows]
    return [arg["change"] for arg in args if arg["mail"] == "second_factor_changed"]


@pytest.mark.parametrize("action", ["enroll", "disable", "recovery-codes"])
async def test_an_old_login_is_not_enough(
    client: AsyncClient, app: FastAPI, alice: Person, action: str
) -> None:
    await read(app, alice, OLD_LOGIN)
    answer = await post(client, alice, action, None if action == "enroll" else "000000")
    assert (answer.status_code, answer.json()["code"]) == (403, "recent_login_required")
    assert "max_age=900" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("action", ["enroll", "confirm", "disable", "recovery-codes"])
async def test_a_key_cannot_touch_its_owners_second_factor(
    client: AsyncClient, robot: Robot, action: str
) -> None:
    body = None if action == "enroll" else {"code": "000000"}
    answer = await client.post(f"{TOTP_URL}/{action}", headers=robot.headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("action", ["confirm", "disable", "recovery-codes"])
async def test_without_one_there_is_nothing_to_change(
    client: AsyncClient, alice: Person, action: str
) -> None:
    answer = await post(client, alice, action, "000000")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_second_factor")


@pytest.mark.parametrize("action", ["disable", "recovery-codes"])
async def test_a_pending_one_is_not_yet_one(
    client: AsyncClient, alice: Person, clock: Clock, action: str
) -> None:
    secret = (await post(client, alice, "enroll")).json()["secret"]
    answer = await post(client, alice, action, code_of(secret, clock))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_second_factor")
    assert await status(client, alice) == (False, True, 0)


async def test_a_confirmed_one_cannot_be_replaced_or_confirmed_again(
    client: AsyncClient, device: Device
) -> None:
    answers = [await post(client, device.owner, "enroll")]
    answers.append(await post(client, device.owner, "confirm", device.next_code()))
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(409, "second_factor_enabled")}
    assert (await log_in(client, device.owner, device.code())).status_code == 200


async def test_enrolling_anew_voids_the_pending_secret(
    client: AsyncClient, alice: Person, clock: Clock
) -> None:
    first = (await post(client, alice, "enroll")).json()["secret"]
    second = (await post(client, alice, "enroll")).json()["secret"]
    assert (await post(client, alice, "confirm", code_of(first, clock))).json()["code"] == "wrong_code"
    assert (await post(client, alice, "confirm", code_of(second, clock))).status_code == 200


@pytest.mark.parametrize("action", ["confirm", "disable", "recovery-codes"])
async def test_after_five_wrong_codes_a_right_one_has_to_wait(
    client: AsyncClient, alice: Person, clock: Clock, action: str
) -> None:
    device = await set_up(client, alice, clock)
    if action == "confirm":
        await post(client, alice, "disable", device.next_code())
        secret = (await post(client, alice, "enroll")).json()["secret"]
        device = Device(alice, secret, [], clock)
    for _ in range(5):
        assert (await post(client, alice, action, device.wrong_code)).status_code == 400
    refused = await post(client, alice, action, device.next_code())
    assert (refused.status_code, refused.headers["Retry-After"]) in {(429, "271"), (429, "301"), (429, "241")}
    clock.advance(300)
    assert (await post(client, alice, action, device.code())).status_code == 200


async def test_a_code_that_confirmed_it_disables_nothing(client: AsyncClient, device: Device) -> None:
    answer = await post(client, device.owner, "disable", device.code())
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_code")


async def test_one_recovery_code_cannot_disable_twice(
    client: AsyncClient, device: Device, clock: Clock
) -> None:
    code = device.recovery_codes[0]
    assert (await post(client, device.owner, "disable", code)).status_code == 200
    await set_up(client, device.owner, clock)
    assert (await post(client, device.owner, "disable", code)).json()["code"] == "wrong_code"


async def test_of_two_confirmations_at_once_one_shows_recovery_codes(
    client: AsyncClient, alice: Person, clock: Clock
) -> None:
    secret = (await post(client, alice, "enroll")).json()["secret"]
    code = code_of(secret, clock)
    answers = await asyncio.gather(*(post(client, alice, "confirm", code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert await status(client, alice) == (True, False, 10)


async def test_many_enrolments_at_once_leave_one_that_works(
    client: AsyncClient, alice: Person, clock: Clock
) -> None:
    answers = await asyncio.gather(*(post(client, alice, "enroll") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    tries = [
        await post(client, alice, "confirm", code_of(answer.json()["secret"], clock)) for answer in answers
    ]
    assert sorted(answer.status_code for answer in tries).count(200) == 1


async def test_neither_secret_nor_codes_lie_open_in_the_database(app: FastAPI, device: Device) -> None:
    rows = await read(app, device.owner, "SELECT sealed_secret FROM second_factors")
    rows += await read(app, device.owner, "SELECT digest FROM recovery_codes")
    stored = b"".join(bytes(row[0]) for row in rows)
    assert len(rows) == 11
    for secret in (device.secret, *device.recovery_codes):
        assert secret.replace("-", "").encode() not in stored


async def test_nobody_else_sees_it(app: FastAPI, device: Device, bob: Person) -> None:
    assert device.owner.organization_id == bob.organization_id
    for table in ("second_factors", "recovery_codes"):
        assert await read(app, bob, f"SELECT 1 FROM {table}") == []  # noqa: S608  # names of our own


async def test_its_whole_life_is_in_the_log_and_told_by_mail(
    client: AsyncClient, app: FastAPI, device: Device
) -> None:
    await post(client, device.owner, "recovery-codes", device.next_code())
    await post(client, device.owner, "disable", device.next_code())
    told = ["second_factor_enabled", "recovery_codes_replaced", "second_factor_disabled"]
    assert [row[0] for row in await read(app, device.owner, ENTRIES)] == told
    assert await changes(app, device.owner) == ["enabled", "recovery_codes_replaced", "disabled"]


async def test_replacing_them_voids_the_former_recovery_codes(client: AsyncClient, device: Device) -> None:
    answer = await post(client, device.owner, "recovery-codes", device.recovery_codes[0])
    codes = answer.json()["recovery_codes"]
    assert await status(client, device.owner) == (True, False, 10)
    assert (await log_in(client, device.owner, device.recovery_codes[1])).status_code == 401
    assert (await log_in(client, device.owner, codes[0])).status_code == 200


async def test_disabled_a_password_is_enough_again(client: AsyncClient, device: Device) -> None:
    answer = await post(client, device.owner, "disable", device.next_code())
    assert answer.json() == {"detail": "The second factor is disabled"}
    assert await status(client, device.owner) == (False, False, 0)
    assert (await log_in(client, device.owner)).status_code == 200


async def test_enrolling_answers_what_an_app_needs(client: AsyncClient, alice: Person) -> None:
    answer = await post(client, alice, "enroll")
    members = answer.json()
    assert members["otpauth_uri"].startswith("otpauth://totp/Precis:alice?")
    assert members["secret"] in members["otpauth_uri"]
    assert answer.headers["Cache-Control"] == "no-store"
