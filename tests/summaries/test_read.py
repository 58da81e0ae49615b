"""GET of one summary: who may, from where it comes, and what the entity tag promises."""

from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import Scope
from tests.factories import Factory, Person
from tests.statements import statements_of
from tests.summaries.shelf import PATH, create, set_columns

pytestmark = pytest.mark.integration
# From the cache, and with the text always from the database.
WAYS = ["", "?include=text"]


async def test_anonymous_is_refused(client: AsyncClient) -> None:
    assert (await client.get(f"{PATH}/{uuid4()}")).status_code == 401


async def test_credential_without_scope_is_refused(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    writer = await factory.with_scopes(alice, Scope.SUMMARIES_WRITE)
    assert (await client.get(f"{PATH}/{uuid4()}", headers=writer.headers)).status_code == 403


@pytest.mark.parametrize("query", WAYS)
@pytest.mark.parametrize("visibility", ["private", "organization"])
async def test_outsider_sees_nothing(
    client: AsyncClient, alice: Person, charlie: Person, visibility: str, query: str
) -> None:
    created = await create(client, alice, visibility=visibility)
    answer = await client.get(f"{PATH}/{created['id']}{query}", headers=charlie.headers)
    assert (answer.status_code, answer.json()["title"]) == (404, "Summary not found")


@pytest.mark.parametrize("query", WAYS)
async def test_private_one_is_its_authors_alone_from_a_warm_cache_too(
    client: AsyncClient, alice: Person, bob: Person, query: str
) -> None:
    created = await create(client, alice)
    await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    assert (await client.get(f"{PATH}/{created['id']}{query}", headers=bob.headers)).status_code == 404


@pytest.mark.parametrize(
    "not_an_id",
    ["1", "abc", "%00", "{01a1fc98-9234-7603-8d14-be943071f649}", "01a1fc98923476038d14be943071f649"],
)
async def test_id_that_is_none_is_404(client: AsyncClient, alice: Person, not_an_id: str) -> None:
    answer = await client.get(f"{PATH}/{not_an_id}", headers=alice.headers)
    assert answer.status_code == 404


async def test_shared_one_is_read_by_every_member(client: AsyncClient, alice: Person, bob: Person) -> None:
    created = await create(client, alice, visibility="organization")
    for _from in ("database", "cache"):
        answer = await client.get(f"{PATH}/{created['id']}", headers=bob.headers)
        assert answer.json() == created


async def test_unchanged_one_is_304(client: AsyncClient, alice: Person) -> None:
    created = await create(client, alice)
    first = await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    headers = {**alice.headers, "If-None-Match": first.headers["ETag"]}
    second = await client.get(f"{PATH}/{created['id']}", headers=headers)
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]


@pytest.mark.usefixtures("remembered")
async def test_warm_read_needs_no_connection(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await create(client, alice)
    for _warm in range(2):
        await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    async with statements_of(app) as statements:
        answer = await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    assert answer.status_code == 200
    assert [sql for sql in statements if "summaries" in sql] == []


async def test_text_comes_only_when_asked_for_and_has_a_tag_of_its_own(
    client: AsyncClient, alice: Person
) -> None:
    created = await create(client, alice)
    plain = await client.get(f"{PATH}/{created['id']}", headers=alice.headers)
    full = await client.get(f"{PATH}/{created['id']}?include=text", headers=alice.headers)
    assert "text" not in plain.json()
    assert full.json() == {**plain.json(), "text": None}
    assert full.headers["ETag"] != plain.headers["ETag"]


async def test_failure_says_why_and_what_to_do(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = await create(client, alice)
    values = {"status": "failed", "failure_reason": "http_status", "failure_retryable": False}
    await set_columns(app, alice, created["id"], **values)
    failure = (await client.get(f"{PATH}/{created['id']}", headers=alice.headers)).json()["failure"]
    assert (failure["reason"], failure["retryable"]) == ("http_status", False)
    assert failure["hint"]


async def test_trailing_slash_is_the_same_resource(client: AsyncClient, alice: Person) -> None:
    created = await create(client, alice)
    answer = await client.get(f"{PATH}/{created['id']}/", headers=alice.headers)
    assert (answer.status_code, answer.json()["id"]) == (200, created["id"])
