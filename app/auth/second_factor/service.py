"""Setting up one's own second factor, changing it, and taking it away."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.second_factor.errors import NoSecondFactorError, SecondFactorEnabledError, WrongCodeError
from app.auth.second_factor.models import SecondFactor
from app.auth.second_factor.proof import CodeProof
from app.auth.second_factor.recovery_codes import digest_of, new_codes
from app.auth.second_factor.repository import SecondFactorRepository
from app.auth.second_factor.schemas import Enrolment, SecondFactorOut
from app.auth.second_factor.totp import new_secret, provisioning_uri
from app.auth.sessions import announce, demand_living
from app.core.principal import Principal
from app.core.principal_cache import PrincipalCache
from app.outbox.mails import Mail, queue_mail
from app.users.queries import lock_person

CHANGES = {
    AuditAction.SECOND_FACTOR_ENABLED: "enabled",
    AuditAction.SECOND_FACTOR_DISABLED: "disabled",
    AuditAction.RECOVERY_CODES_REPLACED: "recovery_codes_replaced",
    AuditAction.RECOVERY_CODE_USED: "recovery_code_used",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and from where."""

    principal: Principal
    address: str | None


class SecondFactorService:
    """In the caller's own transaction."""

    def __init__(
        self, session: AsyncSession, caller: Caller, *, proof: CodeProof, cache: PrincipalCache
    ) -> None:
        self._session = session
        self._caller = caller
        self._user_id = caller.principal.user_id
        self._proof = proof
        self._cache = cache
        self._factors = SecondFactorRepository(session, self._user_id)

    async def read(self) -> SecondFactorOut:
        factor = await self._factors.get()
        confirmed_at = factor.confirmed_at if factor else None
        return SecondFactorOut(
            enabled=confirmed_at is not None,
            pending=factor is not None and confirmed_at is None,
            confirmed_at=confirmed_at,
            recovery_codes_left=await self._factors.count_codes(),
        )

    async def enroll(self) -> Enrolment:
        """Pending until confirmed; a former pending one is void. Raises SecondFactorEnabledError."""
        await self._hold()
        secret = new_secret()
        sealed = self._proof.seal(secret, owner=self._user_id)
        if not await self._factors.enroll(sealed, now=self._proof.now()):
            raise SecondFactorEnabledError
        account = await self._factors.username()
        return Enrolment(secret=secret, otpauth_uri=provisioning_uri(secret, account=account))

    async def confirm(self, code: str) -> list[str]:
        """The recovery codes. Raises NoSecondFactorError, SecondFactorEnabledError, WrongCodeError."""
        await self._hold()
        factor = await self._factors.lock()
        if factor is None:
            raise NoSecondFactorError
        if factor.confirmed_at is not None:
            raise SecondFactorEnabledError
        await self._check(factor, code)
        factor.confirmed_at = self._proof.now()
        await self._tell(AuditAction.SECOND_FACTOR_ENABLED)
        return await self._new_codes()

    async def replace_codes(self, code: str) -> list[str]:
        """Ten new recovery codes; the former ones are void. Raises NoSecondFactorError, WrongCodeError."""
        await self._prove(code)
        await self._tell(AuditAction.RECOVERY_CODES_REPLACED)
        return await self._new_codes()

    async def disable(self, code: str) -> None:
        """Raises NoSecondFactorError, WrongCodeError."""
        # First, as every login and switch does: the session of one that runs meanwhile is unproved too.
        await lock_person(self._session, self._user_id)
        await self._prove(code)
        await self._factors.remove()
        # A session that it had proved is from now on one by password only: staff scopes go with it.
        announce(self._session, await self._factors.unprove_sessions(), cache=self._cache)
        await self._tell(AuditAction.SECOND_FACTOR_DISABLED)

    async def _prove(self, code: str) -> None:
        factor = await self._confirmed()
        if await self._check(factor, code) == "rec":
            await self._tell(AuditAction.RECOVERY_CODE_USED)

    async def _hold(self) -> None:
        await lock_person(self._session, self._user_id)
        await demand_living(self._session, self._caller.principal)

    async def _check(self, factor: SecondFactor, code: str) -> str:
        try:
            return await self._proof.check(self._factors, factor, code)
        except WrongCodeError:
            # Kept, as the error commits: whoever holds an open session does not guess unseen.
            await record(self._session, self._event(AuditAction.LOGIN_FAILURE, {"reason": "second_factor"}))
            raise

    async def _confirmed(self) -> SecondFactor:
        factor = await self._factors.lock()
        if factor is None or factor.confirmed_at is None:
            raise NoSecondFactorError
        return factor

    async def _new_codes(self) -> list[str]:
        codes = new_codes()
        await self._factors.replace_codes([digest_of(code) for code in codes])
        return codes

    def _event(self, action: AuditAction, details: dict[str, str] | None = None) -> AuditEvent:
        principal = self._caller.principal
        return AuditEvent(
            action,
            organization_id=principal.organization_id,
            actor_kind="user",
            actor_id=principal.user_id,
            credential_id=principal.credential_id,
            subject_id=principal.user_id,
            address=self._caller.address,
            details=details or {},
        )

    async def _tell(self, action: AuditAction) -> None:
        await record(self._session, self._event(action))
        facts = {"change": CHANGES[action]}
        await queue_mail(self._session, Mail.SECOND_FACTOR_CHANGED, user_id=self._user_id, facts=facts)
