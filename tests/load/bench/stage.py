"""What is measured, started: one API worker as it is deployed, one floor worker, PostgreSQL and Valkey.

Both ask the same servers. The API has all that production has: its limits (a million times higher, so that
none refuses), figures, an access log in a file, row-level security.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import asyncpg
import jwt
from asgi_lifespan import LifespanManager
from httpx2 import Client, TransportError
from redis.asyncio import Redis
from sqlalchemy import text

from app.core.db import Database, Tenant
from app.core.ids import new_id
from app.core.refresh_tokens import RefreshTokens
from app.core.schema_version import ROOT
from app.local.account import LocalServerError, server_account
from app.local.data_directory import throw_away_directory
from app.local.ports import LOOPBACK, free_port, url_of
from app.local.process import Child, Command
from app.local.stack import Stack, base_environment, precis
from app.main import create_app
from app.settings import Settings, load_settings
from app.settings_parsing import to_libpq_url
from tests.factories import Factory, Person, Robot
from tests.load.bench.wrk import Request

FLOOR_KEY = "a key of thirty-two characters !"
SUMMARIES = "/api/v1/summaries"
TEXT = "The river rose by two metres in a night. " * 40
TENANTS = 32
LOG_TAIL = 4000
# Rows of one statement: its time is what a request's statement may take.
AT_ONCE = 2000
START_SECONDS, WORK_SECONDS = 20.0, 60.0
# The reader's own shelf, each row as the worker left the first.
MULTIPLY = """
INSERT INTO summaries SELECT made.*
FROM summaries s, unnest(CAST(:ids AS uuid[])) WITH ORDINALITY ids(id, n), LATERAL jsonb_populate_record(
    s, jsonb_build_object('id', ids.id, 'created_at', s.created_at - ids.n * interval '1 second')) made
WHERE s.id = :first
"""
LOGINS = """
INSERT INTO auth_sessions SELECT made.*
FROM auth_sessions s, unnest(CAST(:ids AS uuid[])) ids(id),
    LATERAL jsonb_populate_record(s, jsonb_build_object('id', ids.id)) made
