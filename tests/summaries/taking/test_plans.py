"""What a submission's plans read, however few rows there were when they were made."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.ids import new_id
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.search.explained import explain_everything, plans_of
from tests.summaries.shelf import PATH, TEXT
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

# PostgreSQL tries five plans for the values of the moment before it keeps one.
UNTIL_ONE_IS_KEPT = 7


async def submit(client: AsyncClient, person: Person) -> None:
    headers = {**person.headers, "Idempotency-Key": str(new_id())}
    answer = await client.post(PATH, json={"text": TEXT}, headers=headers)
    assert answer.status_code == 202, answer.text


async def test_a_key_is_looked_up_by_its_index_though_its_plan_was_made_beside_few(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await submit(client, alice)
    # That all keys stand on one page is known now, and reading it through costs less than any index.
    await execute(database_urls.superuser, "ANALYZE idempotency_keys")
    await explain_everything(database_urls.superuser)
    await app.state.database.dispose()
    with plans_of(app) as plans:
        for _ in range(UNTIL_ONE_IS_KEPT):
            plans.clear()
            await submit(client, alice)
    assert any("Index Scan using pk_idempotency_keys" in plan for plan in plans), plans
    assert not [plan for plan in plans if "Seq Scan on idempotency_keys" in plan]
