"""Invitations, as they come in and go out."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field

from app.core.principal import MembershipRole
from app.core.schemas import RequestModel, ResponseModel, UtcDatetime
from app.organizations.invitations.tokens import TOKEN_CHARACTERS


class InvitationIn(RequestModel):
    email: Annotated[EmailStr, Field(max_length=254), AfterValidator(str.lower)]
    role: MembershipRole = MembershipRole.MEMBER


class InvitationOut(ResponseModel):
    id: UUID
    email: str
    role: MembershipRole
    invited_by: UUID | None
    created_at: UtcDatetime
    expires_at: UtcDatetime


class InvitationCreated(InvitationOut):
    token: str = Field(description="What the link in the mail carries, shown this once.")
    accept_url: str = Field(description="The link.")


class Acceptance(RequestModel):
    token: str = Field(min_length=1, max_length=TOKEN_CHARACTERS)
