"""Lock-out: one attempt at one account, judged under the locks of its tallies, in the login's transaction.

The password is verified before, outside of any transaction, and its result goes nowhere but through here:
of a hundred guesses made at once, each is judged after the one before it was counted.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.lockout.clients import STRANGERS, LoginClient
from app.auth.lockout.models import LoginTally
from app.auth.lockout.repository import TallyRepository
from app.auth.lockout.rules import ClientRule, LockKind, StrangersRule, forgive, is_locked
from app.outbox.mails import Mail, queue_mail

ACCOUNT_LOCKS = Counter("precis_account_locks_total", "Locks after failed logins, by kind.", ["kind"])
# There at 0 before the first: a rate over a missing series is no zero.
for _kind in LockKind:
    ACCOUNT_LOCKS.labels(_kind)


@dataclass(frozen=True, slots=True)
class Attempt:
    """`account_id` is a decoy's where `is_decoy`; `strangers` None: a device that the account knows."""

    account_id: UUID
    is_decoy: bool
    client: LoginTally
    strangers: LoginTally | None
    began_at: datetime

    @property
    def is_refused(self) -> bool:
        tallies = (self.client, self.strangers)
        return any(is_locked(tally, self.began_at) for tally in tallies if tally)


class Lockout:
    def __init__(self, rule: ClientRule, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives epoch seconds."""
        self._client_rule = rule
        self._strangers_rule = StrangersRule()
        self._clock = clock

    async def begin(
        self, session: AsyncSession, account_id: UUID, *, client: LoginClient, is_decoy: bool
    ) -> Attempt:
        """Others at the same account wait from here until the caller's transaction ends: do nothing slow."""
        tallies = await TallyRepository(session, account_id).lock(client.tallies, self._now())
        return Attempt(
            account_id,
            is_decoy=is_decoy,
            client=tallies[client.name],
            strangers=tallies.get(STRANGERS),
            began_at=self._now(),
        )

    async def fail(self, session: AsyncSession, attempt: Attempt, *, address: str | None) -> None:
        """Counts; not while locked, as nothing was learned. Tells the owner once a lock."""
        if attempt.is_refused:
            return
        locks = [self._client_rule.count_failure(attempt.client, attempt.began_at)]
        if attempt.strangers:
            locks.append(self._strangers_rule.count_failure(attempt.strangers, attempt.began_at))
        for lock in locks:
            if lock and not attempt.is_decoy:
                await self._announce(session, attempt, lock=lock, address=address)

    async def succeed(self, session: AsyncSession, attempt: Attempt) -> None:
        tallies = TallyRepository(session, attempt.account_id)
        await tallies.remove(attempt.client)
        if attempt.strangers:
            forgive(attempt.strangers, attempt.client)
            if attempt.strangers.total == 0 and attempt.strangers.locks == 0:
                await tallies.remove(attempt.strangers)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def _announce(
        self, session: AsyncSession, attempt: Attempt, *, lock: LockKind, address: str | None
    ) -> None:
        ACCOUNT_LOCKS.labels(lock).inc()
        event = AuditEvent(
            AuditAction.ACCOUNT_LOCKED,
            organization_id=None,
            actor_kind="system",
            subject_id=attempt.account_id,
            address=address,
            details={"kind": lock},
        )
        await record(session, event)
        if lock is not LockKind.CLIENT:
            await queue_mail(
                session, Mail.ACCOUNT_LOCKED, user_id=attempt.account_id, facts=_facts(lock, attempt)
            )


def _facts(lock: LockKind, attempt: Attempt) -> dict[str, str | int]:
    """`minutes` 0: until the password is reset."""
    until = attempt.strangers.locked_until if attempt.strangers else None
    if lock is LockKind.HARD_STOP or until is None:
        return {"minutes": 0}
    return {"minutes": round((until - attempt.began_at).total_seconds() / 60)}


async def unlock(session: AsyncSession, user_id: UUID) -> bool:
    """All of the account's locks and counts are gone; False where there were none.

    For staff, and for whoever has proved to own the account: a password reset, an erasure.
    """
    return await TallyRepository(session, user_id).remove_all()
