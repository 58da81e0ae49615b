"""What RFC 9110 and the contract promise of every route alike: HEAD, entity tags, where a new thing is."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.factories import Factory, Person
from tests.site_map import BODIES, Route, routes_of

pytestmark = pytest.mark.integration
API = "/api/v1"
# What one request has and the next has not.
OF_THE_MOMENT = {"x-request-id", "date", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset"}
# Their bodies tell the time, or how often something was asked.
OF_ANOTHER_LENGTH = {"/health", "/health/ready", "/metrics"}
# A 202 that makes no thing to look at, and a 201 that is looked at elsewhere.
NOWHERE = {
    "POST /api/v1/users/register": "GET /users/me is it, after a login",
    "POST /api/v1/users/verify-request": "the same answer whether or not a mail is sent",
    "POST /api/v1/auth/forgot-password": "the same answer whether or not a mail is sent",
    "POST /api/v1/api-keys/report-leak": "the same answer whether or not there was a key",
    "POST /api/v1/admin/users/{user_id}/impersonate": "a session, in the answer itself",
    "POST /api/v1/summaries/ws-ticket": "a ticket, in the answer itself",
    "POST /api/v1/summaries/retry": "of many",
    "POST /api/v1/summaries/feed": "its addresses are secrets, in the answer itself",
}


@pytest.fixture
def routes(built_app: FastAPI) -> list[Route]:
    return routes_of(built_app)


async def test_head_is_get_without_its_body(
    client: AsyncClient, routes: list[Route], alice: Person, root: Person, subtests: pytest.Subtests
) -> None:
    for route in routes:
        if route.method != "GET" or "{" in route.path:
            continue
        headers = root.headers if route.is_for_staff else alice.headers
        got = await client.get(route.path, headers=headers)
        headed = await client.head(route.path, headers=headers)
        with subtests.test(route.path):
            assert (headed.status_code, headed.content) == (got.status_code, b"")
            assert told(headed, route.path) == told(got, route.path)


def told(answer: Response, path: str) -> dict[str, str]:
    left_out = OF_THE_MOMENT | ({"content-length"} if path in OF_ANOTHER_LENGTH else set())
    return {name: value for name, value in answer.headers.items() if name not in left_out}


async def test_head_needs_what_get_needs(client: AsyncClient, alice: Person) -> None:
    assert (await client.head(f"{API}/summaries")).status_code == 401
    missing = await client.head(f"{API}/summaries/nothing", headers=alice.headers)
    assert (missing.status_code, missing.content) == (404, b"")


async def test_where_there_is_no_get_there_is_no_head(client: AsyncClient) -> None:
    answer = await client.head(f"{API}/auth/token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_allow_names_head_beside_get(client: AsyncClient, alice: Person) -> None:
    answer = await client.request("DELETE", f"{API}/summaries", headers=alice.headers)
    assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_head_of_an_event_stream_ends(client: AsyncClient, alice: Person) -> None:
    created = await client.post(f"{API}/summaries", json={"text": "Rain. " * 30}, headers=alice.headers)
    path = f"{API}/summaries/{created.json()['id']}/events"
    async with asyncio.timeout(10):
        answer = await client.head(path, headers=alice.headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def resource(client: AsyncClient, person: Person, name: str) -> str:
    """The path of one of each kind."""
    if name == "users":
        return f"{API}/users/me"
    if name == "organizations":
        return f"{API}/organizations/{person.organization_id}"
    bodies: dict[str, dict[str, Any]] = {  # Any: JSON
        "summaries": {"text": "The river rose in the night. " * 10},
        "api-keys": {"name": "key"},
        "webhooks": {"url": "https://example.com/hook", "events": ["summary.ready"]},
    }
    made = await client.post(f"{API}/{name}", json=bodies[name], headers=person.headers)
    assert made.is_success, made.text
    return f"{API}/{name}/{made.json()['id']}"


CHANGES: dict[str, dict[str, Any]] = {  # Any: JSON
    "summaries": {"notes": "read on Monday"},
    "api-keys": {"name": "other"},
    "organizations": {"name": "Other"},
    "users": {"full_name": "Alice A."},
    "webhooks": {"description": "ours"},
}
TAGGED = pytest.mark.parametrize("name", CHANGES)


@TAGGED
async def test_whoever_has_it_already_is_told_so(client: AsyncClient, alice: Person, name: str) -> None:
    path = await resource(client, alice, name)
    tag = (await client.get(path, headers=alice.headers)).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', f'W/"y",{tag}, "z"', "*"):
        answer = await client.get(path, headers={**alice.headers, "If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag), known
    for other in ('"x"', "x", "", tag.strip('"')):
        answer = await client.get(path, headers={**alice.headers, "If-None-Match": other})
        assert answer.status_code == 200, other


@TAGGED
async def test_a_change_of_what_has_changed_since_is_refused(
    client: AsyncClient, alice: Person, name: str
) -> None:
    path = await resource(client, alice, name)
    tag = (await client.get(path, headers=alice.headers)).headers["ETag"]
    for stale in ('"x"', f"W/{tag}", f'"x", W/{tag}', "x", ""):
        answer = await client.patch(path, json=CHANGES[name], headers={**alice.headers, "If-Match": stale})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed"), stale
    assert (await client.get(path, headers=alice.headers)).headers["ETag"] == tag


@TAGGED
async def test_a_change_under_the_current_tag_brings_the_next(
    client: AsyncClient, alice: Person, name: str
) -> None:
    path = await resource(client, alice, name)
    tag = (await client.get(path, headers=alice.headers)).headers["ETag"]
    headers = {**alice.headers, "If-Match": f'"x", {tag}'}
    changed = await client.patch(path, json=CHANGES[name], headers=headers)
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] not in {tag, ""}
    assert (await client.get(path, headers=alice.headers)).headers["ETag"] == changed.headers["ETag"]
    assert (await client.patch(path, json=CHANGES[name], headers=headers)).status_code == 412
    for current in (changed.headers["ETag"], "*"):
        again = await client.patch(path, json=CHANGES[name], headers={**alice.headers, "If-Match": current})
        assert again.status_code == 200, current


@TAGGED
async def test_of_two_changes_under_one_tag_one_is_made(
    client: AsyncClient, alice: Person, name: str
) -> None:
    path = await resource(client, alice, name)
    tag = (await client.get(path, headers=alice.headers)).headers["ETag"]
    headers = {**alice.headers, "If-Match": tag}
    (field,) = CHANGES[name]
    answers = await asyncio.gather(
        *(client.patch(path, json={field: f"try {number}"}, headers=headers) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]


def test_every_single_read_has_its_conditions_documented(built_app: FastAPI) -> None:
    paths = built_app.openapi()["paths"]
    for path in (f"{API}/users/me", *(path for path in paths if path.endswith(("{key_id}", "{webhook_id}")))):
        assert "304" in paths[path]["get"]["responses"], path
        assert "412" in paths[path]["patch"]["responses"], path


async def test_what_was_made_says_where_it_is(
    client: AsyncClient, routes: list[Route], alice: Person, factory: Factory, subtests: pytest.Subtests
) -> None:
    await factory.share(alice.organization_id)
    for route in routes:
        statuses = set((route.operation or {}).get("responses", {}))
        if route.method != "POST" or "{" in route.path or not statuses & {"201", "202"}:
            continue
        if route.name in NOWHERE:
            continue
        answer = await client.post(route.path, headers=alice.headers, **BODIES.get(("POST", route.path), {}))
        with subtests.test(route.name):
            assert answer.status_code in {201, 202}, answer.text
            where = answer.headers.get("Location", "")
            assert where.startswith(f"http://127.0.0.1:8000{API}/"), route.name
            assert (answer.status_code == 202) == ("Retry-After" in answer.headers)


async def test_a_list_of_more_than_one_page_links_to_the_next(client: AsyncClient, alice: Person) -> None:
    for number in range(2):
        await client.post(f"{API}/summaries", json={"text": f"Rain {number}."}, headers=alice.headers)
    answer = await client.get(f"{API}/summaries?limit=1&sort=created_at", headers=alice.headers)
    link = answer.headers["Link"]
    assert link.startswith(f"<http://127.0.0.1:8000{API}/summaries?")
    assert link.endswith('; rel="next"')
    assert "sort=created_at" in link


def test_every_paged_list_can_link_to_the_next(built_app: FastAPI) -> None:
    """`cursor` and `limit` come together, so that a page always knows what follows it."""
    for path, item in built_app.openapi()["paths"].items():
        names = {parameter["name"] for parameter in item.get("get", {}).get("parameters", [])}
        assert ("cursor" in names) == ("limit" in names), path
