"""Making, changing and revoking keys. Only a person does; a key may do none of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.api_keys.errors import (
    ApiKeyNotFoundError,
    ApiKeySupersededError,
    KeyCannotManageKeysError,
    TooManyApiKeysError,
)
from app.api_keys.models import ApiKey
from app.api_keys.repository import (
    NEWEST_FIRST,
    ApiKeyRepository,
    count_keys_of_user,
    organization_of_key,
    revoke_keys_of_user,
)
from app.api_keys.rules import expiry, granted_scopes, inherited_expiry, inherited_scopes
from app.api_keys.schemas import ApiKeyChanges, ApiKeyIn
from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.core.api_key_format import digest, generate_api_key, is_well_formed, prefix
from app.core.conditional import Precondition
from app.core.db import TENANT_KEY, Tenant, after_commit, bind_tenant
from app.core.guard import InvalidCredentialError
from app.core.ids import new_id
from app.core.pagination import CursorCodec, PageOfRows, PageRequest, Pagination
from app.core.plans import PLANS
from app.core.principal import Principal
from app.core.principal_cache import PrincipalCache, api_key_name
from app.outbox.mails import Mail, queue_mail

DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """The only time that `secret` exists outside its owner's hands."""

    row: ApiKey
    secret: str


class ApiKeyReader:
    def __init__(self, session: AsyncSession, principal: Principal) -> None:
        self._user_id = principal.user_id
        self._keys = ApiKeyRepository(session, principal.organization_id)

    async def page(self, cursors: CursorCodec, request: PageRequest) -> PageOfRows[ApiKey]:
        """The living ones. Raises InvalidCursorError."""
        scope = {"organization_id": self._keys.organization_id, "user_id": self._user_id}
        return await self._keys.page(self._user_id, Pagination(cursors, NEWEST_FIRST, request, scope))

    async def get(self, key_id: UUID) -> ApiKey:
        """Raises ApiKeyNotFoundError."""
        row = await self._keys.get_of_user(key_id, self._user_id)
        if row is None:
            raise ApiKeyNotFoundError
        return row