WHERE s.id = :first
"""


# What nginx adds; in production the API sends plain http away.
BEHIND_PROXY = (("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"))


@dataclass(frozen=True, slots=True)
class Server:
    """`added`: headers of the proxy before it."""

    url: str
    pid: int
    added: tuple[tuple[str, str], ...] = ()

    def reached(self, request: Request) -> Request:
        """As it arrives."""
        return replace(request, headers=(*request.headers, *self.added))


@dataclass(frozen=True, slots=True)
class Cast:
    """`summaries` are the reader's, ready; `refresh_tokens` each of a session of its own."""

    reader: Person
    robot: Robot
    writers: list[Person]
    summaries: list[UUID]
    refresh_tokens: list[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """`others`: APIs of other checkouts; `floor_token` opens the floor; `servers`: names and versions."""

    api: Server
    others: list[Server]
    floor: Server
    cast: Cast
    floor_token: str
    settings: Settings
    servers: str


@contextmanager
def staged(*, rows: int, others: Sequence[Path] = ()) -> Iterator[Stage]:
    """`rows`: summaries of the reader, and sessions to refresh. `others`: checkouts that know our schema."""
    with throw_away_directory(server_account()) as folder:
        environment = base_environment(os.environ, folder, host=LOOPBACK)
        stack = Stack(folder, server_account(), environment)
        try:
            stack.start_servers(load_settings())
            stack.environment |= _as_in_production(folder)
            stack.run_once("keys", "init", stack.environment["JWT_KEYS_DIR"])
            stack.run_once("migrate")
            yield _raised(stack, rows=rows, others=others)
        finally:
            stack.stop()


def _as_in_production(folder: Path) -> dict[str, str]:
    """What a process demands there; that no plan's quota is reached and no limit refuses is ours alone."""
    return {
        "ENVIRONMENT": "production",
        "JWT_KEYS_DIR": str(folder / "keys"),
        "PUBLIC_URL": "https://precis.example",
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "json",
        # No pooler in transaction mode stands between; the floor keeps its statements too.
        "DB_PREPARED_STATEMENTS": "100",
        "RATE_LIMIT_SCALE": "1000000",
        "WEB_CONCURRENCY": "1",
    }


def _raised(stack: Stack, *, rows: int, others: Sequence[Path]) -> Stage:
    api = _serving(stack, ROOT)
    os.environ.update(stack.environment)
    settings = load_settings()
    cast = asyncio.run(_cast(stack, settings, api.url, rows=rows))
    asyncio.run(_analysed(stack))
    token = jwt.encode({"sub": "reader", "jti": "one"}, FLOOR_KEY, algorithm="HS256")
    more = [_serving(stack, directory) for directory in others]
    return Stage(api, more, _floor(stack), cast, token, settings, asyncio.run(_versions(settings)))


def _serving(stack: Stack, directory: Path) -> Server:
    """This checkout's."""
    port = free_port()
    log, environment = stack.folder / f"api-{port}.log", {**stack.environment, "PORT": str(port)}
    api = Child("serve", Command(precis("serve"), environment=environment, directory=directory, log=log))
    stack.children.append(api)
    url = url_of(LOOPBACK, port)
    try:
        stack.wait_until_ready(url, api)
    except LocalServerError as error:
        error.add_note(log.read_text("utf-8")[-LOG_TAIL:])
        raise
    return Server(url, _child_of(api.pid), BEHIND_PROXY)


async def _analysed(stack: Stack) -> None:
    """As the server does by itself within a minute: what nobody knows the size of is planned for nobody."""
    owner = await asyncpg.connect(to_libpq_url(stack.environment["MIGRATION_DATABASE_URL"]))
    await owner.execute("ANALYZE")
    await owner.close()


async def _versions(settings: Settings) -> str:
    database, redis = Database.from_settings(settings), Redis.from_url(settings.redis_url)
    async with database.transaction() as session:
        postgres = await session.scalar(text("SHOW server_version"))
    about = await redis.info("server")
    await redis.aclose()
    await database.dispose()
    return f"PostgreSQL {postgres}, Valkey {about['valkey_version']}"


def _floor(stack: Stack) -> Server:
    port = free_port()
    owner = stack.environment["MIGRATION_DATABASE_URL"].replace("+asyncpg", "")
    names = {"PG_DSN": owner, "REDIS_URL": stack.environment["REDIS_URL"], "JWT_KEY": FLOOR_KEY}
    target = "tests.load.bench.floor:app"
    options = ["--port", str(port), "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    command = Command(
        [sys.executable, "-m", "uvicorn", target, *options],
        environment={**os.environ, **names},
        directory=ROOT,
        log=stack.folder / "floor.log",
    )
    child = Child("serve", command)
    stack.children.append(child)
    url = url_of(LOOPBACK, port)
    _await_answer(f"{url}/hello")
    return Server(url, child.pid)


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                client.get(url)
            except TransportError:
                time.sleep(0.1)
            else:
                return
    raise TimeoutError(url)


def _child_of(master: int) -> int:
    """The one worker of gunicorn's master."""
    (child,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(child)


async def _cast(stack: Stack, settings: Settings, url: str, *, rows: int) -> Cast:
    app = create_app(settings)
    async with LifespanManager(app):
        factory = Factory(app)
        reader = await factory.person("reader")
        robot = await factory.robot(reader)
        writers = [await factory.person(f"writer{number}") for number in range(TENANTS)]
        for person in (reader, *writers):
            await factory.enlarge(person)
        first = await asyncio.to_thread(_summarised, stack, url, reader)
        summaries, sessions = ([new_id() for _ in range(rows)] for _ in range(2))
        tenant = Tenant(reader.organization_id, reader.user_id)
        for begin in range(0, rows, AT_ONCE):
            async with app.state.database.transaction(tenant) as session:
                some = slice(begin, begin + AT_ONCE)
                await session.execute(text(MULTIPLY), {"first": first, "ids": summaries[some]})
                await session.execute(text(LOGINS), {"first": reader.session_id, "ids": sessions[some]})
        minted = RefreshTokens.from_secret(settings.signing_secret)
        tokens = [minted.mint(session_id, counter=0) for session_id in sessions]
        return Cast(reader, robot, writers, [first, *summaries], tokens)


def _summarised(stack: Stack, url: str, reader: Person) -> UUID:
    """One that the worker has made, which is then sent home: nothing works beside a measurement."""
    worker = Child("worker", Command(precis("worker"), environment=stack.environment, directory=ROOT))
    try:
        headers = {**reader.headers, **dict(BEHIND_PROXY)}
        with Client(base_url=url, headers=headers, trust_env=False) as client:
            created = client.post(SUMMARIES, json={"text": TEXT}).raise_for_status().json()
            deadline = time.monotonic() + WORK_SECONDS
            while client.get(f"{SUMMARIES}/{created['id']}").json()["status"] != "ready":
                if time.monotonic() > deadline:
                    raise TimeoutError(created["id"])
                time.sleep(0.2)
        return UUID(created["id"])
    finally:
        worker.stop()
