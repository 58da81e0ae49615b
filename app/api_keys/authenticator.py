"""Verifies an API key: its checksum here, its row in Redis' memory of one second or in PostgreSQL."""

from functools import partial
from uuid import UUID

from app.api_keys.models import ApiKey
from app.api_keys.repository import ApiKeyRepository, organization_of_key
from app.api_keys.rules import scopes_for_keys
from app.core.api_key_format import PREFIX, digest, is_well_formed
from app.core.auth_metrics import API_KEY
from app.core.db import Database, Tenant, bind_tenant
from app.core.guard import InvalidCredentialError
from app.core.principal import Principal, Scope, StaffRole
from app.core.principal_cache import PrincipalCache, api_key_name
from app.organizations.repository import Standing


class ApiKeyAuthenticator:
    def __init__(self, database: Database, cache: PrincipalCache) -> None:
        self._database = database
        self._cache = cache

    def recognises(self, credential: str) -> bool:
        return credential.startswith(PREFIX)

    async def authenticate(self, credential: str, *, address: str | None) -> Principal:
        """Raises InvalidCredentialError for anything but a living key of an active owner."""
        with API_KEY:
            return await self._verify(credential, address)

    def expected(self, credential: str) -> Principal | None:
        """None before this process has found the key to live."""
        if not is_well_formed(credential):
            return None
        return self._cache.expected(api_key_name(digest(credential)))

    async def _verify(self, credential: str, address: str | None) -> Principal:
        if not is_well_formed(credential):
            raise InvalidCredentialError(internal="the key's form or checksum is wrong")
        key_digest = digest(credential)
        load = partial(self._from_database, key_digest, address=address)
        return await self._cache.fetch(api_key_name(key_digest), load)

    async def _from_database(self, key_digest: bytes, *, address: str | None) -> Principal:
        async with self._database.transaction() as session:
            organization_id = await organization_of_key(session, key_digest)
            if organization_id is None:
                raise InvalidCredentialError(internal="no such key")
            await bind_tenant(session, Tenant(organization_id))
            keys = ApiKeyRepository(session, organization_id)
            row = await keys.by_digest(key_digest)
            standing = await keys.standing_of(row.user_id) if row else None
            if row is None or standing is None or not standing.is_active:
                raise InvalidCredentialError(internal="the key is revoked or expired, or its owner inactive")
            await keys.note_use(row, address=address)
            return _principal(row, organization_id, standing)


def _principal(row: ApiKey, organization_id: UUID, standing: Standing) -> Principal:
    """An ordinary user's, whoever owns the key: what staff may do, only a person's own login may."""
    return Principal(
        kind="api_key",
        user_id=row.user_id,
        organization_id=organization_id,
        credential_id=row.id,
        staff_role=StaffRole.USER,
        membership_role=standing.membership_role,
        plan=standing.plan,
        scopes=scopes_for_keys(standing.membership_role) & {Scope(scope) for scope in row.scopes},
        rate_limit=row.rate_limit,
    )
