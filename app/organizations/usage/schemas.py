"""Usage, as it goes out."""

from datetime import date
from typing import Self
from uuid import UUID

from pydantic import Field

from app.core.principal import Plan
from app.core.schemas import ResponseModel
from app.organizations.usage.figures import Usage


class Meter(ResponseModel):
    used: int
    quota: int
    percent: float = Field(description="Of the quota, to one decimal.")

    @classmethod
    def of(cls, used: int, quota: int) -> Self:
        return cls(used=used, quota=quota, percent=round(100 * used / quota, 1))


class DayUsage(ResponseModel):
    day: date
    summaries: int


class UserUsage(ResponseModel):
    user_id: UUID
    summaries: int


class KeyUsage(ResponseModel):
    api_key_id: UUID
    summaries: int


class UsageOut(ResponseModel):
    month: str = Field(description="YYYY-MM, in UTC.")
    plan: Plan
    summaries: Meter
    storage_bytes: Meter = Field(description="As of now, whatever the month.")
    by_day: list[DayUsage] = Field(max_length=31)
    by_user: list[UserUsage]
    by_key: list[KeyUsage]


def usage_out(usage: Usage, plan: Plan) -> UsageOut:
    return UsageOut(
        month=f"{usage.month:%Y-%m}",
        plan=plan,
        summaries=Meter.of(usage.summaries, usage.terms.summaries_per_month),
        storage_bytes=Meter.of(usage.text_bytes, usage.terms.storage_bytes),
        by_day=[DayUsage(day=day, summaries=n) for day, n in usage.by_day.items()],
        by_user=[UserUsage(user_id=who, summaries=n) for who, n in usage.by_user.items()],
        by_key=[KeyUsage(api_key_id=key, summaries=n) for key, n in usage.by_key.items()],
    )
