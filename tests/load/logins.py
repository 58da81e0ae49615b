"""Logins at once through the whole app: how many a second, and how late the event loop runs meanwhile.

`python -m tests.load.logins` starts a PostgreSQL and a Valkey of its own. Clients, app and servers share the
machine; each login is one of argon2 with production's parameters, a tally, a session and two audit entries.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from alembic import command
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.migrations import alembic_config
from app.core.roles import RolePasswords, bootstrap
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.postgres import start_postgres
from app.local.valkey import start_valkey
from app.main import create_app
from app.settings import Settings, load_settings
from tests.factories import PASSWORD, Factory

URL = "/api/v1/auth/token"
TICK_SECONDS = 0.005


@dataclass
class Measured:
    """Times in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)


@contextmanager
def started() -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="precis-load-") as folder:
        path = Path(folder)
        path.chmod(0o755)  # the servers may run as an account of their own
        account = server_account()
        binaries = find_binaries(account, path / "bin")
        postgres = start_postgres(binaries, path / "postgres", account, durable=True)
        valkey = start_valkey(binaries, path / "valkey", account)
        try:
            yield _settings(postgres.url(), valkey.url, path / "keys")
        finally:
            valkey.stop()
            postgres.stop()


def _settings(superuser_url: str, redis_url: str, keys: Path) -> Settings:
    passwords = RolePasswords("owner-of-throw-away-data", "reader-of-throw-away-data")
    urls = asyncio.run(bootstrap(superuser_url, database="precis", passwords=passwords))
    settings = load_settings(
        environment="testing",
        database_url=urls.rw,
        migration_database_url=urls.owner,
        redis_url=redis_url,
        jwt_keys_dir=keys,
        secret_key="a secret of forty characters for tests..",
        rate_limit_scale=100_000.0,
        log_level="WARNING",
    )
    command.upgrade(alembic_config(settings.migration_database_url), "head")
    return settings


async def measure(app: FastAPI, *, clients: int, logins: int) -> tuple[Measured, float]:
    """Of each client so many logins, one after the other; and the seconds that it took."""
    factory, measured = Factory(app), Measured()
    names = [(await factory.person(f"person{number}")).username for number in range(clients)]
    watching = asyncio.create_task(_watch(measured.lags))
    began = time.perf_counter()
    await asyncio.gather(*(_log_in(app, name, times=logins, measured=measured) for name in names))
    elapsed = time.perf_counter() - began
    watching.cancel()
    return measured, elapsed


async def _watch(lags: list[float]) -> None:
    """How much later than asked a sleeper wakes."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        lags.append(time.perf_counter() - began - TICK_SECONDS)


async def _log_in(app: FastAPI, username: str, *, times: int, measured: Measured) -> None:
    transport = ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=60) as client:
        for _ in range(times):
            began = time.perf_counter()
            answer = await client.post(URL, data={"username": username, "password": PASSWORD})
            measured.latencies.append(time.perf_counter() - began)
            measured.statuses[answer.status_code] += 1


async def run(app: FastAPI, *, clients: int, logins: int) -> None:
    async with LifespanManager(app):
        measured, elapsed = await measure(app, clients=clients, logins=logins)
    rate = measured.statuses[200] / elapsed
    _say(f"{clients} at once, {sum(measured.statuses.values())} logins in {elapsed:.1f} s: {rate:.1f}/s")
    _say(
        f"answers: {dict(measured.statuses)}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    for name, times in (("latency", measured.latencies), ("event-loop lag", measured.lags)):
        _say(f"{name}: p50 {_ms(times, 50)}, p95 {_ms(times, 95)}, p99 {_ms(times, 99)} ms")


def _ms(times: Sequence[float], percent: int) -> str:
    return f"{statistics.quantiles(times, n=100)[percent - 1] * 1000:.1f}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--logins", type=int, default=10, help="of each client")
    arguments = parser.parse_args()
    with started() as settings:
        app = create_app(settings)
        asyncio.run(run(app, clients=arguments.clients, logins=arguments.logins))


if __name__ == "__main__":
    main()
