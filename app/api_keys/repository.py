"""API keys of one organisation."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api_keys.models import ApiKey
from app.organizations.models import Membership
from app.organizations.repository import Standing, read_standing, select_standing

USE_IS_NOTED_EVERY = timedelta(minutes=1)


async def organization_of_key(session: AsyncSession, digest: bytes) -> UUID | None:
    """Before the tenant is known; None for a key that never was."""
    query = select(func.api_key_organization(digest, type_=Uuid()))
    return (await session.execute(query)).scalar_one()


class ApiKeyRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def add(self, key: ApiKey) -> None:
        self._session.add(key)
        await self._session.flush()
        await self._session.refresh(key)

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        """None when unknown, revoked or expired."""
        return await self._session.scalar(select(ApiKey).where(ApiKey.digest == digest, *self._living()))

    async def standing_of(self, user_id: UUID) -> Standing | None:
        query = select_standing(self._organization_id).where(Membership.user_id == user_id)
        row = (await self._session.execute(query)).one_or_none()
        return read_standing(row) if row else None

    async def note_use(self, key_id: UUID, *, address: str | None) -> None:
        """At most one write a minute and key, so that reading costs no write."""
        stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - USE_IS_NOTED_EVERY)
        await self._session.execute(
            update(ApiKey)
            .where(ApiKey.organization_id == self._organization_id, ApiKey.id == key_id, stale)
            .values(last_used_at=func.now(), last_used_ip=address)
        )

    async def of_user(self, user_id: UUID) -> list[ApiKey]:
        query = select(ApiKey).where(ApiKey.user_id == user_id, *self._living()).order_by(ApiKey.id.desc())
        return list(await self._session.scalars(query))

    async def count_of_user(self, user_id: UUID) -> int:
        query = select(func.count()).select_from(ApiKey).where(ApiKey.user_id == user_id, *self._living())
        return (await self._session.execute(query)).scalar_one()

    async def get_of_user(self, key_id: UUID, user_id: UUID) -> ApiKey | None:
        query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.user_id == user_id, *self._living())
        return await self._session.scalar(query)

    def _living(self) -> tuple[ColumnElement[bool], ...]:
        return (
            ApiKey.organization_id == self._organization_id,
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > func.now(),
        )
