"""Accounts of a former system with their bcrypt hashes, from CSV or NDJSON: a row, a transaction, a report.

A hash is replaced by argon2id at its owner's first login. Until then a login of theirs takes bcrypt's time,
ten times that of an unknown name: who can measure it learns that the account exists.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO

from pydantic import StringConstraints, ValidationError
from typing_extensions import override

from app.accounts.schemas import Email, FullName, Username
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.db import Database
from app.core.errors import ProblemError
from app.core.schemas import RequestModel
from app.organizations.service import create_personal
from app.settings import Settings
from app.users.store import UserStore

# Work factors 4 to 14: beyond, one login takes seconds of one of few threads.
BcryptHash = Annotated[
    str, StringConstraints(pattern=r"^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$", max_length=60)
]
NDJSON_ENDINGS = {".ndjson", ".jsonl"}


class ImportedUser(RequestModel):
    username: Username
    email: Email
    full_name: FullName | None = None
    password_hash: BcryptHash


@dataclass(frozen=True, slots=True)
class RowReport:
    """`fault` None: imported. Never with a hash in it."""

    line: int
    username: str
    fault: str | None

    @override
    def __str__(self) -> str:
        return f"line {self.line}: {self.username or '?'}: {self.fault or 'imported'}"


Row = dict[str, Any]  # Any: undecoded values


@dataclass(frozen=True, slots=True)
class Line:
    """`row` is a text where there is no row: what is wrong with it."""

    number: int
    row: Row | str


def read_lines(path: Path) -> list[Line]:
    """Empty lines are passed over. All at once, before the import: reading would block the event loop."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() in NDJSON_ENDINGS:
                return [Line(number, _decode(text)) for number, text in enumerate(file, 1) if text.strip()]
            return list(_read_csv(file))
    except UnicodeDecodeError:
        return [Line(1, "the file is not UTF-8")]


def _read_csv(file: TextIO) -> Iterator[Line]:
    reader = csv.DictReader(file, restkey="too_many_columns", strict=True)
    try:
        for row in reader:
            # An empty cell is a value left out.
            yield Line(reader.line_num, {name: value for name, value in row.items() if value})
    except csv.Error as error:
        yield Line(reader.line_num, f"no CSV from here on: {error}")


async def import_users(
    settings: Settings, lines: Iterable[Line], *, verified: bool, report: Callable[[RowReport], None]
) -> int:
    """How many were refused. `verified`: the former system has proved the addresses."""
    database = Database.from_settings(settings)
    refused = 0
    try:
        for line in lines:
            outcome = await _import(database, line, verified=verified)
            refused += outcome.fault is not None
            report(outcome)
    finally:
        await database.dispose()
    return refused


def _decode(text: str) -> Row | str:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return "not JSON"
    return row if isinstance(row, dict) else "not a JSON object"


async def _import(database: Database, line: Line, *, verified: bool) -> RowReport:
    if isinstance(line.row, str):
        return RowReport(line.number, "", line.row)
    try:
        user = ImportedUser.model_validate(line.row)
    except ValidationError as error:
        # Messages and places only: the rest of the error shows what was given, hashes too.
        faults = (f"{'/'.join(map(str, item['loc'])) or 'row'}: {item['msg']}" for item in error.errors())
        return RowReport(line.number, "", "; ".join(faults))
    try:
        await _store(database, user, verified=verified)
    except ProblemError as error:
        return RowReport(line.number, user.username, error.detail)
    return RowReport(line.number, user.username, None)


async def _store(database: Database, imported: ImportedUser, *, verified: bool) -> None:
    values = imported.model_dump(exclude={"password_hash"})
    values |= {"hashed_password": imported.password_hash, "is_verified": verified}
    async with database.transaction() as session:
        user = await UserStore(session).create(values)
        organization = await create_personal(session, owner_id=user.id, name=user.full_name or user.username)
        event = AuditEvent(
            AuditAction.USER_REGISTERED,
            organization_id=organization.id,
            actor_kind="system",
            subject_id=user.id,
            details={"source": "import"},
        )
        await record(session, event)
