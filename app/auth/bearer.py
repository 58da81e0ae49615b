"""Verifies an access token: its signature here, its session's state in Redis or PostgreSQL."""

from dataclasses import replace
from functools import lru_cache, partial

from app.auth.repository import LiveLogin, find_login
from app.core.auth_metrics import BEARER
from app.core.db import Database, Tenant
from app.core.principal import Principal, Scope, StaffPolicy, allowed_scopes
from app.core.principal_cache import PrincipalCache, session_name
from app.core.tokens import AccessClaims, AccessTokens, InvalidTokenError

SCOPES = frozenset(str(scope) for scope in Scope)


class BearerAuthenticator:
    def __init__(
        self, tokens: AccessTokens, database: Database, cache: PrincipalCache, *, staff: StaffPolicy
    ) -> None:
        self._tokens = tokens
        self._database = database
        self._cache = cache
        self._staff = staff

    def recognises(self, credential: str) -> bool:
        return "." in credential

    async def authenticate(self, credential: str, *, address: str | None) -> Principal:
        """Raises InvalidTokenError for anything but a token of a living session."""
        del address  # a session is not bound to one
        with BEARER:
            return await self._verify(credential)

    def expected(self, credential: str) -> Principal | None:
        """None before the token was read here, and its session found to live."""
        claims = self._tokens.remembered(credential)
        principal = self._cache.expected(session_name(claims.sid)) if claims else None
        return _granted(principal, claims) if principal and claims else None

    async def _verify(self, credential: str) -> Principal:
        claims = self._tokens.decode(credential)
        principal = await self._cache.fetch(session_name(claims.sid), partial(self._from_database, claims))
        if (principal.user_id, principal.organization_id) != (claims.sub, claims.org):
            raise InvalidTokenError(internal="the token names another user or organisation than its session")
        return _granted(principal, claims)

    async def _from_database(self, claims: AccessClaims) -> Principal:
        tenant = Tenant(organization_id=claims.org, user_id=claims.sub)
        login = await find_login(self._database, tenant, claims.sid)
        if login is None or not login.standing.is_active:
            raise InvalidTokenError(internal="the session has ended")
        return self._principal(claims, login)

    def _principal(self, claims: AccessClaims, login: LiveLogin) -> Principal:
        standing = login.standing
        proved = self._staff.proved(standing.staff_role, login.amr)
        scopes = allowed_scopes(proved, standing.membership_role)
        return Principal(
            kind="user",
            user_id=login.user_id,
            organization_id=claims.org,
            credential_id=claims.sid,
            staff_role=proved,
            membership_role=standing.membership_role,
            plan=standing.plan,
            scopes=scopes,
            amr=login.amr,
            # Whoever acts in another's name has never logged in as them, however recently they began.
            authenticated_at=None if login.impersonator_id else login.authenticated_at,
            impersonator_id=login.impersonator_id,
            withheld=allowed_scopes(standing.staff_role, standing.membership_role) - scopes,
        )


def _granted(principal: Principal, claims: AccessClaims) -> Principal:
    """What the session allows and the token was issued for."""
    known = _known(claims.scopes)
    # Nearly every token was issued for all of it, and a copy costs more than the question.
    return principal if principal.scopes <= known else replace(principal, scopes=principal.scopes & known)


@lru_cache(maxsize=256)
def _known(scopes: frozenset[str]) -> frozenset[Scope]:
    return frozenset(Scope(scope) for scope in scopes & SCOPES)
