"""A list costs the same number of statements whatever its length."""

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.factories import Person
from tests.statements import statements_of

pytestmark = pytest.mark.integration

TEXT = {"text": "Lighthouses speak in flashes, and every one of them has a rhythm of its own."}
# Each list, how to add to it, and its statements: the tenant's announcement and the query.
WEBHOOK = {"url": "https://example.com/hook", "events": ["summary.ready"]}
LISTS = [
    ("/api/v1/webhooks", WEBHOOK, 2),
    ("/api/v1/summaries", TEXT, 1),
    ("/api/v1/api-keys", {"name": "one more"}, 2),
]


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(("path", "item", "expected"), LISTS)
async def test_a_longer_list_needs_no_more_statements(
    client: AsyncClient, app: FastAPI, alice: Person, path: str, item: dict[str, str], expected: int
) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            assert (await client.post(path, json=item, headers=alice.headers)).status_code in {201, 202}
        # Whoever asks is remembered for a second, so the guard's own look does not count.
        await client.get(path, headers=alice.headers)
        async with statements_of(app) as statements:
            answer = await client.get(path, headers=alice.headers)
        counts.append(len(statements))
        assert answer.status_code == 200
    assert len(answer.json()["items"]) == 6
    assert counts == [expected, expected]
