"""Keys as their owner sees them: by prefix; in full exactly once."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.core.principal import Scope
from app.core.schemas import RequestModel, ResponseModel, UtcDatetime


class ApiKeyIn(RequestModel):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(max_length=20)] | None = Field(
        None, description="Left out: all that a key of yours may have."
    )
    expires_at: AwareDatetime | None = Field(None, description="At most a year ahead; 90 days by default.")
    rate_limit: Annotated[int, Field(ge=1, le=10_000)] | None = Field(None, description="Requests a minute.")


class ApiKeyOut(ResponseModel):
    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    rate_limit: int | None
    created_at: UtcDatetime
    expires_at: UtcDatetime
    last_used_at: UtcDatetime | None


class ApiKeyCreated(ApiKeyOut):
    api_key: str = Field(description="The key itself, shown this once.")
