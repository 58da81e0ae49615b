"""Idempotency-Key on every route that creates: done once, answered alike, whoever dies in between."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx2 import AsyncClient, Response
from sqlalchemy import event, text

from app.core.db import Tenant
from app.core.idempotency_route import IdempotentRoute, claim_in_own_session, get_once
from app.core.idempotency_seal import AnswerSeal
from app.core.idempotency_store import delete_expired
from app.core.principal import Scope
from app.summaries.tasks import summarise
from tests.catalogue import ask
from tests.factories import Factory, Person, Robot
from tests.servers import DatabaseUrls
from tests.site_map import BODIES
from tests.summaries.workbench import bench_of, key_of

pytestmark = pytest.mark.integration
SUMMARIES = "/api/v1/summaries"
KEYS = "/api/v1/api-keys"
BODY = {"text": "The river rose in the night. By noon the bridge was gone."}
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}

# What a POST does that makes nothing which a client could have twice by retrying.
NOTHING_MADE_TWICE = {
    **dict.fromkeys(
        (
            *("/auth/token", "/auth/login", "/auth/refresh", "/auth/cookie/refresh", "/auth/switch"),
            *(
                "/auth/logout",
                "/auth/logout-all",
                "/auth/cookie/logout",
                "/auth/oauth/{provider}/second-factor",
            ),
            "/auth/oauth/{provider}/link",
        ),
        "a session begins, goes on or ends; a refresh knows retries by itself",
    ),
    **dict.fromkeys(
        ("/users/register", "/users/verify-request", "/users/verify"), "no principal; a name is taken once"
    ),
    **dict.fromkeys(("/auth/forgot-password", "/auth/reset-password"), "no principal; a token works once"),
    **dict.fromkeys(
        (
            *("/auth/change-password", "/auth/totp/enroll", "/auth/totp/confirm", "/auth/totp/disable"),
            "/auth/totp/recovery-codes",
        ),
        "changes the one that there is",
    ),
    **dict.fromkeys(
        (
            *("/organizations/{organization_id}/restore", "/organizations/{organization_id}/leave"),
            *("/organizations/{organization_id}/transfer", "/api-keys/report-leak"),
            "/organizations/{organization_id}/invitations/accept",
            *("/admin/users/{user_id}/deactivate", "/admin/users/{user_id}/activate"),
            *("/admin/users/{user_id}/unlock", "/admin/jobs/{job_id}/retry", "/summaries/{summary_id}/retry"),
        ),
        "changes the state of what it names; once more changes nothing more",
    ),
    "/admin/users/{user_id}/impersonate": "a login of the staff's, short and audited each time",
}


def test_every_post_that_creates_takes_the_key(built_app: FastAPI, subtests: pytest.Subtests) -> None:
    for path, route in posts(built_app):
        calls = [dependency.call for dependency in route.dependant.dependencies]
        with subtests.test(path):
            assert takes_key(route.dependant) != (path.removeprefix("/api/v1") in NOTHING_MADE_TWICE)
            if takes_key(route.dependant):
                assert isinstance(route, IdempotentRoute)
                assert claim_in_own_session not in calls or calls[-1] is claim_in_own_session


def test_the_reference_names_the_header_on_exactly_these_routes(built_app: FastAPI) -> None:
    documented = {
        path
        for path, item in built_app.openapi()["paths"].items()
        for operation in item.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }
    assert documented == {path for path, route in posts(built_app) if takes_key(route.dependant)}


def posts(app: FastAPI) -> list[tuple[str, APIRoute]]:
    contexts = [context for context in iter_route_contexts(app.routes) if "POST" in (context.methods or ())]
    return [
        (context.path or "", context.original_route)
        for context in contexts
        if isinstance(context.original_route, APIRoute)
    ]


def takes_key(dependant: Any) -> bool:  # Any: FastAPI's own type
    return dependant.call is get_once or any(takes_key(each) for each in dependant.dependencies)


async def test_without_a_credential_a_key_is_no_key(client: AsyncClient) -> None:
    assert (await client.post(SUMMARIES, json=BODY, headers=KEY)).status_code == 401


@pytest.mark.parametrize("key", ["", '"a', "a b", "a" * 300, "a, b"])
async def test_a_key_that_cannot_be_read_is_refused(client: AsyncClient, alice: Person, key: str) -> None:
    answer = await client.post(SUMMARIES, json=BODY, headers={**alice.headers, "Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")


async def test_two_keys_are_refused(client: AsyncClient, alice: Person) -> None:
    headers = [*alice.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await client.post(SUMMARIES, json=BODY, headers=headers)
    assert answer.json()["code"] == "idempotency_key_malformed"


async def test_another_body_under_the_same_key_is_422(client: AsyncClient, alice: Person) -> None:
    await post(client, alice)
    answer = await post(client, alice, {"text": "Another text altogether."})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_replay_needs_the_scope_still(client: AsyncClient, alice: Person, factory: Factory) -> None:
    await post(client, alice, {"name": "k"}, path=KEYS)
    reader = await factory.with_scopes(alice, Scope.KEYS_READ)
    assert (await post(client, reader, {"name": "k"}, path=KEYS)).status_code == 403


async def test_what_was_refused_is_tried_again(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    refused = await post(client, alice, {"url": "ftp://example.com"})
    assert refused.status_code == 422
    assert "Idempotent-Replayed" not in refused.headers
    assert (await post(client, alice)).status_code == 202
    assert await count(app, alice, "summaries") == 1


async def test_a_failure_keeps_nothing(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    """The row of the answer cannot be written: then what it tells of is not done either."""
    await ask(database_urls.superuser, "ALTER TABLE idempotency_keys ADD CONSTRAINT no CHECK (false)")
    logging.disable(logging.CRITICAL)
    answers = [await post(client, alice), await post(client, alice, {"name": "k"}, path=KEYS)]
    logging.disable(logging.NOTSET)
    assert [answer.status_code for answer in answers] == [500, 500]
    assert await count(app, alice, "summaries") == await count(app, alice, "api_keys") == 0
    await ask(database_urls.superuser, "ALTER TABLE idempotency_keys DROP CONSTRAINT no")
    assert (await post(client, alice)).status_code == 202


CREATING: list[tuple[str, str]] = [
    (SUMMARIES, "summaries"),
    (KEYS, "api_keys"),
    ("/api/v1/api-keys/generate", "api_keys"),
    ("/api/v1/organizations/{organization_id}/invitations", "invitations"),
]


@pytest.mark.parametrize(("path", "table"), CREATING)
async def test_a_retry_gets_the_same_answer_and_makes_nothing(
    client: AsyncClient, alice: Person, app: FastAPI, factory: Factory, path: str, table: str
) -> None:
    await factory.share(alice.organization_id)
    body = BODIES.get(("POST", path), {}).get("json")
    where = path.format(organization_id=alice.organization_id)
    first = await post(client, alice, body, path=where)
    again = await post(client, alice, body, path=where)
    assert first.is_success
    assert_replay(first, again)
    assert await count(app, alice, table) == 1


async def test_an_organisation_is_made_once(client: AsyncClient, alice: Person) -> None:
    path = "/api/v1/organizations"
    first, again = [await post(client, alice, {"name": "Lab"}, path=path) for _ in range(2)]
    assert_replay(first, again)
    assert len((await client.get(path, headers=alice.headers)).json()["items"]) == 2


async def test_a_rotation_is_done_once(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    made = (await client.post(KEYS, json={"name": "k"}, headers=alice.headers)).json()
    path = f"{KEYS}/{made['id']}/rotate"
    first, again = [await post(client, alice, {"overlap_seconds": 60}, path=path) for _ in range(2)]
    assert_replay(first, again)
    assert first.headers["Location"].endswith(f"{KEYS}/{first.json()['id']}")
    assert await count(app, alice, "api_keys") == 2


async def test_quoted_and_bare_are_the_same_key(client: AsyncClient, alice: Person) -> None:
    first = await post(client, alice, key='"one"')
    assert_replay(first, await post(client, alice, key="one"))


async def test_another_person_with_the_same_key_is_another_matter(
    client: AsyncClient, alice: Person, bob: Person, charlie: Person, robot: Robot, app: FastAPI
) -> None:
    ids = {(await post(client, person)).json()["id"] for person in (alice, bob, charlie, robot)}
    assert len(ids) == 4
    assert await count(app, alice, "summaries") == 3


async def test_a_new_login_of_the_same_person_is_the_same_principal(
    client: AsyncClient, alice: Person, factory: Factory
) -> None:
    first = await post(client, alice)
    later = await factory.with_scopes(alice, Scope.SUMMARIES_WRITE)
    assert_replay(first, await post(client, later))


async def test_the_same_key_at_another_address_is_another_key(client: AsyncClient, alice: Person) -> None:
    await post(client, alice)
    answer = await post(client, alice, {"name": "k"}, path=KEYS)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers


async def test_without_a_key_each_request_counts(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    for _ in range(2):
        await client.post(SUMMARIES, json=BODY, headers=alice.headers)
    assert await count(app, alice, "summaries") == 2
    assert await count(app, alice, "idempotency_keys") == 0


async def test_of_twenty_at_once_one_acts(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    answers = await asyncio.gather(*(post(client, alice) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    refused = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.json()["code"] == "idempotency_key_in_use" for answer in refused)
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert await count(app, alice, "summaries") == 1


async def test_of_twenty_keys_made_at_once_one_is_made(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    answers = await asyncio.gather(*(post(client, alice, {"name": "k"}, path=KEYS) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await count(app, alice, "api_keys") == 1


async def test_redis_need_not_remember(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    first = await post(client, alice)
    await app.state.redis.run(lambda redis: redis.flushall())
    assert_replay(first, await post(client, alice))


async def test_a_retry_of_a_wait_gets_what_the_wait_brought(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    waiting = asyncio.create_task(post(client, alice, prefer="wait=10"))
    async with asyncio.timeout(5):
        while await count(app, alice, "summaries") == 0:  # noqa: ASYNC110  # the row tells, no event of ours does
            await asyncio.sleep(0.05)
    meanwhile = await post(client, alice, prefer="wait=10")
    created = meanwhile.json()["id"]
    await summarise(bench_of(app), key_of(alice, created), tries=0)
    first = await waiting
    assert (meanwhile.status_code, meanwhile.headers["Idempotent-Replayed"]) == (202, "true")
    assert (first.status_code, first.json()["id"]) == (201, created)
    assert_replay(first, await post(client, alice, prefer="wait=10"))


async def test_what_an_answer_shows_is_not_legible_in_the_database(
    client: AsyncClient, alice: Person, database_urls: DatabaseUrls
) -> None:
    made = await post(client, alice, {"name": "k"}, path=KEYS)
    (row,) = await ask(database_urls.superuser, "SELECT * FROM idempotency_keys")
    secret = made.json()["api_key"].encode()
    assert all(secret not in value for value in row.values() if isinstance(value, bytes))
    assert b"8e03978e" not in row["key_digest"]


async def test_after_a_change_of_secret_it_is_done_no_second_time(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await post(client, alice)
    app.state.answer_seal = AnswerSeal.from_secret("another secret of many characters...")
    answer = await post(client, alice)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotent_answer_lost")
    assert await count(app, alice, "summaries") == 1


async def test_after_a_day_the_key_is_free_again(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    first = await post(client, alice)
    await age(database_urls, timedelta(hours=24, seconds=1))
    again = await post(client, alice)
    assert again.json()["id"] != first.json()["id"]
    assert_replay(again, await post(client, alice))
    assert await count(app, alice, "idempotency_keys") == 1


async def test_expired_keys_are_deleted_and_no_others(
    client: AsyncClient, alice: Person, charlie: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    for key in "abc":
        await post(client, alice, key=key)
    await age(database_urls, timedelta(hours=25))
    await post(client, charlie)
    assert await delete_expired(app.state.database, batch=2) is False
    assert await count(app, alice, "idempotency_keys") == 0
    assert await count(app, charlie, "idempotency_keys") == 1


async def test_a_backlog_is_deleted_round_by_round(
    client: AsyncClient, alice: Person, app: FastAPI, database_urls: DatabaseUrls
) -> None:
    for number in range(21):
        await post(client, alice, {"name": "k"}, path=f"{KEYS}/generate", key=f"k{number}")
    await age(database_urls, timedelta(hours=25))
    assert await delete_expired(app.state.database, batch=1) is True
    assert await delete_expired(app.state.database, batch=1) is False


async def test_a_key_costs_one_round_trip_and_no_key_none(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    await client.post(SUMMARIES, json=BODY, headers=alice.headers)
    without = await statements(app, client.post(SUMMARIES, json=BODY, headers=alice.headers))
    keyed = await statements(app, post(client, alice))
    assert len(keyed) == len(without) + 1, keyed


async def statements(app: FastAPI, request: Any) -> list[str]:  # Any: a coroutine
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # Any: SQLAlchemy's own
        found.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await request
    event.remove(engine, "before_cursor_execute", note)
    return found


async def post(
    client: AsyncClient,
    person: Person | Robot,
    body: dict[str, Any] | None = None,  # Any: JSON
    *,
    path: str = SUMMARIES,
    key: str = KEY["Idempotency-Key"],
    prefer: str = "",
) -> Response:
    headers = {**person.headers, "Idempotency-Key": key, "Prefer": prefer}
    wanted = BODY if body is None and path == SUMMARIES else body
    return await client.post(path, json=wanted, headers=headers)


def assert_replay(first: Response, again: Response) -> None:
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("Location", "ETag", "Retry-After", "Content-Type", "Content-Length", "Preference-Applied"):
        assert again.headers.get(name) == first.headers.get(name), name


async def count(app: FastAPI, person: Person, table: str) -> int:
    async with app.state.database.transaction(Tenant(person.organization_id, person.user_id)) as session:
        found = await session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608  # our own names
    return int(found)


async def age(urls: DatabaseUrls, by: timedelta) -> None:
    statement = "UPDATE idempotency_keys SET created_at = created_at - $1::interval"
    await ask(urls.superuser, statement, by)
