"""Organisations and members, as they come in and go out."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.core.principal import MembershipRole, Plan
from app.core.schemas import ChangeModel, JsonBool, RequestModel, ResponseModel, UtcDatetime

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class OrganizationIn(RequestModel):
    name: Name


class OrganizationChange(ChangeModel):
    name: Name = ""
    support_access: JsonBool = Field(
        default=True, description="Whether the platform's staff may act in the name of members."
    )


class OrganizationOut(ResponseModel):
    id: UUID
    name: str
    is_personal: bool
    plan: Plan
    role: MembershipRole = Field(description="Mine.")
    created_at: UtcDatetime
    support_access: bool
    suspended_at: UtcDatetime | None
    erase_after: UtcDatetime | None = Field(description="Deleted; can be restored until then.")


class MemberOut(ResponseModel):
    user_id: UUID
    username: str
    full_name: str | None
    email: str
    role: MembershipRole
    created_at: UtcDatetime


class RoleChange(RequestModel):
    role: MembershipRole


class Transfer(RequestModel):
    user_id: UUID = Field(description="The member who becomes owner; you become an admin.")
