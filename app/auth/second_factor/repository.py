"""One person's second factor; the transaction must be bound to that person."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.models import AuthSession
from app.auth.second_factor.models import RecoveryCode, SecondFactor
from app.users.models import User


class SecondFactorRepository:
    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    async def get(self) -> SecondFactor | None:
        return await self._session.get(SecondFactor, self._user_id)

    async def username(self) -> str:
        """What the authenticator app shows the account as."""
        return (await self._session.scalars(select(User.username).where(User.id == self._user_id))).one()

    async def lock(self) -> SecondFactor | None:
        """Held until the transaction ends: of concurrent tries of one code only the first finds it unused."""
        query = (
            select(SecondFactor)
            .where(SecondFactor.user_id == self._user_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return await self._session.scalar(query)

    async def enroll(self, sealed_secret: bytes, *, now: datetime) -> bool:
        """A new pending one, in place of a former pending one; False where a confirmed one stands."""
        fresh = {
            "sealed_secret": sealed_secret,
            "created_at": now,
            "last_step": -1,
            "failures": 0,
            "failures_since": now,
        }
        statement = insert(SecondFactor).values(user_id=self._user_id, **fresh)
        upsert = statement.on_conflict_do_update(
            index_elements=[SecondFactor.user_id], set_=fresh, where=SecondFactor.confirmed_at.is_(None)
        )
        added = await self._session.scalar(upsert.returning(SecondFactor.user_id))
        return added is not None

    async def remove(self) -> None:
        """With its recovery codes."""
        await self._session.execute(delete(SecondFactor).where(SecondFactor.user_id == self._user_id))

    async def replace_codes(self, digests: Sequence[bytes]) -> None:
        await self._session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == self._user_id))
        rows = [{"user_id": self._user_id, "digest": digest} for digest in digests]
        await self._session.execute(insert(RecoveryCode), rows)

    async def spend_code(self, digest: bytes, *, now: datetime) -> bool:
        """Once: of two that spend the same code at the same time one gets False."""
        statement = (
            update(RecoveryCode)
            .where(RecoveryCode.user_id == self._user_id, RecoveryCode.digest == digest)
            .where(RecoveryCode.used_at.is_(None))
            .values(used_at=now)
            .returning(RecoveryCode.user_id)
        )
        return await self._session.scalar(statement) is not None

    async def count_codes(self) -> int:
        """Those not yet used."""
        query = select(func.count()).where(
            RecoveryCode.user_id == self._user_id, RecoveryCode.used_at.is_(None)
        )
        return (await self._session.execute(query)).scalar_one()

    async def unprove_sessions(self) -> Sequence[UUID]:
        """Takes from all live sessions, of every organisation, what the second factor had proved."""
        without_app = func.array_remove(AuthSession.amr, "otp")
        statement = (
            update(AuthSession)
            .where(AuthSession.user_id == self._user_id, AuthSession.revoked_at.is_(None))
            .values(amr=func.array_remove(without_app, "rec"))
            .returning(AuthSession.id)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.scalars(statement)).all()
