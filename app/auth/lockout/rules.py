"""When guessing locks, and for how long: arithmetic on a tally and a time, nothing else (decision 0013)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.auth.lockout.models import LoginTally

# NIST SP 800-63B-4, 3.2.2: no more than 100 failures in a row on one account.
HARD_STOP = 100
STRANGERS_MAY_FAIL = 40
STRANGERS_MAY_FAIL_AGAIN = 5
STRANGERS_WINDOW = timedelta(minutes=15)
SHORTEST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
# So long after a lock has ended without another, the next one is short again.
FORGIVEN_AFTER = timedelta(hours=24)


class LockKind(StrEnum):
    CLIENT = "client"
    STRANGERS = "strangers"
    HARD_STOP = "hard_stop"


@dataclass(frozen=True, slots=True)
class ClientRule:
    """One client at one account: `may_fail` wrong guesses, then nothing for `lock_for`."""

    may_fail: int
    lock_for: timedelta

    def count_failure(self, tally: LoginTally, now: datetime) -> LockKind | None:
        """The lock that this failure brought about."""
        # Never shorter than the strangers' window, or a short lock would also forget sooner.
        _count(tally, now, window=max(self.lock_for, STRANGERS_WINDOW))
        if tally.failures < self.may_fail:
            return None
        _lock(tally, now + self.lock_for)
        return LockKind.CLIENT


class StrangersRule:
    """All clients that the account does not know, together: however many addresses one attacker has."""

    def count_failure(self, tally: LoginTally, now: datetime) -> LockKind | None:
        """As `ClientRule`. Each lock is twice as long as the one before, and comes sooner."""
        if tally.locked_until and now >= tally.locked_until + FORGIVEN_AFTER:
            tally.locks, tally.locked_until = 0, None
        _count(tally, now, window=STRANGERS_WINDOW)
        if tally.total >= HARD_STOP:
            return LockKind.HARD_STOP
        if tally.failures < (STRANGERS_MAY_FAIL_AGAIN if tally.locks else STRANGERS_MAY_FAIL):
            return None
        _lock(tally, now + min(SHORTEST_LOCK * 2**tally.locks, LONGEST_LOCK))
        return LockKind.STRANGERS


def is_locked(tally: LoginTally, now: datetime) -> bool:
    return tally.total >= HARD_STOP or (tally.locked_until is not None and now < tally.locked_until)


def forgive(strangers: LoginTally, client: LoginTally) -> None:
    """A client that got in takes back its own failures, and nobody else's."""
    strangers.failures = max(0, strangers.failures - client.failures)
    strangers.total = max(0, strangers.total - client.total)


def _count(tally: LoginTally, now: datetime, *, window: timedelta) -> None:
    if now - tally.window_started_at >= window:
        tally.failures, tally.window_started_at = 0, now
    tally.failures += 1
    tally.total += 1


def _lock(tally: LoginTally, until: datetime) -> None:
    tally.failures, tally.locked_until = 0, until
    tally.locks += 1
