"""The steps of "Point-in-time recovery" in docs/operations.md, as they stand there, on a server apart."""

import asyncio
import os
import re
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from alembic import command

from app.core.db import Database
from app.core.migrations import alembic_config
from app.core.roles import RolePasswords, bootstrap
from app.core.schema_version import ROOT
from app.local.account import own_directory, private_file, server_account
from app.local.binaries import Binaries
from app.local.postgres import PostgresServer, start_postgres
from app.settings import Settings, load_settings
from app.users.store import UserStore
from tests.e2e.running import until
from tests.factories import PASSWORD_HASH

pytestmark = pytest.mark.integration
STEPS = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
START_SECONDS = 30.0
PASSWORDS = RolePasswords("owner-of-throw-away-data", "reader-of-throw-away-data")


def steps() -> list[str]:
    """The shell commands of the chapter, in their order."""
    _, _, chapter = (
        (ROOT / "docs" / "operations.md").read_text("utf-8").partition("\n## Point-in-time recovery\n")
    )
    return [textwrap.dedent(step) for step in STEPS.findall(chapter.partition("\n## ")[0])]


@dataclass
class Rehearsal:
    folder: Path
    binaries: Binaries
    server: PostgresServer
    variables: dict[str, str] = field(default_factory=dict)

    def do(self, step: str) -> None:
        """As the account that PostgreSQL runs under."""
        account = server_account()
        programs = f"{self.binaries.postgres.parent}:{os.environ['PATH']}"
        own = {"PGHOST": "127.0.0.1", "PGPORT": str(self.server.port), "PGUSER": "postgres"}
        environment = {**self.variables, **own, "PGPASSWORD": self.server.password, "PATH": programs}
        done = subprocess.run(  # noqa: S603  # the chapter's own words
            ["/bin/sh", "-eu", "-c", step],
            user=account.uid if account else None,
            group=account.gid if account else None,
            env=environment,
            cwd="/",
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()

    def settings(self) -> Settings:
        urls = asyncio.run(bootstrap(self.server.url(), database="precis", passwords=PASSWORDS))
        return load_settings(database_url=urls.rw, migration_database_url=urls.owner)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.server.url()).close()
        except psycopg.OperationalError:
            return False
        return True

    def value(self, query: str) -> str:
        with psycopg.connect(self.server.url("precis")) as connection:
            row = connection.execute(query.encode()).fetchone()
        return str(row[0]) if row else ""

    def begin_anew(self) -> None:
        """The server of step 5, on what step 4 laid out."""
        self.server.stop()
        place = Path(self.variables["NEW_DATA"]).parent
        private_file(place.with_suffix(".password"), self.server.password, None)
        self.server = start_postgres(self.binaries, place, server_account(), durable=False)
        # It answers queries while it is still recovering.
        assert until(lambda: self.value("SELECT pg_is_in_recovery()") == "False", seconds=START_SECONDS)


@pytest.fixture
def rehearsal(binaries: Binaries) -> Iterator[Rehearsal]:
    with tempfile.TemporaryDirectory(prefix="precis-recovery-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for owned in ("archive", "base", "new"):
            own_directory(folder / owned, server_account())
        server = start_postgres(binaries, folder / "old", server_account(), durable=False)
        places = {"WAL_ARCHIVE": "archive", "BASE_BACKUP": "base/backup", "NEW_DATA": "new/data"}
        variables = {name: str(folder / place) for name, place in places.items()}
        rehearsal = Rehearsal(folder, binaries, server, variables)
        yield rehearsal
        rehearsal.server.stop()


async def register(settings: Settings, username: str) -> None:
    database = Database.from_settings(settings)
    person = {"username": username, "email": f"{username}@example.com", "hashed_password": PASSWORD_HASH}
    async with database.transaction() as session:
        await UserStore(session).create(person)
    await database.dispose()


def test_what_was_written_before_the_moment_is_back_and_what_came_after_is_not(rehearsal: Rehearsal) -> None:
    archive, copy, finish, lay_out = steps()
    rehearsal.do(archive)
    rehearsal.server.stop()
    rehearsal.server.child.start()
    settings = _migrated(rehearsal)
    rehearsal.do(copy)
    asyncio.run(register(settings, "before"))
    rehearsal.variables["TARGET_TIME"] = rehearsal.value("SELECT clock_timestamp()")
    asyncio.run(register(settings, "after"))
    rehearsal.do(finish)
    rehearsal.server.stop()
    rehearsal.do(lay_out)
    rehearsal.begin_anew()
    assert rehearsal.value("SELECT string_agg(username, ' ') FROM users") == "before"


def _migrated(rehearsal: Rehearsal) -> Settings:
    assert until(rehearsal.answers, seconds=START_SECONDS)
    settings = rehearsal.settings()
    command.upgrade(alembic_config(settings.migration_database_url or ""), "head")
    return settings
