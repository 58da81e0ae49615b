"""Mails with a token, and what their tokens do: two routes below /users, two below /auth."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.accounts.errors import InvalidMailTokenError
from app.accounts.recovery import RecoveryService
from app.accounts.schemas import Detail, MailRequest, NewPassword, ProofOfAddress
from app.core.db import AnonymousSession
from app.core.guard import count_bad_credential
from app.core.http import client_address
from app.core.limit_table import private_key
from app.core.limits import AsyncLimiter, Hit, Limit, limited
from app.core.openapi import ANONYMOUS, problems
from app.core.password_policy import WeakPasswordError
from app.outbox.mails import Mail
from app.users.manager import UserManager
from app.users.store import UserStore

verification_router = APIRouter()
password_router = APIRouter()

SENT = Detail(detail="If an account has this address, a mail is on its way to it.")


async def get_recovery(request: Request, session: AnonymousSession) -> RecoveryService:
    state = request.app.state
    manager = UserManager(
        UserStore(session),
        passwords=state.passwords,
        policy=state.settings.password_policy,
        tokens=state.mail_tokens,
    )
    address = client_address(request.scope.get("client"))
    return RecoveryService(session, manager, cache=state.principal_cache, address=address)


@dataclass(frozen=True, slots=True)
class Target:
    """The address that a mail is asked for, counted as the route's limit counts clients.

    Whether or not anybody has it; so nobody's mailbox is flooded, from however many places it is asked for.
    """

    limit: Limit

    async def __call__(self, body: MailRequest, request: Request) -> str:
        limiter: AsyncLimiter = request.app.state.limiter
        await limiter.enforce(request, [Hit(self.limit, private_key(body.email), "target")])
        return body.email


async def count_wrong_tokens(request: Request) -> AsyncIterator[None]:
    """Who guesses is slowed down by address, as with any other credential."""
    try:
        yield
    except InvalidMailTokenError:
        await count_bad_credential(request)
        raise


Recovery = Annotated[RecoveryService, Depends(get_recovery)]
WrongTokensCount = Depends(count_wrong_tokens, scope="function")


@verification_router.post(
    "/verify-request",
    status_code=202,
    dependencies=[limited(Limit.VERIFY_MAIL)],
    responses=problems(),
    openapi_extra=ANONYMOUS,
)
async def request_verification(
    email: Annotated[str, Depends(Target(Limit.VERIFY_MAIL))], recovery: Recovery
) -> Detail:
    """Have another mail sent that confirms my address. The answer is the same for every address."""
    await recovery.request(Mail.VERIFY, email)
    return SENT


@verification_router.post(
    "/verify",
    dependencies=[WrongTokensCount],
    responses=problems(InvalidMailTokenError),
    openapi_extra=ANONYMOUS,
)
async def verify(proof: ProofOfAddress, recovery: Recovery) -> Detail:
    """Confirm my address with the token of the mail; it works once, for 15 minutes."""
    await recovery.verify(proof.token)
    return Detail(detail="The address is confirmed.")


@password_router.post(
    "/forgot-password",
    status_code=202,
    dependencies=[limited(Limit.PASSWORD_MAIL)],
    responses=problems(),
    openapi_extra=ANONYMOUS,
)
async def forgot_password(
    email: Annotated[str, Depends(Target(Limit.PASSWORD_MAIL))], recovery: Recovery
) -> Detail:
    """Have a mail sent that lets me choose a new password. The answer is the same for every address."""
    await recovery.request(Mail.RESET_PASSWORD, email)
    return SENT


@password_router.post(
    "/reset-password",
    dependencies=[WrongTokensCount],
    responses=problems(InvalidMailTokenError, WeakPasswordError),
    openapi_extra=ANONYMOUS,
)
async def reset_password(new: NewPassword, recovery: Recovery) -> Detail:
    """Choose a new password with the token of the mail; it works once, and ends every session."""
    await recovery.reset_password(new.token, new.new_password)
    return Detail(detail="The password is changed. Log in with the new one.")
