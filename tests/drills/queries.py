"""What the drills look up in the database themselves, past the service, as its superuser."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from app.local.data_directory import kept_secret
from app.local.stack import Stack
from tests.drills.locks import RowLock

STATUSES = "SELECT id::text, status FROM summaries WHERE id = ANY(%s::uuid[])"
FINAL = {"ready", "failed"}
CONNECT_SECONDS = 3


@dataclass(slots=True)
class Records:
    """`port` changes when another server takes over."""

    port: int
    password: str

    @classmethod
    def of(cls, stack: Stack) -> "Records":
        port = int(stack.environment["DATABASE_URL"].rpartition(":")[2].partition("/")[0])
        return cls(port, kept_secret(stack.folder / "postgres.password"))

    def url(self, port: int | None = None) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{port or self.port}/precis"

    @contextmanager
    def connected(self, port: int | None = None) -> Iterator[psycopg.Connection[Any]]:  # Any: columns
        with psycopg.connect(self.url(port), autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            yield connection

    def run(self, statement: LiteralString, *parameters: object) -> list[Any]:  # Any: as above
        with self.connected() as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def lift_quota(self) -> None:
        self.run("UPDATE organizations SET plan = 'enterprise'")

    def lost(self, ids: Iterable[str]) -> set[str]:
        wanted = set(ids)
        return wanted - {found for found, _ in self.run(STATUSES, sorted(wanted))}

    def unfinished(self, ids: Iterable[str]) -> set[str]:
        return {found for found, status in self.run(STATUSES, sorted(ids)) if status not in FINAL}

    def status(self, summary_id: str) -> str:
        return str(self.run("SELECT status FROM summaries WHERE id = %s", summary_id)[0][0])

    def failure(self, summary_id: str) -> tuple[str, bool]:
        """Its reason, and whether it may be tried again."""
        columns = "SELECT failure_reason, failure_retryable FROM summaries WHERE id = %s"
        reason, retryable = self.run(columns, summary_id)[0]
        return str(reason), bool(retryable)

    def attempts(self, summary_id: str) -> int:
        return int(self.run("SELECT attempt FROM summaries WHERE id = %s", summary_id)[0][0])

    def hold(self, summary_id: str) -> RowLock:
        return RowLock(self.url(), summary_id)
