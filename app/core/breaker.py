"""Circuit breaker: stop paying a dead dependency's timeout on every request."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """Leave to talk to the dependency; `is_probe` where its outcome decides about a half-open breaker."""

    began: float
    is_probe: bool = False


class CircuitBreaker:
    """Opens after `threshold` failures within `window` seconds, the last `streak` of them in a row.

    The streak keeps a busy server open for business: five timeouts spread over thousands of successes are
    a hiccup. So are fifty calls that fail together because the event loop stalled: calls that began before
    the last failure was seen say nothing new, and count with it as one.
    While open every call is refused for `pause` seconds, then one probe at a time decides.
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

    def ask(self) -> Call | None:
        """None is a refusal. A Call must end in exactly one of `succeeded`, `failed`, `abandoned`."""
        now = self._clock()
        if self._opened_at is None:
            return Call(now)
        if self._probing or now - self._opened_at < self._pause:
            return None
        self._probing = True
        return Call(now, is_probe=True)

    def succeeded(self, call: Call) -> None:
        if call.is_probe:
            self._probing = False
            self._opened_at = None
            self._failures.clear()
        self._streak = 0

    def failed(self, call: Call) -> None:
        now = self._clock()
        if call.is_probe:
            self._probing = False
            self._opened_at = now
        elif not self._failures or call.began >= self._failures[-1]:
            self._failures.append(now)
            self._streak += 1
            if self._opened_at is None and self._is_broken(now):
                self._opened_at = now

    def abandoned(self, call: Call) -> None:
        """The caller went away before an answer: nothing was learnt, and another may probe."""
        if call.is_probe:
            self._probing = False

    def _is_broken(self, now: float) -> bool:
        full = len(self._failures) == self._failures.maxlen
        return full and self._streak >= self._streak_needed and now - self._failures[0] <= self._window
