"""Login and refresh for people and programs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Request, Response

from app.auth.devices import get_device, remember_device
from app.auth.errors import EmailNotVerifiedError, LoginFailedError, TokenReuseError
from app.auth.refresh import RefreshRequest, RefreshService
from app.auth.schemas import LoginForm, RefreshIn, TokenPair
from app.auth.second_factor.errors import SecondFactorRequiredError
from app.auth.service import Credentials, Device, LoginService, asked_scopes
from app.core.auth_metrics import REFRESH
from app.core.guard import count_bad_credential
from app.core.http import client_address
from app.core.idempotency import MAX_KEY_LENGTH
from app.core.limits import AsyncLimiter, Hit, Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.refresh_tokens import InvalidRefreshTokenError, RefreshTokens

router = APIRouter()

# How a spent token that was answered all the same is told.
REUSED_HEADER = "X-Refresh-Reused"
IdempotencyKey = Annotated[str | None, Header(max_length=MAX_KEY_LENGTH)]


async def get_login_service(request: Request) -> LoginService:
    service: LoginService = request.app.state.login_service
    return service


async def get_refresh_service(request: Request) -> RefreshService:
    service: RefreshService = request.app.state.refresh_service
    return service


async def get_credentials(form: Annotated[LoginForm, Form()]) -> Credentials:
    scopes = asked_scopes(form.scope)
    return Credentials(login=form.username, password=form.password, scopes=scopes, totp=form.totp or None)


async def get_refresh_request(
    body: RefreshIn, request: Request, idempotency_key: IdempotencyKey = None
) -> RefreshRequest:
    """Limited per session, which only a genuine token names."""
    tokens: RefreshTokens = request.app.state.refresh_tokens
    limiter: AsyncLimiter = request.app.state.limiter
    try:
        claim = tokens.parse(body.refresh_token)
    except InvalidRefreshTokenError as error:
        REFRESH.refuse(error)
        await count_bad_credential(request)
        raise
    await limiter.enforce(request, [Hit(Limit.REFRESH, str(claim.session_id))])
    address = client_address(request.scope.get("client"))
    return RefreshRequest(claim, request.state.arrived_at, idempotency_key, address)


@router.post(
    "/token",
    dependencies=[limited(Limit.LOGIN)],
    responses=problems(LoginFailedError, SecondFactorRequiredError, EmailNotVerifiedError),
    openapi_extra=ANONYMOUS,
)
async def log_in(
    credentials: Annotated[Credentials, Depends(get_credentials)],
    device: Annotated[Device, Depends(get_device)],
    service: Annotated[LoginService, Depends(get_login_service)],
    request: Request,
    response: Response,
) -> TokenPair:
    """Log in by user name or e-mail address (OAuth 2.0 password form)."""
    login = await service.log_in(credentials, device)
    remember_device(request, response, login)
    return login.tokens


@router.post(
    "/refresh",
    responses=problems(InvalidRefreshTokenError, TokenReuseError),
    openapi_extra=ANONYMOUS,
)
async def refresh(
    refresh_request: Annotated[RefreshRequest, Depends(get_refresh_request)],
    service: Annotated[RefreshService, Depends(get_refresh_service)],
    response: Response,
) -> TokenPair:
    """Exchange a refresh token for a new pair; the old one is spent."""
    refreshed = await service.refresh(refresh_request)
    if refreshed.reused:
        response.headers[REUSED_HEADER] = refreshed.reused
    return refreshed.tokens
