"""What the walls between tenants and the audit log cost, and whether a foreign id can be told by the clock.

`python -m tests.load.tenancy [--rounds 400]` starts a PostgreSQL and a Valkey of its own. Each pair is
measured by turns; ratios hold, absolute figures are this machine's.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import event, text

from app.core.db import Database, Tenant
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.valkey import start_valkey
from app.main import create_app
from app.organizations.invitations.tokens import InvitationTokens
from app.settings import Settings
from tests.factories import Factory
from tests.fixtures import BASE_URL
from tests.isolation.walk import Walk, names, site_of, walking
from tests.isolation.world import Builder, Holding
from tests.load.audit import served
from tests.site_map import Route

TENANTS, SUMMARIES_EACH = 200, 500
FOREIGN_ROUNDS = 100
BYPASS = "reader-past-the-wall"
# What a request of the application asks, its own tenant filter and all.
QUERIES = {
    "read_one": "SELECT * FROM summaries WHERE organization_id = :organization AND id = :id",
    "list_20": "SELECT * FROM summaries WHERE organization_id = :organization"
    " ORDER BY created_at DESC, id DESC LIMIT 20",
    "count_500": "SELECT count(*) FROM summaries WHERE organization_id = :organization"
    " AND deleted_at IS NULL",
}
ADD_BYPASS = f"""
CREATE ROLE app_bypass LOGIN BYPASSRLS PASSWORD '{BYPASS}';
GRANT USAGE ON SCHEMA public TO app_bypass;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_bypass;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_bypass;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app_bypass
"""
ADD_ORGANIZATIONS = """
INSERT INTO organizations (id, name, is_personal, plan)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'load', false, 'free'
FROM generate_series(1, :tenants) n
"""
ADD_SUMMARIES = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages, created_at)
SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad((n % :tenants + 1)::text, 12, '0'))::uuid,
    :user_id, 'ready', 0, 1, 'organization', 'text', '{}', '{}', '[]', false, 'extractive', '{}', '{}', '{}',
    now() - n * interval '1 second'
FROM generate_series(1, :rows) n
"""
SOME = "SELECT organization_id, id, user_id FROM summaries ORDER BY md5(id::text) LIMIT 200"
Step = Callable[[], Awaitable[object]]


