"""Circuit breaker: stop paying a dead dependency's timeout on every request."""

import enum
from collections import deque
from collections.abc import Callable


class Permit(enum.Enum):
    """What a caller may do: talk, talk as the one probe of a half-open breaker, or not at all."""

    CALL = enum.auto()
    PROBE = enum.auto()
    REFUSED = enum.auto()


class CircuitBreaker:
    """Opens after `threshold` failures within `window` seconds, the last `streak` of them in a row.

    The streak keeps a busy server open for business: five timeouts spread over thousands of successes are
    a hiccup. While open every call is refused for `pause` seconds, then one probe at a time decides.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        threshold: int = 5,
        streak: int = 3,
        window: float = 10.0,
        pause: float = 10.0,
    ) -> None:
        self._clock = clock
        self._streak_needed = streak
        self._window = window
        self._pause = pause
        self._failures: deque[float] = deque(maxlen=threshold)
        self._streak = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """True from the opening until a probe has succeeded, the half-open time included."""
        return self._opened_at is not None

    def ask(self) -> Permit:
        """Every CALL or PROBE must end in exactly one of `succeeded`, `failed`, `abandoned`."""
        if self._opened_at is None:
            return Permit.CALL
        if self._probing or self._clock() - self._opened_at < self._pause:
            return Permit.REFUSED
        self._probing = True
        return Permit.PROBE

    def succeeded(self, permit: Permit) -> None:
        if permit is Permit.PROBE:
            self._probing = False
            self._opened_at = None
            self._failures.clear()
        self._streak = 0

    def failed(self, permit: Permit) -> None:
        now = self._clock()
        if permit is Permit.PROBE:
            self._probing = False
            self._opened_at = now
            return
        self._failures.append(now)
        self._streak += 1
        if self._opened_at is None and self._is_broken(now):
            self._opened_at = now

    def abandoned(self, permit: Permit) -> None:
        """The caller went away before an answer: nothing was learnt, and another may probe."""
        if permit is Permit.PROBE:
            self._probing = False

    def _is_broken(self, now: float) -> bool:
        full = len(self._failures) == self._failures.maxlen
        return full and self._streak >= self._streak_needed and now - self._failures[0] <= self._window
