"""What login by another provider takes and gives."""

from typing import Annotated

from pydantic import Field

from app.core.schemas import RequestModel, ResponseModel, UtcDatetime


class ProviderOut(ResponseModel):
    """`name` stands in the paths, `label` on a button."""

    name: str
    label: str


class AuthorizationOut(ResponseModel):
    """Where the browser goes next; the cookie that came with this answer must come back with it."""

    authorization_url: str


class LinkedOut(ResponseModel):
    detail: str
    provider: str


class LinkOut(ResponseModel):
    """An account at a provider that opens mine. `email` is what the provider vouched for then."""

    provider: str
    email: str | None
    created_at: UtcDatetime
    last_used_at: UtcDatetime | None


class SecondStepIn(RequestModel):
    totp: Annotated[str, Field(max_length=50, description="A code of the app, or a recovery code.")]
