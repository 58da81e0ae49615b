"""The staff's dashboard beside a million summaries, and what its counts cost whoever writes.

`python -m tests.load.dashboard [--summaries 1000000] [--organizations 1000]` starts its own servers. Ratios
hold, absolute figures are this machine's.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text

from app.admin.store import fold_tallies
from app.core.db import Database
from app.core.principal import StaffRole
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.valkey import start_valkey
from app.main import create_app
from app.settings import Settings
from tests.factories import Factory, Person
from tests.load.audit import served

ASKED = 500
WRITTEN = 400
UNFOLDED = 10_000
# Rows as they are after a life of work; in one statement, as a restore or COPY would bring them.
ADD_TENANTS = """
INSERT INTO users (id, username, email, hashed_password, role, is_active, is_verified)
SELECT gen_random_uuid(), 'load' || n, 'load' || n || '@example.com', '', 'user', n % 10 > 0, true
FROM generate_series(1, {organizations}) n;
INSERT INTO organizations (id, name, is_personal, plan)
SELECT id, username, true, CASE WHEN random() < 0.1 THEN 'pro' ELSE 'free' END FROM users
WHERE username LIKE 'load%';
INSERT INTO memberships (organization_id, user_id, role)
SELECT id, id, 'owner' FROM users WHERE username LIKE 'load%'
"""
ADD_SUMMARIES = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, title, summary, created_at)
SELECT gen_random_uuid(), o.ids[1 + n % array_length(o.ids, 1)], o.ids[1 + n % array_length(o.ids, 1)],
    CASE n % 50 WHEN 0 THEN 'failed' WHEN 1 THEN 'queued' ELSE 'ready' END, 1, 1, 'private', 'text', '{{}}',
    '{{}}', '[]', false, 'extractive', '{{}}', '{{}}', '{{}}', 'A title', repeat('A sentence. ', 10),
    now() - n * interval '1 second'
FROM generate_series({first}, {last}) n,
    (SELECT array_agg(id) AS ids FROM organizations WHERE name LIKE 'load%') o
"""
ADD_MOVES = (
    "INSERT INTO tally_moves SELECT 'summaries', 'queued', 'ready', 1 FROM generate_series(1, {many});"
    " INSERT INTO tally_moves SELECT 'summaries', 'ready', 'queued', 1 FROM generate_series(1, {many})"
)
SCAN = "SELECT status, count(*) FROM summaries WHERE deleted_at IS NULL GROUP BY status"
TO_AND_FRO = (
    "UPDATE summaries SET status = CASE status WHEN 'ready' THEN 'queued' ELSE 'ready' END"
    " WHERE id = (SELECT id FROM summaries WHERE status = 'ready' LIMIT 1 OFFSET {offset})"
)
BATCH = 100_000


@dataclass(frozen=True, slots=True)
class Size:
    organizations: int
    summaries: int


@dataclass(frozen=True, slots=True)
class Scene:
    client: AsyncClient
    staff: Person
    superuser: Database

    async def run(self, statements: str) -> None:
        async with self.superuser.transaction() as session:
            for statement in statements.split(";"):
                await session.execute(text(statement))

    async def ask(self, path: str) -> None:
        answer = await self.client.get(f"/api/v1/admin/{path}", headers=self.staff.headers)
        answer.raise_for_status()


@contextmanager
def remembering() -> Iterator[str]:
    """A Valkey, as without one each request would ask PostgreSQL who it is from."""
    with tempfile.TemporaryDirectory(prefix="precis-load-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        account = server_account()
        valkey = start_valkey(find_binaries(account, path / "bin"), path / "valkey", account)
        try:
            yield valkey.url
        finally:
            valkey.stop()


async def milliseconds(step: Callable[[], Awaitable[object]], *, times: int = ASKED) -> dict[str, float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await step()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return {
        "p50_ms": round(statistics.median(taken), 2),
        "p99_ms": round(taken[int(len(taken) * 0.99) - 1], 2),
    }


async def load(scene: Scene, size: Size) -> float:
    began = time.perf_counter()
    await scene.run(ADD_TENANTS.format(organizations=size.organizations))
    for first in range(1, size.summaries + 1, BATCH):
        last = min(first + BATCH - 1, size.summaries)
        await scene.run(ADD_SUMMARIES.format(first=first, last=last))
    await scene.run("ANALYZE")
    return round(time.perf_counter() - began, 1)


async def look(scene: Scene, app: FastAPI) -> dict[str, object]:
    async def scan() -> None:
        await scene.run(SCAN)

    found: dict[str, object] = {"unfolded": await milliseconds(lambda: scene.ask("dashboard"))}
    await fold_tallies(app.state.database)
    found["folded"] = await milliseconds(lambda: scene.ask("dashboard"))
    await scene.run(ADD_MOVES.format(many=UNFOLDED // 2))
    found[f"with_{UNFOLDED}_unfolded"] = await milliseconds(lambda: scene.ask("dashboard"))
    began = time.perf_counter()
    folded = await fold_tallies(app.state.database)
    found["folding"] = {"moves": folded, "ms": round((time.perf_counter() - began) * 1000, 1)}
    for name, path in {"users_by_prefix": "users?q=load99", "organizations": "organizations?q=load9"}.items():
        found[name] = await milliseconds(lambda path=path: scene.ask(path))  # type: ignore[misc]  # mypy infers no default
    found["a_scan_of_the_summaries"] = await milliseconds(scan, times=10)
    return found


async def cost_of_a_trigger(scene: Scene) -> dict[str, float]:
    """One change of a summary's status, a transaction each, with its trigger and without, by turns."""
    taken: dict[str, list[float]] = {"ENABLE": [], "DISABLE": []}
    for number in range(WRITTEN):
        state = "ENABLE" if number % 2 else "DISABLE"
        await scene.run(f"ALTER TABLE summaries {state} TRIGGER tally_moved")
        began = time.perf_counter()
        await scene.run(TO_AND_FRO.format(offset=number))
        taken[state].append((time.perf_counter() - began) * 1000)
    counted, plain = (statistics.median(taken[state]) for state in ("ENABLE", "DISABLE"))
    return {"counted_ms": round(counted, 3), "plain_ms": round(plain, 3), "ms": round(counted - plain, 3)}


async def measure(app: FastAPI, superuser_url: str, size: Size) -> dict[str, object]:
    settings: Settings = app.state.settings
    patient = settings.model_copy(update={"db_statement_timeout_seconds": 600})
    superuser = Database.from_settings(patient, url=superuser_url)
    transport = ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with LifespanManager(app), AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        staff = await Factory(app).person("root", role=StaffRole.SUPER_ADMIN)
        scene = Scene(client, staff, superuser)
        found: dict[str, object] = {"loaded_in_seconds": await load(scene, size)}
        found |= await look(scene, app)
        found["one_change_counted"] = await cost_of_a_trigger(scene)
    await superuser.dispose()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summaries", type=int, default=1_000_000)
    parser.add_argument("--organizations", type=int, default=1000)
    arguments = parser.parse_args()
    size = Size(arguments.organizations, arguments.summaries)
    with served() as (settings, superuser_url), remembering() as redis_url:
        busy = settings.model_copy(update={"rate_limit_scale": 1000, "redis_url": redis_url})
        found = asyncio.run(measure(create_app(busy), superuser_url, size))
    print(json.dumps(found, indent=2))  # noqa: T201  # a script's result


if __name__ == "__main__":
    main()
