"""`precis doctor`: what an operator would look at one by one, with what to do about each.

Reads only. Every check has its own time limit and its own answer, so that one dead server hides nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.db import Database
from app.operations.database_checks import check_clock, check_database, check_queue, check_schema
from app.operations.findings import Finding, fault
from app.operations.machine_checks import check_disk, check_keys, check_names
from app.operations.server_checks import check_mail, check_redis
from app.settings import Settings

CHECK_SECONDS = 10.0

Check = Callable[[], Awaitable[Iterable[Finding]]]


@dataclass(frozen=True, slots=True)
class Doctor:
    """`now` is this machine's clock."""

    settings: Settings
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    check_seconds: float = CHECK_SECONDS

    async def examine(self) -> list[Finding]:
        database = Database.from_settings(self.settings)
        try:
            rounds = [self._bounded(name, check) for name, check in self._checks(database).items()]
            return [finding for found in await asyncio.gather(*rounds) for finding in found]
        finally:
            await database.dispose()

    def _checks(self, database: Database) -> dict[str, Check]:
        settings = self.settings
        return {
            "database": lambda: check_database(database),
            "schema": lambda: check_schema(database),
            "queue": lambda: check_queue(database),
            "clock": lambda: check_clock(database, now=self.now),
            "redis": lambda: check_redis(settings),
            "mail": lambda: check_mail(settings),
            "names": lambda: check_names(settings),
            "keys": lambda: asyncio.to_thread(check_keys, settings),
            "disk": lambda: asyncio.to_thread(check_disk, settings),
        }

    async def _bounded(self, name: str, check: Check) -> list[Finding]:
        try:
            async with asyncio.timeout(self.check_seconds):
                return list(await check())
        except TimeoutError:
            text = f"no answer within {self.check_seconds:g} s"
        except Exception as error:  # noqa: BLE001  # whatever a driver raises is what was found
            # A driver's text may name hosts and users; it goes to whoever runs the command, and to no log.
            text = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        return [fault(name, text, ADVICE[name])]


ADVICE = {
    "database": "See that DATABASE_URL is right and that PostgreSQL answers from this machine.",
    "schema": "Mend the database first.",
    "queue": "Mend the database first; then `precis migrate`.",
    "clock": "Mend the database first.",
    "redis": "See that REDIS_URL is right; the service goes on without Redis, slower and with looser limits.",
    "mail": "See that SMTP_HOST, SMTP_PORT and SMTP_SECURITY are right and reachable from the workers.",
    "names": "See that this machine's resolver works.",
    "keys": "Make a directory with `precis keys init` and name it in JWT_KEYS_DIR.",
    "disk": "See that PRECIS_DATA_DIR is there and can be written.",
}
