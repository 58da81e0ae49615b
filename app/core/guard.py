"""The gate in front of every route: exactly one credential, verified, with the scope that the route names.

It knows no feature: it walks the authenticators that `main.py` registered on the app.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Security
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.openapi.models import SecuritySchemeType
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection
from structlog.contextvars import bind_contextvars, unbind_contextvars

from app.core.auth_metrics import BEARER
from app.core.browser_cookies import BrowserCookies
from app.core.db import DatabaseDep, Tenant
from app.core.errors import ProblemError
from app.core.http import client_address
from app.core.limits import AsyncLimiter, Hit, Limit, address_of
from app.core.principal import IMPERSONATED_BY, RECENT, Principal, Scope
from app.core.refusals import RefusalKind, tell_refusal
from app.core.same_origin import SAFE_METHODS, check_same_origin

GUARD = "Guard"
SECOND_FACTOR_HINT = (
    "Your staff role counts only after a login with a second factor: "
    "enroll at POST /api/v1/auth/totp/enroll, then log in with a code."
)


class UnauthenticatedError(ProblemError):
    code = "unauthenticated"
    status = 401
    title = "Authentication required"
    meaning = "The request carries no credential."
    hint = "Send Authorization: Bearer <access token>, or X-API-Key: <key>."
    headers = {"WWW-Authenticate": "Bearer"}  # noqa: RUF012  # read-only by its declared type


class InvalidCredentialError(ProblemError):
    code = "invalid_credential"
    status = 401
    title = "The credential is not valid"
    meaning = "The token or key is malformed, expired, revoked or unknown."
    hint = "Log in again, refresh the token, or make a new key."
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # noqa: RUF012  # as above


class MultipleCredentialsError(ProblemError):
    code = "multiple_credentials"
    status = 400
    title = "More than one credential"
    meaning = "A request carries exactly one credential; which of two should count cannot be guessed."
    hint = "Send either Authorization or X-API-Key, once."


class InsufficientScopeError(ProblemError):
    code = "insufficient_scope"
    status = 403
    title = "The credential lacks a scope"
    meaning = "The credential is valid, but neither it nor its role allows this."
    hint = "Ask for the scope at login, or use a key that has it."


class RecentLoginRequiredError(ProblemError):
    """RFC 9470's step-up: the client learns how old a login may be."""

    code = "recent_login_required"
    status = 403
    title = "A recent login is required"
    meaning = "Whoever finds an open session must not take over the account: this needs a login just made."
    hint = (
        "Log in again, and use the new access token within 15 minutes; an API key cannot do this. If a login "
        "by a provider does not help, use a password: POST /api/v1/auth/forgot-password sets one."
    )
    headers = {  # noqa: RUF012  # as above
        "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", '
        f'error_description="A recent login is required", max_age={int(RECENT.total_seconds())}'
    }


class Authenticator(Protocol):
    """One kind of credential. `authenticate` raises a 401 `ProblemError` for anything it cannot verify."""

    def recognises(self, credential: str) -> bool: ...

    async def authenticate(self, credential: str, *, address: str | None) -> Principal: ...

    def expected(self, credential: str) -> Principal | None:
        """Whom it stood for when this process last asked: a guess, on which nobody may be let in."""


class Guard(SecurityBase):
    """The dependency that lets in whoever has one good credential, once per request.

    To FastAPI it is a single scheme: one for each way that a credential may come would be asked at every
    request, only to be documented. What clients are told is core/openapi_security.py.
    """

    scheme_name = GUARD
    model = SecurityModel(type=SecuritySchemeType.http)

    async def __call__(self, request: Request) -> Principal:
        """FastAPI's cache tells apart callers with other scopes, so the state remembers."""
        known: Principal | None = getattr(request.state, "principal", None)
        if known is not None:
            return known
        header = _only_header(request)
        credential = header or _cookie_of_our_page(request)
        principal = await admit(request, credential, is_cookie=header is None)
        limiter: AsyncLimiter = request.app.state.limiter
        await limiter.enforce_principal(request, principal)
        return principal


authenticate = Guard()


async def admit(connection: HTTPConnection, credential: str, *, is_cookie: bool = False) -> Principal:
    """Who it is, from here on also for the log and whoever asks the state; limits are not counted here.

    Raises a 401 ProblemError, or RateLimitedError for who has sent too many bad ones.
    """
    try:
        principal = await verify(connection, credential)
        if is_cookie and principal.kind != "user":
            raise InvalidCredentialError(internal="a cookie holds a session's token, and nothing else")
    except ProblemError as error:
        if error.status == UnauthenticatedError.status:
            await count_bad_credential(connection)
        raise
    connection.scope.setdefault("state", {})["principal"] = principal
    _name_impersonator(principal)
    return principal


