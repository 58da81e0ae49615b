"""Login, refresh and logout for pages of this service: tokens in cookies, never in a body."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.auth.browser import USELESS_COOKIE, Browser, BrowserSession, CookieRoute, get_browser
from app.auth.devices import get_device, remember_device
from app.auth.errors import EmailNotVerifiedError, LoginFailedError
from app.auth.refresh import RefreshRequest, RefreshService
from app.auth.router import get_credentials, get_login_service, get_refresh_service
from app.auth.second_factor.errors import SecondFactorRequiredError
from app.auth.service import Credentials, Device, LoginService
from app.core.guard import UnauthenticatedError
from app.core.http import client_address
from app.core.limits import Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.refresh_tokens import InvalidRefreshTokenError
from app.core.same_origin import CrossSiteRequestError, require_same_origin

# First of all: what another site made a browser send is not even counted as its user's attempt.
router = APIRouter(
    route_class=CookieRoute,
    dependencies=[Depends(require_same_origin)],
    responses=problems(CrossSiteRequestError),
)

BrowserDep = Annotated[Browser, Depends(get_browser)]


@router.post(
    "/login",
    dependencies=[limited(Limit.LOGIN)],
    responses=problems(
        LoginFailedError, SecondFactorRequiredError, EmailNotVerifiedError, CrossSiteRequestError
    ),
    openapi_extra=ANONYMOUS,
)
async def browser_log_in(
    credentials: Annotated[Credentials, Depends(get_credentials)],
    device: Annotated[Device, Depends(get_device)],
    service: Annotated[LoginService, Depends(get_login_service)],
    browser: BrowserDep,
    request: Request,
    response: Response,
) -> BrowserSession:
    """Log a page in by user name or e-mail address: cookies instead of tokens."""
    login = await service.log_in(credentials, device)
    await browser.replace_former_session()
    browser.keep(response, login.tokens)
    remember_device(request, response, login)
    return BrowserSession(detail="Logged in", username=login.username)


@router.post("/cookie/refresh", responses=problems(*USELESS_COOKIE), openapi_extra=ANONYMOUS)
async def browser_refresh(
    browser: BrowserDep,
    service: Annotated[RefreshService, Depends(get_refresh_service)],
    request: Request,
    response: Response,
) -> BrowserSession:
    """Spend the refresh cookie for two new cookies."""
    claim = await browser.claim()
    address = client_address(request.scope.get("client"))
    refreshed = await service.refresh(RefreshRequest(claim, request.state.arrived_at, address=address))
    browser.keep(response, refreshed.tokens)
    return BrowserSession(detail="Refreshed", username=await browser.username_of(claim.session_id))


@router.post(
    "/cookie/logout",
    responses=problems(UnauthenticatedError, InvalidRefreshTokenError),
    openapi_extra=ANONYMOUS,
)
async def browser_log_out(browser: BrowserDep, response: Response) -> BrowserSession:
    """End the cookies' session and take them away."""
    claim = await browser.claim()
    username = await browser.end_session(claim.session_id, reason="logout")
    browser.forget(response)
    return BrowserSession(detail="Logged out", username=username)
