"""A refresh whose token is current is one statement; it leaves behind what a judged one leaves."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.statements import statements_of

pytestmark = pytest.mark.integration
URL = "/api/v1/auth/refresh"
ENTRIES = "SELECT * FROM audit_entries WHERE action = 'token_refresh' ORDER BY id"
# Of two entries these differ by what they are.
OWN = {"id", "created_at", "request_id", "details"}


async def refresh(client: AsyncClient, token: str, **headers: str) -> Response:
    return await client.post(URL, json={"refresh_token": token}, headers=headers)


async def test_a_refresh_is_one_statement(app: FastAPI, client: AsyncClient, alice: Person) -> None:
    async with statements_of(app) as statements:
        assert (await refresh(client, alice.refresh_token)).status_code == 200
    assert len(statements) == 1
    assert "rotate_sessions" in statements[0]


async def test_the_log_is_told_the_same_by_the_database_as_by_us(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    for _ in range(2):
        answer = await refresh(client, alice.refresh_token, **{"Idempotency-Key": "k1"})
    rotated, retried = await ask(database_urls.superuser, ENTRIES)
    assert rotated["request_id"] != answer.headers["X-Request-ID"] == retried["request_id"]
    assert {k: v for k, v in rotated.items() if k not in OWN} == {
        k: v for k, v in retried.items() if k not in OWN
    }
