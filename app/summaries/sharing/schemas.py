"""The bodies of the share routes."""

from datetime import UTC, datetime, timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from app.core.schemas import JsonInt, Moment, RequestModel, ResponseModel, UtcDatetime

MAX_DAYS = 3650


class ShareIn(RequestModel):
    """When the link ends: a time, or so many days from now. With neither it does not, or as it did."""

    expires_at: Moment | None = None
    expires_in_days: JsonInt | None = Field(None, ge=1, le=MAX_DAYS)

    @field_validator("expires_at")
    @classmethod
    def _not_yet(cls, expires_at: datetime | None) -> datetime | None:
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise PydanticCustomError("expiry_past", "expires_at is over already")
        return expires_at

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.expires_at is not None and self.expires_in_days is not None:
            raise PydanticCustomError("expiry_ambiguous", "Send expires_at or expires_in_days, not both")
        return self

    @property
    def names_an_end(self) -> bool:
        """Null is an answer too: it does not end."""
        return bool(self.model_fields_set)

    @property
    def end(self) -> datetime | None:
        if self.expires_in_days is not None:
            return datetime.now(UTC) + timedelta(days=self.expires_in_days)
        return self.expires_at


class ShareView(ResponseModel):
    share_id: str | None = Field(
        description="Null where this service's secret key was changed since: the link works, but cannot be "
        "shown; revoke it and make another."
    )
    url: str | None
    created_at: UtcDatetime
    expires_at: UtcDatetime | None
    expired: bool
    view_count: int = Field(description="May be some seconds behind.")


class SharedSummary(ResponseModel):
    """All that a link shows: nothing of who made or keeps it."""

    title: str | None
    url: str | None = Field(description="Of the source; only where it leads to the web.")
    language: str | None
    summary: str
    key_points: list[str]
