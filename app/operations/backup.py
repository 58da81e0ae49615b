"""Backups: pg_dump with a manifest of what it holds, and a comparison after restoring.

The counts and digests of the manifest are read in the very snapshot that is dumped, so a restored database is
equal to them or something is wrong. Rows of tenants are under forced row-level security: only a superuser's
DSN sees them all, and pg_dump refuses any other.
"""

import asyncio
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

from app.core.roles import RolePasswords, bootstrap
from app.local.account import server_account
from app.local.binaries import find_binaries
from app.local.postgres import start_postgres
from app.operations.contents import Contents, TableContents, differences, read_contents
from app.operations.programs import BackupError, program, run

DUMP, MANIFEST = "database.dump", "manifest.json"
CHUNK_BYTES = 1024 * 1024
CONNECT_SECONDS = 10

Connection = psycopg.Connection[tuple[Any, ...]]  # Any: columns


@dataclass(frozen=True, slots=True)
class Manifest:
    """`sha256` is the dump's; `revision` the schema's; `server` PostgreSQL's major version."""

    created_at: str
    server: int
    revision: str | None
    sha256: str
    tables: Contents

    @property
    def rows(self) -> int:
        return sum(contents.rows for contents in self.tables.values())

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises BackupError where the folder is no backup, or its dump is not the one that was made."""
        try:
            told = json.loads((folder / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BackupError(f"{folder} holds no backup: {MANIFEST} cannot be read") from error
        tables = {name: TableContents(**contents) for name, contents in told.pop("tables").items()}
        manifest = cls(**told, tables=tables)
        if _sha256(folder / DUMP) != manifest.sha256:
            raise BackupError(f"{folder / DUMP} is not the file that was made: its SHA-256 differs")
        return manifest


def back_up(superuser_url: str, folder: Path) -> Manifest:
    """A new folder with the dump and its manifest, there as a whole or not at all. Raises BackupError."""
    if folder.exists():
        raise BackupError(f"{folder} exists already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".backup-"))
    try:
        manifest = _dump(superuser_url, unfinished)
        (unfinished / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), "utf-8")
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    return manifest


def _dump(superuser_url: str, folder: Path) -> Manifest:
    with _connected(superuser_url) as connection:
        server = connection.info.server_version // 10_000
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            snapshot = _value(connection, "SELECT pg_export_snapshot()")
            arguments = ["--format=custom", f"--snapshot={snapshot}", f"--file={folder / DUMP}"]
            run(program("pg_dump", server_major=server), superuser_url, arguments)
            revision = _value(connection, "SELECT version_num FROM alembic_version")
            tables = read_contents(connection)
    sha256 = _sha256(folder / DUMP)
    return Manifest(datetime.now(UTC).isoformat(timespec="seconds"), server, revision, sha256, tables)


def restore(folder: Path, superuser_url: str, *, database: str, passwords: RolePasswords) -> Manifest:
    """Into a database that is not there yet, compared with the manifest before anybody is told that it is.

    Raises BackupError; the database that did not come out equal is dropped.
    """
    manifest = Manifest.read(folder)
    target = _named(superuser_url, database)
    with _connected(superuser_url) as connection:
        server = connection.info.server_version // 10_000
        if _value(connection, "SELECT 1 FROM pg_database WHERE datname = %s", database):
            raise BackupError(f"the database {database} exists already: restore under another name")
        asyncio.run(bootstrap(superuser_url, database=database, passwords=passwords))
        try:
            arguments: list[str | Path] = ["--exit-on-error", f"--dbname={database}", folder / DUMP]
            newest = max(server, manifest.server)
            run(program("pg_restore", server_major=newest), target, arguments)
            _compare(manifest, target)
        except BaseException:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(database)))
            raise
    return manifest


def check(folder: Path) -> Manifest:
    """Restores into a fresh server of its own, which is gone afterwards. Raises BackupError."""
    with tempfile.TemporaryDirectory(prefix="precis-restore-") as name:
        place = Path(name)
        place.chmod(0o755)
        account = server_account()
        binaries = find_binaries(account, place / "bin")
        server = start_postgres(binaries, place / "pg", account, durable=False)
        try:
            passwords = RolePasswords("of-a-server-of-minutes", "of-a-server-of-minutes-too")
            return restore(folder, server.url(), database="precis", passwords=passwords)
        finally:
            server.stop()


def _compare(manifest: Manifest, url: str) -> None:
    with _connected(url) as connection:
        found = read_contents(connection)
    if lines := differences(manifest.tables, found):
        raise BackupError("what was restored is not what was backed up:\n  " + "\n  ".join(lines))


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
    except psycopg.OperationalError as error:
        raise BackupError(f"the database cannot be reached: {type(error).__name__}") from error
    try:
        yield connection
    except psycopg.Error as error:
        raise BackupError(f"the database refused: {str(error).splitlines()[0]}") from error
    finally:
        connection.close()


def _value(connection: Connection, query: LiteralString, *parameters: str) -> Any:  # Any: a column's value
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
