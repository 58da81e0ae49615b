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
        last = self._last_bad(moment)
        if time.monotonic() - last < QUIET_SECONDS or self._missing_since(last):
            return None
        return last - moment

    def late_after(self, moment: float) -> str:
        """Why it has not recovered: the last bad call, and what has not been good since."""
        last = self._last_bad(moment)
        bad = ", ".join(f"{one.kind}: {one.answer}" for one in self.since(last) if not one.good)
        missing = ", ".join(self._missing_since(last)) or "nothing"
        return f"{bad or 'nothing'} after {last - moment:.1f} s, and without a good call since: {missing}"

    def _last_bad(self, moment: float) -> float:
        return max((seen.ended for seen in self.since(moment) if not seen.good), default=moment)

    def _missing_since(self, last: float) -> list[str]:
        good = {seen.kind for seen in self.seen if seen.good and seen.began >= last}
        return [kind for kind in KINDS if kind not in good]


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
