"""PUT, PATCH, DELETE and retry: whose it is to change, and that everybody sees it at once."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import MembershipRole, Scope
from tests.factories import Factory, Person
from tests.summaries.shelf import PATH, create, job_ids, set_columns

pytestmark = pytest.mark.integration
WRITES: list[tuple[str, str, dict[str, str] | None]] = [
    ("PUT", "", {}),
    ("PATCH", "", {}),
    ("DELETE", "", None),
    ("POST", "/retry", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_nobody_else_changes_it(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, method: str, path: str, body: Any
) -> None:
    created = await create(client, alice)
    shared = await create(client, alice, visibility="organization")
    answers = [
        (await client.request(method, f"{PATH}/{which['id']}{path}", json=body, headers=headers)).status_code
        for which, headers in (
            (created, {}),
            (created, bob.headers),
            (shared, bob.headers),
            (shared, charlie.headers),
        )
    ]
    assert answers == [401, 404, 403, 404]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_reader_lacks_the_scope(
    client: AsyncClient, alice: Person, factory: Factory, method: str, path: str, body: Any
) -> None:
    created = await create(client, alice)
    reader = await factory.with_scopes(alice, Scope.SUMMARIES_READ)
    url = f"{PATH}/{created['id']}{path}"
    assert (await client.request(method, url, json=body, headers=reader.headers)).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_stale_if_match_writes_nothing(client: AsyncClient, alice: Person, method: str) -> None:
    created = await create(client, alice)
    headers = {**alice.headers, "If-Match": '"99"'}
    body = None if method == "DELETE" else {"title": "New"}
    answer = await client.request(method, f"{PATH}/{created['id']}", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await client.get(f"{PATH}/{created['id']}", headers=alice.headers)).json() == created


@pytest.mark.parametrize(
    "body", [{"url": "ftp://a.example"}, {"status": "ready"}, {"summary": ""}, {"tags": None}, {"url": None}]
)
async def test_bad_change_is_422(client: AsyncClient, alice: Person, body: dict[str, Any]) -> None:
    created = await create(client, alice)
    answer = await client.patch(f"{PATH}/{created['id']}", json=body, headers=alice.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_field_left_out_stays(client: AsyncClient, alice: Person, method: str) -> None:
    created = await create(client, alice, tags=["a"], notes="mine")
    url = f"{PATH}/{created['id']}"
    changed = (await client.request(method, url, json={"title": "New"}, headers=alice.headers)).json()
    assert changed == {**created, "title": "New", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > created["updated_at"]


async def test_read_after_own_write_is_never_stale(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    for number in range(5):
        await client.get(url, headers=alice.headers)
        await client.patch(url, json={"title": str(number)}, headers=alice.headers)
        assert (await client.get(url, headers=alice.headers)).json()["title"] == str(number)


async def test_fresh_if_match_writes_and_renews_the_tag(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    for path in (url, f"{url}?include=text"):
        tag = (await client.get(path, headers=alice.headers)).headers["ETag"]
        headers = {**alice.headers, "If-Match": tag}
        answer = await client.patch(url, json={"notes": path}, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["ETag"] != tag


async def test_empty_change_is_no_new_version(client: AsyncClient, alice: Person) -> None:
    created = await create(client, alice)
    answer = await client.patch(f"{PATH}/{created['id']}", json={}, headers=alice.headers)
    assert answer.json() == created


async def test_changed_url_gets_its_canonical_form_and_no_job(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice)
    body = {"url": "HTTPS://Example.com/b?utm_source=x"}
    changed = (await client.put(f"{PATH}/{created['id']}", json=body, headers=alice.headers)).json()
    assert changed["canonical_url"] == "https://example.com/b"
    assert len(await job_ids(app.state.database)) == 1


async def test_own_words_have_no_offsets_into_the_source(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    created = await create(client, alice)
    spans = [{"text": "The river rose", "start": 0, "end": 14}]
    await set_columns(app, alice, created["id"], status="ready", sentences=spans)
    body = {"summary": "It flooded."}
    changed = (await client.patch(f"{PATH}/{created['id']}", json=body, headers=alice.headers)).json()
    assert (changed["summary"], changed["sentences"], changed["summary_word_count"]) == ("It flooded.", [], 2)


async def test_administrator_changes_what_is_shared(
    client: AsyncClient, bob: Person, factory: Factory
) -> None:
    admin = await factory.member("dora", bob.organization_id, role=MembershipRole.ADMIN)
    shared = await create(client, bob, visibility="organization")
    answer = await client.patch(f"{PATH}/{shared['id']}", json={"title": "T"}, headers=admin.headers)
    assert answer.status_code == 200


async def test_deleted_one_is_gone_from_everywhere(client: AsyncClient, alice: Person) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    await client.get(url, headers=alice.headers)
    answer = await client.delete(url, headers=alice.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(url, headers=alice.headers)).status_code == 404
    assert (await client.delete(url, headers=alice.headers)).status_code == 404
    assert (await client.get(PATH, headers=alice.headers)).json()["items"] == []


async def test_only_a_failed_one_is_retried(client: AsyncClient, alice: Person) -> None:
    created = await create(client, alice)
    answer = await client.post(f"{PATH}/{created['id']}/retry", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "summary_not_failed")


async def test_retried_one_is_queued_anew(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    url = f"{PATH}/{(await create(client, alice))['id']}"
    await set_columns(app, alice, url[-36:], status="failed", failure_reason="dns")
    answer = await client.post(f"{url}/retry", headers=alice.headers)
    assert (answer.status_code, answer.json()["status"], answer.json()["failure"]) == (202, "queued", None)
    assert answer.headers["Location"].endswith(url)
    assert (await client.get(url, headers=alice.headers)).json() == answer.json()
