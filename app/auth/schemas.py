"""What login and refresh take and give."""

from typing import Literal

from pydantic import Field

from app.core.schemas import RequestModel, ResponseModel


class RefreshIn(RequestModel):
    refresh_token: str = Field(max_length=200)


class TokenPair(ResponseModel):
    """`expires_in` in seconds; `scope` space-separated, as RFC 6749 section 5.1 has it."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # RFC 6750's name of the type
    expires_in: int
    scope: str
