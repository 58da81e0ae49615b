"""Is this code right, now, and for the first time? Counts the wrong ones; knows no route and no login."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog

from app.auth.second_factor.errors import WrongCodeError
from app.auth.second_factor.models import SecondFactor
from app.auth.second_factor.recovery_codes import digest_of, is_recovery_code
from app.auth.second_factor.repository import SecondFactorRepository
from app.auth.second_factor.sealing import SecretSeal, UnsealableError
from app.auth.second_factor.totp import is_code, match_step
from app.core.auth_metrics import SECOND_FACTOR
from app.core.errors import RateLimitedError

MAX_FAILURES = 5
FAILURE_WINDOW = timedelta(minutes=5)

# A session's `amr` gets it: a code of the app, or a recovery code.
Method = Literal["otp", "rec"]
_log = structlog.get_logger(__name__)


class CodeProof:
    """`clock` gives epoch seconds."""

    def __init__(self, seal: SecretSeal, *, clock: Callable[[], float] = time.time) -> None:
        self._seal = seal
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def seal(self, secret: str, *, owner: UUID) -> bytes:
        return self._seal.seal(secret, owner=owner)

    async def check(self, factors: SecondFactorRepository, factor: SecondFactor, code: str) -> Method:
        """Spends the code. `factor` must be locked.

        Raises:
            WrongCodeError: wrong, too old, or used before; it is counted.
            RateLimitedError: five wrong ones within five minutes. Recovery codes are let through all the
                same: nobody can guess them, and the owner keeps a way in while somebody else guesses.
        """
        with SECOND_FACTOR:
            return await self._spend(factors, factor, code)

    async def _spend(self, factors: SecondFactorRepository, factor: SecondFactor, code: str) -> Method:
        if is_recovery_code(code):
            if await factors.spend_code(digest_of(code), now=self.now()):
                return "rec"
            raise self._failure(factor)
        self._check_tries(factor)
        step = self._match(factor, code.replace(" ", ""))
        if step is None:
            raise self._failure(factor)
        factor.last_step = step
        return "otp"

    def _match(self, factor: SecondFactor, code: str) -> int | None:
        if not is_code(code):
            return None
        try:
            secret = self._seal.open(factor.sealed_secret, owner=factor.user_id)
        except UnsealableError as error:
            # The operator must see it; a recovery code is the owner's way in.
            _log.error("second_factor_unreadable", user_id=str(factor.user_id), reason=str(error))
            return None
        return match_step(secret, code, now=self._clock(), after=factor.last_step)

    def _check_tries(self, factor: SecondFactor) -> None:
        left = (factor.failures_since + FAILURE_WINDOW - self.now()).total_seconds()
        if factor.failures >= MAX_FAILURES and left > 0:
            detail = f"{MAX_FAILURES} wrong codes in {int(FAILURE_WINDOW.total_seconds())} seconds"
            raise RateLimitedError(detail, headers={"Retry-After": str(int(left) + 1)})

    def _failure(self, factor: SecondFactor) -> WrongCodeError:
        if self.now() - factor.failures_since >= FAILURE_WINDOW:
            factor.failures, factor.failures_since = 0, self.now()
        factor.failures += 1
        return WrongCodeError()
