"""Organisations, and who belongs to them."""

from fastapi import APIRouter, Request, Response

from app.core.conditional import Precondition, PreconditionFailedError
from app.core.guard import RecentLoginRequiredError
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceInOwnSession
from app.core.location import MADE, location_of
from app.core.openapi import problems
from app.core.openapi_security import STEP_UP_FOR_SOME
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.schemas import Page
from app.core.tagged_answer import UNCHANGED, IfMatch, IfNoneMatch, read_answer, tagged
from app.organizations import store
from app.organizations.context import (
    EndingMembers,
    EndingOrganizations,
    LeavingMembers,
    MemberId,
    OrganizationId,
    OwnOrganizationsService,
    ReadingMembers,
    ReadingOrganizations,
    WritingMembers,
    WritingOrganizations,
    paginated,
)
from app.organizations.errors import (
    LastOwnerError,
    MemberNotFoundError,
    OrganizationNotFoundError,
    OwnerNeededError,
    PersonalOrganizationError,
    RoleNotManageableError,
    TooManyOrganizationsError,
    WrongOrganizationError,
)
from app.organizations.members import repository as members_repository
from app.organizations.schemas import (
    MemberOut,
    OrganizationChange,
    OrganizationIn,
    OrganizationOut,
    RoleChange,
    Transfer,
)

router = APIRouter(route_class=IdempotentRoute)

BOUND = (OrganizationNotFoundError, WrongOrganizationError)
MEMBER_ERRORS = problems(
    *BOUND, MemberNotFoundError, RoleNotManageableError, RecentLoginRequiredError, LastOwnerError
)


@router.post(
    "",
    status_code=201,
    responses={**MADE, **problems(TooManyOrganizationsError, *IDEMPOTENCY_ERRORS)},
)
async def create(
    wanted: OrganizationIn,
    organizations: OwnOrganizationsService,
    request: Request,
    response: Response,
    _once: OnceInOwnSession,
) -> OrganizationOut:
    """Make an organisation; POST /auth/switch then gives a token for it."""
    made = OrganizationOut.model_validate(await organizations.create(wanted.name))
    response.headers["Location"] = location_of(request, made.id)
    return made


@router.get("", name="list", responses=problems(InvalidCursorError))
async def list_mine(
    organizations: ReadingOrganizations, page: PageQuery, request: Request, response: Response
) -> Page[OrganizationOut]:
    """The organisations that I belong to."""
    pagination = paginated(request, store.OLDEST_FIRST, page, organizations.principal)
    return page_of(OrganizationOut, await organizations.page(pagination), request=request, response=response)


@router.get(
    "/{organization_id}",
    response_model=OrganizationOut,
    responses={**UNCHANGED, **problems(OrganizationNotFoundError)},
)
async def read(
    organizations: ReadingOrganizations, organization_id: OrganizationId, if_none_match: IfNoneMatch = None
) -> Response:
    """One organisation of mine."""
    found = await organizations.get(organization_id)
    return read_answer(OrganizationOut.model_validate(found), if_none_match)


@router.patch("/{organization_id}", responses=problems(*BOUND, PreconditionFailedError))
async def change(
    organizations: WritingOrganizations,
    organization_id: OrganizationId,
    wanted: OrganizationChange,
    response: Response,
    if_match: IfMatch = None,
) -> OrganizationOut:
    """Give it another name, or forbid the platform's staff to act in it. A field left out stays."""
    precondition, values = Precondition(if_match, OrganizationOut), wanted.model_dump(exclude_unset=True)
    changed = await organizations.change(organization_id, precondition, **values)
    return tagged(OrganizationOut.model_validate(changed), response)


@router.delete(
    "/{organization_id}",
    responses=problems(*BOUND, OwnerNeededError, PersonalOrganizationError, RecentLoginRequiredError),
)
async def delete(organizations: EndingOrganizations, organization_id: OrganizationId) -> OrganizationOut:
    """Delete it: its credentials stop at once, its data are erased after 30 days. Takes a recent login."""
    return OrganizationOut.model_validate(await organizations.delete(organization_id))


@router.post(
    "/{organization_id}/restore",
    responses=problems(OrganizationNotFoundError, OwnerNeededError),
)
async def restore(organizations: OwnOrganizationsService, organization_id: OrganizationId) -> OrganizationOut:
    """Take a deletion back, with a token of another organisation."""
    return OrganizationOut.model_validate(await organizations.restore(organization_id))


@router.post(
    "/{organization_id}/leave",
    status_code=204,
    response_class=Response,
    responses=problems(*BOUND, LastOwnerError, RecentLoginRequiredError),
)
async def leave(members: LeavingMembers) -> None:
    """Leave it; sessions and keys that I have there end. Takes a recent login."""
    await members.leave()


@router.post(
    "/{organization_id}/transfer",
    responses=problems(*BOUND, MemberNotFoundError, OwnerNeededError, RecentLoginRequiredError),
)
async def transfer(members: EndingMembers, wanted: Transfer) -> MemberOut:
    """Hand it over: a member becomes owner, I become an admin. Takes a recent login."""
    return MemberOut.model_validate(await members.transfer(wanted.user_id))


@router.get("/{organization_id}/members", responses=problems(*BOUND, InvalidCursorError))
async def list_members(
    members: ReadingMembers, page: PageQuery, request: Request, response: Response
) -> Page[MemberOut]:
    """Who belongs to it, and as what."""
    pagination = paginated(request, members_repository.OLDEST_FIRST, page, members.principal)
    return page_of(MemberOut, await members.page(pagination), request=request, response=response)


@router.patch("/{organization_id}/members/{user_id}", responses=MEMBER_ERRORS, openapi_extra=STEP_UP_FOR_SOME)
async def change_role(members: WritingMembers, user_id: MemberId, change: RoleChange) -> MemberOut:
    """Give a member another role; what concerns owners takes a recent login."""
    return MemberOut.model_validate(await members.change_role(user_id, change.role))


@router.delete(
    "/{organization_id}/members/{user_id}",
    status_code=204,
    response_class=Response,
    responses=MEMBER_ERRORS,
    openapi_extra=STEP_UP_FOR_SOME,
)
async def remove_member(members: WritingMembers, user_id: MemberId) -> None:
    """Remove a member, an owner with a recent login; sessions and keys of this membership end."""
    await members.remove(user_id)
