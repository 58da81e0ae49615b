"""A backup holds what the database held, is there as a whole or not at all, and is proved by restoring it."""

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.core.roles import RolePasswords
from app.operations.backup import DUMP, MANIFEST, Manifest, back_up, check, restore
from app.operations.contents import TableContents, differences
from app.operations.programs import BackupError, program
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

COUNT = "SELECT count(*) FROM organizations"
# The roles belong to the whole server: those of the other tests stay as they are.
PASSWORDS = RolePasswords("owner-of-throw-away-data", "reader-of-throw-away-data")


@pytest.fixture
def backup(alice: Person, database_urls: DatabaseUrls, tmp_path: Path) -> Path:
    """Of a database with alice in it."""
    del alice
    back_up(database_urls.superuser, tmp_path / "backup")
    return tmp_path / "backup"


def other(urls: DatabaseUrls) -> str:
    return f"{urlsplit(urls.superuser).path.lstrip('/')}_restored"


def drop(urls: DatabaseUrls, database: str) -> None:
    url = urlunsplit(urlsplit(urls.superuser)._replace(path="/postgres"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(Identifier(database)))


def test_no_backup_is_made_by_a_role_that_sees_one_tenant_only(
    database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match=r"row-level security|permission denied"):
        back_up(database_urls.rw, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_no_backup_is_written_over(backup: Path, database_urls: DatabaseUrls) -> None:
    with pytest.raises(BackupError, match="exists already"):
        back_up(database_urls.superuser, backup)


def test_a_server_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be reached") as refused:
        back_up("postgresql://postgres:hunter2@127.0.0.1:1/precis", tmp_path / "backup")
    assert "hunter2" not in str(refused.value)


def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="holds no backup"):
        check(tmp_path)


def test_a_dump_that_was_changed_is_refused(backup: Path) -> None:
    with (backup / DUMP).open("ab") as dump:
        dump.write(b"x")
    with pytest.raises(BackupError, match="SHA-256 differs"):
        check(backup)


def test_a_restored_database_that_is_not_equal_is_refused_and_dropped(
    backup: Path, database_urls: DatabaseUrls
) -> None:
    told = json.loads((backup / MANIFEST).read_text("utf-8"))
    told["tables"]["users"]["rows"] += 1
    (backup / MANIFEST).write_text(json.dumps(told), "utf-8")
    name = other(database_urls)
    for _ in range(2):  # a second time, for nothing was left behind
        with pytest.raises(BackupError, match="users: 2 rows"):
            restore(backup, database_urls.superuser, database=name, passwords=PASSWORDS)


def test_a_backup_is_readable_by_its_maker_alone(backup: Path) -> None:
    assert backup.stat().st_mode & 0o077 == 0


def test_a_backup_restores_into_a_fresh_server_as_it_was(backup: Path) -> None:
    manifest = check(backup)
    assert manifest.tables["users"].rows == 1
    assert manifest.revision is not None


def test_a_restored_database_serves_the_same_rows_to_the_same_roles(
    backup: Path, database_urls: DatabaseUrls, alice: Person
) -> None:
    name = other(database_urls)
    restore(backup, database_urls.superuser, database=name, passwords=PASSWORDS)
    with psycopg.connect(urlunsplit(urlsplit(database_urls.rw)._replace(path=f"/{name}"))) as connection:
        hidden = connection.execute(COUNT).fetchone()
        tenant = [str(alice.organization_id)]
        connection.execute("SELECT set_config('app.organization_id', %s, false)", tenant)
        shown = connection.execute(COUNT).fetchone()
    drop(database_urls, name)
    assert (hidden, shown) == ((0,), (1,))


def test_a_database_that_is_there_is_not_restored_over(backup: Path, database_urls: DatabaseUrls) -> None:
    there = urlsplit(database_urls.superuser).path.lstrip("/")
    with pytest.raises(BackupError, match="restore under another name"):
        restore(backup, database_urls.superuser, database=there, passwords=PASSWORDS)


def test_a_program_that_is_too_old_is_refused_by_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n", "utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    assert program("pg_dump", server_major=9) == old
    with pytest.raises(BackupError, match=r"\(9\)"):
        program("pg_dump", server_major=1000)


def test_differences_name_tables_that_are_missing_and_rows_that_changed() -> None:
    one, other_rows = TableContents(1, "11111111"), TableContents(1, "22222222")
    assert differences({"a": one, "b": one}, {"a": one, "b": one}) == []
    lines = differences({"a": one, "b": one}, {"b": other_rows, "c": one})
    assert [line.partition(":")[0] for line in lines] == ["a", "b", "c"]


def test_the_manifest_needs_its_file(tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BackupError):
        Manifest.read(tmp_path)
