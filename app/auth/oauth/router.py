"""Login by Google, GitHub or an OpenID provider; linking one to an account that exists."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.auth.browser import Browser
from app.auth.devices import get_device, remember_device
from app.auth.errors import EmailNotVerifiedError, LoginFailedError
from app.auth.oauth.admission import CodeNeeded, LoggedIn
from app.auth.oauth.cookies import read_cookie, set_cookie
from app.auth.oauth.errors import (
    LastLoginError,
    OAuthAccountExistsError,
    OAuthCodeError,
    OAuthDeniedError,
    OAuthEmailError,
    OAuthLinkTakenError,
    OAuthLinkUnverifiedError,
    OAuthProofError,
    OAuthProviderError,
    OAuthSecondFactorError,
    OAuthStateError,
    OAuthUnavailableError,
)
from app.auth.oauth.links import links_of, unlink
from app.auth.oauth.schemas import AuthorizationOut, LinkedOut, LinkOut, ProviderOut, SecondStepIn
from app.auth.oauth.service import Departure, Linked, OAuthService, Return
from app.auth.schemas import TokenPair
from app.auth.service import Device
from app.core.guard import OwnSession, RecentLoginRequiredError, require, require_recently
from app.core.http import accepts_html, client_address
from app.core.limits import Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.principal import Principal, Scope
from app.core.schemas import Page
from app.users.errors import EmailTakenError, UsernameTakenError

router = APIRouter()
# By itself: providers add parameters of their own, which are not refused.
callback_router = APIRouter()

HOME = "/app"
MAX_PARAMETER = 4096
TO_PROVIDER = {"description": "To the provider; JSON instead where Accept names it and not HTML."}
TO_HOME = {"description": "Mode cookie: to /app, with the browser's cookies set."}
BEGINNING = (OAuthProviderError, OAuthUnavailableError)
LOGGING_IN = (OAuthStateError, LoginFailedError, EmailNotVerifiedError)
COMING_BACK = (
    *(*LOGGING_IN, *BEGINNING, OAuthCodeError, OAuthDeniedError, OAuthProofError, OAuthSecondFactorError),
    *(OAuthEmailError, OAuthAccountExistsError, OAuthLinkUnverifiedError, OAuthLinkTakenError),
    *(EmailTakenError, UsernameTakenError),
)

CanReadProfile = Annotated[Principal, require(Scope.PROFILE_READ)]
CanChangeLogins = Annotated[Principal, require_recently(Scope.PROFILE_WRITE)]
DeviceDep = Annotated[Device, Depends(get_device)]
# Said, not enforced: a longer name is as unknown as any other, 404 and not 422.
ProviderName = Annotated[str, Path(json_schema_extra={"maxLength": 40})]
Text = Annotated[str | None, Query(max_length=MAX_PARAMETER)]


async def get_oauth_service(request: Request) -> OAuthService:
    service: OAuthService = request.app.state.oauth_service
    return service


async def get_return(request: Request, state: Text = None, code: Text = None, error: Text = None) -> Return:
    return Return(state or "", read_cookie(request, "oauth"), code, error)


ServiceDep = Annotated[OAuthService, Depends(get_oauth_service)]


@router.get("/providers", openapi_extra=ANONYMOUS)
async def list_providers(service: ServiceDep) -> Page[ProviderOut]:
    """The providers that one may log in by here."""
    items = [ProviderOut(name=provider.name, label=provider.label) for provider in service.providers]
    return Page(items=items, next_cursor=None, has_more=False)


@router.get("/links")
async def list_links(principal: CanReadProfile, session: OwnSession) -> Page[LinkOut]:
    """The providers that open my account."""
    links = [LinkOut.model_validate(link) for link in await links_of(session, principal.user_id)]
    return Page(items=links, next_cursor=None, has_more=False)


@router.get(
    "/{provider}/authorize",
    response_model=AuthorizationOut,
    dependencies=[limited(Limit.OAUTH_START)],
    responses={303: TO_PROVIDER, **problems(*BEGINNING)},
    openapi_extra=ANONYMOUS,
)
async def authorize(
    provider: ProviderName,
    request: Request,
    response: Response,
    service: ServiceDep,
    mode: Annotated[Literal["token", "cookie"], Query(description="How the login ends.")] = "token",
) -> AuthorizationOut | Response:
    """Begin a login by a provider: the browser goes there, and comes back to the callback."""
    departure = await service.begin(provider, mode)
    if not _wants_json(request):
        redirect = RedirectResponse(departure.url, status_code=303)
        set_cookie(request, redirect, "oauth", departure.browser)
        return redirect
    return _told(request, response, departure)


@router.post("/{provider}/link", responses=problems(RecentLoginRequiredError, *BEGINNING))
async def begin_linking(
    provider: ProviderName,
    request: Request,
    response: Response,
    service: ServiceDep,
    principal: CanChangeLogins,
) -> AuthorizationOut:
    """Begin to link a provider to my account: the same browser then goes to the address in the answer."""
    return _told(request, response, await service.begin_linking(provider, principal))


@callback_router.get(
    "/{provider}/callback",
    response_model=TokenPair | LinkedOut,
    dependencies=[limited(Limit.LOGIN)],
    responses={303: TO_HOME, **problems(*COMING_BACK)},
    openapi_extra=ANONYMOUS,
)
async def callback(
    provider: ProviderName,
    back: Annotated[Return, Depends(get_return)],
    device: DeviceDep,
    request: Request,
    response: Response,
    service: ServiceDep,
) -> TokenPair | LinkedOut | Response:
    """Where the provider sends the browser back to. Answers as POST /auth/token does."""
    outcome = await service.finish(provider, back, device=device)
    set_cookie(request, response, "oauth", "")
    if isinstance(outcome, Linked):
        return LinkedOut(detail="Linked", provider=outcome.provider)
    if isinstance(outcome, CodeNeeded):
        raise _second_factor_required(request, outcome)
    return await _answer(request, response, outcome)


@router.post(
    "/{provider}/second-factor",
    response_model=TokenPair,
    dependencies=[limited(Limit.LOGIN)],
    responses={303: TO_HOME, **problems(*LOGGING_IN)},
    openapi_extra=ANONYMOUS,
)
async def finish_with_code(
    provider: ProviderName,
    step: SecondStepIn,
    device: DeviceDep,
    request: Request,
    response: Response,
    service: ServiceDep,
) -> TokenPair | Response:
    """End a login for which the callback demanded a second factor."""
    ticket = read_cookie(request, "oauth-step")
    outcome = await service.finish_with_code(provider, ticket, code=step.totp, device=device)
    set_cookie(request, response, "oauth-step", "")
    return await _answer(request, response, outcome)


@router.delete(
    "/{provider}",
    status_code=204,
    response_class=Response,
    responses=problems(RecentLoginRequiredError, LastLoginError),
)
async def remove_link(
    provider: ProviderName, request: Request, principal: CanChangeLogins, session: OwnSession
) -> None:
    """Unlink a provider from my account."""
    await unlink(session, principal, provider, address=client_address(request.scope.get("client")))


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and not accepts_html(accept)


def _told(request: Request, response: Response, departure: Departure) -> AuthorizationOut:
    set_cookie(request, response, "oauth", departure.browser)
    return AuthorizationOut(authorization_url=departure.url)


async def _answer(request: Request, response: Response, outcome: LoggedIn) -> TokenPair | Response:
    if outcome.mode != "cookie":
        remember_device(request, response, outcome.login)
        return outcome.login.tokens
    redirect = RedirectResponse(HOME, status_code=303)
    for value in response.headers.getlist("set-cookie"):
        redirect.headers.append("set-cookie", value)
    browser = Browser(request)
    await browser.replace_former_session()
    browser.keep(redirect, outcome.login.tokens)
    remember_device(request, redirect, outcome.login)
    return redirect


def _second_factor_required(request: Request, needed: CodeNeeded) -> OAuthSecondFactorError:
    carrier = Response()
    set_cookie(request, carrier, "oauth-step", needed.ticket)
    return OAuthSecondFactorError(headers={"Set-Cookie": carrier.headers["set-cookie"]})
