"""Sessions as their owner sees them."""

from uuid import UUID

from pydantic import Field

from app.auth.models import AuthSession
from app.auth.own_sessions.devices import address_prefix, describe_device
from app.core.schemas import RequestModel, ResponseModel, UtcDatetime


class SessionOut(ResponseModel):
    id: UUID
    organization_id: UUID
    device: str = Field(description="What it called itself at login.", examples=["Firefox on Linux"])
    address: str | None = Field(description="The network it logged in from.", examples=["203.0.113.0/24"])
    created_at: UtcDatetime
    last_used_at: UtcDatetime = Field(description="The last login or refresh; up to 15 minutes ago in use.")
    expires_at: UtcDatetime = Field(description="If it is not refreshed before.")
    current: bool = Field(description="Whether it is the session that asks.")
    impersonated: bool = Field(description="Whether somebody of the platform's staff acts in it in my name.")


class LogoutIn(RequestModel):
    refresh_token: str = Field(max_length=4096)


class SwitchIn(RequestModel):
    organization_id: str = Field(max_length=100, json_schema_extra={"format": "uuid"})


class Done(ResponseModel):
    detail: str


def shown(row: AuthSession, *, current: UUID) -> SessionOut:
    return SessionOut(
        id=row.id,
        organization_id=row.organization_id,
        device=describe_device(row.user_agent),
        address=address_prefix(row.ip),
        created_at=row.created_at,
        last_used_at=row.rotated_at,
        expires_at=row.idle_expires_at,
        current=row.id == current,
        impersonated=row.impersonator_id is not None,
    )
