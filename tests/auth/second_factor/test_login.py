"""The second step of a login: who does not get in, and what the session then says."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.auth.second_factor.device import TOKEN_URL, Clock, Device, bearer, log_in, post, read, set_up
from tests.factories import Person

pytestmark = pytest.mark.integration

AMR = "SELECT amr FROM auth_sessions WHERE revoked_at IS NULL ORDER BY id DESC LIMIT 1"
UNREADABLE = "UPDATE second_factors SET sealed_secret = '\\x0102' RETURNING 1"


def told(answer: Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.headers["WWW-Authenticate"]


async def test_a_password_alone_is_told_what_is_missing(client: AsyncClient, device: Device) -> None:
    for missing in (None, ""):
        answer = await log_in(client, device.owner, missing)
        assert told(answer) == (401, "second_factor_required", "Bearer")


async def test_a_wrong_password_learns_nothing_of_a_second_factor(
    client: AsyncClient, device: Device, charlie: Person
) -> None:
    names = (device.owner.username, charlie.username, "nobody")
    form = {"password": "Wrong-Horse-9-Battery", "totp": device.next_code()}
    answers = [await client.post(TOKEN_URL, data={"username": name, **form}) for name in names]
    assert len({str({**answer.json(), "request_id": ""}) for answer in answers}) == 1
    assert (await log_in(client, device.owner, device.code())).status_code == 200


async def test_a_wrong_code_is_answered_as_a_wrong_password(client: AsyncClient, device: Device) -> None:
    for code in (device.wrong_code, "12345", "abcdef", "١٢٣٤٥٦", device.code(2), device.code(-2), "A" * 24):
        assert told(await log_in(client, device.owner, code)) == (401, "login_failed", "Bearer")


async def test_the_code_that_confirmed_it_logs_nobody_in(client: AsyncClient, device: Device) -> None:
    assert told(await log_in(client, device.owner, device.code()))[1] == "login_failed"


async def test_a_code_works_once(client: AsyncClient, device: Device) -> None:
    code = device.next_code()
    assert (await log_in(client, device.owner, code)).status_code == 200
    assert told(await log_in(client, device.owner, code))[1] == "login_failed"


async def test_an_older_code_than_the_last_is_refused_though_never_used(
    client: AsyncClient, device: Device
) -> None:
    device.clock.advance(60)
    assert (await log_in(client, device.owner, device.code())).status_code == 200
    assert told(await log_in(client, device.owner, device.code(-1)))[1] == "login_failed"


@pytest.mark.parametrize("kind", ["otp", "rec"])
async def test_of_many_uses_of_one_code_at_once_one_gets_in(
    client: AsyncClient, app: FastAPI, device: Device, kind: str
) -> None:
    code = device.next_code() if kind == "otp" else device.recovery_codes[3]
    answers = await asyncio.gather(*(log_in(client, device.owner, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert await read(app, device.owner, AMR) == [(["pwd", kind],)]


async def test_after_five_wrong_codes_a_right_one_is_refused_for_five_minutes(
    client: AsyncClient, device: Device
) -> None:
    for _ in range(5):
        await log_in(client, device.owner, device.wrong_code)
    assert told(await log_in(client, device.owner, device.next_code()))[1] == "login_failed"
    device.clock.advance(270)
    # Not by HTTP: the account's other rules have counted these failures too.
    assert (await post(client, device.owner, "recovery-codes", device.code())).status_code == 200


async def test_wrong_codes_of_an_hour_lock_nobody_out(client: AsyncClient, device: Device) -> None:
    for _ in range(4):
        await post(client, device.owner, "disable", device.wrong_code)
    device.clock.advance(300)
    await post(client, device.owner, "disable", device.wrong_code)
    assert (await log_in(client, device.owner, device.code())).status_code == 200


async def test_while_somebody_guesses_a_recovery_code_still_gets_in(
    client: AsyncClient, device: Device
) -> None:
    for _ in range(5):
        await post(client, device.owner, "disable", device.wrong_code)
    assert (await post(client, device.owner, "disable", device.next_code())).status_code == 429
    assert (await log_in(client, device.owner, device.recovery_codes[0])).status_code == 200


async def test_a_recovery_code_works_once_and_its_use_is_told(
    client: AsyncClient, app: FastAPI, device: Device
) -> None:
    code = device.recovery_codes[0].lower().replace("-", " ")
    assert (await log_in(client, device.owner, code)).status_code == 200
    assert told(await log_in(client, device.owner, code))[1] == "login_failed"
    mails = await read(
        app, device.owner, "SELECT 1 FROM procrastinate_jobs WHERE args ->> 'change' = 'recovery_code_used'"
    )
    assert len(mails) == 1


async def test_nobody_elses_recovery_code_works(
    client: AsyncClient, device: Device, charlie: Person, clock: Clock
) -> None:
    other = await set_up(client, charlie, clock)
    assert told(await log_in(client, device.owner, other.recovery_codes[0]))[1] == "login_failed"


async def test_an_unreadable_secret_is_no_outage_and_a_recovery_code_helps(
    client: AsyncClient, app: FastAPI, device: Device
) -> None:
    await read(app, device.owner, UNREADABLE)
    assert told(await log_in(client, device.owner, device.next_code()))[1] == "login_failed"
    assert (await log_in(client, device.owner, device.recovery_codes[0])).status_code == 200


async def test_a_pending_second_factor_is_not_asked_for(client: AsyncClient, alice: Person) -> None:
    await post(client, alice, "enroll")
    assert (await log_in(client, alice)).status_code == 200


async def test_without_one_a_code_is_neither_needed_nor_minded(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    assert (await log_in(client, alice, "123456")).status_code == 200
    assert await read(app, alice, AMR) == [(["pwd"],)]


async def test_a_refresh_asks_for_no_code_and_keeps_the_proof(
    client: AsyncClient, app: FastAPI, device: Device
) -> None:
    login = await log_in(client, device.owner, device.next_code())
    body = {"refresh_token": login.json()["refresh_token"]}
    answer = await client.post("/api/v1/auth/refresh", json=body)
    assert (await client.get("/api/v1/users/me", headers=bearer(answer))).status_code == 200
    assert await read(app, device.owner, AMR) == [(["pwd", "otp"],)]


async def test_a_code_with_a_space_as_apps_show_it_is_right(client: AsyncClient, device: Device) -> None:
    code = device.next_code()
    assert (await log_in(client, device.owner, f"{code[:3]} {code[3:]}")).status_code == 200
