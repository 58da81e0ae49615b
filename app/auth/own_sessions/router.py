"""My sessions, and leaving them."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from app.auth.devices import get_device
from app.auth.opening import Device, SessionPolicy
from app.auth.own_sessions.errors import (
    ForeignRefreshTokenError,
    ImpersonatedError,
    SessionNotFoundError,
    SessionRequiredError,
)
from app.auth.own_sessions.schemas import Done, LogoutIn, SessionOut, SwitchIn, shown
from app.auth.own_sessions.service import Caller, OwnSessionService
from app.auth.own_sessions.switching import Switch
from app.auth.schemas import TokenPair
from app.core.guard import OwnSession, authenticate, require
from app.core.http import client_address
from app.core.ids import ID_SCHEMA, parse_id
from app.core.openapi import problems
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.principal import Principal, Scope
from app.core.refresh_tokens import InvalidRefreshTokenError, RefreshTokens
from app.core.schemas import Page
from app.organizations.errors import OrganizationNotFoundError

router = APIRouter()

CanReadProfile = Annotated[Principal, require(Scope.PROFILE_READ)]
CanWriteProfile = Annotated[Principal, require(Scope.PROFILE_WRITE)]
Anybody = Annotated[Principal, Depends(authenticate)]


async def caller_of(request: Request, principal: Anybody) -> Caller:
    return Caller(principal, client_address(request.scope.get("client")))


async def logged_in(principal: Anybody) -> Principal:
    """No scope is needed: whoever may do nothing else may still leave."""
    if principal.kind != "user":
        raise SessionRequiredError
    return principal


HasLoggedIn = Annotated[Principal, Depends(logged_in)]


async def get_service(
    request: Request, session: OwnSession, caller: Annotated[Caller, Depends(caller_of)]
) -> OwnSessionService:
    return OwnSessionService(session, caller, cache=request.app.state.principal_cache)


async def get_switch(
    request: Request, session: OwnSession, caller: Annotated[Caller, Depends(caller_of)]
) -> Switch:
    state = request.app.state
    idle_lifetime = timedelta(days=state.settings.refresh_token_expire_days)
    policy = SessionPolicy(idle_lifetime, state.staff_policy)
    return Switch(policy, session, caller, issuer=state.token_issuer)


MySessions = Annotated[OwnSessionService, Depends(get_service)]


async def known_session_id(session_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(session_id)
    if parsed is None:
        raise SessionNotFoundError
    return parsed


async def named_session(body: LogoutIn, request: Request) -> UUID:
    tokens: RefreshTokens = request.app.state.refresh_tokens
    try:
        return tokens.parse(body.refresh_token).session_id
    except InvalidRefreshTokenError as error:
        raise ForeignRefreshTokenError from error


async def wanted_organization(body: SwitchIn) -> UUID:
    parsed = parse_id(body.organization_id)
    if parsed is None:
        raise OrganizationNotFoundError
    return parsed


@router.get("/sessions", responses=problems(InvalidCursorError))
async def list_sessions(
    principal: CanReadProfile, service: MySessions, page: PageQuery, request: Request
) -> Page[SessionOut]:
    """My living sessions in all organisations, newest first."""
    rows = await service.page(request.app.state.cursors, page)
    items = [shown(row, current=principal.credential_id) for row in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor, has_more=rows.has_more)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    response_class=Response,
    responses=problems(SessionNotFoundError),
)
async def end_session(
    _principal: CanWriteProfile, service: MySessions, session_id: Annotated[UUID, Depends(known_session_id)]
) -> None:
    """End one of my sessions; its access tokens are refused everywhere within two seconds."""
    await service.end(session_id)


@router.post("/logout", responses=problems(SessionRequiredError, ForeignRefreshTokenError))
async def log_out(
    _principal: HasLoggedIn, service: MySessions, named: Annotated[UUID, Depends(named_session)]
) -> Done:
    """End this session, and that of the refresh token."""
    await service.log_out(named)
    return Done(detail="Logged out")


@router.post("/logout-all")
async def log_out_everywhere(_principal: CanWriteProfile, service: MySessions) -> Done:
    """End all my sessions in all organisations, this one too."""
    return Done(detail=f"Logged out of {await service.log_out_everywhere()} sessions")


@router.post(
    "/switch",
    responses=problems(
        SessionRequiredError, SessionNotFoundError, OrganizationNotFoundError, ImpersonatedError
    ),
)
async def switch(
    _principal: CanReadProfile,
    _person: HasLoggedIn,
    organization_id: Annotated[UUID, Depends(wanted_organization)],
    service: Annotated[Switch, Depends(get_switch)],
    device: Annotated[Device, Depends(get_device)],
) -> TokenPair:
    """A new pair, bound to another organisation of mine; the present session stays."""
    return await service.to(organization_id, device=device)
