"""Keys as their owner sees them: by prefix; in full exactly once."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, SecretStr

from app.core.api_key_format import PATTERN
from app.core.principal import Scope
from app.core.schemas import ChangeModel, JsonInt, Moment, RequestModel, ResponseModel, UtcDatetime

MAX_OVERLAP_SECONDS = 24 * 60 * 60

Name = Annotated[str, Field(min_length=1, max_length=100)]
Scopes = Annotated[list[Scope], Field(max_length=20)]
RateLimit = Annotated[JsonInt, Field(ge=1, le=10_000)]


def _as_text(address: object) -> str | None:
    return None if address is None else str(address)


class ApiKeyIn(RequestModel):
    name: Name
    scopes: Scopes | None = Field(None, description="Left out: all that a key of yours may have.")
    expires_at: Moment | None = Field(None, description="At most a year ahead; 90 days by default.")
    rate_limit: RateLimit | None = Field(None, description="Requests a minute.")


class ApiKeyChanges(ChangeModel):
    """A field left out stays."""

    name: Name = ""
    scopes: Scopes = Field(
        default_factory=list, description="Fewer than now, or others that you have yourself."
    )
    expires_at: Moment | None = Field(None, description="At most a year ahead; null: 90 days from now.")
    rate_limit: RateLimit | None = Field(None, description="Requests a minute; null: none of its own.")


class RotateIn(RequestModel):
    overlap_seconds: JsonInt = Field(
        0,
        ge=0,
        le=MAX_OVERLAP_SECONDS,
        description="How long the old key still works; by default it ends at once.",
    )


class LeakReport(RequestModel):
    api_key: SecretStr = Field(
        min_length=1, max_length=200, description=f"The key that was found; ours match `{PATTERN}`."
    )


class ApiKeyOut(ResponseModel):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    rate_limit: int | None
    is_default: bool
    created_at: UtcDatetime
    expires_at: UtcDatetime
    last_used_at: UtcDatetime | None
    last_used_ip: Annotated[str | None, BeforeValidator(_as_text)]
    superseded_by: UUID | None = Field(
        description="The key that a rotation made in its place; this one ends at its `expires_at`."
    )


class ApiKeyCreated(ApiKeyOut):
    api_key: str = Field(description="The key itself, shown this once.")


class DefaultKeyCreated(ResponseModel):
    api_key: str = Field(description="The key itself, shown this once.")
    message: str


class Detail(ResponseModel):
    detail: str
