"""What a check of several limits came to; the headers and the 429 are made of it."""

import math
from typing import NamedTuple

from app.core.gcra import MICROSECONDS, Level, Quota

# Where the verdict waits in the ASGI scope's `state` for the middleware that writes the headers.
STATE_KEY = "rate_limit_verdict"


class Outcome(NamedTuple):
    """One limit's part; `quota` is what the policy promises, also while the count is local."""

    name: str
    quota: Quota
    level: Level

    @property
    def reset_seconds(self) -> int:
        return math.ceil(self.level.reset_after / MICROSECONDS)

    @property
    def retry_seconds(self) -> int:
        return max(1, math.ceil(self.level.retry_after / MICROSECONDS))


class Verdict(NamedTuple):
    outcomes: tuple[Outcome, ...]

    @property
    def allowed(self) -> bool:
        return all(outcome.level.allowed for outcome in self.outcomes)

    @property
    def tightest(self) -> Outcome:
        """The one that refuses longest, else the one with the fewest hits left."""
        if len(self.outcomes) == 1:
            return self.outcomes[0]
        return min(self.outcomes, key=lambda o: (-o.level.retry_after, o.level.remaining))

    def after(self, earlier: "Verdict | None") -> "Verdict":
        """Both checks of one request in one verdict; of a limit checked twice the later counts."""
        if earlier is None:
            return self
        both = (*earlier.outcomes, *self.outcomes)
        return Verdict(tuple({outcome.name: outcome for outcome in both}.values()))
