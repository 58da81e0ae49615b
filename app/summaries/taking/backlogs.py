"""How many of a tenant's are unfinished, for the rank of the next: counted once a second, not each time.

A tenant's thousand waiting summaries would be read through for the next one, and again for the one after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

COUNT_HOLDS_SECONDS = 1.0
MAX_TENANTS = 10_000


@dataclass(slots=True)
class Backlog:
    counted_at: float
    unfinished: int


class Backlogs:
    """What this process has counted and taken in; what others do meanwhile the next count says."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._known: dict[UUID, Backlog] = {}

    def of(self, organization_id: UUID) -> int | None:
        """None where it is to be counted."""
        known = self._known.get(organization_id)
        if known is None or self._clock() - known.counted_at > COUNT_HOLDS_SECONDS:
            return None
        return known.unfinished

    def counted(self, organization_id: UUID, unfinished: int) -> None:
        if len(self._known) >= MAX_TENANTS:
            self._known.clear()
        self._known[organization_id] = Backlog(self._clock(), unfinished)

    def grown(self, organization_id: UUID) -> None:
        """By one that was taken in."""
        known = self._known.get(organization_id)
        if known is not None:
            known.unfinished += 1
