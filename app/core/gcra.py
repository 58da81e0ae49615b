"""Generic cell rate algorithm: one number per bucket, a full burst at first, then an even flow."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """`amount` at once, and again over each `period_seconds`."""

    amount: int
    period_seconds: int

    @property
    def interval(self) -> int:
        """Microseconds in which one hit is regained; whole, so that Lua's doubles and Python agree."""
        return max(1, math.ceil(self.period_seconds * MICROSECONDS / self.amount))

    @property
    def tolerance(self) -> int:
        """Microseconds in which an empty bucket fills up."""
        return self.interval * self.amount

    def scaled(self, factor: float) -> "Quota":
        """Never below one hit, which would lock everybody out."""
        return Quota(max(1, int(self.amount * factor)), self.period_seconds)


class Bucket(NamedTuple):
    key: str
    quota: Quota


class Level(NamedTuple):
    """A bucket after a check; times in microseconds."""

    allowed: bool
    remaining: int
    retry_after: int
    reset_after: int


class LocalBuckets:
    """This process's own counting, as gcra.lua counts in Redis. Bounded: the oldest buckets go first."""

    def __init__(self, *, clock: Callable[[], float], capacity: int = 50_000) -> None:
        self._clock = clock
        self._capacity = capacity
        self._arrivals: dict[str, int] = {}

    def check(self, buckets: Sequence[Bucket]) -> list[Level]:
        now = int(self._clock() * MICROSECONDS)
        arrivals = [max(self._arrivals.get(bucket.key, 0), now) for bucket in buckets]
        waits = [
            max(0, arrival + bucket.quota.interval - bucket.quota.tolerance - now)
            for bucket, arrival in zip(buckets, arrivals, strict=True)
        ]
        if not any(waits):
            arrivals = [a + b.quota.interval for b, a in zip(buckets, arrivals, strict=True)]
            self._store(buckets, arrivals, now)
        return [
            Level(wait == 0, (now + b.quota.tolerance - a) // b.quota.interval, wait, a - now)
            for b, a, wait in zip(buckets, arrivals, waits, strict=True)
        ]

    def _store(self, buckets: Sequence[Bucket], arrivals: Sequence[int], now: int) -> None:
        if len(self._arrivals) >= self._capacity:
            self._shrink(now)
        for bucket, arrival in zip(buckets, arrivals, strict=True):
            self._arrivals[bucket.key] = arrival

    def _shrink(self, now: int) -> None:
        """To half at most, so that the sweep is paid once in many thousand hits."""
        live = {key: arrival for key, arrival in self._arrivals.items() if arrival > now}
        excess = max(0, len(live) - self._capacity // 2)
        self._arrivals = dict(list(live.items())[excess:])
