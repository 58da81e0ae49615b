"""Whoever finds a key may end it, and learns nothing by trying."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.api_key_format import generate_api_key
from tests.api_keys.keys import URL, audited, make, status_of
from tests.factories import Person, Robot
from tests.refilling import passes_until_refused

pytestmark = pytest.mark.integration

MAILS = (
    "SELECT args FROM procrastinate_jobs WHERE task_name = 'accounts.send_mail' AND args->>'mail' = 'leaked'"
)


async def report(client: AsyncClient, key: str) -> Response:
    return await client.post(f"{URL}/report-leak", json={"api_key": key})


async def mails(app: FastAPI) -> list[dict[str, object]]:
    async with app.state.database.transaction() as session:
        return list(await session.scalars(text(MAILS)))


@pytest.mark.parametrize("body", [{}, {"api_key": ""}, {"api_key": 7}, {"api_key": "x" * 201}])
async def test_what_cannot_be_a_key_is_422_and_not_echoed(
    client: AsyncClient, body: dict[str, object]
) -> None:
    answer = await client.post(f"{URL}/report-leak", json=body)
    assert answer.status_code == 422
    assert "x" * 201 not in answer.text


async def test_the_answer_is_the_same_whether_the_key_lives_is_dead_or_never_was(
    client: AsyncClient, robot: Robot
) -> None:
    keys = [generate_api_key(), "prc_live_nonsense", robot.api_key, robot.api_key]
    answers = [await report(client, key) for key in keys]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1


async def test_a_reported_key_is_dead_at_once_and_its_siblings_live(
    client: AsyncClient, alice: Person, robot: Robot
) -> None:
    sibling = await make(client, alice)
    assert await status_of(client, robot.api_key) == 200
    await report(client, robot.api_key)
    assert await status_of(client, robot.api_key) == 401
    assert await status_of(client, sibling["api_key"]) == 200


async def test_the_owner_is_told_once_by_log_and_mail(
    client: AsyncClient, app: FastAPI, alice: Person, robot: Robot
) -> None:
    await asyncio.gather(*(report(client, robot.api_key) for _ in range(8)))
    [entry] = await audited(app, alice.organization_id, "api_key_leaked")
    assert (entry["actor_kind"], entry["subject_id"]) == ("anonymous", alice.user_id)
    [mail] = await mails(app)
    assert (mail["user_id"], mail["prefix"]) == (str(alice.user_id), robot.api_key[:12])
    assert robot.api_key not in str(mail) + str(entry)


async def test_guessing_is_limited_by_address(client: AsyncClient) -> None:
    async def is_refused() -> bool:
        status = (await report(client, generate_api_key())).status_code
        assert status in {202, 429}
        return status == 429

    await passes_until_refused(is_refused, limit=30)
