"""One transaction a request: no 2xx before the commit, no row of a refused request, no endless wait."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
import pytest
from asgi_lifespan import LifespanManager
from fastapi import Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.auth.errors import LoginFailedError
from app.core.db import AnonymousSession, after_commit, violated_constraint
from app.core.errors import NotFoundError, ProblemError
from app.core.guard import OwnSession, require
from app.core.jobs import enqueue
from app.core.principal import Principal, Scope
from app.main import create_app
from app.settings import Settings
from tests.catalogue import ask
from tests.factories import Factory, Person
from tests.fixtures import BASE_URL
from tests.servers import DatabaseUrls
from tests.test_isolation import tenant_of

pytestmark = pytest.mark.integration

RENAME = text("UPDATE organizations SET name = 'renamed'")
NAMES = "SELECT name FROM organizations ORDER BY name"
# Refused at COMMIT and not before.
DEFERRED = """
ALTER TABLE organizations ADD CONSTRAINT uq_organizations_name UNIQUE (name) DEFERRABLE INITIALLY DEFERRED
"""
CanReadProfile = Annotated[Principal, require(Scope.PROFILE_READ)]


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[tuple[FastAPI, AsyncClient]]:
    app = await asyncio.to_thread(create_app, settings)
    transport = ASGITransport(app=app)
    async with LifespanManager(app), AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield app, client


@pytest.fixture
def built_app(settings: Settings) -> FastAPI:
    """Of this test alone: routes are added to it."""
    return create_app(settings)


def fail_with(app: FastAPI, error: Callable[[], ProblemError]) -> None:
    """`POST /rename` writes, and then fails."""

    @app.post("/rename")
    async def rename(session: OwnSession) -> None:
        await session.execute(RENAME)
        raise error()


async def test_a_commit_that_fails_is_no_success(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    connection = await asyncpg.connect(database_urls.owner)
    await connection.execute(DEFERRED)
    await connection.close()

    @app.post("/rename", status_code=201)
    async def rename(session: OwnSession) -> None:
        await session.execute(text("UPDATE organizations SET name = 'charlie'"))

    answer = await client.post("/rename", headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert charlie.username == "charlie"
    assert [row["name"] for row in await ask(database_urls.superuser, NAMES)] == ["alice", "charlie"]


async def test_a_connection_lost_before_the_commit_is_503_and_the_next_request_works(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    @app.post("/lose", status_code=201)
    async def lose(session: OwnSession) -> None:
        await session.execute(RENAME)
        pid = await session.scalar(text("SELECT pg_backend_pid()"))
        await ask(database_urls.superuser, "SELECT pg_terminate_backend($1)", pid)

    answer = await client.post("/lose", headers=alice.headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert [row["name"] for row in await ask(database_urls.superuser, NAMES)] == ["alice"]
    assert (await client.get("/api/v1/users/me", headers=alice.headers)).status_code == 200


async def test_a_refused_request_leaves_no_row(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    fail_with(app, NotFoundError)
    assert (await client.post("/rename", headers=alice.headers)).status_code == 404
    assert [row["name"] for row in await ask(database_urls.superuser, NAMES)] == ["alice"]


async def test_a_bug_leaves_no_row(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    @app.post("/bug")
    async def bug(session: OwnSession) -> None:
        await session.execute(RENAME)
        raise RuntimeError("a bug")

    assert (await client.post("/bug", headers=alice.headers)).status_code == 500
    assert [row["name"] for row in await ask(database_urls.superuser, NAMES)] == ["alice"]


async def test_an_error_that_commits_keeps_the_row(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    fail_with(app, LoginFailedError)
    assert (await client.post("/rename", headers=alice.headers)).status_code == 401
    assert [row["name"] for row in await ask(database_urls.superuser, NAMES)] == ["renamed"]


@pytest.mark.parametrize(
    ("error", "told"), [(NotFoundError, []), (LoginFailedError, ["told"]), (None, ["told"])]
)
async def test_other_stores_hear_of_a_commit_and_never_of_a_rollback(
    client: AsyncClient, app: FastAPI, error: type[ProblemError] | None, told: list[str]
) -> None:
    heard: list[str] = []

    async def tell() -> None:
        heard.append("told")

    @app.post("/tell")
    async def announce(session: AnonymousSession) -> None:
        after_commit(session, tell)
        if error:
            raise error

    await client.post("/tell")
    assert heard == told


async def test_a_full_pool_is_503_with_retry_after(settings: Settings) -> None:
    narrow = settings.model_copy(update={"db_pool_size": 1, "db_max_overflow": 0, "db_pool_timeout": 0.2})
    async with started(narrow) as (app, client):
        alice = await Factory(app).person("alice")
        async with app.state.database.transaction() as session:
            await session.execute(text("SELECT 1"))
            answer = await client.get("/api/v1/users/me", headers=alice.headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "2"
        assert (await client.get("/api/v1/users/me", headers=alice.headers)).status_code == 200


async def test_a_statement_that_takes_too_long_is_503(settings: Settings) -> None:
    async with started(settings.model_copy(update={"db_statement_timeout_seconds": 0.2})) as (app, client):

        @app.get("/slow")
        async def slow(session: AnonymousSession) -> None:
            await session.execute(text("SELECT pg_sleep(5)"))

        assert (await client.get("/slow")).status_code == 503


async def test_one_request_is_one_transaction(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    numbers: list[int] = []

    async def first(session: OwnSession) -> None:
        numbers.append((await session.execute(text("SELECT txid_current()"))).scalar_one())

    @app.get("/twice")
    async def twice(
        _principal: CanReadProfile, _first: Annotated[None, Depends(first)], session: OwnSession
    ) -> None:
        numbers.append((await session.execute(text("SELECT txid_current()"))).scalar_one())

    assert (await client.get("/twice", headers=alice.headers)).status_code == 200
    assert numbers[0] == numbers[1]


async def test_a_conflict_is_known_by_its_constraint(app: FastAPI, alice: Person) -> None:
    again = text("INSERT INTO memberships (organization_id, user_id, role) VALUES (:o, :u, 'viewer')")
    with pytest.raises(IntegrityError) as caught:
        async with app.state.database.transaction(tenant_of(alice)) as session:
            await session.execute(again, {"o": alice.organization_id, "u": alice.user_id})
    assert violated_constraint(caught.value) == "pk_memberships"


async def test_a_job_is_rolled_back_with_its_request(app: FastAPI, database_urls: DatabaseUrls) -> None:
    async with app.state.database.open() as session:
        assert await enqueue(session, "task", args={"n": 1}, queueing_lock="lock")
        await session.rollback()
    assert await ask(database_urls.superuser, "SELECT 1 FROM procrastinate_jobs") == []


async def test_a_job_that_already_waits_is_not_enqueued_twice(
    app: FastAPI, database_urls: DatabaseUrls
) -> None:
    async with app.state.database.transaction() as session:
        assert await enqueue(session, "task", args={"n": 1}, queueing_lock="lock")
        assert not await enqueue(session, "task", args={"n": 1}, queueing_lock="lock")
    jobs = await ask(database_urls.superuser, "SELECT task_name, args FROM procrastinate_jobs")
    assert jobs == [{"task_name": "task", "args": '{"n": 1}'}]


async def test_another_violation_than_the_lock_is_no_silence(app: FastAPI) -> None:
    with pytest.raises(IntegrityError):
        async with app.state.database.transaction() as session:
            await enqueue(session, None, args={}, queueing_lock="lock")  # type: ignore[arg-type]  # the fault


async def test_the_database_answers(app: FastAPI) -> None:
    await app.state.database.ping()
