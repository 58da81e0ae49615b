"""Starts again what stops, with growing pauses, and says when that does not help."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.local.account import LocalServerError
from app.local.process import Child

MAX_FAILURES = 6
FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 5.0
# What ran this long had started well: its next stop is a new story.
STEADY_SECONDS = 15.0


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    due: float | None = None


@dataclass(slots=True)
class Watch:
    children: Sequence[Child]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _troubles: dict[str, _Trouble] = field(default_factory=dict)

    def look(self) -> None:
        """Call often. Raises LocalServerError once a child has failed too often in a row."""
        for child in self.children:
            if child.exit_code is None:
                continue
            trouble = self._troubles.setdefault(child.name, _Trouble())
            if trouble.due is None:
                self._stopped(child, trouble)
            elif self.clock() >= trouble.due:
                trouble.due = None
                child.start()

    def _stopped(self, child: Child, trouble: _Trouble) -> None:
        if self.clock() - child.started_at > STEADY_SECONDS:
            trouble.failures = 0
        trouble.failures += 1
        if trouble.failures > MAX_FAILURES:
            raise LocalServerError(
                f"{child.name} stopped {trouble.failures} times in a row (exit code {child.exit_code}); "
                f"{child.command.log or 'its log above'} says why"
            )
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (trouble.failures - 1), MAX_PAUSE_SECONDS)
        trouble.due = self.clock() + pause
        self.say(f"{child.name} stopped (exit code {child.exit_code}); starting it again")
