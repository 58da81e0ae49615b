"""API keys: of one organisation, and of one person in all of theirs."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, column, func, or_, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api_keys.models import ApiKey
from app.core.pagination import Keyset, PageOfRows, Pagination
from app.organizations.models import Membership
from app.organizations.repository import Standing, read_standing, select_standing
from app.users.queries import lock_person

NEWEST_FIRST = Keyset("api_keys", (ApiKey.created_at, ApiKey.id))
USE_IS_NOTED_EVERY = timedelta(minutes=1)

# `auth` is a neighbour that this slice does not know: of its table no more than whether a session lives.
AUTH_SESSIONS = table("auth_sessions", column("id"), column("organization_id"), column("revoked_at"))


async def organization_of_key(session: AsyncSession, digest: bytes) -> UUID | None:
    """Before the tenant is known; None for a key that never was."""
    query = select(func.api_key_organization(digest, type_=Uuid()))
    return (await session.execute(query)).scalar_one()


@dataclass(frozen=True, slots=True)
class RevokedKey:
    id: UUID
    organization_id: UUID
    digest: bytes


async def revoke_keys_of_user(session: AsyncSession, user_id: UUID) -> list[RevokedKey]:
    """In every organisation; the session must be bound to this user."""
    await lock_person(session, user_id)
    statement = (
        update(ApiKey)
        .where(ApiKey.user_id == user_id, *_alive())
        .values(revoked_at=func.now())
        .returning(ApiKey.id, ApiKey.organization_id, ApiKey.digest)
    )
    return [RevokedKey(*row) for row in await session.execute(statement)]


async def count_keys_of_user(session: AsyncSession, user_id: UUID) -> int:
    """In every organisation; the session must be bound to this user."""
    query = select(func.count()).select_from(ApiKey).where(ApiKey.user_id == user_id, *_alive())
    return (await session.execute(query)).scalar_one()


class ApiKeyRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self.organization_id = organization_id

    async def add(self, key: ApiKey) -> None:
        self._session.add(key)
        await self._session.flush()
        await self._session.refresh(key)

    async def lock_owner(self, user_id: UUID, *, session_id: UUID) -> bool:
        """Holds everything that changes this person's keys until the transaction ends.

        False where the account is inactive or the session was ended, or is gone: its token is believed for
        two seconds longer, in which it must not make a key that outlives it.
        """
        is_active = await lock_person(self._session, user_id)
        query = (
            select(AUTH_SESSIONS.c.id)
            .where(AUTH_SESSIONS.c.id == session_id, AUTH_SESSIONS.c.revoked_at.is_(None))
            .where(AUTH_SESSIONS.c.organization_id == self.organization_id)
            .with_for_update(read=True)
        )
        return is_active and await self._session.scalar(query) is not None

    async def save(self) -> None:
        """Writes what was changed so far, before what comes next."""
        await self._session.flush()

    async def supersede(self, key: ApiKey, *, successor_id: UUID, overlap: timedelta) -> None:
        """By PostgreSQL's clock, which is the one that expiry is measured with."""
        end = func.least(ApiKey.expires_at, func.clock_timestamp() + overlap)
        await self._session.execute(
            update(ApiKey)
            .where(ApiKey.organization_id == self.organization_id, ApiKey.id == key.id)
            .values(superseded_by=successor_id, expires_at=end)
        )

    async def revoke_by_digest(self, digest: bytes) -> ApiKey | None:
        """None when there was nothing to revoke: of many at once one is given the key."""
        statement = (
            update(ApiKey)
            .where(ApiKey.digest == digest, *self._living())
            .values(revoked_at=func.now())
            .returning(ApiKey)
        )
        return await self._session.scalar(statement)

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        """None when unknown, revoked or expired."""
        return await self._session.scalar(select(ApiKey).where(ApiKey.digest == digest, *self._living()))

    async def standing_of(self, user_id: UUID) -> Standing | None:
        query = select_standing(self.organization_id).where(Membership.user_id == user_id)
        row = (await self._session.execute(query)).one_or_none()
        return read_standing(row) if row else None

    async def note_use(self, key: ApiKey, *, address: str | None) -> None:
        """At most one write a minute and key, so that reading costs no write."""
        if key.last_used_at and key.last_used_at > datetime.now(UTC) - USE_IS_NOTED_EVERY:
            return
        # Of many uses at once one writes.
        stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - USE_IS_NOTED_EVERY)
        await self._session.execute(
            update(ApiKey)
            .where(ApiKey.organization_id == self.organization_id, ApiKey.id == key.id, stale)
            .values(last_used_at=func.now(), last_used_ip=address)
            .execution_options(synchronize_session=False)
        )

    async def page(self, user_id: UUID, pagination: Pagination) -> PageOfRows[ApiKey]:
        query = select(ApiKey).where(ApiKey.user_id == user_id, *self._living())
        return pagination.page((await self._session.scalars(pagination.apply(query))).all())

    async def get_of_user(self, key_id: UUID, user_id: UUID) -> ApiKey | None:
        query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.user_id == user_id, *self._living())
        return await self._session.scalar(query)

    async def default_of_user(self, user_id: UUID) -> ApiKey | None:
        """Expired ones too, which still hold the place."""
        query = select(ApiKey).where(
            ApiKey.organization_id == self.organization_id,
            ApiKey.user_id == user_id,
            ApiKey.is_default,
            ApiKey.revoked_at.is_(None),
        )
        return await self._session.scalar(query)

    def _living(self) -> tuple[ColumnElement[bool], ...]:
        return ApiKey.organization_id == self.organization_id, *_alive()


def _alive() -> tuple[ColumnElement[bool], ...]:
    return ApiKey.revoked_at.is_(None), ApiKey.expires_at > func.clock_timestamp()
