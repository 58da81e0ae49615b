"""Throw-away servers, one of each per test process; a fresh database and empty counters per test.

Where DATABASE_URL or REDIS_URL is set, that server is used instead; DATABASE_URL must then be a superuser's.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from alembic import command

from app.core.migrations import alembic_config
from app.core.roles import RolePasswords, RoleUrls, bootstrap
from app.local.account import server_account
from app.local.binaries import Binaries, find_binaries
from app.local.postgres import start_postgres
from app.local.valkey import start_valkey
from app.settings import load_settings
from app.settings_parsing import to_libpq_url
from tests.core.own_valkey import OwnValkey

MEMORY = Path("/dev/shm")  # noqa: S108  # its files are of a directory of ours with a random name
MEMORY_NEEDED = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One test's database, as each role sees it."""

    rw: str
    owner: str
    superuser: str


@dataclass(frozen=True, slots=True)
class Template:
    """A migrated database to copy; `name` is made anew for every run."""

    name: str
    superuser_url: str
    role_urls: RoleUrls
    # One connection makes and drops all copies: two more for each test were a tenth of its time.
    superuser: "psycopg.Connection[tuple[object, ...]]"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    # Not pytest's own: it is 0700, where the servers' unprivileged account could not go.
    with tempfile.TemporaryDirectory(prefix="precis-test-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def data_folder() -> Iterator[Path]:
    """In memory where there is room: a database is a thousand small files, half a second on some disks."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
    with tempfile.TemporaryDirectory(prefix="precis-test-", dir=MEMORY if has_room else None) as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def binaries(server_folder: Path) -> Binaries:
    return find_binaries(server_account(), server_folder / "bin")


@pytest.fixture(scope="session")
def superuser_url(binaries: Binaries, data_folder: Path) -> Iterator[str]:
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    server = start_postgres(binaries, data_folder / "postgres", server_account(), durable=False)
    yield server.url()
    server.stop()


@pytest.fixture(scope="session")
def template(superuser_url: str) -> Iterator[Template]:
    name = f"precis_{secrets.token_hex(6)}"
    # The same in every test process: on a given server they share the roles.
    passwords = RolePasswords("owner-of-throw-away-data", "reader-of-throw-away-data")
    role_urls = asyncio.run(bootstrap(superuser_url, database=name, passwords=passwords))
    owner_url = load_settings(migration_database_url=role_urls.owner).migration_database_url
    command.upgrade(alembic_config(owner_url), "head")
    with psycopg.connect(to_libpq_url(superuser_url), autocommit=True) as superuser:
        yield Template(name, superuser_url, role_urls, superuser)
        _execute(superuser, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_urls(template: Template) -> Iterator[DatabaseUrls]:
    name = f"{template.name}_{secrets.token_hex(6)}"
    _execute(template.superuser, f"CREATE DATABASE {name} TEMPLATE {template.name} STRATEGY FILE_COPY")
    yield DatabaseUrls(
        rw=_named(template.role_urls.rw, name),
        owner=_named(template.role_urls.owner, name),
        superuser=_named(template.superuser_url, name),
    )
    _execute(template.superuser, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_server_url(binaries: Binaries, server_folder: Path) -> Iterator[str]:
    given = os.environ.get("REDIS_URL")
    if given:
        # One database a test process, as each test begins by emptying it.
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        yield urlunsplit(urlsplit(given)._replace(path=f"/{number}"))
        return
    server = start_valkey(binaries, server_folder / "valkey", server_account())
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def redis_emptier(redis_server_url: str) -> Iterator["redis.Redis"]:
    with redis.from_url(redis_server_url) as client:
        yield client


@pytest.fixture
def redis_url(redis_server_url: str, redis_emptier: "redis.Redis") -> str:
    """Empty: no cached body, no counter of another test."""
    redis_emptier.flushdb()
    return redis_server_url


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    """The test's own, which it may freeze, kill and start again."""
    server = OwnValkey(tmp_path)
    yield server
    server.kill()


def _execute(superuser: "psycopg.Connection[tuple[object, ...]]", statement: str) -> None:
    superuser.execute(statement.encode())


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
