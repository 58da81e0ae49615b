"""The second step of a login, whichever way the first one went: by password, or by a provider's word."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import LoginFailedError
from app.auth.second_factor.errors import SecondFactorRequiredError, WrongCodeError
from app.auth.second_factor.proof import CodeProof, Method
from app.auth.second_factor.repository import SecondFactorRepository
from app.core.errors import RateLimitedError
from app.outbox.mails import Mail, queue_mail


class SecondFactorLogin:
    def __init__(self, proof: CodeProof) -> None:
        self._proof = proof

    async def prove(
        self, session: AsyncSession, user_id: UUID, *, code: str | None, address: str | None
    ) -> list[Method]:
        """What the session's `amr` gets besides the first step; empty without a second factor.

        `session` must be bound to this user. The code is spent when the transaction commits.

        Raises:
            SecondFactorRequiredError: there is one, and no code came.
            LoginFailedError: the code is wrong, or too many were; the count of it is kept.
        """
        factors = SecondFactorRepository(session, user_id)
        factor = await factors.lock()
        if factor is None or factor.confirmed_at is None:
            return []
        if not code:
            raise SecondFactorRequiredError
        try:
            method = await self._proof.check(factors, factor, code)
        except (WrongCodeError, RateLimitedError) as error:
            # Nothing tells a wrong code from a right one that came after too many wrong ones.
            raise LoginFailedError(internal=f"second factor: {error}") from error
        if method == "rec":
            await _tell_of_recovery(session, user_id, address=address)
        return [method]


async def _tell_of_recovery(session: AsyncSession, user_id: UUID, *, address: str | None) -> None:
    # In the platform's log: no organisation is chosen yet.
    await record(
        session,
        AuditEvent(
            AuditAction.RECOVERY_CODE_USED,
            organization_id=None,
            actor_kind="user",
            actor_id=user_id,
            subject_id=user_id,
            address=address,
        ),
    )
    await queue_mail(
        session, Mail.SECOND_FACTOR_CHANGED, user_id=user_id, facts={"change": "recovery_code_used"}
    )
