"""Path parameters and services of the organisation routes."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.guard import OwnSession, require, require_recently
from app.core.ids import ID_SCHEMA, parse_id
from app.core.pagination import Keyset, PageRequest, Pagination
from app.core.principal import Principal, Scope
from app.organizations.errors import MemberNotFoundError, OrganizationNotFoundError
from app.organizations.members.service import MemberService
from app.organizations.service import OrganizationService

CanReadOrganization = Annotated[Principal, require(Scope.ORG_READ)]
CanWriteOrganization = Annotated[Principal, require(Scope.ORG_WRITE)]
# What is not easily taken back: by somebody who logged in a short while ago, never by an API key.
MayEnd = Annotated[Principal, require_recently(Scope.ORG_WRITE)]
MayLeave = Annotated[Principal, require_recently(Scope.ORG_READ)]
CanWriteProfile = Annotated[Principal, require(Scope.PROFILE_WRITE)]


async def get_organization_id(organization_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(organization_id)
    if parsed is None:
        raise OrganizationNotFoundError
    return parsed


async def get_member_id(user_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(user_id)
    if parsed is None:
        raise MemberNotFoundError
    return parsed


OrganizationId = Annotated[UUID, Depends(get_organization_id)]
MemberId = Annotated[UUID, Depends(get_member_id)]


async def reading_organizations(principal: CanReadOrganization, session: OwnSession) -> OrganizationService:
    return OrganizationService(session, principal)


async def writing_organizations(principal: CanWriteOrganization, session: OwnSession) -> OrganizationService:
    return OrganizationService(session, principal)


async def ending_organizations(principal: MayEnd, session: OwnSession) -> OrganizationService:
    return OrganizationService(session, principal)


async def own_organizations(principal: CanWriteProfile, session: OwnSession) -> OrganizationService:
    """To make or restore one, the role in the organisation that the credential is bound to does not count."""
    return OrganizationService(session, principal)


async def reading_members(
    request: Request, principal: CanReadOrganization, session: OwnSession, organization_id: OrganizationId
) -> MemberService:
    return await _members_of(organization_id, request, principal, session)


async def writing_members(
    request: Request, principal: CanWriteOrganization, session: OwnSession, organization_id: OrganizationId
) -> MemberService:
    return await _members_of(organization_id, request, principal, session)


async def ending_members(
    request: Request, principal: MayEnd, session: OwnSession, organization_id: OrganizationId
) -> MemberService:
    return await _members_of(organization_id, request, principal, session)


async def leaving_members(
    request: Request, principal: MayLeave, session: OwnSession, organization_id: OrganizationId
) -> MemberService:
    return await _members_of(organization_id, request, principal, session)


async def _members_of(
    organization_id: UUID, request: Request, principal: Principal, session: AsyncSession
) -> MemberService:
    await OrganizationService(session, principal).bound(organization_id)
    return MemberService(session, principal, end_sessions_in=request.app.state.end_sessions_in)


ReadingOrganizations = Annotated[OrganizationService, Depends(reading_organizations)]
WritingOrganizations = Annotated[OrganizationService, Depends(writing_organizations)]
OwnOrganizationsService = Annotated[OrganizationService, Depends(own_organizations)]
ReadingMembers = Annotated[MemberService, Depends(reading_members)]
WritingMembers = Annotated[MemberService, Depends(writing_members)]
EndingOrganizations = Annotated[OrganizationService, Depends(ending_organizations)]
EndingMembers = Annotated[MemberService, Depends(ending_members)]
LeavingMembers = Annotated[MemberService, Depends(leaving_members)]


def paginated(request: Request, keyset: Keyset, page: PageRequest, principal: Principal) -> Pagination:
    """A cursor of one credential's list is no position in another's."""
    filters = {"organization_id": principal.organization_id, "user_id": principal.user_id}
    return Pagination(request.app.state.cursors, keyset, page, filters)
