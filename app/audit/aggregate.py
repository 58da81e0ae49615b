"""Refusals, counted in the process and written once a minute.

Whoever is refused a thousand times a minute makes one entry, and no refusal waits for the database.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from prometheus_client import Counter as Metric

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.db import Database, Tenant
from app.core.principal import Principal, PrincipalKind
from app.core.refusals import Refusal, RefusalKind

FLUSH_SECONDS = 60.0
# While PostgreSQL is away they pile up: 20,000 principals and minutes are some 10 MB.
MOST_KEPT = 20_000
ACTIONS = {
    RefusalKind.SCOPE: AuditAction.UNAUTHORIZED_ACCESS,
    RefusalKind.LIMIT: AuditAction.RATE_LIMIT_EXCEEDED,
}
DROPPED = Metric("precis_audit_refusals_dropped", "Refusals not counted, as too many wait to be written.")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Whose:
    """One entry's worth: a principal, what it was refused for, and the minute."""

    action: AuditAction
    organization_id: UUID
    kind: PrincipalKind
    user_id: UUID
    credential_id: UUID
    minute: str


@dataclass(slots=True)
class Tally:
    """`names` are scopes or limits: a closed list. The address is the last one's."""

    names: Counter[str]
    address: str | None


class RefusalLog:
    def __init__(
        self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._clock = clock
        self._tallies: dict[Whose, Tally] = {}

    def count(self, refusal: Refusal) -> None:
        whose = _whose(ACTIONS[refusal.kind], refusal.principal, minute=self._minute())
        self._add(whose, Tally(Counter([refusal.name]), refusal.address))

    async def write(self, *, the_running_minute: bool = False) -> None:
        """What cannot be written stays counted for the next time. Raises nothing."""
        now = "" if the_running_minute else self._minute()
        due = {whose: tally for whose, tally in self._tallies.items() if whose.minute != now}
        for whose in due:
            del self._tallies[whose]
        try:
            await self._write_all(due)
        except Exception:
            # Whatever it was, requests are answered, and what was not written is tried again.
            log.exception("refusals_not_written", waiting=len(due))
            for whose, tally in due.items():
                self._add(whose, tally)

    async def _write_all(self, due: dict[Whose, Tally]) -> None:
        """Takes out of `due` what has been committed, an organisation at a time."""
        for organization_id, group in _by_organization(due).items():
            async with self._database.transaction(Tenant(organization_id)) as session:
                for whose in group:
                    await record(session, _event(whose, due[whose]))
            for whose in group:
                del due[whose]

    def _add(self, whose: Whose, tally: Tally) -> None:
        known = self._tallies.get(whose)
        if known:
            known.names += tally.names
            known.address = tally.address
        elif len(self._tallies) < MOST_KEPT:
            self._tallies[whose] = tally
        else:
            DROPPED.inc(tally.names.total())

    def _minute(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%MZ")


@asynccontextmanager
async def written_each_minute(refusals: RefusalLog, *, seconds: float = FLUSH_SECONDS) -> AsyncIterator[None]:
    """For an app's life; the running minute is written at its end."""
    writing = asyncio.create_task(_keep_writing(refusals, seconds))
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await refusals.write(the_running_minute=True)


async def _keep_writing(refusals: RefusalLog, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await refusals.write()


def _whose(action: AuditAction, principal: Principal, *, minute: str) -> Whose:
    return Whose(
        action,
        principal.organization_id,
        principal.kind,
        principal.user_id,
        principal.credential_id,
        minute,
    )


def _by_organization(tallies: Iterable[Whose]) -> dict[UUID, list[Whose]]:
    groups: dict[UUID, list[Whose]] = defaultdict(list)
    for whose in tallies:
        groups[whose.organization_id].append(whose)
    return groups


def _event(whose: Whose, tally: Tally) -> AuditEvent:
    return AuditEvent(
        whose.action,
        organization_id=whose.organization_id,
        actor_kind=whose.kind,
        actor_id=whose.user_id,
        credential_id=whose.credential_id,
        subject_id=whose.user_id,
        address=tally.address,
        details={
            "minute": whose.minute,
            "count": tally.names.total(),
            "refused": ", ".join(sorted(tally.names)),
        },
    )