async def undisturbed(rounds: int, **steps: Step) -> dict[str, float]:
    """Milliseconds of each, by turns, at the fastest tenth: others use this machine too."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 20):
        order = list(steps) if number % 2 else list(reversed(steps))
        for name in order:
            began = time.perf_counter()
            await steps[name]()
            times[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.quantiles(values[20:], n=10)[0] for name, values in times.items()}


def compared(found: dict[str, float], *, base: str, other: str) -> dict[str, float]:
    return {
        f"{base}_ms": round(found[base], 3),
        f"{other}_ms": round(found[other], 3),
        "extra_ms": round(found[other] - found[base], 3),
        "ratio": round(found[other] / found[base], 3),
    }


async def cost_of_policies(databases: dict[str, Database], some: Any, *, rounds: int) -> dict[str, Any]:
    """One transaction with one query, the tenant named at its beginning. Any: rows, and a report."""
    report: dict[str, Any] = {}
    for name, query in QUERIES.items():
        turns = {role: _transactions(database, query, some) for role, database in databases.items()}
        found = await undisturbed(rounds, **turns)
        report[name] = compared(found, base="bypassing", other="app_rw")
    silent = _transactions(databases["app_rw"], "SELECT 1", [])
    naming = _transactions(databases["app_rw"], "SELECT 1", some)
    found = await undisturbed(rounds, silent=silent, naming_the_tenant=naming)
    report["announcement"] = compared(found, base="silent", other="naming_the_tenant")
    return report


def _transactions(database: Database, query: str, some: Any) -> Step:  # Any: rows
    turn = iter(range(10**9))

    async def run() -> None:
        row = some[next(turn) % len(some)] if some else None
        wanted = {"organization": row.organization_id, "id": row.id} if row else {}
        parameters = {name: value for name, value in wanted.items() if f":{name}" in query}
        tenant = Tenant(row.organization_id, row.user_id) if row else None
        async with database.transaction(tenant) as session:
            (await session.execute(text(query), parameters)).all()

    return run


@dataclass(frozen=True, slots=True)
class Bench:
    """The app on its own role and on one that bypasses the policies, in front of the same rows."""

    app: FastAPI
    bypassing: FastAPI
    walks: dict[str, Walk]
    holding: Holding
    other: Holding
    rounds: int


async def cost_per_request(bench: Bench) -> dict[str, Any]:  # Any: a report
    place = f"/api/v1/organizations/{bench.holding.organization_id}"
    report: dict[str, Any] = {}
    for path in ("/api/v1/summaries", "/api/v1/summaries/count", f"{place}/members", f"{place}/audit-log"):
        steps = {name: _get(walk, path) for name, walk in bench.walks.items()}
        found = await undisturbed(bench.rounds, **steps)
        report[path.replace(str(bench.holding.organization_id), "{id}")] = compared(
            found, base="bypassing", other="app_rw"
        )
    return report


def _get(walk: Walk, path: str) -> Step:
    async def run() -> None:
        answer = await walk.client.get(path, headers=walk.headers)
        assert answer.status_code == 200, answer.text

    return run


async def cost_of_audit(bench: Bench) -> dict[str, Any]:  # Any: a report
    """The same writing request with its entry, and with the INSERT of the entry left out."""
    place = f"/api/v1/organizations/{bench.holding.organization_id}"
    calls: dict[str, tuple[str, str, dict[str, object]]] = {
        "PATCH organization": ("PATCH", place, {"support_access": True}),
        "PATCH member": ("PATCH", f"{place}/members/{bench.holding.ids['user_id']}", {"role": "viewer"}),
    }
    report = {}
    for name, (method, path, body) in calls.items():
        recorded = _write(bench.walks["app_rw"], method, path, body)

        async def silent(recorded: Step = recorded) -> None:
            with without_entries(bench.app):
                await recorded()

        found = await undisturbed(bench.rounds, without_entry=silent, with_entry=recorded)
        report[name] = compared(found, base="without_entry", other="with_entry")
    return report


def _write(walk: Walk, method: str, path: str, body: dict[str, object]) -> Step:
    async def run() -> None:
        answer = await walk.client.request(method, path, json=body, headers=walk.headers)
        assert answer.status_code == 200, answer.text

    return run


@contextmanager
def without_entries(app: FastAPI) -> Iterator[None]:
    def skip(_cursor: Any, statement: str, _parameters: Any, _context: Any) -> bool:  # Any: SQLAlchemy's own
        """True: SQLAlchemy takes it for done."""
        return statement.startswith("INSERT INTO audit_entries")

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "do_execute", skip)
    try:
        yield
    finally:
        event.remove(engine, "do_execute", skip)


async def foreign_against_missing(bench: Bench) -> dict[str, Any]:  # Any: a report
    """`told_apart`: how often a foreign answer took longer than a missing one; 0.5 tells nothing."""
    walk = bench.walks["app_rw"]
    report = {}
    for route in site_of(bench.app):
        for number, (foreign, missing) in enumerate(walk.aims(bench.other)):
            elsewhere = number == 0 or "{organization_id}" in route.path
            if elsewhere and names(route, foreign, missing) and "/admin/" not in route.path:
                where = "their place" if number == 0 else "my place"
                report[f"{route.name} ({where})"] = await _told_apart(
                    walk, route, foreign, missing, rounds=min(bench.rounds, FOREIGN_ROUNDS)
                )
    worst = sorted(report.items(), key=lambda item: -abs(item[1]["told_apart"] - 0.5))
    return {"routes": len(report), "worst": dict(worst[:5])}


async def _told_apart(
    walk: Walk, route: Route, foreign: Holding, missing: Holding, *, rounds: int
) -> dict[str, float]:
    times: dict[int, list[float]] = {0: [], 1: []}
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            await walk.call(route, (foreign, missing)[which])
            times[which].append((time.perf_counter() - began) * 1000)
    later = sum((a > b) + (a == b) / 2 for a in times[0] for b in times[1])
    difference = statistics.median(times[0]) - statistics.median(times[1])
    return {"median_difference_ms": round(difference, 4), "told_apart": round(later / rounds**2, 3)}


async def prepare(superuser: Database, user_id: Any) -> Any:  # Any: an id, rows
    async with superuser.transaction() as session:
        for statement in ADD_BYPASS.split(";"):
            await session.execute(text(statement))
        await session.execute(text(ADD_ORGANIZATIONS), {"tenants": TENANTS})
        rows = {"tenants": TENANTS, "rows": TENANTS * SUMMARIES_EACH, "user_id": user_id}
        await session.execute(text(ADD_SUMMARIES), rows)
        await session.execute(text("ANALYZE"))
        return (await session.execute(text(SOME))).all()


async def measure(apps: dict[str, FastAPI], superuser_url: str, *, rounds: int) -> dict[str, Any]:
    """Any: a report."""
    settings: Settings = apps["app_rw"].state.settings
    patient = settings.model_copy(update={"db_statement_timeout_seconds": 600})
    superuser = Database.from_settings(patient, url=superuser_url)
    app, bypassing = apps["app_rw"], apps["bypassing"]
    async with LifespanManager(app):
        tokens = InvitationTokens.from_secret(settings.signing_secret)
        async with AsyncClient(transport=ASGITransport(app=app), base_url=BASE_URL) as client:
            builder = Builder(client, Factory(app), tokens)
            holding, other = await builder.holding("alice"), await builder.holding("zoe")
        some = await prepare(superuser, holding.owner.user_id)
        async with (
            LifespanManager(bypassing),
            walking(app, holding) as one,
            walking(bypassing, holding) as two,
        ):
            walks = {"app_rw": one, "bypassing": two}
            bench = Bench(app, bypassing, walks, holding, other, rounds)
            databases = {name: each.state.database for name, each in apps.items()}
            report = {
                "policies_per_transaction": await cost_of_policies(databases, some, rounds=rounds),
                "policies_per_request": await cost_per_request(bench),
                "audit_per_request": await cost_of_audit(bench),
                "foreign_against_missing": await foreign_against_missing(bench),
            }
    await superuser.dispose()
    return report


def as_bypassing(url: str) -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"app_bypass:{BYPASS}@{place}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        settings, superuser_url = stack.enter_context(served())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="precis-load-")))
        folder.chmod(0o755)
        account = server_account()
        valkey = start_valkey(find_binaries(account, folder / "bin"), folder / "valkey", account)
        stack.callback(valkey.stop)
        wanted = {"redis_url": valkey.url, "jwt_keys_dir": folder / "keys", "rate_limit_scale": 100_000}
        own = settings.model_copy(update=wanted)
        past = own.model_copy(update={"database_url": as_bypassing(own.database_url)})
        apps = {"app_rw": create_app(own), "bypassing": create_app(past)}
        found = asyncio.run(measure(apps, superuser_url, rounds=arguments.rounds))
    print(json.dumps(found, indent=2))  # noqa: T201  # a script's result


if __name__ == "__main__":
    main()
