"""What usage is told in: a month's, and what one more summary is counted by."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self
from uuid import UUID

from app.core.plans import PLANS, PlanTerms
from app.core.principal import Principal

NO_KEY = UUID(int=0)
WARN_AT_PERCENT = (80, 100)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one month. `by_key` leaves out what was done without a key."""

    month: date
    summaries: int
    text_bytes: int
    terms: PlanTerms
    by_day: dict[date, int]
    by_user: dict[UUID, int]
    by_key: dict[UUID, int]


@dataclass(frozen=True, slots=True)
class Due:
    """What one more summary is counted by. `api_key_id` is NO_KEY for what is done without one."""

    today: date
    api_key_id: UUID
    terms: PlanTerms

    @classmethod
    def of(cls, principal: Principal) -> Self:
        api_key_id = principal.credential_id if principal.kind == "api_key" else NO_KEY
        return cls(datetime.now(UTC).date(), api_key_id, PLANS[principal.plan])

    @property
    def noticed(self) -> list[int]:
        """The month's numbers that the organisation's owners are told of."""
        return list(noticed_of(self.terms).values())


@dataclass(frozen=True, slots=True)
class Counted:
    """`number` is the month's, with these; None where the quota did not hold them all."""

    number: int | None
    text_bytes: int


def noticed_of(terms: PlanTerms) -> dict[int, int]:
    """By per cent of the quota."""
    return {percent: -(-terms.summaries_per_month * percent // 100) for percent in WARN_AT_PERCENT}
