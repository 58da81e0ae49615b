"""A session's row as the pair of tokens that its client gets."""

from app.auth.models import AuthSession
from app.auth.repository import LiveSession
from app.auth.schemas import TokenPair
from app.core.principal import StaffRole
from app.core.refresh_tokens import RefreshTokens
from app.core.tokens import AccessGrant, AccessTokens, IssuedToken

TOKEN_VERSION = 1


class TokenIssuer:
    def __init__(self, access_tokens: AccessTokens, refresh_tokens: RefreshTokens) -> None:
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens

    def access_only(self, row: AuthSession, *, at_most_seconds: int) -> IssuedToken:
        """For a session that cannot be refreshed, and in which nobody is staff."""
        return self._access_tokens.issue(_grant(row, StaffRole.USER), at_most_seconds=at_most_seconds)

    def pair(self, row: AuthSession | LiveSession, *, role: StaffRole) -> TokenPair:
        issued = self._access_tokens.issue(_grant(row, role))
        return TokenPair(
            access_token=issued.token,
            refresh_token=self._refresh_tokens.mint(row.id, counter=row.counter),
            expires_in=issued.expires_in,
            scope=" ".join(row.scopes),
        )


def _grant(row: AuthSession | LiveSession, role: StaffRole) -> AccessGrant:
    return AccessGrant(
        sub=row.user_id,
        org=row.organization_id,
        sid=row.id,
        scopes=frozenset(row.scopes),
        role=role,
        ver=TOKEN_VERSION,
        # For other verifiers of our tokens; here the session's row is asked.
        auth_time=int(row.authenticated_at.timestamp()) if row.authenticated_at else None,
        amr=tuple(row.amr or ()),
    )
