"""Making, listing and revoking keys. Only a person does; a key may do none of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.api_keys.errors import (
    ApiKeyNotFoundError,
    KeyCannotManageKeysError,
    ScopeNotGrantableError,
    TooManyApiKeysError,
)
from app.api_keys.models import ApiKey
from app.api_keys.repository import ApiKeyRepository
from app.api_keys.schemas import ApiKeyIn
from app.core.api_key_format import digest, generate_api_key, prefix
from app.core.db import after_commit
from app.core.errors import FieldFault, ValidationFailedError
from app.core.principal import KEY_SCOPES, Principal, Scope
from app.core.principal_cache import PrincipalCache, api_key_name

DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=366)
MAX_KEYS_PER_USER = 50


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """The only time that `secret` exists outside its owner's hands."""

    row: ApiKey
    secret: str


class ApiKeyService:
    def __init__(self, session: AsyncSession, principal: Principal, cache: PrincipalCache) -> None:
        if principal.kind != "user":
            raise KeyCannotManageKeysError
        self._session = session
        self._principal = principal
        self._cache = cache
        self._keys = ApiKeyRepository(session, principal.organization_id)

    async def create(self, wanted: ApiKeyIn) -> CreatedKey:
        """Raises ScopeNotGrantableError, TooManyApiKeysError, ValidationFailedError (expiry)."""
        if await self._keys.count_of_user(self._principal.user_id) >= MAX_KEYS_PER_USER:
            raise TooManyApiKeysError
        secret = generate_api_key()
        row = ApiKey(
            organization_id=self._principal.organization_id,
            user_id=self._principal.user_id,
            name=wanted.name,
            prefix=prefix(secret),
            digest=digest(secret),
            scopes=self._scopes(wanted.scopes),
            rate_limit=wanted.rate_limit,
            expires_at=_expiry(wanted.expires_at),
        )
        await self._keys.add(row)
        return CreatedKey(row, secret)

    async def living(self) -> list[ApiKey]:
        return await self._keys.of_user(self._principal.user_id)

    async def revoke(self, key_id: UUID) -> None:
        row = await self._keys.get_of_user(key_id, self._principal.user_id)
        if row is None:
            raise ApiKeyNotFoundError
        row.revoked_at = datetime.now(UTC)
        after_commit(self._session, partial(self._cache.forget, api_key_name(row.digest)))

    def _scopes(self, wanted: list[Scope] | None) -> list[str]:
        grantable = self._principal.scopes & KEY_SCOPES
        if wanted is None:
            return sorted(grantable)
        if refused := sorted(set(wanted) - grantable):
            raise ScopeNotGrantableError(f"Not grantable to a key of yours: {' '.join(refused)}")
        return sorted(set(wanted))


def _expiry(wanted: datetime | None) -> datetime:
    now = datetime.now(UTC)
    expires_at = wanted or now + DEFAULT_LIFETIME
    if not now < expires_at <= now + MAX_LIFETIME:
        fault = FieldFault("/expires_at", "out_of_range", "must lie in the future, within a year")
        raise ValidationFailedError(faults=[fault])
    return expires_at
