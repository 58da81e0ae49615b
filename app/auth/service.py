"""Login. Hashing takes 25 ms, so no connection is held meanwhile: a lookup before, one statement after.

Whatever is wrong, the same happens and the same is said: one lookup, one hash, one statement that opens
nothing, and one transaction with one tally and one audit entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.events import AuditAction, AuditEvent
from app.audit.service import record
from app.auth.errors import EmailNotVerifiedError, LoginFailedError
from app.auth.lockout.clients import DeviceCookies, client_of
from app.auth.lockout.limits import LoginLimits
from app.auth.lockout.service import Attempt, Lockout
from app.auth.opening import Device, Login, Proof, SessionOpener
from app.auth.plain_login.service import Candidate, PlainLogin
from app.auth.plain_login.store import find_account
from app.auth.second_factor.errors import SecondFactorRequiredError
from app.auth.second_factor.login import SecondFactorLogin
from app.core.auth_metrics import AuthAction, Judgement
from app.core.db import Database, Tenant
from app.core.passwords import Passwords, Verified
from app.users.models import User
from app.users.store import UserStore

__all__ = ["Credentials", "Device", "Login", "LoginParts", "LoginService", "Outcome", "asked_scopes"]

JUDGED = Judgement(AuthAction.LOGIN, undecided=(SecondFactorRequiredError,))


class Outcome(StrEnum):
    """For the operator and the audit log; never for who tries."""

    WRONG = "wrong"
    UNKNOWN = "unknown"
    LOCKED = "locked"
    INACTIVE = "inactive"
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True, slots=True)
class Credentials:
    """`scopes` empty means all that are allowed."""

    login: str
    password: str
    scopes: frozenset[str]
    totp: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt under way, in its transaction."""

    session: AsyncSession
    attempt: Attempt
    device: Device


class HashReplacedError(Exception):
    """Between the lookup and the judgement. Internal: the login begins anew."""


@dataclass(frozen=True, slots=True)
class LoginParts:
    database: Database
    passwords: Passwords
    limits: LoginLimits
    devices: DeviceCookies
    plain: PlainLogin
    lockout: Lockout
    second_factor: SecondFactorLogin
    opener: SessionOpener
    email_verification: Literal["optional", "required"]


class LoginService:
    def __init__(self, parts: LoginParts) -> None:
        self.parts = parts

    async def log_in(self, credentials: Credentials, device: Device) -> Login:
        """Opens a session.

        Raises:
            LoginFailedError: whatever the reason; the count of it is kept.
            RateLimitedError: too many tried this account, or all accounts, from clients that are not known.
            SecondFactorRequiredError, EmailNotVerifiedError: only after the right password.
            UnavailableError: too many passwords wait to be hashed; nothing was counted.
        """
        with JUDGED:
            while True:
                try:
                    return await self._log_in(credentials, device)
                except HashReplacedError:
                    # By a password change, or by another login of an outdated hash: compare with the new one.
                    continue

    async def open_session(
        self,
        session: AsyncSession,
        user: User,
        *,
        scopes: frozenset[str],
        device: Device,
        amr: Sequence[str],
        proved_at: datetime,
    ) -> Login:
        """For a login that is proved otherwise, in the caller's transaction. Raises LoginFailedError."""
        proof = Proof(scopes, amr, proved_at=proved_at)
        return await self.parts.opener.open(session, user, proof, device=device)

    async def _log_in(self, credentials: Credentials, device: Device) -> Login:
        candidate = await self._verify(credentials, device)
        plain = await self.parts.plain.open(candidate, credentials.scopes, device=device)
        return plain or await self._judge(candidate, credentials, device)

    async def _judge(self, candidate: Candidate, credentials: Credentials, device: Device) -> Login:
        """Lets in what needs more than a password, and says why whom not."""
        account = candidate.account
        async with self.parts.database.transaction(Tenant(user_id=candidate.account_id)) as session:
            # Held from here: a password change or a deactivation either came before, and is seen, or waits
            # and then ends the session.
            user = await UserStore(session).lock(candidate.account_id)
            if user and account and user.hashed_password != account.hashed_password:
                raise HashReplacedError
            attempt = await self.parts.lockout.begin(
                session, candidate.account_id, client=candidate.client, is_decoy=user is None
            )
            trial = Trial(session, attempt, device)
            user = await self._check(trial, user, candidate.verified)
            amr = await self._second_step(trial, user, code=credentials.totp)
            proof = Proof(credentials.scopes, ["pwd", *amr], candidate.verified.replacement_hash)
            return await self._open(trial, user, proof)

    async def _verify(self, credentials: Credentials, device: Device) -> Candidate:
        parts = self.parts
        account = await find_account(parts.database, credentials.login)
        account_id = account.id if account else parts.limits.decoy_of(credentials.login)
        device_id = parts.devices.read(device.cookie, account_id)
        if device_id is None:
            await parts.limits.count(credentials.login)
        hashed = account.hashed_password if account else None
        verified = await parts.passwords.verify(credentials.password, hashed)
        return Candidate(account_id, account, client_of(device_id, device.address), verified)

    async def _check(self, trial: Trial, user: User | None, verified: Verified) -> User:
        """Raises LoginFailedError, EmailNotVerifiedError."""
        if user is None:
            raise await self._refusal(trial, Outcome.UNKNOWN)
        if trial.attempt.is_refused:
            raise await self._refusal(trial, Outcome.LOCKED)
        if not verified.ok:
            raise await self._refusal(trial, Outcome.WRONG)
        if not user.is_active:
            raise await self._refusal(trial, Outcome.INACTIVE)
        if self.parts.email_verification == "required" and not user.is_verified:
            raise EmailNotVerifiedError
        return user

    async def _second_step(self, trial: Trial, user: User, *, code: str | None) -> Sequence[str]:
        """Raises LoginFailedError, SecondFactorRequiredError."""
        address = trial.device.address
        try:
            return await self.parts.second_factor.prove(trial.session, user.id, code=code, address=address)
        except LoginFailedError as error:
            raise await self._refusal(trial, Outcome.SECOND_FACTOR) from error

    async def _open(self, trial: Trial, user: User, proof: Proof) -> Login:
        """Raises LoginFailedError where somebody belongs to no organisation."""
        try:
            login = await self.parts.opener.open(trial.session, user, proof, device=trial.device)
        except LoginFailedError as error:
            raise await self._refusal(trial, Outcome.INACTIVE) from error
        await self.parts.lockout.succeed(trial.session, trial.attempt)
        return login

    async def _refusal(self, trial: Trial, outcome: Outcome) -> LoginFailedError:
        address = trial.device.address
        await self.parts.lockout.fail(trial.session, trial.attempt, address=address)
        event = AuditEvent(
            AuditAction.LOGIN_FAILURE,
            organization_id=None,
            actor_kind="anonymous",
            subject_id=None if trial.attempt.is_decoy else trial.attempt.account_id,
            address=address,
            details={"reason": outcome},
        )
        await record(trial.session, event)
        return LoginFailedError(internal=f"login refused: {outcome}")


def asked_scopes(asked: str) -> frozenset[str]:
    """A space-separated scope request (RFC 6749, 3.3).

    Unknown ones stay in it: they are never allowed, and a request of nothing else would without them look
    like a request of none, which means all.
    """
    return frozenset(asked.split())
