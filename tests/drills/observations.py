"""What the probes saw: one line a call, and what may be said of many of them."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

KINDS = ("read", "list", "write", "change", "summary", "login")
# Longer than any fault lets a call take: waiting for a connection, a statement's time, closing what broke.
LONGEST_SECONDS = 15.0
QUIET_SECONDS = 2.0
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Seen:
    """One call: `status` 0 where there was no answer, and `code` then names the error."""

    kind: str
    began: float
    seconds: float
    status: int
    code: str = ""
    retry_after: bool = False
    good: bool = True

    @property
    def ended(self) -> float:
        return self.began + self.seconds

    @property
    def answer(self) -> str:
        return f"{self.status or 'none'} {self.code}".strip()


@dataclass(slots=True)
class Observations:
    seen: list[Seen] = field(default_factory=list)
    stale: int = 0
    accepted: dict[str, float] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        self.seen.append(seen)

    def since(self, moment: float) -> list[Seen]:
        return [seen for seen in self.seen if seen.ended >= moment]

    def recovered_after(self, moment: float) -> float | None:
        """Seconds from `moment` to the end of the last bad call; None while it may not be the last."""
        calls = [seen for seen in self.seen if seen.began >= moment]
        bad = [seen.ended for seen in self.since(moment) if not seen.good]
        last = max(bad, default=moment)
        good_since = Counter(seen.kind for seen in calls if seen.began >= last)
        if time.monotonic() - last < QUIET_SECONDS or any(good_since[kind] == 0 for kind in KINDS):
            return None
        return last - moment


def broken_promises(seen: Sequence[Seen]) -> list[str]:
    """What no fault excuses: a 500, a 503 that does not say when to come back, a call that hangs."""
    return sorted({f"{one.kind}: {fault}" for one in seen if (fault := _broken_promise(one))})


def _broken_promise(one: Seen) -> str | None:
    if one.status >= 500 and one.status != UNAVAILABLE:
        return one.answer
    if one.status == UNAVAILABLE and not one.retry_after:
        return "503 without Retry-After"
    return f"took {one.seconds:.0f} s" if one.seconds > LONGEST_SECONDS else None


def told(seen: Sequence[Seen]) -> str:
    """What users saw, by kind, without what is as ever."""
    parts = []
    for kind in dict.fromkeys(one.kind for one in seen):
        bad = Counter(one.answer for one in seen if one.kind == kind and not one.good)
        many = sum(one.kind == kind for one in seen)
        parts += [f"{kind} {answer} ({count} of {many})" for answer, count in bad.most_common(3)]
    return ", ".join(parts) or "nothing"


def slowest(seen: Sequence[Seen]) -> float:
    return max((one.seconds for one in seen), default=0.0)
