"""`precis users import`: each row is refused in words or can log in; no hash is ever shown."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import bcrypt
import pytest
from httpx2 import AsyncClient

from app.accounts.import_users import Line, RowReport, import_users, read_lines
from app.settings import Settings
from tests.accounts.rows import audited, jobs
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

PASSWORD = "Walnut-Bridge-42-rain"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
DORA = {"username": "Dora", "email": "Dora@example.com", "full_name": "Dörte D", "password_hash": HASH}
HEADER = "username,email,full_name,password_hash"


async def imported(
    settings: Settings, path: Path, content: str | bytes, *, verified: bool = False
) -> list[RowReport]:
    reports: list[RowReport] = []
    lines = await asyncio.to_thread(write_and_read, path, content)
    await import_users(settings, lines, verified=verified, report=reports.append)
    return reports


def write_and_read(path: Path, content: str | bytes) -> list[Line]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_lines(path)


def ndjson(*rows: Mapping[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


async def log_in(client: AsyncClient, username: str, password: str = PASSWORD) -> int:
    form = {"username": username, "password": password}
    return (await client.post("/api/v1/auth/token", data=form)).status_code


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"username": "a b"}, "username: "),
        ({"email": "nonsense"}, "email: "),
        ({"password_hash": PASSWORD}, "password_hash: "),
        ({"password_hash": HASH.replace("$04$", "$31$")}, "password_hash: "),
        ({"password_hash": "$2b$04$short"}, "password_hash: "),
        ({"password_hash": HASH + "\n"}, "password_hash: "),
        ({"full_name": "a\x00b"}, "U+0000"),
        ({"role": "super_admin"}, "role: "),
        ({"username": "alice"}, "Username already registered"),
        ({"email": "alice@example.com"}, "Email already registered"),
    ],
)
async def test_a_row_that_breaks_a_rule_is_refused_in_words_without_its_hash(
    settings: Settings, tmp_path: Path, alice: Person, change: dict[str, str], fault: str
) -> None:
    (report,) = await imported(settings, tmp_path / "users.ndjson", ndjson({**DORA, **change}))
    assert fault in str(report)
    assert alice.username == "alice"
    for secret in (HASH[7:], PASSWORD):
        assert secret not in str(report)


@pytest.mark.parametrize("line", ["not json", "[1]", '"text"', "[" * 100_000, '{"username": NaN'])
async def test_a_line_that_is_no_row_stops_no_other(settings: Settings, tmp_path: Path, line: str) -> None:
    reports = await imported(settings, tmp_path / "users.jsonl", f"{line}\n\n{ndjson(DORA)}")
    assert [(report.line, report.fault is None) for report in reports] == [(1, False), (3, True)]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (f"{HEADER}\ndora,dora@example.com,,{HASH},more\n", "too_many_columns"),
        (f"{HEADER}\ndora,dora@example.com\n", "password_hash: Field required"),
        (f'{HEADER}\n"dora"x,dora@example.com,,{HASH}\n', "no CSV from here on"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
async def test_csv_that_is_none_is_refused_in_words(
    settings: Settings, tmp_path: Path, content: str | bytes, fault: str
) -> None:
    (report,) = await imported(settings, tmp_path / "users.csv", content)
    assert fault in str(report)


async def test_the_second_run_imports_nothing_twice(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "users.ndjson"
    assert str((await imported(settings, path, ndjson(DORA)))[0]) == "line 1: dora: imported"
    (again,) = await imported(settings, path, ndjson(DORA))
    assert (again.fault or "").endswith("already registered")


@pytest.mark.parametrize("ident", ["$2a$", "$2b$", "$2y$"])
async def test_the_old_password_works_and_its_hash_is_replaced(
    client: AsyncClient, settings: Settings, tmp_path: Path, database_urls: DatabaseUrls, ident: str
) -> None:
    content = f"\ufeff{HEADER}\r\nDora,Dora@example.com,,{HASH.replace('$2b$', ident)}\r\n"
    await imported(settings, tmp_path / "users.csv", content)
    assert [await log_in(client, "dora", word) for word in ("wrong", PASSWORD)] == [401, 200]
    (user,) = await ask(database_urls.superuser, "SELECT hashed_password, full_name FROM users")
    assert user["hashed_password"].startswith("$argon2id$")
    assert user["full_name"] is None
    assert await log_in(client, "dora") == 200


@pytest.mark.parametrize("verified", [True, False])
async def test_an_import_sends_no_mail_and_is_recorded(
    settings: Settings, tmp_path: Path, database_urls: DatabaseUrls, *, verified: bool
) -> None:
    await imported(settings, tmp_path / "users.ndjson", ndjson(DORA), verified=verified)
    (user,) = await ask(database_urls.superuser, "SELECT id, email, full_name, is_verified FROM users")
    assert (user["email"], user["full_name"]) == ("dora@example.com", "Dörte D")
    assert user["is_verified"] is verified
    (entry,) = await audited(database_urls, "user_registered")
    assert (entry["subject_id"], entry["actor_id"]) == (user["id"], None)
    assert await jobs(database_urls) == []
