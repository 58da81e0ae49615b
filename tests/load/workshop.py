"""One worker as it is deployed, with servers and a site of its own, and jobs that begin when told to."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
from asgi_lifespan import LifespanManager
from httpx2 import ASGITransport, AsyncClient

from app.core.schema_version import ROOT
from app.local.account import server_account
from app.local.data_directory import throw_away_directory
from app.local.ports import LOOPBACK, free_port
from app.local.process import Child, Command
from app.local.stack import Stack, base_environment, precis
from app.main import create_app
from app.settings import load_settings
from tests.factories import Factory, Person
from tests.fixtures import BASE_URL

SUMMARIES = "/api/v1/summaries"
SUBMITTED_AT_ONCE = 8
START_SECONDS = 120.0
TICKS = os.sysconf("SC_CLK_TCK")
# A queue that no worker reads, and the way out of it: what was submitted begins at one moment.
HOLD = "UPDATE procrastinate_jobs SET queue_name = 'held' WHERE status = 'todo'"
RELEASE = (
    "UPDATE procrastinate_jobs SET queue_name = 'default' WHERE queue_name = 'held'"
    " AND task_name = 'summaries.summarise' AND (args->>'summary_id')::uuid = ANY($1)"
)
WAKE = """SELECT pg_notify('procrastinate_queue_v1#default', '{"type": "job_inserted", "job_id": 0}')"""
# Of jobs, not of summaries: those are shown to their tenant alone.
ENDED = (
    "SELECT (job.args->>'summary_id')::uuid AS id, extract(epoch FROM max(event.at)) AS at"
    " FROM procrastinate_jobs job JOIN procrastinate_events event ON event.job_id = job.id"
    " WHERE job.status NOT IN ('todo', 'doing') AND (job.args->>'summary_id')::uuid = ANY($1)"
    " AND event.type IN ('succeeded', 'failed', 'cancelled', 'aborted') GROUP BY 1"
)
WORKERS = "SELECT count(*) FROM procrastinate_workers"


@dataclass(frozen=True, slots=True)
class Ended:
    """`seconds` since the release, by summary; so many `failed` of all that this worker has had."""

    seconds: Mapping[UUID, float]
    failed: int


@dataclass(frozen=True, slots=True)
class Processor:
    """Seconds of processor time: of the worker itself, its children, and both servers."""

    worker: float
    children: float
    postgres: float
    valkey: float

    def since(self, before: "Processor") -> "Processor":
        pairs = zip(self.values, before.values, strict=True)
        return Processor(*(after - earlier for after, earlier in pairs))

    @property
    def values(self) -> tuple[float, float, float, float]:
        return self.worker, self.children, self.postgres, self.valkey


class Workshop:
    def __init__(self, stack: Stack, site: str, client: AsyncClient, database: asyncpg.Connection) -> None:
        self._stack = stack
        self._site = site
        self._client = client
        self._database = database

    async def submit(self, person: Person, targets: Sequence[str]) -> list[UUID]:
        """Held until they are released."""
        places = asyncio.Semaphore(SUBMITTED_AT_ONCE)

        async def one(target: str) -> UUID:
            async with places:
                body = {"url": f"http://{self._site}/{target}"}
                answer = await self._client.post(SUMMARIES, json=body, headers=person.headers)
                return UUID(answer.raise_for_status().json()["id"])

        ids = await asyncio.gather(*(one(target) for target in targets))
        await self._database.execute(HOLD)
        return ids

    async def release(self, ids: Sequence[UUID]) -> float:
        """The moment, by the database's clock."""
        await self._database.execute(RELEASE, list(ids))
        await self._database.execute(WAKE)
        moment: float = await self._database.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        return moment

    async def ended(self, ids: Sequence[UUID], *, since: float, patience: float) -> Ended:
        """Raises TimeoutError."""
        deadline = time.monotonic() + patience
        while len(rows := await self._database.fetch(ENDED, list(ids))) < len(ids):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(rows)} of {len(ids)}")
            await asyncio.sleep(0.1)
        seconds = {row["id"]: float(row["at"]) - since for row in rows}
        (log,) = (child.command.log for child in self._stack.children if child.name == "worker")
        return Ended(seconds, log.read_text("utf-8").count("summary_failed") if log else 0)

    async def await_worker(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not await self._database.fetchval(WORKERS):
            if time.monotonic() > deadline:
                raise TimeoutError("no worker")
            await asyncio.sleep(0.1)

    def processor(self) -> Processor:
        pids = {child.name: child.pid for child in self._stack.children}
        worker = _own(pids["worker"])
        return Processor(
            worker,
            family_seconds(pids["worker"]) - worker,
            family_seconds(pids["postgres"]) if "postgres" in pids else 0.0,
            family_seconds(pids["valkey"]) if "valkey" in pids else 0.0,
        )


@asynccontextmanager
async def workshop(stack: Stack, site: str) -> AsyncIterator[tuple[Workshop, Factory]]:
    app = create_app(load_settings())
    owner = stack.environment["MIGRATION_DATABASE_URL"].replace("+asyncpg", "")
    database = await asyncpg.connect(owner)
    try:
        transport = ASGITransport(app=app, client=("127.0.0.1", 1))
        async with LifespanManager(app), AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield Workshop(stack, site, client, database), Factory(app)
    finally:
        await database.close()


@contextmanager
def kept_environment() -> Iterator[None]:
    """As it was: the next one's servers are not these."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def stacked(directories: Sequence[Path]) -> Iterator[tuple[Stack, str]]:
    """Servers, the site and one worker; the address of the site."""
    with throw_away_directory(server_account()) as folder, kept_environment():
        port = free_port()
        wanted = {
            "LOG_LEVEL": "INFO",
            "RATE_LIMIT_SCALE": "1000000",
            "FETCH_ALLOW_HOSTS": f"{LOOPBACK}:{port}",
        }
        environment = {**base_environment(os.environ, folder, host=LOOPBACK), **wanted}
        stack = Stack(folder, server_account(), environment)
        try:
            stack.start_servers(load_settings())
            stack.run_once("migrate")
            site = [sys.executable, "-m", "tests.load.site", str(port), *map(str, directories)]
            _start(stack, "samples", site)
            _start(stack, "worker", precis("worker"))
            os.environ.update(stack.environment, LOG_LEVEL="ERROR")
            yield stack, f"{LOOPBACK}:{port}"
        finally:
            stack.stop()


def _start(stack: Stack, name: str, command: Sequence[str]) -> None:
    log = stack.folder / f"{name}.log"
    stack.children.append(
        Child(name, Command(command, environment=stack.environment, directory=ROOT, log=log))
    )


def _own(pid: int) -> float:
    user, system, *_ = _times(pid)
    return user + system


def family_seconds(pid: int) -> float:
    """Of processor time, with all below it, those that have ended among them."""
    found = sum(_times(pid))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += sum(family_seconds(int(child)) for child in (thread / "children").read_text().split())
    return found


def _times(pid: int) -> tuple[float, ...]:
    """Of itself by user and system, and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return tuple(int(field) / TICKS for field in fields[11:15])