def expected_principal(connection: HTTPConnection, credential: str) -> Principal | None:
    """A guess; see `Authenticator.expected`."""
    authenticator = _authenticator_of(connection, credential)
    return authenticator.expected(credential) if authenticator else None


def _authenticator_of(connection: HTTPConnection, credential: str) -> Authenticator | None:
    authenticators: Sequence[Authenticator] = connection.app.state.authenticators
    for authenticator in authenticators:
        if authenticator.recognises(credential):
            return authenticator
    return None


def _name_impersonator(principal: Principal) -> None:
    """In the request's log lines, and in what it writes into the audit log."""
    if principal.impersonator_id is None:
        unbind_contextvars(IMPERSONATED_BY)
    else:
        bind_contextvars(**{IMPERSONATED_BY: str(principal.impersonator_id)})


async def verify(connection: HTTPConnection, credential: str) -> Principal:
    """Raises a 401 ProblemError for anything that is no living credential of ours."""
    authenticator = _authenticator_of(connection, credential)
    if authenticator is not None:
        address = client_address(connection.scope.get("client"))
        return await authenticator.authenticate(credential, address=address)
    # It says nothing of what it was meant to be.
    with BEARER:
        raise InvalidCredentialError


async def count_bad_credential(connection: HTTPConnection) -> None:
    """Whoever guesses is slowed down by address. Raises RateLimitedError."""
    limiter: AsyncLimiter = connection.app.state.limiter
    await limiter.enforce(connection, [Hit(Limit.BAD_CREDENTIAL, address_of(connection))])


def _only_header(request: Request) -> str | None:
    found = [*request.headers.getlist("x-api-key")]
    for header in request.headers.getlist("authorization"):
        scheme, value = get_authorization_scheme_param(header)
        found.append(value.strip() if scheme.lower() == "bearer" else "")
    if not found:
        return None
    if len(found) > 1:
        raise MultipleCredentialsError
    if not found[0]:
        raise InvalidCredentialError
    return found[0]


def _cookie_of_our_page(request: Request) -> str:
    """What a browser adds by itself counts for writing only where a page of ours asked it to."""
    cookies: BrowserCookies = request.app.state.browser_cookies
    token = cookies.access_token(request)
    if token is None:
        raise UnauthenticatedError
    if request.method not in SAFE_METHODS:
        check_same_origin(request)
    return token


async def _check_scopes(
    request: Request, required: SecurityScopes, principal: Annotated[Principal, Depends(authenticate)]
) -> Principal:
    missing = [scope for scope in required.scopes if scope not in principal.scopes]
    if missing:
        names = " ".join(missing)
        tell_refusal(request, RefusalKind.SCOPE, name=names)
        challenge = f'Bearer error="insufficient_scope", scope="{names}"'
        hint = SECOND_FACTOR_HINT if principal.withheld.intersection(missing) else None
        raise InsufficientScopeError(
            f"This needs the scope {names}", hint=hint, headers={"WWW-Authenticate": challenge}
        )
    return principal


def require(*scopes: Scope) -> Any:  # Any: what FastAPI's Security returns
    """What an alias in a signature is made of: the principal, once every one of the scopes is there."""
    return Security(_check_scopes, scopes=[str(scope) for scope in scopes])


async def require_recent_login(principal: Annotated[Principal, Depends(_check_scopes)]) -> Principal:
    """A dependency: the login is at most 15 minutes old, and the credential is no API key."""
    if not principal.logged_in_recently(datetime.now(UTC)):
        raise RecentLoginRequiredError
    return principal


def require_recently(*scopes: Scope) -> Any:  # Any: what FastAPI's Security returns
    """As `require`, and by a recent login: for what a thief of an open session must not be able to do."""
    return Security(require_recent_login, scopes=[str(scope) for scope in scopes])


async def get_own_session(
    principal: Annotated[Principal, Depends(authenticate)], database: DatabaseDep
) -> AsyncIterator[AsyncSession]:
    tenant = Tenant(organization_id=principal.organization_id, user_id=principal.user_id)
    async with database.transaction(tenant) as session:
        yield session


# The request's transaction, bound to the caller's organisation; it commits before the response leaves.
OwnSession = Annotated[AsyncSession, Depends(get_own_session, scope="function")]
