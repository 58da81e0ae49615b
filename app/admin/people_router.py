"""Staff find people, and change their role, their locks and their account; and act in their name."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from app.accounts.errors import AccountBeingErasedError
from app.admin.context import (
    BeginningImpersonation,
    CanReadPeople,
    EndingImpersonation,
    UserId,
    Words,
    WritingPeople,
)
from app.admin.errors import OwnAccountError, ProtectedAccountError, SupportForbiddenError, UserNotFoundError
from app.admin.impersonation import Wanted
from app.admin.people import describe
from app.admin.queries import NEWEST_PEOPLE, People, PeopleFilters
from app.admin.schemas import ImpersonationIn, ImpersonationOut, PersonOut, RoleIn
from app.core.errors import FieldFault, ValidationFailedError
from app.core.guard import OwnSession, RecentLoginRequiredError
from app.core.openapi import problems
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError, Pagination
from app.core.principal import StaffRole
from app.core.schemas import Page
from app.organizations.errors import MemberNotFoundError
from app.users.schemas import UserOut

router = APIRouter()

CHANGE_ERRORS = (UserNotFoundError, OwnAccountError, ProtectedAccountError)


async def get_filters(
    q: Words | None = None, role: StaffRole | None = None, *, is_active: bool | None = None
) -> PeopleFilters:
    """`q`: how the user name or the address begins."""
    return PeopleFilters(q, role, is_active)


async def get_wanted_role(
    body: Annotated[RoleIn | None, Body()] = None,
    role: StaffRole | None = None,
    new_role: Annotated[StaffRole | None, Query(description="Another name for role.")] = None,
) -> StaffRole:
    """In the body or in the query, by either name, once. Raises ValidationFailedError."""
    body = body or RoleIn()
    named = {found for found in (body.role, body.new_role, role, new_role) if found is not None}
    if len(named) != 1:
        fault = FieldFault("#/role", "one_role", "Name one role.")
        raise ValidationFailedError(hint='Send {"role": "moderator"}.', faults=[fault])
    return named.pop()


@router.get("/users", responses=problems(InvalidCursorError))
async def list_users(
    _staff: CanReadPeople,
    session: OwnSession,
    filters: Annotated[PeopleFilters, Depends(get_filters)],
    page: PageQuery,
    request: Request,
    response: Response,
) -> Page[UserOut]:
    """People, newest first."""
    scope = {"q": filters.q, "role": filters.role, "is_active": filters.is_active}
    pagination = Pagination(request.app.state.cursors, NEWEST_PEOPLE, page, scope)
    rows = await People(session).page(pagination, filters)
    return page_of(UserOut, rows, request=request, response=response)


@router.get("/users/{user_id}", responses=problems(UserNotFoundError))
async def read_user(_staff: CanReadPeople, session: OwnSession, user_id: UserId) -> PersonOut:
    """One person, where they belong to, and how their account stands."""
    return await describe(session, user_id)


@router.put("/users/{user_id}/role", responses=problems(*CHANGE_ERRORS))
async def change_role(
    people: WritingPeople, user_id: UserId, role: Annotated[StaffRole, Depends(get_wanted_role)]
) -> UserOut:
    """Give somebody another staff role; their sessions end. An operator makes super admins, nobody here."""
    return UserOut.model_validate(await people.change_role(user_id, role))


@router.post("/users/{user_id}/deactivate", responses=problems(*CHANGE_ERRORS))
async def deactivate(people: WritingPeople, user_id: UserId) -> UserOut:
    """Close an account: its sessions and keys end. Nothing is erased."""
    return UserOut.model_validate(await people.deactivate(user_id))


@router.post("/users/{user_id}/activate", responses=problems(*CHANGE_ERRORS, AccountBeingErasedError))
async def activate(people: WritingPeople, user_id: UserId) -> UserOut:
    """Open it again, also where its owner closed it, until it is erased."""
    return UserOut.model_validate(await people.activate(user_id))


@router.post("/users/{user_id}/unlock", responses=problems(*CHANGE_ERRORS))
async def unlock(people: WritingPeople, user_id: UserId) -> UserOut:
    """Forget wrong guesses, and every lock that they brought about."""
    return UserOut.model_validate(await people.unlock(user_id))


@router.post(
    "/users/{user_id}/impersonate",
    status_code=201,
    responses=problems(*CHANGE_ERRORS, MemberNotFoundError, SupportForbiddenError, RecentLoginRequiredError),
)
async def impersonate(
    impersonations: BeginningImpersonation, user_id: UserId, wanted: ImpersonationIn
) -> ImpersonationOut:
    """Act in a member's name for a while, reading only; their organisation reads that in its audit log.

    Takes a recent login. Never in the name of staff, and not where the organisation forbids it.
    """
    begun = await impersonations.begin(user_id, Wanted(**wanted.model_dump()))
    return ImpersonationOut(
        session_id=begun.session.id,
        user_id=user_id,
        organization_id=begun.session.organization_id,
        expires_at=begun.session.absolute_expires_at,
        access_token=begun.token.token,
        expires_in=begun.token.expires_in,
        scope=" ".join(begun.session.scopes),
    )


@router.delete(
    "/users/{user_id}/impersonate",
    status_code=204,
    response_class=Response,
    responses=problems(UserNotFoundError),
)
async def end_impersonation(impersonations: EndingImpersonation, user_id: UserId) -> None:
    """End what I began in this person's name."""
    await impersonations.end(user_id)