class ApiKeyService(ApiKeyReader):
    """Each change holds the owner's row first: the cap, the one default key and a rotation know no race."""

    def __init__(
        self,
        session: AsyncSession,
        principal: Principal,
        cache: PrincipalCache,
        *,
        address: str | None = None,
    ) -> None:
        if principal.kind != "user":
            raise KeyCannotManageKeysError
        super().__init__(session, principal)
        self._session = session
        self._principal = principal
        self._cache = cache
        self._address = address

    async def create(self, wanted: ApiKeyIn) -> CreatedKey:
        """Raises ScopeNotGrantableError, TooManyApiKeysError, ValidationFailedError (expiry)."""
        await self._hold()
        await self._check_room()
        return await self._make(
            name=wanted.name,
            scopes=granted_scopes(self._principal, wanted.scopes),
            rate_limit=wanted.rate_limit,
            expires_at=expiry(wanted.expires_at),
        )

    async def change(self, key_id: UUID, changes: ApiKeyChanges, precondition: Precondition) -> ApiKey:
        """Raises ApiKeyNotFoundError, ApiKeySupersededError, PreconditionFailedError, ScopeNotGrantableError.

        Also what `expiry` raises.
        """
        row = await self._held(key_id)
        precondition.demand(row)
        given = changes.model_fields_set
        if "scopes" in given:
            row.scopes = granted_scopes(self._principal, changes.scopes, held=row.scopes)
        if "expires_at" in given:
            row.expires_at = expiry(changes.expires_at)
        for name in given & {"name", "rate_limit"}:
            setattr(row, name, getattr(changes, name))
        if given:
            await self._record(AuditAction.API_KEY_CHANGED, row, fields=" ".join(sorted(given)))
            self._announce(row)
        return row

    async def rotate(self, key_id: UUID, *, overlap: timedelta) -> CreatedKey:
        """The same key under a new secret; the old one ends after `overlap`, or at its own end before that.

        Raises ApiKeyNotFoundError, ApiKeySupersededError, ScopeNotGrantableError, TooManyApiKeysError.
        """
        old = await self._held(key_id)
        if overlap:
            await self._check_room()
        was_default, old.is_default = old.is_default, False
        await self._keys.save()
        created = await self._make(
            name=old.name,
            scopes=inherited_scopes(self._principal, old),
            rate_limit=old.rate_limit,
            expires_at=inherited_expiry(old),
            is_default=was_default,
        )
        await self._keys.supersede(old, successor_id=created.row.id, overlap=overlap)
        await self._record(AuditAction.API_KEY_ROTATED, old, overlap_seconds=int(overlap.total_seconds()))
        self._announce(old)
        return created

    async def replace_default(self) -> CreatedKey:
        """The one default key, in place of the former, which ends at once. Raises TooManyApiKeysError."""
        await self._hold()
        former = await self._keys.default_of_user(self._user_id)
        if former is not None:
            await self._revoke(former)
            await self._keys.save()
        await self._check_room()
        scopes = granted_scopes(self._principal, None)
        return await self._make(name=DEFAULT_NAME, scopes=scopes, expires_at=expiry(None), is_default=True)

    async def revoke_default(self) -> None:
        """Raises ApiKeyNotFoundError."""
        await self._hold()
        row = await self._keys.default_of_user(self._user_id)
        if row is None or row.expires_at <= datetime.now(UTC):
            raise ApiKeyNotFoundError("You have no default key")
        await self._revoke(row)

    async def revoke(self, key_id: UUID) -> None:
        """Raises ApiKeyNotFoundError."""
        await self._revoke(await self.get(key_id))

    async def _hold(self) -> None:
        if not await self._keys.lock_owner(self._user_id, session_id=self._principal.credential_id):
            raise InvalidCredentialError(internal="the session has ended, or the account is inactive")

    async def _held(self, key_id: UUID) -> ApiKey:
        await self._hold()
        row = await self.get(key_id)
        if row.superseded_by is not None:
            raise ApiKeySupersededError
        return row

    async def _check_room(self) -> None:
        most = PLANS[self._principal.plan].keys_per_member
        if await count_keys_of_user(self._session, self._user_id) >= most:
            raise TooManyApiKeysError

    async def _make(
        self,
        *,
        name: str,
        scopes: list[str],
        expires_at: datetime,
        rate_limit: int | None = None,
        is_default: bool = False,
    ) -> CreatedKey:
        secret = generate_api_key()
        row = ApiKey(
            id=new_id(),
            organization_id=self._principal.organization_id,
            user_id=self._user_id,
            name=name,
            prefix=prefix(secret),
            digest=digest(secret),
            scopes=scopes,
            rate_limit=rate_limit,
            expires_at=expires_at,
            created_by_session=self._principal.credential_id,
            is_default=is_default,
        )
        await self._keys.add(row)
        await self._record(AuditAction.API_KEY_GENERATED, row, scopes=" ".join(scopes))
        return CreatedKey(row, secret)

    async def _revoke(self, row: ApiKey) -> None:
        row.revoked_at = datetime.now(UTC)
        await self._record(AuditAction.API_KEY_REVOKED, row)
        self._announce(row)

    def _announce(self, row: ApiKey) -> None:
        after_commit(self._session, partial(self._cache.forget, api_key_name(row.digest)))

    async def _record(self, action: AuditAction, row: ApiKey, **details: str | int) -> None:
        event = AuditEvent(
            action,
            organization_id=row.organization_id,
            actor_kind="user",
            actor_id=self._user_id,
            credential_id=self._principal.credential_id,
            subject_id=row.user_id,
            target=("api_key", row.id),
            address=self._address,
            details={"prefix": row.prefix, **details},
        )
        await record(self._session, event)


async def revoke_all_keys(session: AsyncSession, user_id: UUID, *, cache: PrincipalCache) -> int:
    """In every organisation of the user's, who the running transaction must be bound to; how many there were.

    Each organisation's log is told of its own. Who did it, the log says of what this is a part of.
    """
    revoked = await revoke_keys_of_user(session, user_id)
    bound: Tenant = session.info.get(TENANT_KEY, Tenant(user_id=user_id))
    for key in revoked:
        await bind_tenant(session, Tenant(key.organization_id, user_id))
        event = AuditEvent(
            AuditAction.API_KEY_REVOKED,
            organization_id=key.organization_id,
            actor_kind="system",
            subject_id=user_id,
            target=("api_key", key.id),
        )
        await record(session, event)
    after_commit(session, partial(cache.forget, *(api_key_name(key.digest) for key in revoked)))
    await bind_tenant(session, bound)
    return len(revoked)


async def report_leak(session: AsyncSession, key: str, *, address: str | None, cache: PrincipalCache) -> None:
    """Who holds a key may end it. Says nothing of whether there was one."""
    key_digest = digest(key)
    organization_id = await organization_of_key(session, key_digest) if is_well_formed(key) else None
    if organization_id is None:
        return
    await bind_tenant(session, Tenant(organization_id))
    row = await ApiKeyRepository(session, organization_id).revoke_by_digest(key_digest)
    if row is None:
        return
    event = AuditEvent(
        AuditAction.API_KEY_LEAKED,
        organization_id=organization_id,
        actor_kind="anonymous",
        subject_id=row.user_id,
        target=("api_key", row.id),
        address=address,
        details={"prefix": row.prefix},
    )
    await record(session, event)
    await queue_mail(
        session, Mail.LEAKED, user_id=row.user_id, facts={"name": row.name, "prefix": row.prefix}
    )
    after_commit(session, partial(cache.forget, api_key_name(key_digest)))
