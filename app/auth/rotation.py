"""What a presented refresh token is: the current one, late in a race, a retry, a replay or unknown. Pure."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

RETRY_WINDOW = timedelta(seconds=60)


class Verdict(Enum):
    ROTATE = auto()
    CONCURRENT = auto()
    RETRY = auto()
    REUSE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Presented:
    """A token's counter, its retry key, and when it reached us: the database's clock, a lower bound."""

    counter: int
    arrived: datetime
    idempotency_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Family:
    """What the session's row says, read under its lock."""

    counter: int
    rotated_at: datetime
    idempotency_hash: bytes | None


def judge(presented: Presented, family: Family, *, grace: timedelta) -> Verdict:
    behind = family.counter - presented.counter
    if behind < 0:
        return Verdict.UNKNOWN
    if behind == 0:
        return Verdict.ROTATE
    if behind > 1:
        return Verdict.REUSE
    # In flight before the rotation, so its sender could not know: the loser of a race, not a thief.
    if presented.arrived <= family.rotated_at + grace:
        return Verdict.CONCURRENT
    return Verdict.RETRY if _is_retry(presented, family) else Verdict.REUSE


def _is_retry(presented: Presented, family: Family) -> bool:
    if presented.idempotency_hash is None or family.idempotency_hash is None:
        return False
    same = hmac.compare_digest(presented.idempotency_hash, family.idempotency_hash)
    return same and presented.arrived - family.rotated_at < RETRY_WINDOW


def hash_idempotency_key(key: str | None) -> bytes | None:
    return hashlib.sha256(key.strip('"').encode()).digest() if key else None
