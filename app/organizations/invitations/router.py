"""Inviting, withdrawing, joining. Mounted beside the organisations' own routes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from app.core.guard import OwnSession, RecentLoginRequiredError
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceForSameScopes
from app.core.ids import ID_SCHEMA, parse_id
from app.core.limit_table import private_key
from app.core.limits import AsyncLimiter, Hit, Limit, limited
from app.core.location import MADE, location_of
from app.core.openapi import problems
from app.core.openapi_security import STEP_UP_FOR_SOME
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.schemas import Page
from app.organizations.context import (
    CanReadOrganization,
    CanWriteOrganization,
    CanWriteProfile,
    OrganizationId,
    paginated,
)
from app.organizations.errors import (
    AddressNotVerifiedError,
    AlreadyMemberError,
    InvitationExistsError,
    InvitationNotFoundError,
    OrganizationNotFoundError,
    PersonalOrganizationError,
    RoleNotManageableError,
    TooManyMembersError,
    WrongOrganizationError,
)
from app.organizations.invitations.models import Invitation
from app.organizations.invitations.repository import NEWEST_FIRST
from app.organizations.invitations.schemas import (
    Acceptance,
    InvitationCreated,
    InvitationIn,
    InvitationOut,
)
from app.organizations.invitations.service import InvitationService, accept
from app.organizations.invitations.tokens import InvitationTokens
from app.organizations.schemas import OrganizationOut
from app.organizations.service import OrganizationService

router = APIRouter(route_class=IdempotentRoute)

BOUND = (OrganizationNotFoundError, WrongOrganizationError)
INVITE_ERRORS = (
    RecentLoginRequiredError,
    PersonalOrganizationError,
    RoleNotManageableError,
    AlreadyMemberError,
    TooManyMembersError,
    InvitationExistsError,
)


async def reading_service(
    principal: CanReadOrganization, session: OwnSession, organization_id: OrganizationId
) -> InvitationService:
    organization = await OrganizationService(session, principal).bound(organization_id)
    return InvitationService(session, principal, organization)


async def writing_service(
    principal: CanWriteOrganization, session: OwnSession, organization_id: OrganizationId
) -> InvitationService:
    organization = await OrganizationService(session, principal).bound(organization_id)
    return InvitationService(session, principal, organization)


async def get_tokens(request: Request) -> InvitationTokens:
    return InvitationTokens.from_secret(request.app.state.settings.signing_secret)


async def get_invitation_id(invitation_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(invitation_id)
    if parsed is None:
        raise InvitationNotFoundError
    return parsed


Reading = Annotated[InvitationService, Depends(reading_service)]
Writing = Annotated[InvitationService, Depends(writing_service)]
Tokens = Annotated[InvitationTokens, Depends(get_tokens)]


@router.post(
    "/{organization_id}/invitations",
    status_code=201,
    dependencies=[limited(Limit.INVITATION)],
    responses={**MADE, **problems(*BOUND, *INVITE_ERRORS, *IDEMPOTENCY_ERRORS)},
    openapi_extra=STEP_UP_FOR_SOME,
)
async def invite(
    wanted: InvitationIn,
    invitations: Writing,
    tokens: Tokens,
    request: Request,
    response: Response,
    _once: OnceForSameScopes,
) -> InvitationCreated:
    """Invite an address; the link in the mail works once, for a week, for whoever has confirmed that address.

    To invite an owner takes a recent login.
    """
    limiter: AsyncLimiter = request.app.state.limiter
    await limiter.enforce(request, [Hit(Limit.INVITATION, private_key(wanted.email), "target")])
    made = await invitations.invite(wanted)
    response.headers["Location"] = location_of(request, made.id)
    return _shown(made, tokens, request)


@router.get("/{organization_id}/invitations", name="list", responses=problems(*BOUND, InvalidCursorError))
async def list_open(
    invitations: Reading, page: PageQuery, request: Request, response: Response
) -> Page[InvitationOut]:
    """The open invitations, newest first."""
    pagination = paginated(request, NEWEST_FIRST, page, invitations.principal)
    return page_of(InvitationOut, await invitations.page(pagination), request=request, response=response)


@router.delete(
    "/{organization_id}/invitations/{invitation_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*BOUND, InvitationNotFoundError, RoleNotManageableError),
)
async def withdraw(invitations: Writing, invitation_id: Annotated[UUID, Depends(get_invitation_id)]) -> None:
    """Withdraw an open invitation."""
    await invitations.withdraw(invitation_id)


@router.post(
    "/{organization_id}/invitations/accept",
    responses=problems(
        OrganizationNotFoundError,
        InvitationNotFoundError,
        AddressNotVerifiedError,
        AlreadyMemberError,
        TooManyMembersError,
    ),
)
async def join(
    acceptance: Acceptance,
    organization_id: OrganizationId,
    principal: CanWriteProfile,
    session: OwnSession,
    tokens: Tokens,
) -> OrganizationOut:
    """Join by the link's token, logged in as the person whose address was invited."""
    invitation_id = tokens.parse(acceptance.token)
    if invitation_id is None:
        raise InvitationNotFoundError
    await accept(session, principal, organization_id=organization_id, invitation_id=invitation_id)
    return OrganizationOut.model_validate(await OrganizationService(session, principal).get(organization_id))


def _shown(invitation: Invitation, tokens: InvitationTokens, request: Request) -> InvitationCreated:
    token = tokens.mint(invitation.id)
    base_url = request.app.state.settings.base_url
    # In the fragment: it reaches no server's log.
    accept_url = f"{base_url}/app/join#token={token}&organization={invitation.organization_id}"
    shown = InvitationOut.model_validate(invitation).model_dump()
    return InvitationCreated(**shown, token=token, accept_url=accept_url)
