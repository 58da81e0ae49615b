"""Linked accounts, and states that are spent. Neither belongs to a tenant: one person may be in several."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.oauth.errors import OAuthLinkTakenError
from app.auth.oauth.identity import Identity
from app.auth.oauth.models import OAuthAccount, SpentOAuthState
from app.auth.oauth.state import Attempt
from app.core.db import UNIQUE_VIOLATION

SWEEP = 100


class OAuthAccountRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, provider: str, identity: Identity) -> OAuthAccount | None:
        query = select(OAuthAccount).where(
            OAuthAccount.provider == provider,
            OAuthAccount.issuer == identity.issuer,
            OAuthAccount.subject == identity.subject,
        )
        return await self._session.scalar(query)

    async def add(self, provider: str, identity: Identity, user_id: UUID) -> None:
        """Raises OAuthLinkTakenError: another person's, or this person has one of the provider already."""
        account = OAuthAccount(
            user_id=user_id,
            provider=provider,
            issuer=identity.issuer,
            subject=identity.subject,
            email=identity.email,
            last_used_at=datetime.now(UTC),
        )
        self._session.add(account)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
                raise
            raise OAuthLinkTakenError from error

    async def list_of(self, user_id: UUID) -> Sequence[OAuthAccount]:
        query = select(OAuthAccount).where(OAuthAccount.user_id == user_id).order_by(OAuthAccount.provider)
        return (await self._session.scalars(query)).all()

    async def remove(self, account: OAuthAccount) -> None:
        await self._session.delete(account)
        await self._session.flush()

    async def remove_all(self, user_id: UUID) -> int:
        statement = delete(OAuthAccount).where(OAuthAccount.user_id == user_id).returning(OAuthAccount.id)
        return len((await self._session.scalars(statement)).all())


async def spend(session: AsyncSession, attempt: Attempt) -> bool:
    """False where it was spent before; of two at the same time one waits, and gets False."""
    await _sweep(session)
    expires_at = datetime.fromtimestamp(attempt.expires_at, UTC)
    statement = insert(SpentOAuthState).values(id=attempt.id, expires_at=expires_at).on_conflict_do_nothing()
    spent = await session.scalar(statement.returning(SpentOAuthState.id))
    return spent is not None


async def _sweep(session: AsyncSession) -> None:
    """A few at each login, so that no job is needed; those that another login sweeps are left to it."""
    expired = (
        select(SpentOAuthState.id)
        .where(SpentOAuthState.expires_at < func.now())
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(SpentOAuthState).where(SpentOAuthState.id.in_(expired)))
